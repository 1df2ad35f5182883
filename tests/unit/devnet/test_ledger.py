"""The ledger: a block is there whole or not at all, snapshots stand still, a changed chain is found."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path

import pytest

from gridledger.network.devnet.block import BlockHeader, data_hash
from gridledger.network.devnet.errors import LedgerCorrupt, LedgerFailed
from gridledger.network.devnet.ledger import BlockWrite, Ledger
from gridledger.network.devnet.state import UpdateBatch, Version, VersionedValue


def _block(
    ledger: Ledger, key: str = "k", value: bytes | None = b"1", *, envelopes: tuple[bytes, ...] = (b"x",)
) -> BlockWrite:
    header = BlockHeader(ledger.height, ledger.last_hash, data_hash(envelopes))
    updates = UpdateBatch()
    updates.put(("n", "", key), VersionedValue(value, None, Version(ledger.height, 0)))
    return BlockWrite(
        header=header,
        signatures=b"",
        envelopes=envelopes,
        codes=[0] * len(envelopes),
        transaction_ids=[f"{ledger.height}.{number}" for number in range(len(envelopes))],
        updates=updates,
        history=[("n", key.encode(), Version(ledger.height, 0).place)],
    )


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger.db"


async def test_committed_blocks_are_there_after_a_restart(path: Path) -> None:
    ledger = Ledger(path)
    for number in range(3):
        await ledger.commit(_block(ledger, value=str(number).encode(), envelopes=(b"a", b"b")))
    last_hash = ledger.last_hash
    ledger.close()
    again = Ledger(path)
    assert (again.height, again.last_hash) == (3, last_hash)
    with again.snapshot() as snapshot:
        assert snapshot.state("n", "k") == VersionedValue(b"2", None, Version(2, 0))
        assert [version.block for version, _ in snapshot.history("n", "k")] == [2, 1, 0]
        found = snapshot.transaction("1.1")
        assert found is not None
        assert found.version == Version(1, 1)
        assert snapshot.transaction("9.9") is None
        assert snapshot.block_number(last_hash) == 2
        block = snapshot.block(2)
        assert block is not None
        assert list(block.data.data) == [b"a", b"b"]
        assert snapshot.block(3) is None
    again.close()


async def test_snapshot_stands_still_while_blocks_are_committed(path: Path) -> None:
    ledger = Ledger(path)
    await ledger.commit(_block(ledger, value=b"old"))
    with ledger.snapshot() as old, ledger.snapshot() as shared:
        assert old is shared
        await ledger.commit(_block(ledger, value=b"new"))
        await ledger.commit(_block(ledger, value=None))
        with ledger.snapshot() as new:
            assert new is not old
            assert new.state("n", "k") is None
        # Not read before: it comes from the database as it was.
        found = old.state("n", "k")
        assert found is not None
        assert (found.value, old.height) == (b"old", 1)
        assert old.transaction("1.0") is None
    ledger.close()


@pytest.mark.parametrize("kept_bytes", [0, 2_000, 2**20])
async def test_many_keys_are_read_at_once(
    path: Path, monkeypatch: pytest.MonkeyPatch, kept_bytes: int
) -> None:
    monkeypatch.setattr("gridledger.network.devnet.snapshot._KEPT_BYTES", kept_bytes)
    ledger = Ledger(path)
    block = _block(ledger)
    for number in range(1_200):
        block.updates.put(("n", "", f"é{number}"), VersionedValue(b"%d" % number, None, Version(0, 0)))
    await ledger.commit(block)
    await ledger.commit(_block(ledger, "é7", None))
    with ledger.snapshot() as snapshot:
        assert snapshot.state("n", "é3") is not None
        keys = [f"é{number}" for number in range(1_300)]
        for _ in range(2):
            found = snapshot.states("n", keys)
            assert found.keys() == set(keys[:1_200]) - {"é7"}
            assert (
                found["é1199"] == snapshot.state("n", "é1199") == VersionedValue(b"1199", None, Version(0, 0))
            )
            assert snapshot.state("n", "é7") is None
        assert snapshot.states("m", keys) == snapshot.states("n", []) == {}
    ledger.close()


async def test_query_that_nobody_finished_does_not_hold_the_next_reader_back(path: Path) -> None:
    ledger = Ledger(path)
    for key in ("a", "b", "c"):
        await ledger.commit(_block(ledger, key))
    with ledger.snapshot() as snapshot:
        rows = snapshot.range("n", b"", None)
        assert next(rows).key == "a"
        await ledger.commit(_block(ledger, "a", b"new"))
        assert next(rows).key == "b"
    with ledger.snapshot() as snapshot:
        found = snapshot.state("n", "a")
        assert found is not None
        assert (found.value, snapshot.height) == (b"new", 4)
    with pytest.raises(sqlite3.ProgrammingError):
        next(rows)
    ledger.close()


async def test_connections_are_used_again(path: Path) -> None:
    ledger = Ledger(path)
    for _ in range(20):
        await ledger.commit(_block(ledger))
        with ledger.snapshot() as snapshot:
            snapshot.state("n", "k")
    assert len(ledger._pool._all) == 1
    ledger.close()


async def test_block_that_does_not_follow_is_refused(path: Path) -> None:
    ledger = Ledger(path)
    write = _block(ledger)
    await ledger.commit(write)
    with pytest.raises(LedgerCorrupt, match="does not follow"):
        await ledger.commit(write)
    wrong = _block(ledger)
    wrong.header = wrong.header._replace(previous_hash=b"\0" * 32)
    with pytest.raises(LedgerCorrupt, match="does not follow"):
        await ledger.commit(wrong)
    assert ledger.height == 1
    ledger.close()


async def test_block_that_cannot_be_written_leaves_nothing(path: Path) -> None:
    ledger = Ledger(path)
    write = _block(ledger)
    write.private_writes.append((0, "Org1MSP", "n", "c", None, b"x"))
    write.private_writes.append((0, "Org1MSP", "n", "c", None, b"twice"))
    with pytest.raises(LedgerFailed, match="could not be written"):
        await ledger.commit(write)
    assert ledger.height == 0
    with ledger.snapshot() as snapshot:
        assert snapshot.height == 0
        assert snapshot.state("n", "k") is None
    await ledger.commit(_block(ledger))
    ledger.close()


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ("UPDATE envelope SET data = x'00' WHERE place = 0", "transactions of block 0"),
        ("UPDATE block SET data_hash = x'00' WHERE number = 1", "block 1 does not follow"),
        ("UPDATE block SET previous_hash = x'00' WHERE number = 1", "block 1 does not follow"),
        ("DELETE FROM block WHERE number = 0", "block 1 does not follow"),
        ("DELETE FROM block WHERE number = 1", "above the last block"),
        ("DELETE FROM envelope WHERE place = 0", "transactions of block 0"),
    ],
)
async def test_changed_chain_is_found_at_the_start(path: Path, statement: str, message: str) -> None:
    ledger = Ledger(path)
    for _ in range(2):
        await ledger.commit(_block(ledger))
    ledger.close()
    with sqlite3.connect(path) as connection:
        connection.execute(statement)
    connection.close()
    with pytest.raises(LedgerCorrupt, match=message):
        Ledger(path)


async def test_ledger_of_another_version_is_refused(path: Path) -> None:
    Ledger(path).close()
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(LedgerCorrupt, match="version 99"):
        Ledger(path)


def test_file_that_is_no_database_is_refused(path: Path) -> None:
    path.write_bytes(b"this is not a database, but long enough to be looked at as one" * 40)
    with pytest.raises(LedgerCorrupt):
        Ledger(path)


async def test_waiter_is_woken_by_its_block(path: Path) -> None:
    ledger = Ledger(path)
    waiting = asyncio.create_task(ledger.wait_for(1))
    await ledger.commit(_block(ledger))
    await asyncio.sleep(0)
    assert not waiting.done()
    await ledger.commit(_block(ledger))
    await waiting
    await ledger.wait_for(0)
    ledger.close()
