"""The four codecs of record batches. What is unpacked is bounded, so that a few bytes cannot fill the memory.

Snappy is written in the framing of Java's xerial library, as other clients do, and read with and without it. lz4 is
the frame format with independent blocks (Kafka reads no linked ones).
"""

import struct
import zlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal

import cramjam
import numpy as np

from streamgmm.records.columns import Bytes

Codec = Literal["none", "gzip", "snappy", "lz4", "zstd"]
NAMES: tuple[Codec, ...] = ("none", "gzip", "snappy", "lz4", "zstd")  # by their number in a batch's attributes
MAX_UNPACKED = 256 * 1024 * 1024  # bytes; a batch is at most `message.max.bytes` packed, 1 MiB by default

_XERIAL = b"\x82SNAPPY\x00" + struct.pack(">ii", 1, 1)
_XERIAL_BLOCK = 32 * 1024


class CodecError(ValueError):
    """The packed bytes are damaged, or unpack to more than `MAX_UNPACKED`."""


def unpack(codec: int, data: memoryview, limit: int = MAX_UNPACKED) -> Bytes:
    """The bytes that were packed. Raises CodecError where they are damaged or more than `limit`."""
    if not 0 < codec < len(NAMES):
        raise CodecError(f"unknown compression codec {codec}")
    try:
        return _UNPACK[NAMES[codec]](data, limit)
    except (zlib.error, cramjam.DecompressionError, struct.error) as error:
        raise CodecError(f"{NAMES[codec]} does not unpack: {error}") from error


def pack(codec: str, data: memoryview) -> bytes:
    """Packs the bytes with the codec of that name."""
    return _PACK[codec](data)


def _too_much(limit: int) -> CodecError:
    return CodecError(f"unpacks to more than {limit} bytes")


def _ungzip(data: memoryview, limit: int) -> Bytes:
    parts: list[bytes] = []
    rest, room = bytes(data), limit
    while rest or not parts:  # a gzip stream may have several members
        member = zlib.decompressobj(wbits=31)
        parts.append(member.decompress(rest, room + 1))
        room -= len(parts[-1])
        if room < 0:
            raise _too_much(limit)
        if not member.eof:
            raise CodecError("gzip does not unpack: it is cut short")
        rest = member.unused_data
    return np.frombuffer(b"".join(parts), np.uint8)


def _growing(decompress_into: Callable[[Any, Any], int]) -> Callable[[memoryview, int], Bytes]:
    """The library writes into an array of ours, so its size is the bound; it grows while the library asks for more."""

    def unpacked(data: memoryview, limit: int) -> Bytes:
        capacity = min(limit, 64 * 1024 + 8 * len(data))
        while True:
            out = np.empty(capacity, np.uint8)
            try:
                return out[: decompress_into(data, out)]
            except cramjam.DecompressionError as error:
                if "whole buffer" not in str(error):
                    raise
            if capacity == limit:
                raise _too_much(limit)
            capacity = min(limit, 4 * capacity)

    return unpacked


def _unsnappy(data: memoryview, limit: int) -> Bytes:
    blocks = list(_xerial_blocks(data)) if bytes(data[:8]) == _XERIAL[:8] else [bytes(data)]
    sizes = [cramjam.snappy.decompress_raw_len(block) for block in blocks]
    if sum(sizes) > limit:
        raise _too_much(limit)
    if any(size > 64 * len(block) for size, block in zip(sizes, blocks, strict=True)):
        raise CodecError("snappy does not unpack: it says it holds more than it can")
    return np.frombuffer(b"".join(bytes(cramjam.snappy.decompress_raw(block)) for block in blocks), np.uint8)


def _xerial_blocks(data: memoryview) -> Iterator[bytes]:
    at = len(_XERIAL)
    while at < len(data):
        (length,) = struct.unpack_from(">i", data, at)
        at += 4
        if not 0 <= length <= len(data) - at:
            raise CodecError(f"snappy does not unpack: a block of {length} bytes where {len(data) - at} are left")
        yield bytes(data[at : at + length])
        at += length


def _gzip(data: memoryview) -> bytes:
    packer = zlib.compressobj(wbits=31)
    return packer.compress(data) + packer.flush()


def _snappy(data: memoryview) -> bytes:
    parts = [_XERIAL]
    for at in range(0, len(data), _XERIAL_BLOCK):
        block = bytes(cramjam.snappy.compress_raw(data[at : at + _XERIAL_BLOCK]))
        parts += [struct.pack(">i", len(block)), block]
    return b"".join(parts)


def _lz4(data: memoryview) -> bytes:
    packer = cramjam.lz4.Compressor(content_checksum=False, block_linked=False)
    packer.compress(bytes(data))
    return bytes(packer.finish())


def _zstd(data: memoryview) -> bytes:
    return bytes(cramjam.zstd.compress(data))


_UNPACK: Mapping[str, Callable[[memoryview, int], Bytes]] = {
    "gzip": _ungzip,
    "snappy": _unsnappy,
    "lz4": _growing(cramjam.lz4.decompress_into),
    "zstd": _growing(cramjam.zstd.decompress_into),
}
_PACK: Mapping[str, Callable[[memoryview], bytes]] = {"gzip": _gzip, "snappy": _snappy, "lz4": _lz4, "zstd": _zstd}
