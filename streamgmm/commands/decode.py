"""What a record's bytes mean, for eyes and for other programs.

The format is not known, so the bytes decide: UTF-8 is JSON where it parses and else text; what is no text and a whole
msgpack map or array is that; the rest is bytes. (A msgpack map or array opens with a byte that UTF-8 cannot begin
with, or with one that its own next byte contradicts in all but freak cases.)
"""

import base64
from typing import Any

import msgspec

_MAP_OR_ARRAY = frozenset((*range(0x80, 0xA0), 0xDC, 0xDD, 0xDE, 0xDF))
_SHOWN = 12  # items of a list, in short
_LENGTH = 600  # characters of a value, in short


def value_of(data: bytes | None) -> Any:  # noqa: ANN401 - whatever JSON can say
    """The decoded value, `bytes` where it is not text; None for null."""
    if data is None:
        return None
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return _msgpack(data)
    try:
        return msgspec.json.decode(data)
    except (msgspec.DecodeError, RecursionError):
        return text


def text_of(data: bytes | None) -> str | bytes | None:
    """The text, `bytes` where it is none: for keys and headers."""
    try:
        return None if data is None else data.decode()
    except UnicodeDecodeError:
        return data


def to_json(value: object) -> str:
    """One line of JSON; bytes as base64, NaN and infinities as null."""
    return msgspec.json.encode(value, enc_hook=_plain).decode()


def in_short(value: object) -> str:
    """As `to_json`, with numbers of at most 6 digits, and long lists and bytes named by their size."""
    text = to_json(_shortened(value))
    return text if len(text) <= _LENGTH else f"{text[:_LENGTH]}... ({len(text)} characters)"


def _msgpack(data: bytes) -> Any:  # noqa: ANN401 - whatever msgpack can say
    if data[0] not in _MAP_OR_ARRAY:
        return data
    try:
        value = msgspec.msgpack.decode(data)
        to_json(value)  # a map may have keys that JSON does not know
    except (msgspec.DecodeError, RecursionError, TypeError, ValueError):
        return data
    return value


def _shortened(value: Any) -> object:  # noqa: ANN401 - whatever JSON can say
    if isinstance(value, dict):
        return {key: _shortened(inner) for key, inner in value.items()}
    if isinstance(value, bytes):
        return f"<{len(value)} bytes>" if len(value) > 24 else value
    if isinstance(value, float):
        return float(f"{value:.6g}")
    if isinstance(value, list):
        more = [f"... {len(value)} items"] if len(value) > _SHOWN else []
        return [_shortened(inner) for inner in value[:_SHOWN]] + more
    return value


def _plain(value: object) -> object:
    if isinstance(value, msgspec.msgpack.Ext):
        return base64.b64encode(bytes(value.data)).decode()
    raise TypeError(f"{type(value).__name__} is nothing that JSON knows")
