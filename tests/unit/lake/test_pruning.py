"""Pruning while others read and write: no reader loses a byte, no writer counts on what goes."""

from __future__ import annotations

import io
import time
from collections.abc import Callable
from itertools import count
from pathlib import Path

import pytest
from tests.unit.lake.conftest import OWNER, PACK_BYTES, small_lake
from tests.unit.lake.payloads import noise

from gridledger.crypto.secret_key import SecretKey
from gridledger.lake import (
    Lake,
    LocalStore,
    NamedPayload,
    NotGranted,
    PayloadNotFound,
    PutTooLong,
    VersionReader,
    check,
    granted_reader,
    prune,
    stat,
)
from gridledger.lake.custody_file import read_custody, write_custody
from gridledger.lake.paths import custody_path
from gridledger.lake.putting import Putting

HOUR_S = 3600.0
KEPT = {f"kept-{number}": noise(9_000, number) for number in range(8)}
"""Two share a pack with what is forgotten: all their packs are moved."""


def hours(number: int) -> int:
    """Return a time so many hours from now, in milliseconds since 1970."""
    return int((time.time() + number * HOUR_S) * 1000)


def half_dead_lake(folder: Path) -> Lake:
    """Make a lake of packs that are half dead."""
    lake = small_lake(folder)
    mixed = {
        name: data
        for number, (kept, payload) in enumerate(KEPT.items())
        for name, data in ((kept, payload), (f"dead-{number}", noise(9_000, 100 + number)))
    }
    lake.put_all([NamedPayload(name=name, payload=io.BytesIO(data)) for name, data in mixed.items()])
    for name in mixed.keys() - KEPT.keys():
        lake.forget(name, 1)
    return lake


def packs_of(folder: Path) -> set[str]:
    return {path.name for path in (folder / "packs").iterdir()}


def owners(lake: Lake, name: str) -> VersionReader:
    return lake.reader(name)


def granted(lake: Lake, name: str) -> VersionReader:
    location = f"datasets/{lake.keys.dataset(name).hex()}/1"
    return granted_reader(lake.store, location, lake.dataset_key(name))


@pytest.mark.parametrize("opened", [owners, granted])
def test_readers_that_are_open_read_on_when_their_packs_are_gone(
    folder: Path, opened: Callable[[Lake, str], VersionReader]
) -> None:
    lake = half_dead_lake(folder)
    readers = {name: opened(lake, name) for name in KEPT}
    for name, reader in readers.items():
        assert reader.read(0, 100) == KEPT[name][:100]
    before = packs_of(folder)
    report = prune(lake, grace_s=0, now_ms=hours(1))
    assert report.deleted_packs == len(before)
    assert not before & packs_of(folder)
    for name, reader in readers.items():
        assert reader.read(100) == KEPT[name][100:]
        assert b"".join(reader.again().stream()) == KEPT[name]


class PruningStore(LocalStore):
    """A store whose lake somebody prunes just before a frame is read."""

    def __init__(self, root: Path, *, at: int) -> None:
        super().__init__(root)
        self._at, self._reads = at, count()

    def read(self, path: str, offset: int = 0, length: int | None = None) -> bytes:
        # Several threads read, and each read has another number.
        if path.startswith("packs/") and next(self._reads) == self._at:
            pruned = Lake.open(LocalStore(self.root), OWNER, pack_bytes=PACK_BYTES)
            assert prune(pruned, grace_s=0, now_ms=hours(1)).deleted_packs > 0
        return super().read(path, offset, length)


@pytest.mark.parametrize("at", [0, 1, 3, 10])
def test_payload_is_read_whole_while_its_packs_are_moved(folder: Path, at: int) -> None:
    lake = half_dead_lake(folder)
    payload = b"".join(KEPT.values())
    lake.put("long", io.BytesIO(payload))
    for name in KEPT:
        lake.forget(name, 1)
    reader = Lake.open(PruningStore(folder, at=at), OWNER, pack_bytes=PACK_BYTES).reader("long")
    before = reader.manifest
    assert b"".join(reader.stream()) == payload
    # It was pruned meanwhile, and is read from other packs now.
    assert {block.pack for block in before.blocks} != {block.pack for block in reader.manifest.blocks}
    assert reader.read() == payload


