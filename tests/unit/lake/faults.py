"""What is tried at chosen places in unit tests, and at random ones in tests/faults."""

from __future__ import annotations

import io
import random
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tests.unit.lake.conftest import OWNER, PACK_BYTES, small_lake
from tests.unit.lake.payloads import meter_csv, noise, register
from tests.unit.lake.stopping_store import Stopped, StoppingStore

from gridledger.lake import (
    Lake,
    LocalStore,
    PayloadCorrupt,
    PayloadNotFound,
    check,
    prune,
    rebuild,
)

SHUFFLED = register(400)
random.Random(1).shuffle(SHUFFLED)
PAYLOADS = {
    "noise": noise(45_000),
    "a.csv": b"".join(register(400)),
    "b.csv": b"".join(SHUFFLED),
    "m.csv": meter_csv(900),
}


def open_lake(folder: Path) -> Lake:
    return Lake.open(LocalStore(folder), OWNER, pack_bytes=PACK_BYTES)


def assert_all_readable(lake: Lake, names: set[str]) -> None:
    for name in sorted(names):
        assert lake.reader(name).read() == PAYLOADS[name]


def put_stopped(folder: Path, left: int) -> None:
    """Put until the writer is stopped after so many bytes: nothing that was acknowledged is lost."""
    small_lake(folder)
    stopping = StoppingStore(folder, left=left)
    acknowledged = set()
    try:
        lake = Lake.open(stopping, OWNER, pack_bytes=PACK_BYTES)
        for name, payload in PAYLOADS.items():
            lake.put(name, io.BytesIO(payload))
            acknowledged.add(name)
    except Stopped:
        pass
    lake = open_lake(folder)
    report = check(lake, read_data=True)
    assert (report.damage, report.lost) == ([], [])
    assert_all_readable(lake, acknowledged)
    for name, payload in PAYLOADS.items():
        lake.put(name, io.BytesIO(payload))
    assert_all_readable(lake, set(PAYLOADS))
    after = check(lake, read_data=True)
    assert (after.damage, after.lost) == ([], [])
    prune(lake, grace_s=0, now_ms=2**53)
    assert_all_readable(lake, set(PAYLOADS))
    assert list((folder / "temporary").iterdir()) == []


def pruning_stopped(folder: Path, left: int) -> None:
    """Prune until that is stopped after so many bytes: the lake is readable, and pruned by the next."""
    lake = small_lake(folder)
    for name, payload in PAYLOADS.items():
        lake.put(name, io.BytesIO(payload))
        lake.put(f"{name} again", io.BytesIO(payload + noise(5000)))
    for name in PAYLOADS:
        lake.forget(f"{name} again", 1)
    lake.forget("noise", 1)
    stopping = Lake.open(StoppingStore(folder, left=left), OWNER, pack_bytes=PACK_BYTES)
    with suppress(Stopped):
        prune(stopping, grace_s=0, now_ms=2**53)
    lake = open_lake(folder)
    assert check(lake, read_data=True).lost == []
    prune(lake, grace_s=0, now_ms=2**53)
    assert_all_readable(lake, set(PAYLOADS) - {"noise"})
    assert (check(lake, read_data=True).damage, list((folder / "temporary").glob("*"))) == ([], [])


