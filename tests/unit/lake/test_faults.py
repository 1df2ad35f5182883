"""Writers that are stopped at any byte, and files with bytes changed or missing."""

from __future__ import annotations

import io
import random
from pathlib import Path

import pytest
from tests.unit.lake.conftest import small_lake
from tests.unit.lake.faults import (
    CONTENT,
    NAMES,
    NO_JOURNAL,
    PAYLOADS,
    Change,
    assert_all_readable,
    file_changed,
    laid,
    left_behind,
    leftover_changed,
    pruning_stopped,
    put_stopped,
    whole_lake,
)
from tests.unit.lake.payloads import noise

from gridledger.lake import (
    LakeUnknown,
    StoreFull,
    check,
    prune,
    rebuild,
)
from gridledger.lake.hash_index_table import HashIndexTable
from gridledger.lake.paths import pack_path

FOLDERS = ("packs", "packs", "packs", "table", "datasets")


def changes(folders: tuple[str, ...] = FOLDERS, *, each: int = 4) -> list[Change]:
    draw = random.Random(7)
    return [Change.draw(draw, folder) for folder in folders for _ in range(each)]


@pytest.mark.parametrize("left", [0, 60, 700, 12_345, 50_000, 81_000, 150_000])
def test_put_stopped_at_any_byte_loses_nothing_acknowledged(folder: Path, left: int) -> None:
    put_stopped(folder, left)


@pytest.mark.parametrize("left", [0, 1, 100, 9_000, 33_000])
def test_pruning_stopped_at_any_byte_leaves_a_readable_lake(folder: Path, left: int) -> None:
    pruning_stopped(folder, left)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Return the files of a lake with packs that a table file covers and others, and manifests."""
    return whole_lake(tmp_path_factory.mktemp("whole"))


@pytest.mark.parametrize("change", changes(), ids=str)
def test_changed_file_is_named_and_the_rest_is_readable(
    whole: dict[str, bytes], folder: Path, change: Change
) -> None:
    file_changed(whole, folder, change)


@pytest.fixture(scope="module")
def left(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Return the files of a lake with unpublished files and marks of retired packs."""
    return left_behind(tmp_path_factory.mktemp("left"))


@pytest.mark.parametrize("change", changes(NO_JOURNAL, each=3), ids=str)
def test_changed_file_that_nobody_reads_is_named_and_touches_nothing(
    left: dict[str, bytes], folder: Path, change: Change
) -> None:
    leftover_changed(left, folder, change)


def test_pack_that_is_pruned_while_a_check_reads_is_no_damage(
    whole: dict[str, bytes], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake = laid(whole, folder)
    unnamed = lake.put("forgotten", io.BytesIO(noise(40_000, 9)))
    assert unnamed.new_blocks
    lake.forget("forgotten", 1)
    table = HashIndexTable.load(lake.store, lake.keys)
    prune(lake, grace_s=0, now_ms=2**53)
    gone = [pack for pack in table.packs if not (folder / pack_path(pack)).exists()]
    assert gone
    monkeypatch.setattr(HashIndexTable, "load", lambda *_: table)
    report = check(lake, read_data=True)
    assert (report.damage, report.lost) == ([], [])
    assert report.packs == len(list((folder / "packs").iterdir()))


def test_trailer_that_does_not_open_is_made_again_from_blocks(whole: dict[str, bytes], folder: Path) -> None:
    files = {path: data for path, data in whole.items() if not path.startswith("table")}
    # The largest pack: how many blocks another one holds depends on the lake's random key.
    path = max((p for p in files if p.startswith("packs")), key=lambda p: len(files[p]))
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
