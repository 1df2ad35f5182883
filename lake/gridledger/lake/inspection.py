"""Finds what is broken in a lake, by name and place."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

from gridledger.lake.errors import LakeError, PayloadCorrupt, PayloadNotFound
from gridledger.lake.frame import block_identifier
from gridledger.lake.hash_index_table import Damage, HashIndexTable, PackState, read_state
from gridledger.lake.lake import Lake
from gridledger.lake.manifest import Manifest, ManifestBlock
from gridledger.lake.paths import DATASETS, PACKS, TEMPORARY, manifest_path, pack_path
from gridledger.lake.row import PACK_HEADER_BYTES, Row, pack_header
from gridledger.lake.version_reader import VersionReader

__all__ = ["CheckReport", "check"]

_READ_AT_ONCE = 4 << 20


@dataclass(kw_only=True, slots=True)
class CheckReport:
    """What a check found."""

    damage: list[Damage] = field(default_factory=list)
    """Everything broken; empty if nothing is."""
    lost: list[str] = field(default_factory=list)
    """Versions, as dataset and number, of which some bytes cannot be read."""
    packs: int = 0
    versions: int = 0
    blocks: int = 0
    """Blocks that rows or manifests name."""
    dead_bytes: int = 0
    """Bytes of packs with a broken trailer that no manifest names."""
    read_bytes: int = 0
    unpublished: list[str] = field(default_factory=list)
    """Files of puts that were stopped, or are under way: nobody reads them, whatever stands in them."""


def check(lake: Lake, *, read_data: bool = False) -> CheckReport:
    """Check a lake.

    Parameters
    ----------
    lake : Lake
        What is checked.
    read_data : bool, default False
        Whether frames are read: their identifiers are compared, and the blocks of every version opened and
        put together.

    Returns
    -------
    CheckReport
        Damage with path and offset, in the order of paths.

    Notes
    -----
    Without `read_data` it reads table, trailers, manifests and the first bytes of packs. A frame's
    change is only seen by reading it. A pack that pruning deletes meanwhile is no damage, if no version
    names it.
    """
    report = CheckReport()
    report.unpublished = [f"{TEMPORARY}/{entry.name}" for entry in lake.store.entries(TEMPORARY)]
    table = HashIndexTable.load(lake.store, lake.keys)
    report.damage += table.damage
    named = _manifests(lake, report)
    frames = _frames(lake, table, named, report)
    broken = _read_frames(lake, frames, report) if read_data else set()
    for place, manifest in named.items():
        _check_version(lake, place, manifest, broken, report, read_data=read_data)
    report.damage.sort(key=lambda damage: (damage.path, damage.offset))
    return report


def _manifests(lake: Lake, report: CheckReport) -> dict[str, Manifest]:
    manifests = {}
    for dataset, version, generation in lake.manifests():
        place = f"{dataset.hex()}/{version}"
        report.versions += 1
        try:
            _, _, manifests[place] = lake.manifest(dataset, version, generation)
        except PayloadCorrupt as error:
            path = manifest_path(dataset, version, generation)
            report.damage.append(Damage(path=path, problem=error.problem))
            report.lost.append(place)
        except PayloadNotFound:
            report.versions -= 1  # Forgotten while this check ran.
    return manifests


Frame = tuple[int, int, bytes]
"""Offset, length and identifier."""


def _frames(
    lake: Lake, table: HashIndexTable, manifests: dict[str, Manifest], report: CheckReport
) -> dict[bytes, list[Frame]]:
    """Collect the frames of every pack, and check the packs' outlines."""
    found: dict[bytes, set[Frame]] = {}

    def note(block: Row | ManifestBlock) -> None:
        found.setdefault(block.pack, set()).add((block.offset, block.length, block.identifier))

    for state in table.packs.values():
        for row in state.rows:
            note(row)
    live = {block.pack for manifest in manifests.values() for block in manifest.blocks}
    for manifest in manifests.values():
        for block in manifest.blocks:
            note(block)
    for pack, state in list(table.packs.items()):
        frames = found.get(pack, set())
        try:
            header = lake.store.read(pack_path(pack), 0, PACK_HEADER_BYTES)
        except PayloadNotFound:
            del table.packs[pack]  # Deleted since it was listed.
            if pack not in live:
                found.pop(pack, None)
            continue
        if header != pack_header(pack):
            report.damage.append(Damage(path=pack_path(pack), problem="it does not begin as this pack"))
        if state.covered:
            _check_trailer(lake, state, report)
        last = max((offset + length for offset, length, _ in frames), default=PACK_HEADER_BYTES)
        if last > state.size:
            problem = f"it ends at {state.size}, and frames are named up to {last}"
            report.damage.append(Damage(path=pack_path(pack), problem=problem, offset=state.size))
        if not state.is_known:
            used = sum(length for _, length, _ in frames) + PACK_HEADER_BYTES
            report.dead_bytes += max(0, state.size - used)
    report.packs = len(table.packs)
    for pack in sorted(found.keys() - table.packs.keys()):
        report.damage.append(Damage(path=pack_path(pack), problem="the pack is gone"))
    report.blocks = sum(map(len, found.values()))
    return {pack: sorted(frames) for pack, frames in sorted(found.items())}


def _check_trailer(lake: Lake, state: PackState, report: CheckReport) -> None:
    """Read the trailer of a pack whose rows came from a table file."""
    again = PackState(pack=state.pack, size=state.size)
    read_state(lake.store, lake.keys, again, report.damage)


def _read_frames(
    lake: Lake, frames: dict[bytes, list[Frame]], report: CheckReport
) -> set[tuple[bytes, bytes]]:
    """Compare every frame with its identifier; return pack and identifier of those that are broken."""
    broken: set[tuple[bytes, bytes]] = set()
    for pack, listed in frames.items():
        path = pack_path(pack)
        start = 0
        data = b""
        for offset, length, identifier in listed:
            if offset < start or offset + length > start + len(data):
                try:
                    start, data = offset, lake.store.read(path, offset, max(length, _READ_AT_ONCE))
                except PayloadNotFound:
                    broken |= {(pack, identifier) for _, _, identifier in listed}
                    break
                report.read_bytes += len(data)
            frame = data[offset - start :][:length]
            if len(frame) < length or block_identifier(frame) != identifier:
                broken.add((pack, identifier))
                what = "the pack ends within this frame" if len(frame) < length else "this frame was changed"
                report.damage.append(Damage(path=path, problem=f"{what} ({length} bytes)", offset=offset))
    return broken


def _check_version(
    lake: Lake,
    place: str,
    manifest: Manifest,
    broken: set[tuple[bytes, bytes]],
    report: CheckReport,
    *,
    read_data: bool,
) -> None:
    if any((block.pack, block.identifier) in broken for block in manifest.blocks):
        report.lost.append(place)
        return
    if not read_data:
        return
    # All frames are right: what remains is whether they open, and make the payload.
    digest = hashlib.sha256()
    try:
        for piece in VersionReader(lake.store, manifest).stream():
            digest.update(piece)
    except LakeError as error:
        path = str(error.fields.get("path", PACKS))
        report.damage.append(Damage(path=path, problem=error.message))
        report.lost.append(place)
        return
    if digest.digest() != manifest.sha256.raw:
        report.damage.append(Damage(path=f"{DATASETS}/{place}", problem="its bytes are not the payload"))
        report.lost.append(place)
