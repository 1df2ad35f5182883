"""Writers that are stopped at any byte, and files with bytes changed or missing."""

from __future__ import annotations

import io
import random
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from tests.unit.lake.conftest import OWNER, PACK_BYTES, small_lake
from tests.unit.lake.payloads import meter_csv, noise, register
from tests.unit.lake.stopping_store import Stopped, StoppingStore

from gridledger.lake import (
    Lake,
    LakeUnknown,
    LocalStore,
    PayloadCorrupt,
    PayloadNotFound,
    StoreFull,
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
WRITTEN = 100_000
"""What storing them writes, roughly; the last stops lie behind the end."""
STOPS = sorted(random.Random(2026).sample(range(WRITTEN), 16)) + list(range(0, 1600, 130))


def open_lake(folder: Path) -> Lake:
    return Lake.open(LocalStore(folder), OWNER, pack_bytes=PACK_BYTES)


def assert_all_readable(lake: Lake, names: set[str]) -> None:
    for name in sorted(names):
        assert lake.reader(name).read() == PAYLOADS[name]


@pytest.mark.parametrize("left", STOPS)
def test_put_stopped_at_any_byte_loses_nothing_acknowledged(folder: Path, left: int) -> None:
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


@pytest.mark.parametrize("left", [*range(0, 40_000, 4_300), *range(0, 200, 29)])
def test_pruning_stopped_at_any_byte_leaves_a_readable_lake(folder: Path, left: int) -> None:
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


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The files of a lake with packs that a table file covers and others, and manifests."""
    folder = tmp_path_factory.mktemp("whole")
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


def changes() -> Iterator[tuple[str, int, str]]:
    draw = random.Random(7)
    for kind, times in (("packs", 30), ("table", 12), ("datasets", 16)):
        for _ in range(times):
            yield kind, draw.randrange(1 << 30), draw.choice(["flip", "truncate", "delete"])


NAMES = [*PAYLOADS, "large", "tail"]
CONTENT = PAYLOADS | {"large": noise(200_000, 5), "tail": noise(4_000, 6)}


@pytest.mark.parametrize(("kind", "place", "change"), list(changes()))
def test_changed_file_is_named_and_the_rest_is_readable(
    whole: dict[str, bytes], folder: Path, kind: str, place: int, change: str
) -> None:
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


def test_trailer_that_does_not_open_is_made_again_from_blocks(whole: dict[str, bytes], folder: Path) -> None:
    files = {path: data for path, data in whole.items() if not path.startswith("table")}
    path = next(
        p for p, data in sorted(files.items()) if p.startswith("packs") and data.endswith(b"GLPEND01")
    )
    data = bytearray(files[path])
    data[int.from_bytes(data[-24:-16], "big") + 5] ^= 1
    lake = laid({**files, path: bytes(data)}, folder)
    assert [(damage.path, damage.problem) for damage in check(lake).damage] == [
        (path, "trailer: the seal does not open")
    ]
    assert rebuild(lake) > 5
    # The file stays broken, and named; nothing depends on it any more.
    assert [damage.path for damage in check(lake, read_data=True).damage] == [path]
    for name in NAMES:
        assert lake.put(f"again-{name}", io.BytesIO(CONTENT[name])).new_blocks <= 2


def test_replaced_pack_is_found(whole: dict[str, bytes], folder: Path) -> None:
    first, second = sorted(path for path in whole if path.startswith("packs"))[:2]
    lake = laid({**whole, first: whole[second]}, folder)
    assert first in {damage.path for damage in check(lake, read_data=True).damage}


def test_manifest_in_the_place_of_another_is_found(whole: dict[str, bytes], folder: Path) -> None:
    first, second = sorted(path for path in whole if path.startswith("datasets"))[:2]
    lake = laid({**whole, first: whole[second]}, folder)
    assert first in {damage.path for damage in check(lake).damage}


def test_broken_format_file_is_refused(whole: dict[str, bytes], folder: Path) -> None:
    with pytest.raises(LakeUnknown):
        laid({**whole, "lake.json": b"{"}, folder)


def test_full_store_refuses_the_put_and_keeps_the_rest(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import errno
    import os

    lake = small_lake(folder)
    lake.put("noise", io.BytesIO(PAYLOADS["noise"]))

    def full(handle: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(StoreFull):
            lake.put("a.csv", io.BytesIO(PAYLOADS["a.csv"]))
    assert_all_readable(lake, {"noise"})
    assert check(lake, read_data=True).lost == []
    lake.put("a.csv", io.BytesIO(PAYLOADS["a.csv"]))
    assert_all_readable(lake, {"noise", "a.csv"})
