"""The README is true: its tables say what the code says, its commands run, its links lead somewhere."""

import os
import re
import shutil
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest
import yaml

from streamgmm.records.dead_letters import PREFIX
from streamgmm.service.access import Access
from streamgmm.service.http import application
from streamgmm.service.live.recorder import Recorder
from streamgmm.service.live.wire import Wire
from streamgmm.service.metrics import Metrics
from streamgmm.service.outbox import ORIGINAL_TIMESTAMP
from streamgmm.service.snapshot import Phase
from streamgmm.service.view import empty
from streamgmm.settings import Settings
from streamgmm.settings.source import load
from tests import readme_tables as tables
from tests.broker.test_kafka_security import CLIENT, PROPERTIES
from tests.kafka.server import KafkaServer, free_port

ROOT = tables.ROOT
TEXT = tables.README.read_text("utf-8")
BLOCK = re.compile(r"<!-- (\w+)(?:: (\w+))? -->\n```\w+\n(.*?)```", re.DOTALL)
HEADING = re.compile(r"^#+ (.*)$", re.MULTILINE)
KAFKA, HTTP = "127.0.0.1:9092", "127.0.0.1:8080"  # as the README has them


def blocks(mark: str, of: str = "") -> list[str]:
    """The code blocks behind `<!-- mark: of -->`."""
    return [code for kind, name, code in BLOCK.findall(TEXT) if (kind, name) == (mark, of)]


def section(title: str) -> str:
    _, _, behind = TEXT.partition(f"\n## {title}\n")
    return behind.partition("\n## ")[0]


def rows(text: str) -> list[list[str]]:
    """The cells of a text's tables, without their rules."""
    lines = [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("| ")]
    return [cells for cells in lines if not set("".join(cells)) <= set("- |")]


def names(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


# ---- tables


def test_generated_tables_are_what_the_code_says() -> None:
    assert tables.refreshed(TEXT) == TEXT, "run: python -m tests.readme_tables"
    assert set(re.findall(r"<!-- table: (\w+) -->", TEXT)) == set(tables.GENERATED)


def test_every_field_of_the_checkpoint_is_documented() -> None:
    found = {
        names(cells[0])[0]: cells[1] for cells in rows(section("The checkpoint")) if len(cells) == 3 and names(cells[0])
    }
    assert found == tables.checkpoint_fields()


def test_every_event_is_documented_with_its_fields() -> None:
    found = {names(kind)[0]: frozenset(names(fields)) for kind, fields, _ in rows(section("Events")) if names(kind)}
    assert found == tables.event_fields()


def test_every_exit_code_is_documented() -> None:
    found = [int(cells[0]) for cells in rows(section("Exit codes")) if cells[0].isdigit()]
    assert found == sorted(tables.exit_codes())


def test_every_path_and_phase_is_documented() -> None:
    settings = load(None, ["input.topic=t", "model.n_components=1"], {})
    recorder = Recorder(empty(settings))
    metrics, wire, access = Metrics(settings.model), Wire(settings, recorder), Access(settings.http)
    app = application(lambda: empty(settings), metrics, recorder, wire, access)
    text = section("HTTP")
    assert {names(cells[0])[0] for cells in rows(text) if names(cells[0])} == {route.path for route in app.routes}  # type: ignore[attr-defined]
    assert all(phase in text for phase in Phase.__args__)  # type: ignore[attr-defined]


def test_every_target_of_make_is_documented() -> None:
    phony = re.search(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert phony is not None
    found = {name for cells in rows(section("Development")) for name in re.findall(r"^`make (\S+)`", cells[0])}
    assert found == set(phony[1].split())


def test_every_folder_is_documented() -> None:
    found = {name for cells in rows(section("Development")) for name in re.findall(r"^`streamgmm/(\w+)/`", cells[0])}
    assert found == {path.name for path in (ROOT / "streamgmm").iterdir() if path.is_dir() and path.name[0] != "_"}


def test_topics_and_headers_are_named_as_the_code_names_them() -> None:
    settings = load(None, ["input.topic=IN", "output.topic=OUT", "model.n_components=1"], {})
    for name in settings.topics.values():
        assert f"`{name.replace('OUT', '<output>')}`" in section("Topics")
    for header in (
        "streamgmm-source",
        ORIGINAL_TIMESTAMP.decode(),
        *(PREFIX + part for part in ("reason", "message", "offset")),
    ):
        assert f"`{header}`" in section("Output")


# ---- settings and links


@pytest.mark.parametrize("program", sorted({name for kind, name, _ in BLOCK.findall(TEXT) if kind == "python"}))
def test_python_blocks_are_programs_that_print_what_they_say(program: str, tmp_path: Path) -> None:
    code = "\n".join(blocks("python", program))
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=tmp_path)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.splitlines() == re.findall(r"print\(.*\)  # (.*)", code)


def test_every_python_shown_is_run() -> None:
    assert TEXT.count("```python") == sum(kind == "python" for kind, _, _ in BLOCK.findall(TEXT))


@pytest.mark.parametrize("code", blocks("settings"))
def test_every_settings_file_shown_is_right(code: str, tmp_path: Path) -> None:
    file = tmp_path / "settings.yaml"
    file.write_text(code)
    assert isinstance(load(file, [], {}), Settings)


def test_the_smallest_file_shown_is_the_one_shipped() -> None:
    shipped = yaml.safe_load((ROOT / "config" / "minimal.yaml").read_text("utf-8"))
    assert shipped in [yaml.safe_load(code) for code in blocks("settings")]


def test_every_yaml_shown_is_marked_to_be_checked() -> None:
    assert TEXT.count("```yaml") == len(blocks("settings"))


def test_links_lead_somewhere() -> None:
    for target in re.findall(r"\]\(([^)]+)\)", TEXT):
        file, _, anchor = target.partition("#")
        assert (ROOT / file).exists(), target
        assert not anchor or anchor in anchors((ROOT / file).read_text() if file else TEXT), target


def anchors(text: str) -> set[str]:
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in HEADING.findall(text)}


