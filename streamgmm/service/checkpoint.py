"""A checkpoint: all that restores the learner, and all that another program needs to use the model.

It is one msgpack document, written to the model topic in as many parts as the topic's `max.message.bytes` asks for:
with every transaction or, where it is large, from time to time (`checkpoint_writer`). The README documents it field by
field; `SCHEMA` changes when the meaning of a field does.
"""

import zlib
from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec

from streamgmm import __version__
from streamgmm.broker.interface import DEFAULT_MESSAGE_BYTES, Topic
from streamgmm.engine.values import Live, Range, State, Totals, WarmUp
from streamgmm.errors import SettingsError, StateLost
from streamgmm.mixture import covariance
from streamgmm.service.compact import with_factors, with_triangles, without_factors
from streamgmm.service.plain import from_plain, to_plain
from streamgmm.settings import Model, Settings

SCHEMA = 8
ELSEWHERE = {"broker", "delivery", "http", "log"}  # sections of the settings that say nothing about the model
MEND = "Bring the topic back from a backup, or start the model anew (streamgmm model reset --positions forget)"


class Partitions(NamedTuple):
    """How many partitions the topics had at the first start: this fixes where a record's assignment goes."""

    input: int
    assignments: int
    dead_letters: int


class Checkpoint(NamedTuple):
    """The document, field by field; see the README."""

    schema: int
    version: str  # of the program that wrote it
    model: str
    input_topic: str
    input_format: str
    features: tuple[str, ...]
    weight: str | None
    event_time: str | None
    n_components: int | None
    covariance_type: str
    n_features: int | None
    partitions: Partitions
    start: Mapping[int, int]
    outputs_start: Mapping[str, Mapping[int, int]]
    positions: Mapping[int, int]
    buffered: tuple[Range, ...]
    totals: Totals
    generation: int
    ids_version: int
    next_id: int
    settings: Mapping[str, Any]  # that it learns by, section by section
    live: Live | None


class Origin(NamedTuple):
    """Where the model began: what stays the same in all of its checkpoints."""

    start: Mapping[int, int]  # of the input, by partition
    outputs_start: Mapping[str, Mapping[int, int]]  # ends of `assignments`, `dead_letters` and `events`, by partition
    partitions: Partitions


def of(state: State, settings: Settings, origin: Origin) -> Checkpoint:
    """The checkpoint of a state."""
    warm_up = state.model if isinstance(state.model, WarmUp) else WarmUp()
    live = state.model if isinstance(state.model, Live) else None
    return Checkpoint(
        schema=SCHEMA,
        version=__version__,
        model=settings.model.name,
        input_topic=settings.input.topic,
        input_format=settings.input.format,
        features=features(settings),
        weight=settings.input.weight,
        event_time=event_time(settings),
        n_components=n_components(live, settings),
        covariance_type=settings.model.covariance_type,
        n_features=state.n_features,
        **origin._asdict(),
        positions=state.positions,
        buffered=tuple(chunk.range for chunk in warm_up.buffered),
        totals=state.totals,
        generation=state.generation,
        ids_version=state.ids_version,
        next_id=state.next_id,
        settings=settings.model_dump(mode="json", exclude=ELSEWHERE),
        live=live,
    )


def n_components(live: Live | None, settings: Settings) -> int | None:
    """The model's number of components; before it has started the one asked for, None where it is to be chosen."""
    if live is not None:
        return len(live.ids)
    asked = settings.model.n_components
    return None if asked == "auto" else asked


def event_time(settings: Settings) -> str | None:
    """What identifies the event time: its field and unit, None for the records' timestamps."""
    field = settings.input.event_time
    return None if field is None else f"{field}:{settings.input.event_time_unit}"


def features(settings: Settings) -> tuple[str, ...]:
    """What identifies the features: their field, or each name with its transform."""
    declared = settings.input.features
    if isinstance(declared, str):
        return (declared,)
    return tuple(f"{feature.name}:{feature.transform}" for feature in declared)


def origin_of(checkpoint: Checkpoint) -> Origin:
    """Where the checkpoint's model began."""
    return Origin(checkpoint.start, checkpoint.outputs_start, checkpoint.partitions)


def state_of(checkpoint: Checkpoint) -> State:
    """The engine's state; a warm-up's buffer is empty and has to be read again from `buffered`."""
    return State(
        positions=checkpoint.positions,
        model=checkpoint.live or WarmUp(),
        n_features=checkpoint.n_features,
        totals=checkpoint.totals,
        generation=checkpoint.generation,
        ids_version=checkpoint.ids_version,
        next_id=checkpoint.next_id,
    )


def settings_of(checkpoint: Checkpoint, settings: Settings) -> Settings:
    """The settings with those that the checkpoint's model learnt by. Raises StateLost where they are not understood."""
    try:
        return Settings.model_validate(settings.model_dump() | dict(checkpoint.settings))
    except ValueError as error:
        raise StateLost(
            f"the checkpoint of model {checkpoint.model!r} was written by version {checkpoint.version} under settings "
            f"that this version ({__version__}) does not take, and records have to be learnt again under them. Start "
            f"that version once and stop it cleanly: {error}"
        ) from error


