"""Blocks as they lie in packs: compressed, sealed, named by their digest (LAYOUT.md, 3.3)."""

from __future__ import annotations

import hashlib
import threading
from enum import IntEnum

import zstandard

from gridledger.crypto.errors import SealBroken
from gridledger.crypto.sealing import SEAL_BYTES, open_seal_into, seal_into
from gridledger.lake.errors import Malformed

__all__ = [
    "BLOCK_LIMIT",
    "LEVEL",
    "BlockKind",
    "block_identifier",
    "compress",
    "expand",
    "look_up_key",
    "open_frame",
    "seal_frame",
]

BLOCK_LIMIT = 8 << 20
"""No block is longer, so that a reader knows how much memory one takes."""
_LABEL = b"gridledger/block/1"
_STORED = b"\x00"
_ZSTANDARD = b"\x01"
_SCRATCH_BYTES = 1 << 20
"""A frame of less is sealed from, and unsealed into, memory that its thread keeps."""
LEVEL = 1
"""Compression level: sealing keeps up with reading."""
_contexts = threading.local()


class BlockKind(IntEnum):
    """What a block holds."""

    BYTES = 0
    LINES = 1
    """Records that end with a line feed."""
    CSV = 2
    """Records that end with a line feed outside of quotes."""
    ORDER = 3
    """The order of a gather."""
    CELLS = 4
    """Records of a Parquet row group, column by column."""
    FORM = 5
    """What a Parquet row group has beside its records."""

    @property
    def has_records(self) -> bool:
        """Whether its records can be taken one by one."""
        return self in (BlockKind.LINES, BlockKind.CSV, BlockKind.CELLS)


def look_up_key(block: bytes) -> bytes:
    """Return MD5 and SHA-1 of a block, the look-up key of the hash index table."""
    return (
        hashlib.md5(block, usedforsecurity=False).digest()
        + hashlib.sha1(block, usedforsecurity=False).digest()
    )


def block_identifier(frame: bytes | memoryview) -> bytes:
    """Return the identifier of the block that a frame holds."""
    return hashlib.sha256(frame).digest()


def compress(data: bytes, *, level: int | None = LEVEL) -> bytes:
    """Write data compressed where that is shorter, unless the level is None; the first byte says which."""
    return _shorter(data, level) or _STORED + data


def _shorter(data: bytes, level: int | None) -> bytes | None:
    """Return data compressed; None where that is not shorter, or not asked for."""
    if level is None:
        return None
    compressors: dict[int, zstandard.ZstdCompressor] | None = getattr(_contexts, "compressors", None)
    if compressors is None:
        compressors = _contexts.compressors = {}
    compressor = compressors.get(level)
    if compressor is None:
        compressor = compressors[level] = zstandard.ZstdCompressor(level=level)
    packed = compressor.compress(data)
    return _ZSTANDARD + packed if len(packed) < len(data) else None


def expand(packed: bytes | memoryview, *, limit: int) -> bytes:
    """Read what `compress` wrote.

    Raises
    ------
    Malformed
        It is in another form, or longer than `limit` bytes.
    """
    codec, body = packed[:1], memoryview(packed)[1:]
    if codec == _STORED:
        if len(body) > limit:
            raise Malformed(f"{len(body)} bytes are more than {limit}")
        return bytes(body)
    if codec != _ZSTANDARD:
        raise Malformed("the compression is unknown")
    try:
        parameters = zstandard.get_frame_parameters(body)
        if parameters.content_size > limit:  # No size is the largest number.
            raise Malformed(f"it says to hold {parameters.content_size} bytes, more than {limit}")
        decompressor = getattr(_contexts, "decompressor", None)
        if decompressor is None:
            decompressor = _contexts.decompressor = zstandard.ZstdDecompressor()
        data: bytes = decompressor.decompress(body, allow_extra_data=False)
    except zstandard.ZstdError as error:
        raise Malformed("the compressed bytes are broken") from error
    return data


def seal_frame(block: bytes, key: bytes, *, level: int | None = LEVEL) -> bytes:
    """Compress and seal a block."""
    packed: bytes | memoryview | None = _shorter(block, level)
    if packed is None:
        packed = _scratch("packed", len(_STORED) + len(block))
        packed[: len(_STORED)] = _STORED
        packed[len(_STORED) :] = block
    sealed = _scratch("sealed", len(packed) + SEAL_BYTES)
    seal_into(key, packed, _LABEL, sealed)
    return bytes(sealed)


def open_frame(frame: bytes | memoryview, key: bytes) -> bytes:
    """Return the block of a frame.

    Raises
    ------
    Malformed
        The seal does not open, or what it held is no block.
    """
    size = max(0, len(frame) - SEAL_BYTES)
    packed = _scratch("packed", size)
    try:
        open_seal_into(key, frame, _LABEL, packed)
        return expand(packed, limit=BLOCK_LIMIT)
    except SealBroken as error:
        raise Malformed("the seal does not open") from error


def _scratch(name: str, size: int) -> memoryview:
    """Return memory for so many bytes, this thread's until it asks for the same again."""
    if size > _SCRATCH_BYTES:
        return memoryview(bytearray(size))
    kept: memoryview | None = getattr(_contexts, name, None)
    if kept is None:
        kept = memoryview(bytearray(_SCRATCH_BYTES))
        setattr(_contexts, name, kept)
    return kept[:size]
