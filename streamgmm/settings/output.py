"""What is published."""

from typing import Annotated, Literal

from pydantic import Field

from streamgmm.settings.section import NAME_OR_EMPTY, Section


class Output(Section):
    """What is published."""

    topic: str = Field(
        "",
        max_length=235,
        pattern=NAME_OR_EMPTY,
        description="where assignments go; empty: `<input.topic>.assignments`. The topics beside it are named "
        "`<output.topic>.model`, `.events` and `.dead-letters`",
    )
    format: Literal["msgpack", "json"] = Field("msgpack", description="how an assignment is encoded")
    responsibilities: Literal["all", "none"] | Annotated[int, Field(ge=1)] = Field(
        "all", description="all, none, or how many of the most probable, as `[[id, p], ...]`"
    )
    source_header: bool = Field(
        True, description="add the header `streamgmm-source: topic/partition/offset`; `audit` needs it"
    )
    compression: Literal["none", "gzip", "snappy", "lz4", "zstd"] = Field(
        "none", description="codec of the record batches that are written, where it makes them smaller"
    )
    create_topics: bool = Field(True, description="create missing output, dead-letter, event and model topics")
    replication: int = Field(
        1, ge=1, le=32767, description="replication factor of created topics; with 3 or more min.insync.replicas is 2"
    )
