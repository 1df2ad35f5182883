"""Checkpoints: positions, and a file that cannot tear."""

from __future__ import annotations

import asyncio
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridledger.client import ChaincodeEvent, Checkpoint, FileCheckpoint, InMemoryCheckpoint, Position
from gridledger.model.errors import ConfigError, ModelError


def entries(folder: Path) -> list[str]:
    return [entry.name for entry in folder.iterdir()]


class Crash(BaseException):
    """The process ends here."""


@pytest.fixture(params=["memory", "file"])
def checkpoint(request: pytest.FixtureRequest, tmp_path: Path) -> Checkpoint:
    return InMemoryCheckpoint() if request.param == "memory" else FileCheckpoint(tmp_path / "checkpoint")


async def test_position_follows_blocks_and_transactions(checkpoint: Checkpoint) -> None:
    assert checkpoint.position is None
    await checkpoint.record_block(3)
    assert checkpoint.position == Position(4)
    await checkpoint.record_transaction(4, "a")
    await checkpoint.record_event(
        ChaincodeEvent(block_number=4, tx_id="b", chaincode="c", name="n", payload=b"")
    )
    assert checkpoint.position == Position(4, frozenset({"a", "b"}))
    await checkpoint.record_transaction(6, "c")
    assert checkpoint.position == Position(6, frozenset({"c"}))
    await checkpoint.record_block(6)
    assert checkpoint.position == Position(7)


async def test_what_is_done_already_changes_nothing(checkpoint: Checkpoint) -> None:
    await checkpoint.record_transaction(4, "a")
    await checkpoint.record_block(3)
    await checkpoint.record_transaction(2, "z")
    await checkpoint.record_transaction(4, "a")
    assert checkpoint.position == Position(4, frozenset({"a"}))


async def test_records_at_the_same_time_are_all_kept(checkpoint: Checkpoint) -> None:
    await asyncio.gather(*[checkpoint.record_transaction(5, f"t{number}") for number in range(20)])
    assert checkpoint.position == Position(5, frozenset(f"t{number}" for number in range(20)))


@pytest.mark.parametrize("number", [-1, 2**53, True, 1.5, "1", None])
async def test_block_number_that_is_none_is_refused(checkpoint: Checkpoint, number: Any) -> None:
    with pytest.raises(ModelError):
        await checkpoint.record_block(number)
    with pytest.raises(ModelError):
        await checkpoint.record_transaction(1, "")
    assert checkpoint.position is None


@given(st.integers(0, 9), st.sets(st.sampled_from("abc")), st.integers(0, 9), st.sampled_from("abc"))
def test_position_after_a_record_covers_it_and_what_it_covered(
    block: int, done: set[str], number: int, tx_id: str
) -> None:
    before = Position(block, frozenset(done))
    for after in (before.after_transaction(number, tx_id), before.after_block(number)):
        assert after.covers(number, tx_id)
        assert all(
            after.covers(other, one) for other in range(10) for one in "abc" if before.covers(other, one)
        )


async def test_file_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "checkpoint"
    first = FileCheckpoint(path)
    await first.record_block(6)
    await first.record_transaction(7, "a")
    assert FileCheckpoint(path).position == Position(7, frozenset({"a"}))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert entries(tmp_path) == ["checkpoint"]


STEPS: list[tuple[Any, str]] = [
    (os, "fsync"),
    (os, "open"),
    (Path, "replace"),
    (Path, "unlink"),
]


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("step", STEPS, ids=lambda step: step[1])
@pytest.mark.parametrize("nth", [1, 2])
async def test_crash_at_any_step_leaves_the_old_or_the_new_position(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: tuple[Any, str], nth: int, after: bool
) -> None:
    path = tmp_path / "checkpoint"
    old, new = Position(3), Position(9, frozenset({"x"}))
    await FileCheckpoint(path).record_block(2)
    checkpoint = FileCheckpoint(path)
    crash_at(monkeypatch, *step, nth=nth, after=after)
    try:
        await checkpoint.record_transaction(9, "x")
    except Crash:
        assert checkpoint.position == old
    monkeypatch.undo()
    assert FileCheckpoint(path).position in (old, new)
    # And the next run goes on from there.
    resumed = FileCheckpoint(path)
    await resumed.record_block(20)
    assert FileCheckpoint(path).position == Position(21)