def whole_lake(folder: Path) -> dict[str, bytes]:
    """Return the files of a lake with packs that a table file covers and others, and manifests."""
    lake = small_lake(folder)
    for name, payload in PAYLOADS.items():
        lake.put(name, io.BytesIO(payload))
    lake.put("large", io.BytesIO(noise(200_000, 5)))
    lake.put("tail", io.BytesIO(noise(4_000, 6)))
    files = {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert {path.split("/")[0] for path in files} == {"lake.json", "packs", "table", "datasets"}
    return files


def laid(files: dict[str, bytes], folder: Path) -> Lake:
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    return open_lake(folder)


@dataclass(frozen=True)
class Change:
    """What is done to a file of a lake."""

    folder: str
    place: int
    """Says which file and where in it."""
    kind: str

    def __str__(self) -> str:
        return f"{self.folder}-{self.place}-{self.kind}"

    @classmethod
    def draw(cls, draw: random.Random, folder: str) -> Change:
        return cls(folder, draw.randrange(1 << 30), draw.choice(["flip", "truncate", "delete"]))


NO_JOURNAL = ("temporary", "retired")
"""What a lake has in the place of a journal: files that nobody sees yet, and marks of packs."""


def left_behind(folder: Path) -> dict[str, bytes]:
    """Return the files of a lake with what a put left that was stopped, and marks of retired packs."""
    whole_lake(folder)
    lake = open_lake(folder)
    for name in PAYLOADS:
        lake.put(f"{name} again", io.BytesIO(PAYLOADS[name] + noise(5000)))
        lake.forget(f"{name} again", 1)
    prune(lake, now_ms=2**53)
    for left in (1, 9_000, 30_000):
        with suppress(Stopped):
            Lake.open(StoppingStore(folder, left=left), OWNER, pack_bytes=PACK_BYTES).put(
                "stopped", io.BytesIO(noise(60_000, 7))
            )
    files = {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert {path.split("/")[0] for path in files} >= set(NO_JOURNAL)
    return files


def leftover_changed(left: dict[str, bytes], folder: Path, it: Change) -> None:
    """Change a file that only writers and pruning know: it is named, and nothing else is touched by it."""
    chosen = sorted(path for path in left if path.startswith(it.folder))
    path = chosen[it.place % len(chosen)]
    data = bytearray(left[path])
    offset = it.place // 64 % (len(data) + 1)
    changed = {**left, path: bytes(data[:offset])}
    if it.kind == "flip":
        changed[path] = bytes(byte ^ 1 << it.place % 8 for byte in data) or b"no longer empty"
    elif it.kind == "delete":
        del changed[path]
    lake = laid(changed, folder)
    report = check(lake, read_data=True)
    assert (report.damage, report.lost) == ([], [])
    assert report.unpublished == sorted(path for path in changed if path.startswith("temporary"))
    for name in NAMES:
        assert lake.reader(name).read() == CONTENT[name]
    lake.put("stopped", io.BytesIO(noise(60_000, 7)))
    prune(lake, grace_s=0, now_ms=2**53)
    after = check(lake, read_data=True)
    assert (after.damage, after.lost, after.unpublished) == ([], [], [])
    for name in NAMES:
        assert lake.reader(name).read() == CONTENT[name]
    assert lake.reader("stopped").read() == noise(60_000, 7)


NAMES = [*PAYLOADS, "large", "tail"]
CONTENT = PAYLOADS | {"large": noise(200_000, 5), "tail": noise(4_000, 6)}


def file_changed(whole: dict[str, bytes], folder: Path, it: Change) -> None:
    """Change a file of a lake: it is named, and the rest is readable."""
    kind, place, change = it.folder, it.place, it.kind
    chosen = sorted(path for path in whole if path.startswith(kind))
    path = chosen[place % len(chosen)]
    data = bytearray(whole[path])
    offset = (place // 64) % len(data)
    if change == "flip":
        data[offset] ^= 1 << place % 8
    changed = {**whole, path: bytes(data[:offset] if change == "truncate" else data)}
    if change == "delete":
        del changed[path]
    lake = laid(changed, folder)
    report = check(lake, read_data=True)
    gone_unnoticed = change == "delete" and kind != "packs"
    if not gone_unnoticed:
        assert path in {damage.path for damage in report.damage}
    lost, said = set(), []
    for name in NAMES:
        try:
            assert lake.reader(name).read() == CONTENT[name]
        except (PayloadCorrupt, PayloadNotFound) as error:
            lost.add(name)
            said.append(str(error))
    if change != "delete":
        assert [text for text in said if path not in text] == []
    if kind == "table":
        assert lost == set()
        rebuild(lake)
        assert lake.put("large again", io.BytesIO(CONTENT["large"])).new_blocks == 0
    if kind == "datasets":
        assert len(lost) <= 1
    if change == "flip" and kind == "packs":
        broken = [damage for damage in report.damage if "frame" in damage.problem]
        for damage in broken:
            assert damage.offset <= offset
        # Every range that the changed byte is not in is still read.
        for name in lost:
            reader = lake.reader(name)
            readable = 0
            for block in range(len(reader.manifest.blocks)):
                try:
                    reader.block(block)
                    readable += 1
                except PayloadCorrupt:
                    continue
            assert readable == len(reader.manifest.blocks) - 1
