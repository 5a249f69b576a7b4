"""A claim: the record in the model topic by which a learner says that it has the model."""

import os
import time
import uuid
from typing import NamedTuple

import msgspec

from streamgmm import __version__
from streamgmm.errors import Fenced, StateLost
from streamgmm.records.columns import Record
from streamgmm.service import checkpoint as checkpoints
from streamgmm.service.plain import from_plain, to_plain


class Claim(NamedTuple):
    """A learner's word that it has the model. `started`: a checkpoint of this model has been committed."""

    instance: str
    process: int
    version: str
    time: int  # milliseconds, for people
    started: bool


def claimed(*, started: bool) -> Claim:
    """A claim of a new instance in this process."""
    return Claim(uuid.uuid4().hex, os.getpid(), __version__, time.time_ns() // 1_000_000, started)


def claim_value(claim: Claim) -> bytes:
    """The value of a claim's record."""
    return msgspec.msgpack.encode(to_plain(claim))


def decode_claim(record: Record, topic: str) -> Claim:
    """The claim in a record. Raises StateLost if it is none."""
    try:
        claim: Claim = from_plain(Claim, msgspec.msgpack.decode(record.value or b""))
    except (ValueError, TypeError, msgspec.DecodeError) as error:
        raise StateLost(f"{topic} offset {record.offset} is not a claim: {error}. {checkpoints.MEND}") from error
    return claim


def fenced(model: str, other: Claim) -> Fenced:
    """The error that names who has taken over."""
    since = time.strftime("%H:%M:%S", time.localtime(other.time / 1000))
    return Fenced(
        f"model {model!r} has been taken over by learner {other.instance} (process {other.process}, version "
        f"{other.version}, at {since}). One model has one learner: this one stops, and must not be restarted while "
        "the other runs"
    )