def test_retired_packs_stay_for_their_grace_and_are_counted_on_by_nobody(folder: Path) -> None:
    lake = half_dead_lake(folder)
    before = packs_of(folder)
    manifests = {name: lake.reader(name).manifest for name in KEPT}
    report = prune(lake, grace_s=HOUR_S, now_ms=hours(2))
    assert (report.retired_packs, report.deleted_packs) == (len(before), 0)
    assert before < packs_of(folder)
    for name, manifest in manifests.items():
        # Whoever has the old manifest, and asks for no newer one.
        assert VersionReader(lake.store, manifest).read() == KEPT[name]
    again = lake.put("again", io.BytesIO(KEPT["kept-3"]))
    assert again.new_blocks == 0
    named = {f"{block.pack.hex()}.pack" for block in lake.reader("again").manifest.blocks}
    assert not named & before
    assert prune(lake, grace_s=HOUR_S, now_ms=hours(4)).deleted_packs == len(before)
    assert not before & packs_of(folder)
    for name, payload in KEPT.items():
        assert lake.reader(name).read() == payload
    assert check(lake, read_data=True).damage == []


@pytest.mark.parametrize("opened", [owners, granted])
@pytest.mark.parametrize("another", [True, False])
def test_forgotten_version_is_gone_for_its_readers_and_no_other_is_read_in_its_place(
    folder: Path, opened: Callable[[Lake, str], VersionReader], *, another: bool
) -> None:
    lake = half_dead_lake(folder)
    reader = opened(lake, "kept-0")
    lake.forget("kept-0", 1)
    if another:
        assert lake.put("kept-0", io.BytesIO(noise(9_000, 300))).version == 1
    prune(lake, grace_s=0, now_ms=hours(1))
    with pytest.raises((PayloadNotFound, NotGranted)):
        reader.read()


def put_during(lake: Lake, act: Callable[[], object]) -> None:
    """Put what the lake has already; something happens when its rows were read."""
    done = False

    def progress(size: int) -> None:
        nonlocal done
        if not done:
            done = True
            act()

    lake.put("late", io.BytesIO(KEPT["kept-5"]), progress=progress)
    assert done


def test_list_of_frames_of_a_forgotten_version_is_deleted_and_no_other(folder: Path) -> None:
    lake = small_lake(folder)
    key = SecretKey.generate()
    for payload in (b"first", b"second"):
        stored = lake.put("a", io.BytesIO(payload))
        blocks = lake.reader("a").manifest.blocks
        write_custody(lake.store, custody_path(stored.dataset, stored.version), blocks, key)
    lake.forget("a", 1)
    prune(lake)
    assert [one.name for one in lake.store.entries(f"custody/{stored.dataset.hex()}")] == ["1", "2"]
    held = stat(lake).other_bytes
    prune(lake, grace_s=0, now_ms=2**53)
    assert [one.name for one in lake.store.entries(f"custody/{stored.dataset.hex()}")] == ["2"]
    assert stat(lake).other_bytes < held
    assert len(read_custody(lake.store, custody_path(stored.dataset, 2), key)) == 1


def test_put_that_counted_on_a_retired_pack_is_refused_before_it_is_seen(folder: Path) -> None:
    lake = half_dead_lake(folder)
    other = Lake.open(LocalStore(folder), OWNER, pack_bytes=PACK_BYTES)
    with pytest.raises(PutTooLong, match="retired") as refused:
        put_during(lake, lambda: prune(other, grace_s=HOUR_S, now_ms=hours(2)))
    assert refused.value.retriable
    assert lake.versions(lake.keys.dataset("late")) == {}
    put_during(lake, lambda: None)
    assert lake.reader("late").read() == KEPT["kept-5"]


def test_pack_that_a_late_manifest_names_stays_until_its_blocks_were_moved(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake = half_dead_lake(folder)
    other = Lake.open(LocalStore(folder), OWNER, pack_bytes=PACK_BYTES)
    before = packs_of(folder)
    with monkeypatch.context() as patch:
        # As if the pack had been retired between that look and the manifest's rename.
        patch.setattr(Putting, "_refuse_retired", lambda *_: None)
        put_during(lake, lambda: prune(other, grace_s=HOUR_S, now_ms=hours(2)))
    payload = KEPT["kept-5"]
    reader = lake.reader("late")
    named = {f"{block.pack.hex()}.pack" for block in reader.manifest.blocks}
    assert named <= before
    prune(lake, grace_s=HOUR_S, now_ms=hours(4))
    assert named <= packs_of(folder)
    assert VersionReader(lake.store, reader.manifest).read() == payload
    prune(lake, grace_s=HOUR_S, now_ms=hours(6))
    assert not named & packs_of(folder)
    assert reader.read() == payload
    assert lake.reader("late").read() == payload
    assert check(lake, read_data=True).damage == []
