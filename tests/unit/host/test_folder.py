"""The network's folder: files that cannot tear, one command at a time, coroutines from blocking code."""

from __future__ import annotations

import asyncio
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from gridledger.host.durable_file import write_file
from gridledger.host.errors import FolderBusy
from gridledger.host.lock import folder_lock
from gridledger.network.blocking import run_blocking

HOLDER = """
import fcntl, os, sys, time
descriptor = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT)
fcntl.flock(descriptor, fcntl.LOCK_EX)
print('held', flush=True)
time.sleep(60)
"""


def test_file_written_replaces_and_leaves_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "file"
    write_file(path, b"one")
    write_file(path, b"two", mode=0o600)
    assert path.read_bytes() == b"two"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [entry.name for entry in path.parent.iterdir()] == ["file"]


def test_file_that_cannot_be_written_leaves_the_old_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file"
    write_file(path, b"one")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_file(path, b"two")
    assert path.read_bytes() == b"one"
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]


def test_lock_held_by_another_is_told(tmp_path: Path) -> None:
    command = [sys.executable, "-S", "-c", HOLDER, str(tmp_path / "lock")]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(FolderBusy) as caught, folder_lock(tmp_path, seconds=0.05):
            pass
        assert caught.value.retriable
        holder.kill()
    with folder_lock(tmp_path, seconds=10):
        pass


def test_lock_is_free_after_an_error(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="inside"), folder_lock(tmp_path):
        raise ValueError("inside")
    with folder_lock(tmp_path, seconds=0.05):
        pass


async def _add(one: int, other: int) -> int:
    await asyncio.sleep(0)
    return one + other


async def _fail() -> None:
    raise KeyError("inside")


def test_coroutine_runs_where_no_loop_runs() -> None:
    assert run_blocking(_add, 1, other=2) == 3
    with pytest.raises(KeyError):
        run_blocking(_fail)


async def test_coroutine_runs_where_a_loop_runs() -> None:
    assert run_blocking(_add, 1, other=2) == 3
    with pytest.raises(KeyError):
        run_blocking(_fail)
