"""`streamgmm audit`: the proof of delivery on the settings' broker."""

from streamgmm.broker.open import open_broker
from streamgmm.service.audit import audit as proof
from streamgmm.service.audit.report import AuditReport
from streamgmm.settings import Settings


async def audit(settings: Settings) -> AuditReport:
    """Raises what `service.audit.audit` raises, and BrokerUnavailable."""
    async with open_broker(settings.broker, create=False) as broker:
        return await proof(settings, broker)
