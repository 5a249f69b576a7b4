"""The one place that chooses a broker by its URL."""

import subprocess
import sys
from pathlib import Path

import pytest

from streamgmm import settings
from streamgmm.broker.kafka import Kafka
from streamgmm.broker.local_log import LocalLog
from streamgmm.broker.open import open_broker
from streamgmm.errors import SettingsError


def test_a_url_chooses_the_broker() -> None:
    assert isinstance(open_broker(settings.Broker(url="sqlite:///some.db")), LocalLog)
    assert isinstance(open_broker(settings.Broker(url="kafka://127.0.0.1:9092")), Kafka)


@pytest.mark.parametrize("url", ["sqlite:///:memory:", "sqlite://host/path", "redis://host", "kafka://"])
def test_other_urls_are_refused(url: str) -> None:
    with pytest.raises(SettingsError, match=r"broker\.url is kafka://"):
        open_broker(settings.Broker.model_construct(url=url))


async def test_a_relative_path_is_relative_to_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    async with open_broker(settings.Broker(url="sqlite:///here.db")):
        assert (tmp_path / "here.db").exists()
    async with open_broker(settings.Broker(url=f"sqlite:///{tmp_path}/there.db")):
        assert (tmp_path / "there.db").exists()


def test_the_embedded_log_works_without_kafka() -> None:
    program = """if True:
        import sys
        from streamgmm import settings
        from streamgmm.broker.open import open_broker
        open_broker(settings.Broker(url="sqlite:///some.db"))
        assert "aiokafka" not in sys.modules
    """
    subprocess.run([sys.executable, "-c", program], check=True)
