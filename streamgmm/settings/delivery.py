"""Transactions."""

from typing import Literal

from pydantic import ByteSize, Field

from streamgmm.settings.section import NAME, Seconds, Section


class Delivery(Section):
    """Transactions."""

    mode: Literal["exactly_once", "at_least_once"] = Field(
        "exactly_once",
        description="at_least_once publishes each round at once; after a crash some assignments come twice",
    )
    commit_interval: Seconds = Field(
        0.1,
        ge=0.001,
        le=60,
        description="time between transactions, less what the last commit took (half of it at most)",
    )
    commit_records: int = Field(
        50_000, ge=1, description="records after which a transaction is committed before its time"
    )
    checkpoint_bytes: ByteSize = Field(
        ByteSize(64 * 1024),
        ge=0,
        description="a checkpoint up to this size goes with every transaction; a larger one goes every "
        "checkpoint_interval, with small progress records in between",
    )
    checkpoint_interval: Seconds = Field(
        10.0, ge=0, le=600, description="time between the checkpoints of a large model; a restart learns it again"
    )
    prefix: str = Field(
        "streamgmm",
        min_length=1,
        max_length=100,
        pattern=NAME,
        description="first part of the transactional id `<prefix>.<output topic>.<model>`",
    )
    group: str | None = Field(
        "",
        max_length=249,
        description="consumer group that positions are published in, for lag tools; empty: `<prefix>.<model>`; "
        "null: none",
    )
