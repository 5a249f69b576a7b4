from collections.abc import Iterator

import pytest

from streamgmm.service import outbox
from tests.events import checked_send


@pytest.fixture(autouse=True, scope="session")
def _every_event_is_as_the_schema_says() -> Iterator[None]:
    """Whatever a service in this process writes to its events topic is held against the schema that ships."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(outbox, "events_send", checked_send(outbox.events_send))
        yield
