"""Kafka's published jars, fetched once by Maven into the checkout's cache; Java is installed where allowed."""

import hashlib
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from tests import debian
from tests.locked import locked

HERE = Path(__file__).parent
CACHE = HERE.parent.parent / ".cache" / "kafka"
PLUGIN = "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies"
HOW = (
    "The Kafka tests need Java 17 or newer and Maven. On Debian or Ubuntu: "
    "apt-get install openjdk-17-jre-headless maven (or default-jre-headless). "
    "Or point STREAMGMM_TEST_KAFKA=host:port at a Kafka that already runs."
)


def jars(pom: Path = HERE / "pom.xml") -> Path:
    """The folder with a project's jars, fetched if need be. Raises RuntimeError that says what to install."""
    install_java()
    libs = CACHE / hashlib.sha256(pom.read_bytes()).hexdigest()[:16]
    with locked(CACHE / "lock"):
        if not libs.exists():
            fetch(pom, libs)
    return libs


def fetch(pom: Path, libs: Path) -> None:
    with tempfile.TemporaryDirectory(dir=CACHE) as folder:
        build = Path(folder)
        shutil.copy(pom, build)
        run("mvn", "-q", "-B", PLUGIN, "-DincludeScope=runtime", "-DoutputDirectory=libs", cwd=build)
        (build / "libs").rename(libs)


def install_java() -> None:
    if java_version() >= 17 and shutil.which("mvn"):
        return
    if not debian.may_install():
        raise RuntimeError(HOW)
    debian.apt("update")
    known = subprocess.run(["apt-cache", "show", "openjdk-17-jre-headless"], capture_output=True, check=False)
    java = "default-jre-headless" if known.returncode else "openjdk-17-jre-headless"
    debian.apt("install", "-y", "--no-install-recommends", java, "maven")
    if java_version() < 17:
        raise RuntimeError(HOW)


def java_version() -> int:
    """The major version of `java` on the path; 0 where there is none."""
    if not shutil.which("java"):
        return 0
    answer = subprocess.run(["java", "-version"], capture_output=True, text=True, check=False).stderr
    found = re.search(r'version "(\d+)', answer)
    return int(found[1]) if found else 0


def run(*command: str, cwd: Path | None = None) -> None:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"`{' '.join(command)}` failed:\n{(done.stdout + done.stderr)[-2000:]}\n{HOW}")
