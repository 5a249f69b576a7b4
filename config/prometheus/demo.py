"""`make demo-monitoring`: the demo with a Prometheus that scrapes it and watches its alert rules, without containers.

Prometheus is Debian's package. It listens on loopback, keeps its data in a temporary folder, and ends with the demo.
"""

import contextlib
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import yaml

HERE = Path(__file__).parent
HOW = "demo-monitoring needs Prometheus. On Debian and Ubuntu: apt-get install prometheus"


def free_port() -> int:
    """A port on loopback that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def configuration(service_port: int) -> str:
    """The shipped configuration, with the service at `service_port` of this machine."""
    config = yaml.safe_load((HERE / "prometheus.yml").read_text("utf-8"))
    config["global"] |= {"scrape_interval": "1s", "evaluation_interval": "1s"}
    config["rule_files"] = [str(HERE / name) for name in config["rule_files"]]
    config["scrape_configs"][0]["static_configs"] = [{"targets": [f"127.0.0.1:{service_port}"]}]
    return yaml.safe_dump(config)


@contextlib.contextmanager
def prometheus(service_port: int) -> Iterator[str]:
    """A Prometheus that watches the service; gives its address. Raises FileNotFoundError where none is installed."""
    program = shutil.which("prometheus")
    if program is None:
        raise FileNotFoundError(HOW)
    with TemporaryDirectory(prefix="streamgmm-prometheus-") as folder:
        config, address = Path(folder) / "prometheus.yml", f"127.0.0.1:{free_port()}"
        config.write_text(configuration(service_port), "utf-8")
        with (Path(folder) / "log").open("wb") as log:
            options = (
                f"--config.file={config}",
                f"--storage.tsdb.path={folder}/data",
                f"--web.listen-address={address}",
            )
            process = subprocess.Popen([program, *options], stdout=log, stderr=log)
        try:
            yield f"http://{address}"
        finally:
            process.terminate()
            process.wait(10)


def main() -> int:
    """The demo beside a Prometheus; arguments are handed on to `streamgmm demo`."""
    port = free_port()
    try:
        with prometheus(port) as address:
            print(f"Prometheus: {address}/alerts and {address}/graph")
            command = [sys.executable, "-m", "streamgmm", "demo", *sys.argv[1:], "--port", str(port)]
            with subprocess.Popen(command) as demo:
                while True:
                    with contextlib.suppress(KeyboardInterrupt):  # Ctrl-C reaches the demo too, which ends by itself
                        return demo.wait()
    except FileNotFoundError as error:
        print(error, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
