"""A lake copied to another store: whole, checked, and never ahead of what it names."""

from __future__ import annotations

import io
import json
import random
from pathlib import Path
from typing import Any

import pytest
from tests.unit.lake.conftest import OWNER, small_lake

from gridledger.cli.main import run
from gridledger.cli.output import Output
from gridledger.lake import Lake, LocalStore
from gridledger.lake.backup import copy_lake
from gridledger.lake.errors import BackupDiffers, PayloadNotFound
from gridledger.lake.inspection import check
from gridledger.lake.store import Entry


def _files(folder: Path) -> dict[str, bytes]:
    skipped = {"temporary", "retired"}
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.relative_to(folder).parts[0] not in skipped
    }


def test_copy_is_the_lake_and_a_second_brings_what_is_new(lake: Lake, folder: Path, tmp_path: Path) -> None:
    _write(lake, 1)
    target = LocalStore(tmp_path / "copy")
    first = copy_lake(lake.store, target)
    assert _files(tmp_path / "copy") == _files(folder)
    assert (first.present, first.gone) == (0, 0)
    _write(lake, 2)
    second = copy_lake(lake.store, target)
    assert second.present == first.copied
    assert second.copied > 0
    assert _files(tmp_path / "copy") == _files(folder)
    report = check(Lake.open(target, OWNER), read_data=True)
    assert not report.damage
    assert not report.lost


def _write(lake: Lake, number: int) -> None:
    lake.put(f"set{number}", io.BytesIO(random.Random(number).randbytes(60_000)))


class Growing(LocalStore):
    """A store in which a version is put while its packs are copied."""

    def __init__(self, root: Path, lake: Lake) -> None:
        super().__init__(root)
        self._lake = lake
        self.reads = 0

    def read(self, path: str, offset: int = 0, length: int | None = None) -> bytes:
        self.reads += 1
        if self.reads == 3:
            _write(self._lake, 99)
        return super().read(path, offset, length)


def test_copy_made_while_others_put_names_nothing_that_it_lacks(
    lake: Lake, folder: Path, tmp_path: Path
) -> None:
    _write(lake, 1)
    copy_lake(Growing(folder, lake), LocalStore(tmp_path / "copy"))
    report = check(Lake.open(LocalStore(tmp_path / "copy"), OWNER), read_data=True)
    assert not report.damage
    assert not report.lost


class CutOff(LocalStore):
    """A store that ends after some files, as a copy that is killed does."""

    def __init__(self, root: Path, files: int) -> None:
        super().__init__(root)
        self._left = files

    def begin(self, path: str) -> Any:
        if self._left == 0:
            raise KeyboardInterrupt
        self._left -= 1
        return super().begin(path)


@pytest.mark.parametrize("files", range(1, 8))
def test_copy_cut_off_anywhere_names_nothing_that_it_lacks_and_is_gone_on_with(
    lake: Lake, folder: Path, tmp_path: Path, files: int
) -> None:
    _write(lake, 1)
    try:
        copy_lake(lake.store, CutOff(tmp_path / "copy", files))
    except KeyboardInterrupt:
        report = check(Lake.open(LocalStore(tmp_path / "copy"), OWNER), read_data=True)
        assert not report.damage
        assert not report.lost
    copy_lake(lake.store, LocalStore(tmp_path / "copy"))
    assert _files(tmp_path / "copy") == _files(folder)


class Lying(LocalStore):
    """A store that returns other bytes than were written."""

    def read(self, path: str, offset: int = 0, length: int | None = None) -> bytes:
        found = super().read(path, offset, length)
        return bytes([found[0] ^ 1]) + found[1:] if path.startswith("packs/") else found


def test_copy_that_does_not_read_as_it_was_written_and_other_lakes_are_refused(
    lake: Lake, folder: Path, tmp_path: Path
) -> None:
    _write(lake, 1)
    with pytest.raises(BackupDiffers, match="written"):
        copy_lake(lake.store, Lying(tmp_path / "lying"))
    small_lake(tmp_path / "other")
    with pytest.raises(BackupDiffers, match="another lake"):
        copy_lake(lake.store, LocalStore(tmp_path / "other"))
    with pytest.raises(BackupDiffers, match="no lake"):
        copy_lake(LocalStore(tmp_path / "empty"), LocalStore(tmp_path / "target"))
    copy_lake(lake.store, LocalStore(tmp_path / "copy"))
    changed = next((tmp_path / "copy" / "packs").iterdir())
    changed.write_bytes(changed.read_bytes() + b"!")
    with pytest.raises(BackupDiffers, match="another file"):
        copy_lake(lake.store, LocalStore(tmp_path / "copy"))


class Pruned(LocalStore):
    """A store whose files are listed and gone: they were pruned meanwhile."""

    def entries(self, folder: str) -> list[Entry]:
        found = super().entries(folder)
        return [*found, Entry(name="00.pack", size=1, modified_ms=0)] if folder == "packs" else found


def test_files_that_go_while_the_lake_is_copied_are_counted(lake: Lake, folder: Path, tmp_path: Path) -> None:
    _write(lake, 1)
    assert copy_lake(Pruned(folder), LocalStore(tmp_path / "copy")).gone == 1
    with pytest.raises(PayloadNotFound):
        LocalStore(tmp_path / "copy").size("packs/00.pack")


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "lake.toml"
    _command("lake", "init", "--config", path, "--store", tmp_path / "store")
    return path


def test_lake_backed_up_lost_and_restored_by_commands(config: Path, tmp_path: Path) -> None:
    (tmp_path / "stations.csv").write_text("id,power\n" + "".join(f"{n},{n * 7}\n" for n in range(2000)))
    _command("lake", "put", tmp_path / "stations.csv", "--config", config)
    said = _command("lake", "backup", tmp_path / "copy", "--config", config)
    assert said["copied"] > 0
    (tmp_path / "store").rename(tmp_path / "lost")
    _command("lake", "restore", tmp_path / "copy", "--config", config)
    assert _command("lake", "check", "--read-data", "--config", config)["damage"] == []
    _command("lake", "get", "stations.csv", tmp_path / "back.csv", "--config", config)
    assert (tmp_path / "back.csv").read_bytes() == (tmp_path / "stations.csv").read_bytes()


def _command(*words: object) -> Any:
    stream, errors = io.StringIO(), io.StringIO()
    arguments = [*(str(word) for word in words), "--json"]
    assert run(arguments, Output(stream=stream, errors=errors)) == 0, errors.getvalue()
    return json.loads(stream.getvalue() or "null")
