"""Files of a server copied while it writes, checked, and put back."""

from __future__ import annotations

import io
import json
import sqlite3
import threading
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from gridledger.cli.main import run
from gridledger.cli.output import Output
from gridledger.host.backup import FileKind, check_backup, make_backup, restore_backup
from gridledger.host.errors import BackupBroken


@pytest.fixture
def server(tmp_path: Path) -> Path:
    """Return a folder with a database in WAL mode, a salt that others cannot read, and settings."""
    folder = tmp_path / "provider"
    folder.mkdir()
    with closing(sqlite3.connect(folder / "vault.db")) as database:
        database.execute("PRAGMA journal_mode=WAL")
        database.execute("CREATE TABLE pair (one INTEGER, other INTEGER)")
        database.execute("INSERT INTO pair VALUES (0, 0)")
        database.commit()
    (folder / "salts").mkdir()
    salt = folder / "salts" / "one.salt"
    salt.write_bytes(b"s" * 32)
    salt.chmod(0o600)
    (folder / "system.toml").write_text("name = 'one'\n")
    return folder


def _pair(path: Path) -> tuple[int, int]:
    with closing(sqlite3.connect(path)) as database:
        [found] = database.execute("SELECT one, other FROM pair").fetchall()
    return found


def test_backup_made_while_another_writes_is_between_two_transactions(server: Path, tmp_path: Path) -> None:
    ended = threading.Event()

    def write() -> None:
        with closing(sqlite3.connect(server / "vault.db", timeout=60)) as database:
            number = 0
            while not ended.is_set() and number < 100_000:
                number += 1
                database.execute("UPDATE pair SET one = ?", (number,))
                database.execute("UPDATE pair SET other = ?", (number,))
                database.commit()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for number in range(3):
            made = make_backup([server], tmp_path / f"copy{number}")
            one, other = _pair(tmp_path / f"copy{number}" / "provider" / "vault.db")
            assert one == other
    finally:
        ended.set()
        writer.join()
    assert {one.path: one.kind for one in made} == {
        "provider/salts/one.salt": FileKind.FILE,
        "provider/system.toml": FileKind.FILE,
        "provider/vault.db": FileKind.DATABASE,
    }
    assert check_backup(tmp_path / "copy2") == made


def test_backup_restored_by_commands_has_the_same_content_and_modes(server: Path, tmp_path: Path) -> None:
    said = _command("make", server, "--to", tmp_path / "copy")
    assert len(said["files"]) == 3
    assert _command("check", tmp_path / "copy")["files"] == said["files"]
    _command("restore", tmp_path / "copy", "--to", tmp_path / "back")
    back = tmp_path / "back" / "provider"
    assert _pair(back / "vault.db") == (0, 0)
    assert (back / "salts" / "one.salt").read_bytes() == b"s" * 32
    assert (back / "salts" / "one.salt").stat().st_mode & 0o777 == 0o600
    assert (
        _command("restore", tmp_path / "copy", "--to", tmp_path / "back", code=85)["error"]["code"]
        == "GL-NET-063"
    )


@pytest.mark.parametrize("name", ["provider/vault.db", "provider/system.toml", "backup.json"])
def test_backup_changed_or_incomplete_is_refused_and_restores_nothing(
    server: Path, tmp_path: Path, name: str
) -> None:
    make_backup([server], tmp_path / "copy")
    content = (tmp_path / "copy" / name).read_bytes()
    for changed in (content[:-1], content[:-1] + b"!", b""):
        (tmp_path / "copy" / name).write_bytes(changed)
        if name == "backup.json" and changed == content[:-1]:
            continue  # Without its last line end it is the same.
        with pytest.raises(BackupBroken):
            restore_backup(tmp_path / "copy", tmp_path / "back")
    (tmp_path / "copy" / name).unlink()
    with pytest.raises(BackupBroken):
        restore_backup(tmp_path / "copy", tmp_path / "back")
    assert not (tmp_path / "back").exists()


@pytest.mark.parametrize("path", ["../out", "/etc/passwd", "a/../../out", "backup.json", ""])
def test_manifest_that_leads_out_of_the_folder_is_refused(server: Path, tmp_path: Path, path: str) -> None:
    make_backup([server], tmp_path / "copy")
    manifest = json.loads((tmp_path / "copy" / "backup.json").read_text())
    manifest["files"][0]["path"] = path
    (tmp_path / "copy" / "backup.json").write_text(json.dumps(manifest))
    with pytest.raises(BackupBroken):
        restore_backup(tmp_path / "copy", tmp_path / "back")


def test_sources_that_cannot_be_copied_leave_no_backup(server: Path, tmp_path: Path) -> None:
    (server / "link").symlink_to(server / "system.toml")
    with pytest.raises(BackupBroken, match="link"):
        make_backup([server], tmp_path / "copy")
    (server / "link").unlink()
    (server / "broken.db").write_bytes(b"SQLite format 3\0" + b"x" * 5000)
    with pytest.raises(BackupBroken):
        make_backup([server], tmp_path / "copy")
    for sources in ([], [server, server], [tmp_path / "absent"]):
        with pytest.raises(BackupBroken):
            make_backup(sources, tmp_path / "copy")
    assert not (tmp_path / "copy").exists()


def _command(*words: object, code: int = 0) -> Any:
    stream, errors = io.StringIO(), io.StringIO()
    arguments = ["backup", *(str(word) for word in words), "--json"]
    assert run(arguments, Output(stream=stream, errors=errors)) == code, errors.getvalue()
    return json.loads((errors if code else stream).getvalue())