def test_lines_of_text_fit_an_editors_window() -> None:
    text = re.sub(r"```.*?```", "", TEXT, flags=re.DOTALL)
    assert max(len(line) for line in text.splitlines() if not line.startswith("|")) <= 120


# ---- commands


class Shell:
    """A folder of its own, with the data where the README has it and `streamgmm` on the path."""

    def __init__(self, folder: Path, **replaced: str) -> None:
        self.folder, self.replaced = folder, replaced
        data = folder / "streamgmm" / "data"
        data.mkdir(parents=True)
        shutil.copy(ROOT / "streamgmm" / "data" / "players.csv", data)
        (folder / "bin").mkdir()
        command = folder / "bin" / "streamgmm"
        command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -P -m streamgmm "$@"\n')
        command.chmod(0o755)
        self.environment = os.environ | {"PATH": f"{folder / 'bin'}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT)}

    def start(self, code: str) -> "subprocess.Popen[str]":
        for old, new in self.replaced.items():
            code = code.replace(old, new)
        self.environment["STREAMGMM_HTTP__PORT"] = self.replaced.get(HTTP, "127.0.0.1:0").rpartition(":")[2]
        return subprocess.Popen(
            ["bash", "-ec", f"exec 2>&1\n{code}"],
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            text=True,
        )

    def run(self, code: str) -> str:
        process = self.start(code)
        output, _ = process.communicate(timeout=60)
        assert process.returncode == 0, output
        return output


def shown_below(code: str) -> str:
    """The output that the README shows for a block."""
    _, _, behind = TEXT.partition(code)
    found = re.match(r"```\n\n```text\n(.*?)```", behind, re.DOTALL)
    return found[1] if found else ""


def plain(text: str) -> list[str]:
    """What does not change from run to run: words, without numbers and names of topics."""
    return re.findall(r"[a-zA-Z_]{3,}", text)


def test_the_commands_for_the_embedded_log_run_and_print_what_is_shown(tmp_path: Path) -> None:
    shell = Shell(tmp_path)
    first, second = blocks("run", "embedded")
    assert "replayed 3,395 records into games" in shell.run(first)
    assert plain(shell.run(second)) == plain(shown_below(second))


@pytest.mark.long
def test_the_commands_for_kafka_run_and_print_what_is_shown(tmp_path: Path, kafka_url: str) -> None:
    address = f"127.0.0.1:{free_port()}"
    shell = Shell(tmp_path, **{f"kafka://{KAFKA}": kafka_url, HTTP: address})
    prepare, fill, *others = blocks("run", "kafka")
    for code in (prepare, fill):
        shell.run(code)
    (service,) = blocks("background", "kafka")
    running = shell.start(f"exec {service}")
    try:
        await_ready(f"http://{address}/readyz", running)
        for code in others:
            assert set(plain(shown_below(code))) - set(plain(shell.run(code))) <= {"kafka"}
    finally:
        running.terminate()
        running.communicate(timeout=30)
    assert running.returncode == 0


def await_ready(url: str, running: "subprocess.Popen[str]") -> None:
    """The service has learnt what there is."""
    deadline = time.monotonic() + 180  # it may have to compile first
    while time.monotonic() < deadline and running.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=2) as answer:
                if answer.status == 200:
                    return
        except OSError:
            pass
        time.sleep(0.1)
    running.terminate()
    raise AssertionError(f"not ready: {url}\n{running.communicate(timeout=30)[0]}")