def refuse_contradictions(checkpoint: Checkpoint, settings: Settings) -> None:
    """Raise SettingsError if the settings describe another model than the checkpoint holds.

    What is read and how must stay from the first record on: a warm-up's records are read again after a restart.
    """
    held = checkpoint.n_features  # None before the first vector
    read = {
        "input.topic": (checkpoint.input_topic, settings.input.topic),
        "input.format": (checkpoint.input_format, settings.input.format),
        "input.features": (checkpoint.features, features(settings)),
        "input.weight": (checkpoint.weight, settings.input.weight),
        "input.event_time": (checkpoint.event_time, event_time(settings)),
        "model.n_features": (held, (settings.n_features or held) if held else None),
    }
    learnt = {
        "model.n_components": (checkpoint.n_components, _asked(checkpoint, settings.model)),
        "model.covariance_type": (checkpoint.covariance_type, settings.model.covariance_type),
    }
    pairs = read if checkpoint.live is None else read | learnt
    different = [
        f"{name} is {_shown(now)}, the checkpoint has {_shown(then)}"
        for name, (then, now) in pairs.items()
        if then != now
    ]
    if different:
        raise SettingsError(
            f"the settings contradict the checkpoint of model {checkpoint.model!r}: {'; '.join(different)}. "
            "Either keep both, the new one with a name and an output of its own (--set model.name="
            f"{checkpoint.model}-2 --set output.topic={settings.output_topic}-2), or forget what was learnt "
            "(streamgmm model reset)"
        )


def _asked(checkpoint: Checkpoint, model: Model) -> int | str | None:
    """The number of components that the settings ask for; with `auto` the checkpoint's own, if it is in the range."""
    if model.n_components != "auto":
        return model.n_components
    held = checkpoint.n_components or 0
    inside = model.n_components_min <= held <= model.n_components_max
    return held if inside else f"auto, {model.n_components_min} to {model.n_components_max}"


def _shown(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)


# ---- the document in parts


def part_bytes(model_topic: Topic) -> int:
    """How large a part of a checkpoint may be: its record carries a key and a header besides."""
    return int(model_topic.config.get("max.message.bytes", DEFAULT_MESSAGE_BYTES)) - 1024


class Part(NamedTuple):
    """One record of the model topic: a piece of the document."""

    checkpoint: str  # id, the same in all parts
    part: int
    parts: int
    crc32: int  # of the whole document
    data: bytes


def encode(checkpoint: Checkpoint, checkpoint_id: str, part_bytes: int) -> list[bytes]:
    """The values of the records that hold the checkpoint."""
    slim = without_factors(checkpoint, covariance.by_name(checkpoint.covariance_type))
    document = msgspec.msgpack.encode(with_triangles(to_plain(slim)))
    pieces = [document[i : i + part_bytes] for i in range(0, len(document), part_bytes)]
    crc = zlib.crc32(document)
    parts = (Part(checkpoint_id, i, len(pieces), crc, piece) for i, piece in enumerate(pieces))
    return [msgspec.msgpack.encode(to_plain(part)) for part in parts]


def decode_part(value: bytes, where: str) -> Part:
    """A part from a record's value. Raises StateLost, naming `where`, if it is none."""
    try:
        part: Part = from_plain(Part, msgspec.msgpack.decode(value))
    except (ValueError, TypeError, msgspec.DecodeError) as error:
        raise StateLost(f"{where} is not a part of a checkpoint: {error}. {MEND}") from error
    return part


def decode(parts: list[Part], where: str) -> Checkpoint:
    """The checkpoint of a complete set of parts. Raises StateLost, naming `where`, if it is damaged or unknown."""
    document = b"".join(part.data for part in sorted(parts, key=lambda part: part.part))
    if zlib.crc32(document) != parts[0].crc32:
        raise StateLost(f"the checkpoint at {where} is damaged: its checksum does not match its {len(document)} bytes")
    plain: Any = msgspec.msgpack.decode(document, strict=False)
    if plain.get("schema") != SCHEMA:
        raise StateLost(
            f"the checkpoint at {where} has schema {plain.get('schema')!r}, this version ({__version__}) reads "
            f"{SCHEMA}. Either run the version that wrote it, start another model with an output of its own "
            "(--set model.name=... --set output.topic=...), or forget it "
            "(streamgmm model reset --positions forget)"
        )
    try:
        checkpoint: Checkpoint = from_plain(Checkpoint, plain)
    except (ValueError, TypeError) as error:
        raise StateLost(f"the checkpoint at {where} does not hold what schema {SCHEMA} says: {error}") from error
    restored: Checkpoint = with_factors(checkpoint, covariance.by_name(checkpoint.covariance_type))
    return restored
