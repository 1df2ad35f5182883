"""Read-write sets and range queries: equal sets are equal bytes, and what was seen is seen again or not."""

from __future__ import annotations

import hashlib

import pytest
from fabric_protos.ledger.rwset import rwset_pb2
from fabric_protos.ledger.rwset.kvrwset import kv_rwset_pb2
from hypothesis import given
from hypothesis import strategies as st

from gridledger.network.devnet.errors import Malformed
from gridledger.network.devnet.range_query import MAX_DEGREE, RangeResults, read_of
from gridledger.network.devnet.rwset import (
    ReadWriteSetBuilder,
    hash_of,
    is_delete,
    is_hash_delete,
    parse_private,
    parse_read_write_set,
)
from gridledger.network.devnet.state import Version

KEYS = st.text(min_size=1, max_size=8)


@given(st.dictionaries(KEYS, st.binary(max_size=5), max_size=6), st.randoms(use_true_random=False))
def test_order_of_calls_does_not_show(writes: dict[str, bytes], chance: object) -> None:
    first, second = ReadWriteSetBuilder(), ReadWriteSetBuilder()
    names = list(writes)
    for name in names:
        first.write("b", name, writes[name])
        first.read("a", name, Version(1, 2))
    for name in reversed(names):
        second.read("a", name, Version(1, 2))
        second.write("b", name, writes[name])
    assert first.build().public == second.build().public
    keys = (
        [write.key for write in parse_read_write_set(first.build().public)[-1].public.writes] if names else []
    )
    assert keys == sorted(names, key=str.encode)


VERSIONS = st.none() | st.builds(Version, st.integers(0, 2**40), st.integers(0, 2**20 - 1))


@given(
    st.dictionaries(st.text(max_size=200), VERSIONS, max_size=6),
    st.dictionaries(st.text(max_size=200), st.binary(max_size=300), max_size=6),
    st.dictionaries(KEYS, st.binary(max_size=5), max_size=2),
)
def test_public_bytes_are_those_of_the_generated_classes(
    reads: dict[str, Version | None], writes: dict[str, bytes], metadata: dict[str, bytes]
) -> None:
    builder = ReadWriteSetBuilder()
    query = kv_rwset_pb2.RangeQueryInfo(start_key="a", end_key="b", itr_exhausted=True)
    builder.range("a", query)
    for key, version in reads.items():
        builder.read("a", key, version)
    for key, value in writes.items():
        builder.write("a", key, value)
    for key, value in metadata.items():
        builder.write_metadata("a", key, {"name": value})
    expected = kv_rwset_pb2.KVRWSet(
        reads=[read_of(key, reads[key]) for key in sorted(reads)],
        range_queries_info=[query],
        writes=[
            kv_rwset_pb2.KVWrite(key=key, is_delete=not writes[key], value=writes[key])
            for key in sorted(writes)
        ],
        metadata_writes=[
            kv_rwset_pb2.KVMetadataWrite(
                key=key, entries=[kv_rwset_pb2.KVMetadataEntry(name="name", value=metadata[key])]
            )
            for key in sorted(metadata)
        ],
    )
    [entry] = rwset_pb2.TxReadWriteSet.FromString(builder.build().public).ns_rwset
    assert entry.rwset == expected.SerializeToString()


def test_last_write_of_a_key_counts() -> None:
    builder = ReadWriteSetBuilder()
    builder.write("a", "k", b"1")
    builder.write("a", "k", b"")
    [namespace] = parse_read_write_set(builder.build().public)
    [write] = namespace.public.writes
    assert is_delete(write)
    assert namespace.writes


