"""Custody files: the frames of a version, listed for a custodian who has no other key (LAYOUT.md, 3.9).

custody/<dataset>/<version>   "GLCUST01" ‖ Seal(custody key, pack(body), "GLCUST01" ‖ path)
body                          varint packs ‖ pack identifiers ‖ varint frames ‖ frames
frame                         varint place of its pack ‖ varint offset ‖ varint length ‖ block identifier
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from gridledger.crypto.errors import SealBroken
from gridledger.crypto.sealing import open_seal, seal
from gridledger.crypto.secret_key import SecretKey
from gridledger.lake.errors import Malformed, PayloadCorrupt
from gridledger.lake.frame import block_identifier, compress, expand
from gridledger.lake.manifest import ManifestBlock
from gridledger.lake.paths import CUSTODY, pack_path
from gridledger.lake.row import ID_BYTES
from gridledger.lake.store import Store
from gridledger.lake.varint import FieldReader, varint
from gridledger.model.digest import Digest
from gridledger.model.merkle import merkle_root

__all__ = ["CheckedFrames", "Frame", "check_frames", "read_custody", "write_custody"]

_MAGIC: Final = b"GLCUST01"
_BODY_LIMIT: Final = 1 << 28
"""Some six million frames; a custodian reads it whole."""
_EXPANSION: Final = 4
"""Identifiers do not compress: a list that becomes longer than this was made to fill a custodian's memory."""
_SHORT: Final = 1 << 20
_path = re.compile(rf"{CUSTODY}/[0-9a-f]{{32}}/[1-9][0-9]{{0,17}}")
_IDENTIFIER_BYTES: Final = 32
_SHORTEST_FRAME: Final = 3 + _IDENTIFIER_BYTES
_READ_AT_ONCE: Final = 4 << 20
_FRAME_LIMIT: Final = 16 << 20
"""No frame of a block of 8 MiB is longer."""


@dataclass(frozen=True, slots=True)
class Frame:
    """Where a frame lies, and what it must be."""

    pack: bytes
    offset: int
    length: int
    identifier: bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class CheckedFrames:
    """What a custodian found."""

    root: Digest
    """Merkle root over the identifiers of the frames, as they were read."""
    blocks: int
    stored_bytes: int


def write_custody(store: Store, path: str, blocks: Sequence[ManifestBlock], key: SecretKey) -> None:
    """Write the custody file of a version's blocks, in the place of an earlier one."""
    packs = {pack: place for place, pack in enumerate(dict.fromkeys(block.pack for block in blocks))}
    body = [varint(len(packs)), *packs, varint(len(blocks))]
    for block in blocks:
        body += [*map(varint, (packs[block.pack], block.offset, block.length)), block.identifier]
    store.delete(path)
    store.publish(path, _MAGIC + seal(key.reveal(), compress(b"".join(body)), _MAGIC + path.encode()))


def read_custody(store: Store, path: str, key: SecretKey) -> list[Frame]:
    """Read a custody file.

    Raises
    ------
    PayloadNotFound
        There is none.
    PayloadCorrupt
        It does not open with this key, or is none.
    """
    # An owner names the path: nothing else of the store is read by it.
    data = store.read(path, 0, _BODY_LIMIT) if _path.fullmatch(path) else b""
    if not data.startswith(_MAGIC):
        raise PayloadCorrupt(path, "it is no custody file")
    try:
        packed = open_seal(key.reveal(), data[len(_MAGIC) :], _MAGIC + path.encode())
        limit = min(_BODY_LIMIT, _SHORT + _EXPANSION * len(packed))
        reader = FieldReader(expand(packed, limit=limit))
        packs = [reader.take(ID_BYTES) for _ in range(reader.count(each=ID_BYTES))]
        frames = [_take_frame(reader, packs) for _ in range(reader.count(each=_SHORTEST_FRAME))]
        reader.end()
    except (Malformed, SealBroken) as error:
        raise PayloadCorrupt(path, error.message) from error
    return frames


def check_frames(store: Store, frames: Sequence[Frame]) -> CheckedFrames:
    """Read every frame and compare it with its identifier.

    Raises
    ------
    PayloadCorrupt
        A frame is another one, its pack ends early, or frames overlap: bytes would be read again and again.
    PayloadNotFound
        A pack is gone.

    Notes
    -----
    No key is needed, and nothing is learned but sizes. Neighbouring frames are read at once.
    """
    _refuse_overlaps(frames)
    stored = 0
    for group in _neighbours(frames):
        first, last = group[0], group[-1]
        path = pack_path(first.pack)
        data = memoryview(store.read(path, first.offset, last.offset + last.length - first.offset))
        for frame in group:
            found = bytes(data[frame.offset - first.offset :][: frame.length])
            actual = block_identifier(found)
            if actual != frame.identifier:
                problem = "the pack ends early" if len(found) < frame.length else "the frame is another one"
                raise PayloadCorrupt(
                    path,
                    problem,
                    offset=frame.offset,
                    expected=frame.identifier.hex(),
                    actual=actual.hex(),
                )
            stored += frame.length
    root = merkle_root(frame.identifier for frame in frames)
    return CheckedFrames(root=root, blocks=len(frames), stored_bytes=stored)


def _refuse_overlaps(frames: Sequence[Frame]) -> None:
    ordered = sorted(frames, key=lambda frame: (frame.pack, frame.offset))
    for one, two in itertools.pairwise(ordered):
        if one.pack == two.pack and one.offset + one.length > two.offset:
            raise PayloadCorrupt(pack_path(two.pack), "frames overlap", offset=two.offset)


def _neighbours(frames: Sequence[Frame]) -> Iterator[list[Frame]]:
    group: list[Frame] = []
    length = 0
    for frame in frames:
        before = group[-1] if group else None
        if before is not None and (
            before.pack != frame.pack
            or before.offset + before.length != frame.offset
            or length + frame.length > _READ_AT_ONCE
        ):
            yield group
            group, length = [], 0
        group.append(frame)
        length += frame.length
    if group:
        yield group


def _take_frame(reader: FieldReader, packs: Sequence[bytes]) -> Frame:
    place, offset, length = (reader.number() for _ in range(3))
    if place >= len(packs) or not 0 < length <= _FRAME_LIMIT:
        raise Malformed("a frame's place is impossible")
    return Frame(packs[place], offset, length, reader.take(_IDENTIFIER_BYTES))
