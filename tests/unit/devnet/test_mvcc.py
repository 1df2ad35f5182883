"""Versions: which reads still stand within a block and after it, and what writes make of the state."""

from __future__ import annotations

import pytest
from fabric_protos.ledger.rwset.kvrwset import kv_rwset_pb2
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.devnet.contract import NAMESPACE
from tests.unit.devnet.kit import Net

from gridledger.client.validation import ValidationCode
from gridledger.network.devnet.mvcc import apply_writes, check_reads
from gridledger.network.devnet.rwset import NamespaceReadWrites, ReadWriteSetBuilder, parse_read_write_set
from gridledger.network.devnet.simulator import Simulator
from gridledger.network.devnet.snapshot import Snapshot
from gridledger.network.devnet.state import (
    UpdateBatch,
    Version,
    VersionedValue,
    read_metadata,
    write_metadata,
)

HERE = Version(9, 0)


@pytest.fixture
async def stored(deployed: Net) -> Net:
    """Return a network with the keys k00 to k79."""
    for start in (0, 40):

        async def fill(simulator: Simulator, arguments: object, start: int = start) -> bytes:
            for number in range(start, start + 40):
                simulator.put(NAMESPACE, f"k{number:02}", b"1")
            return b""

        deployed.contracts["keeper"] = fill
        assert await deployed.invoke(deployed.user(), "keeper", b"fill") == ValidationCode.VALID
    return deployed


def _set(builder: ReadWriteSetBuilder) -> tuple[NamespaceReadWrites, ...]:
    return parse_read_write_set(builder.build().public)


def _scan(net: Net, snapshot: Snapshot, start: str, end: str, take: int | None = None) -> ReadWriteSetBuilder:
    """Return the record of a range query of which `take` results were read."""
    simulator = Simulator("Org1MSP", "", snapshot, net.definitions)
    scan = simulator.range(NAMESPACE, start, end)
    taken = 0
    while (take is None or taken < take) and scan.next() is not None:
        taken += 1
    builder = ReadWriteSetBuilder()
    builder.range(NAMESPACE, scan.info())
    return builder


def _change(key: str, value: bytes | None) -> UpdateBatch:
    updates = UpdateBatch()
    updates.put((NAMESPACE, "", key), VersionedValue(value, None, HERE))
    return updates


async def test_read_stands_until_the_key_is_written(stored: Net) -> None:
    with stored.ledger.snapshot() as snapshot:
        builder = ReadWriteSetBuilder()
        found = snapshot.state(NAMESPACE, "k00")
        assert found is not None
        builder.read(NAMESPACE, "k00", found.version)
        builder.read(NAMESPACE, "nothing", None)
        assert check_reads(_set(builder), snapshot, UpdateBatch()) == ValidationCode.VALID
        for key, value in (("k00", b"2"), ("k00", None), ("nothing", b"1")):
            code = check_reads(_set(builder), snapshot, _change(key, value))
            assert code == ValidationCode.MVCC_READ_CONFLICT
        assert check_reads(_set(builder), snapshot, _change("k01", b"2")) == ValidationCode.VALID


async def test_read_at_another_version_conflicts(stored: Net) -> None:
    with stored.ledger.snapshot() as snapshot:
        for key, version in (("k00", None), ("k00", Version(1, 0)), ("nothing", Version(1, 0))):
            builder = ReadWriteSetBuilder()
            builder.read(NAMESPACE, key, version)
            code = check_reads(_set(builder), snapshot, UpdateBatch())
            assert code == ValidationCode.MVCC_READ_CONFLICT


@pytest.mark.parametrize(("start", "end", "count"), [("k10", "k20", 10), ("", "", 80), ("k10", "k75", 65)])
async def test_range_stands_until_a_key_in_it_changes(stored: Net, start: str, end: str, count: int) -> None:
    with stored.ledger.snapshot() as snapshot:
        query = _set(_scan(stored, snapshot, start, end))
        hashed = query[0].public.range_queries_info[0].WhichOneof("reads_info") == "reads_merkle_hashes"
        assert hashed is (count > 50)
        assert check_reads(query, snapshot, UpdateBatch()) == ValidationCode.VALID
        for key, value in (("k15", b"2"), ("k15", None), ("k150", b"1")):
            code = check_reads(query, snapshot, _change(key, value))
            assert code == ValidationCode.PHANTOM_READ_CONFLICT, (key, value)
        assert check_reads(query, snapshot, _change("k155", None)) == ValidationCode.VALID
        if end:
            assert check_reads(query, snapshot, _change(end, b"2")) == ValidationCode.VALID
            assert check_reads(query, snapshot, _change("k09", None)) == ValidationCode.VALID