def test_private_values_are_public_as_hashes_only() -> None:
    builder = ReadWriteSetBuilder()
    builder.write_private("a", "secrets", "meter", b"42")
    builder.write_private("a", "secrets", "old", b"", purge=True)
    builder.read_hashed("a", "secrets", "meter", Version(3, 1))
    builder.read_hashed("a", "secrets", "new", None)
    result = builder.build()
    assert b"meter" not in result.public
    assert b"42" not in result.public
    [namespace] = parse_read_write_set(result.public)
    [collection] = namespace.collections
    assert [bytes(write.key_hash) for write in collection.hashed.hashed_writes] == [
        hash_of("meter"),
        hash_of("old"),
    ]
    assert collection.hashed.hashed_writes[0].value_hash == hashlib.sha256(b"42").digest()
    assert [write.is_purge for write in collection.hashed.hashed_writes] == [False, True]
    assert [read.HasField("version") for read in collection.hashed.hashed_reads] == [True, False]
    private = result.private["a", "secrets"]
    assert collection.private_hash == hashlib.sha256(private).digest()
    assert [(write.key, write.value) for write in parse_private(private).writes] == [
        ("meter", b"42"),
        ("old", b""),
    ]


def test_read_only_collection_has_no_private_set() -> None:
    builder = ReadWriteSetBuilder()
    builder.read_hashed("a", "secrets", "meter", None)
    result = builder.build()
    assert not result.private
    assert not parse_read_write_set(result.public)[0].collections[0].private_hash
    assert not parse_read_write_set(result.public)[0].writes


@pytest.mark.parametrize(
    ("write", "deletes"),
    [
        (kv_rwset_pb2.KVWriteHash(value_hash=b"h"), False),
        (kv_rwset_pb2.KVWriteHash(value_hash=b"h", is_delete=True), True),
        (kv_rwset_pb2.KVWriteHash(), True),
        (kv_rwset_pb2.KVWriteHash(value_hash=hashlib.sha256(b"").digest()), True),
    ],
)
def test_hashed_write_of_nothing_deletes(write: kv_rwset_pb2.KVWriteHash, deletes: bool) -> None:
    assert is_hash_delete(write) is deletes


@given(st.binary(max_size=120))
def test_garbage_is_malformed_or_a_set(data: bytes) -> None:
    nested = rwset_pb2.TxReadWriteSet(ns_rwset=[rwset_pb2.NsReadWriteSet(namespace="a", rwset=data)])
    for candidate in (data, nested.SerializeToString()):
        try:
            parse_read_write_set(candidate)
        except Malformed:
            continue
    try:
        parse_private(data)
    except Malformed:
        return


def _results(count: int, changed: int | None = None) -> kv_rwset_pb2.RangeQueryInfo:
    results = RangeResults()
    for number in range(count):
        results.add(f"k{number:06}", Version(2 if number == changed else 1, number))
    info = kv_rwset_pb2.RangeQueryInfo()
    results.finish(info)
    return info


@pytest.mark.parametrize("count", [0, 1, MAX_DEGREE])
def test_few_results_are_listed(count: int) -> None:
    info = _results(count)
    assert len(info.raw_reads.kv_reads) == count
    assert info.WhichOneof("reads_info") == ("raw_reads" if count else None)


@pytest.mark.parametrize("count", [51, 52, 51 * 50, 51 * 51, 51 * 51 + 1, 51 * 51 * 3 + 7])
def test_many_results_are_hashed_and_one_change_shows(count: int) -> None:
    info = _results(count)
    summary = info.reads_merkle_hashes
    assert summary.max_degree == MAX_DEGREE
    assert 1 <= len(summary.max_level_hashes) <= MAX_DEGREE
    assert _results(count) == info
    for changed in (0, count // 2, count - 1):
        assert _results(count, changed) != info
    assert _results(count + 1) != info


def test_51_results_are_one_leaf() -> None:
    reads = [read_of(f"k{number:06}", Version(1, number)) for number in range(51)]
    leaf = hashlib.sha256(kv_rwset_pb2.QueryReads(kv_reads=reads).SerializeToString()).digest()
    summary = _results(51).reads_merkle_hashes
    assert (summary.max_level, list(summary.max_level_hashes)) == (1, [leaf])


def test_read_of_a_key_that_is_not_there_has_no_version() -> None:
    assert not read_of("k", None).HasField("version")
    assert read_of("k", Version(0, 0)).HasField("version")
