"""`audit(settings, broker)`: is every input record behind exactly one assignment or dead letter? Begins in `proof`."""

from streamgmm.service.audit.proof import audit

__all__ = ["audit"]