@pytest.mark.long
def test_the_rights_shown_are_enough_and_each_is_needed(tmp_path: Path) -> None:
    (code,) = blocks("acl", "run")
    login = PROPERTIES["listener.name.plaintext.plain.sasl.jaas.config"].replace("user_guest", "user_streamgmm")
    guarded = PROPERTIES | {"listener.name.plaintext.plain.sasl.jaas.config": login}
    with KafkaServer(properties=guarded, client=CLIENT) as server:
        admin = tmp_path / "admin.properties"
        admin.write_text(
            "security.protocol=SASL_PLAINTEXT\nsasl.mechanism=PLAIN\nsasl.jaas.config="
            'org.apache.kafka.common.security.plain.PlainLoginModule required username="admin" '
            'password="admin-secret";\n'
        )
        shell = Shell(tmp_path)
        settings = tmp_path / "settings.yaml"
        settings.write_text(
            f"broker: {{url: '{server.url}', request_timeout: 5, security: "
            "{protocol: SASL_PLAINTEXT, username: streamgmm}}\n"
            "input: {topic: players, features: [APM, ActionLatency]}\nmodel: {name: players, n_components: 2}\n"
        )
        shell.environment["STREAMGMM_BROKER__SECURITY__PASSWORD"] = "admin-secret"
        shell.run(
            "sed s/streamgmm}/admin}/ settings.yaml > admin.yaml\n"
            "streamgmm replay streamgmm/data/players.csv --topic players --config admin.yaml"
        )
        shell.environment["STREAMGMM_BROKER__SECURITY__PASSWORD"] = "guest-secret"
        *first, last = code.strip().splitlines()
        for line in first:
            process = shell.start("streamgmm run --config settings.yaml --until-end")
            output, _ = process.communicate(timeout=60)
            assert process.returncode == 3, output
            assert "Authorization" in output
            grant(server, admin, line)
        shell.run("streamgmm run --config settings.yaml --until-end --set delivery.group=null")
        grant(server, admin, last)
        shell.run("streamgmm run --config settings.yaml --until-end")


def grant(server: KafkaServer, admin: Path, line: str) -> None:
    command, *arguments = line.replace("HOST:PORT", server.bootstrap).split()
    assert command == "kafka-acls.sh"
    server.tool("org.apache.kafka.tools.AclCommand", "--command-config", str(admin), *arguments)