async def test_range_that_was_left_early_covers_what_was_read(stored: Net) -> None:
    with stored.ledger.snapshot() as snapshot:
        query = _set(_scan(stored, snapshot, "k10", "k20", take=3))
        info = query[0].public.range_queries_info[0]
        assert (info.end_key, info.itr_exhausted) == ("k12", False)
        assert check_reads(query, snapshot, _change("k13", None)) == ValidationCode.VALID
        code = check_reads(query, snapshot, _change("k12", b"2"))
        assert code == ValidationCode.PHANTOM_READ_CONFLICT


async def test_forged_hash_of_a_range_is_a_phantom(stored: Net) -> None:
    with stored.ledger.snapshot() as snapshot:
        builder = ReadWriteSetBuilder()
        info = kv_rwset_pb2.RangeQueryInfo(start_key="k10", end_key="k20", itr_exhausted=True)
        info.reads_merkle_hashes.max_degree = 1
        builder.range(NAMESPACE, info)
        assert check_reads(_set(builder), snapshot, UpdateBatch()) == ValidationCode.PHANTOM_READ_CONFLICT


async def test_range_over_changes_and_state_is_that_of_both_merged(stored: Net) -> None:
    """A range recorded over a state is found again when that state comes about within the block."""

    @given(st.dictionaries(st.integers(0, 99), st.booleans(), max_size=20))
    def check(changes: dict[int, bool]) -> None:
        with stored.ledger.snapshot() as snapshot:
            updates = UpdateBatch()
            expected = {key.key: key.version for key in snapshot.range(NAMESPACE, b"k", b"l")}
            for number, kept in changes.items():
                key = f"k{number:02}"
                updates.put((NAMESPACE, "", key), VersionedValue(b"2" if kept else None, None, HERE))
                expected.pop(key, None)
                if kept:
                    expected[key] = HERE
            info = kv_rwset_pb2.RangeQueryInfo(start_key="k", end_key="l", itr_exhausted=True)
            for key in sorted(expected):
                version = expected[key]
                read = info.raw_reads.kv_reads.add(key=key)
                read.version.block_num, read.version.tx_num = version
            builder = ReadWriteSetBuilder()
            builder.range(NAMESPACE, info)
            assert check_reads(_set(builder), snapshot, updates) == ValidationCode.VALID

    check()


async def test_private_read_conflicts_by_the_hash(stored: Net) -> None:
    with stored.ledger.snapshot() as snapshot:
        builder = ReadWriteSetBuilder()
        builder.read_hashed(NAMESPACE, "secrets", "meter", None)
        read_write_set = _set(builder)
        assert check_reads(read_write_set, snapshot, UpdateBatch()) == ValidationCode.VALID
        key_hash = bytes(read_write_set[0].collections[0].hashed.hashed_reads[0].key_hash)
        updates = UpdateBatch()
        updates.put((NAMESPACE, "secrets", key_hash), VersionedValue(b"h", None, HERE))
        assert check_reads(read_write_set, snapshot, updates) == ValidationCode.MVCC_READ_CONFLICT


def _entry(value: bytes) -> dict[str, bytes]:
    return {"VALIDATION_PARAMETER": value}


async def test_value_and_metadata_are_kept_when_the_other_is_written(stored: Net) -> None:
    with stored.ledger.snapshot() as snapshot:
        updates = UpdateBatch()
        first = ReadWriteSetBuilder()
        first.write_metadata(NAMESPACE, "k00", _entry(b"policy"))
        first.write_metadata(NAMESPACE, "nothing", _entry(b"policy"))
        apply_writes(_set(first), snapshot, updates, HERE)
        change = updates.get((NAMESPACE, "", "k00"))
        assert change is not None
        assert (change.value, change.version) == (b"1", HERE)
        assert read_metadata(change.metadata) == _entry(b"policy")
        # A key that is not there gets no metadata either.
        assert (NAMESPACE, "", "nothing") not in updates

        second = ReadWriteSetBuilder()
        second.write(NAMESPACE, "k00", b"2")
        apply_writes(_set(second), snapshot, updates, Version(9, 1))
        change = updates.get((NAMESPACE, "", "k00"))
        assert change is not None
        assert (change.value, read_metadata(change.metadata)) == (b"2", _entry(b"policy"))

        third = ReadWriteSetBuilder()
        third.write(NAMESPACE, "k00", b"")
        third.write_metadata(NAMESPACE, "k00", _entry(b"other"))
        apply_writes(_set(third), snapshot, updates, Version(9, 2))
        change = updates.get((NAMESPACE, "", "k00"))
        assert change is not None
        assert change.value is None


def test_metadata_round_trip() -> None:
    entries = [kv_rwset_pb2.KVMetadataEntry(name="a", value=b"1")]
    assert read_metadata(write_metadata(entries)) == {"a": b"1"}
    assert read_metadata(None) == {}