@pytest.mark.parametrize("written", range(0, 60, 7))
async def test_crash_in_the_middle_of_the_writing_leaves_the_old_position(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, written: int
) -> None:
    path = tmp_path / "checkpoint"
    await FileCheckpoint(path).record_block(2)
    checkpoint = FileCheckpoint(path)
    real = os.fdopen

    def tearing(handle: int, mode: str) -> Any:
        file = real(handle, mode)
        write = file.write

        class Torn:
            def __enter__(self) -> Any:
                return self

            def __exit__(self, *_: object) -> None:
                file.close()

            def write(self, data: bytes) -> None:
                write(data[:written])
                file.flush()
                raise Crash

        return Torn()

    monkeypatch.setattr(os, "fdopen", tearing)
    with pytest.raises(Crash):
        await checkpoint.record_transaction(9, "x")
    monkeypatch.undo()
    assert FileCheckpoint(path).position == Position(3)


def crash_at(monkeypatch: pytest.MonkeyPatch, owner: Any, name: str, *, nth: int, after: bool) -> None:
    """Let the nth call of a function end the process, before or after it has done its work."""
    real: Callable[..., Any] = getattr(owner, name)
    calls = 0

    def crashing(*args: Any, **kwargs: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == nth and not after:
            raise Crash
        result = real(*args, **kwargs)
        if calls == nth:
            raise Crash
        return result

    monkeypatch.setattr(owner, name, crashing)


@pytest.mark.parametrize(
    "error", [OSError(28, "No space left on device"), PermissionError(13, "Permission denied")]
)
async def test_file_that_cannot_be_written_is_a_coded_error_and_keeps_the_position(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: OSError
) -> None:
    path = tmp_path / "checkpoint"
    checkpoint = FileCheckpoint(path)
    await checkpoint.record_block(1)

    def failing(*_: Any) -> None:
        raise error

    monkeypatch.setattr(os, "fsync", failing)
    with pytest.raises(ConfigError) as caught:
        await checkpoint.record_block(2)
    monkeypatch.undo()
    assert caught.value.fields["source"] == str(path)
    assert checkpoint.position == Position(2)
    assert FileCheckpoint(path).position == Position(2)
    assert entries(tmp_path) == ["checkpoint"]


async def test_cancelled_record_is_finished_before_the_next(tmp_path: Path) -> None:
    path = tmp_path / "checkpoint"
    checkpoint = FileCheckpoint(path)
    task = asyncio.ensure_future(checkpoint.record_transaction(5, "a"))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])
    await checkpoint.record_transaction(5, "b")
    position = checkpoint.position
    assert position is not None
    assert "b" in position.transactions
    assert FileCheckpoint(path).position == position


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b"{}",
        b"\xff\xfe",
        b'{"block_number":1,"transactions":[],"version":2}',
        b'{"block_number":-1,"transactions":[],"version":1}',
        b'{"block_number":true,"transactions":[],"version":1}',
        b'{"block_number":"1","transactions":[],"version":1}',
        b'{"block_number":1,"transactions":[""],"version":1}',
        b'{"block_number":1,"transactions":[5],"version":1}',
        b'{"block_number":1,"transactions":{},"version":1}',
        b'{"block_number":1,"transactions":[],"version":1}\n',
        b'{"block_number": 1,"transactions":[],"version":1}',
        b'{"block_number":1,"transactions":[],"version":1,"more":1}',
        b" " * (9 << 20),
    ],
)
def test_corrupt_file_is_refused_and_not_taken_for_the_beginning(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "checkpoint"
    path.write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        FileCheckpoint(path)
    assert caught.value.fields["source"] == str(path)
    assert path.read_bytes() == content


@given(st.integers(0, 2**53 - 2), st.sets(st.text(min_size=1, max_size=5), max_size=4), st.data())
def test_truncated_file_is_refused(number: int, done: set[str], data: st.DataObject) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "checkpoint"
        checkpoint = FileCheckpoint(path)
        position = Position(number, frozenset(done))
        try:
            checkpoint._write(position)
        except ModelError:
            return  # A lone surrogate is no transaction id.
        assert FileCheckpoint(path).position == position
        content = path.read_bytes()
        path.write_bytes(content[: data.draw(st.integers(0, len(content) - 1))])
        with pytest.raises(ConfigError):
            FileCheckpoint(path)


def test_folder_in_place_of_the_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError):
        FileCheckpoint(tmp_path)
