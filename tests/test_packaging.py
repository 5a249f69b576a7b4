"""What ships, what is locked, and what `make` says of itself."""

import re
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]
LOCKS = ("requirements.lock", "requirements-dev.lock", "requirements-bench.lock", "benchmarks/peers/quix.lock")
NAME = re.compile(r"^([A-Za-z0-9._-]+)==(\S+) \\$", re.MULTILINE)


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def locked(name: str) -> dict[str, str]:
    return {normal(package): version for package, version in NAME.findall((ROOT / name).read_text())}


def declared(*extras: str) -> set[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = [*project["dependencies"], *(item for extra in extras for item in project["optional-dependencies"][extra])]
    return {normal(re.split(r"[<>=~!\[; ]", item)[0]) for item in wanted}


@pytest.mark.parametrize("name", LOCKS)
def test_locks_hold_no_addresses_and_no_paths(name: str) -> None:
    text = (ROOT / name).read_text()
    assert "://" not in text
    assert "index-url" not in text
    assert "find-links" not in text
    assert not re.search(r"(^|\s)/[a-z]", text)


@pytest.mark.parametrize("name", LOCKS)
def test_every_package_of_a_lock_is_pinned_with_hashes(name: str) -> None:
    for block in re.split(r"\n(?=[a-z])", (ROOT / name).read_text()):
        assert re.match(r"[a-z0-9._-]+==\S+ \\\n    --hash=sha256:[0-9a-f]{64}", block), block[:60]


def test_locks_hold_what_is_declared() -> None:
    runtime, dev, bench = (locked(name) for name in LOCKS[:3])
    assert declared("build") <= runtime.keys()
    assert declared("build", "dev") <= dev.keys()
    assert declared("build", "dev", "bench") <= bench.keys()
    assert runtime.items() <= dev.items() <= bench.items()
    assert not (declared("dev") - declared("build")) & runtime.keys()


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel and the source distribution."""
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "hatchling", "build", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    return folder


def test_the_wheel_holds_code_data_types_and_licences(built: Path) -> None:
    names = set(zipfile.ZipFile(next(built.glob("*.whl"))).namelist())
    wanted = {"__init__.py", "py.typed", "cli/program.py", "data/players.csv", "data/players.yaml", "data/NOTICE"}
    assert {f"streamgmm/{name}" for name in wanted} <= names
    assert any(name.endswith("licenses/LICENSE") for name in names)
    assert not [name for name in names if name.startswith(("tests/", "benchmarks/")) or "__pycache__" in name]


def test_the_source_distribution_can_be_built_from(built: Path) -> None:
    with tarfile.open(next(built.glob("*.tar.gz"))) as archive:
        names = {name.split("/", 1)[-1] for name in archive.getnames()}
    assert {"pyproject.toml", "README.md", "LICENSE", "streamgmm/data/players.csv"} <= names


def make(*arguments: str, folder: Path = ROOT) -> str:
    ran = subprocess.run(["make", "-C", str(folder), *arguments], check=True, capture_output=True, text=True)
    return ran.stdout


def test_make_alone_lists_every_target() -> None:
    phony = re.search(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert phony is not None
    listed = re.findall(r"^  make (\S+)", make("--no-print-directory"), re.MULTILINE)
    assert listed == phony.group(1).split()
    assert {"install", "demo", "test", "test-long", "lint", "bench", "kafka", "clean", "help"} <= set(listed)


def test_a_machine_without_a_suitable_python_is_told_what_to_install(tmp_path: Path) -> None:
    for name in ("Makefile", *LOCKS[:2], "pyproject.toml"):
        (tmp_path / name).write_bytes((ROOT / name).read_bytes())
    tools = tmp_path / "bin"
    tools.mkdir()
    for number, name in enumerate(("python3", "python3.11", "python3.12", "python3.13", "python3.14")):
        old = tools / name
        old.write_text(f'#!/bin/sh\n[ "$1" = --version ] && echo "Python 3.{number}.1"\nexit 0\n')
        old.chmod(0o755)
    command = ["make", "-C", str(tmp_path), "install"]
    ran = subprocess.run(command, check=False, capture_output=True, text=True, env={"PATH": f"{tools}:/usr/bin:/bin"})
    assert ran.returncode == 2
    assert "streamgmm needs Python 3.11" in ran.stderr
    assert "Python 3.0.1" in ran.stderr
    assert not (tmp_path / ".venv").exists()


def test_ci_runs_lint_and_every_test() -> None:
    script = (ROOT / ".ci" / "run").read_text()
    assert [line for line in script.splitlines() if line.startswith("make ")] == [
        "make lint",
        "make test",
        "make test-long",
    ]


def test_the_image_is_built_from_files_that_exist_and_that_the_context_holds() -> None:
    text = (ROOT / "docker" / "Dockerfile").read_text()
    copied = [name for line in re.findall(r"^COPY (?!--from)(.*) \S+$", text, re.MULTILINE) for name in line.split()]
    held = (ROOT / ".dockerignore").read_text().split()
    assert copied
    assert all((ROOT / name).exists() and f"!{name}" in held for name in copied)
    assert re.findall(r"^USER (.*)$", text, re.MULTILINE) == ["10001"]


def test_compose_runs_the_kafka_that_the_tests_run_and_publishes_on_loopback_alone() -> None:
    services = yaml.safe_load((ROOT / "docker" / "compose.yaml").read_text())["services"]
    version = re.search(r"kafka_2.13</artifactId><version>([0-9.]+)<", (ROOT / "tests/kafka/pom.xml").read_text())
    assert version is not None
    assert services["kafka"]["image"] == f"apache/kafka:{version.group(1)}"
    assert all(port.startswith("127.0.0.1:") for name in services for port in services[name].get("ports", []))
    settings = yaml.safe_load((ROOT / "config" / "minimal.yaml").read_text())
    assert f"--topic {settings['input']['topic']} " in services["input"]["command"]
