"""What a transaction writes, read from its read-write set."""

from __future__ import annotations

import pytest
from fabric_protos.ledger.rwset import rwset_pb2
from fabric_protos.ledger.rwset.kvrwset import kv_rwset_pb2
from hypothesis import given
from hypothesis import strategies as st

from gridledger.client.write_set import KeyWrite, read_writes
from gridledger.model.errors import ModelError


def test_writes_of_one_chaincode_are_read() -> None:
    own = kv_rwset_pb2.KVRWSet(
        reads=[kv_rwset_pb2.KVRead(key="read")],
        writes=[
            kv_rwset_pb2.KVWrite(key="\x00device\x00a\x00b\x00", value=b"v"),
            kv_rwset_pb2.KVWrite(key="plain", is_delete=True),
        ],
    )
    other = kv_rwset_pb2.KVRWSet(writes=[kv_rwset_pb2.KVWrite(key="other", value=b"o")])
    found = rwset_pb2.TxReadWriteSet(
        ns_rwset=[
            rwset_pb2.NsReadWriteSet(namespace="_lifecycle", rwset=other.SerializeToString()),
            rwset_pb2.NsReadWriteSet(namespace="gridledger", rwset=own.SerializeToString()),
        ]
    ).SerializeToString()
    writes = read_writes(found, "gridledger")
    assert writes == (
        KeyWrite(key="\x00device\x00a\x00b\x00", value=b"v"),
        KeyWrite(key="plain", value=None),
    )
    assert [write.parts for write in writes] == [("device", "a", "b"), ("plain",)]
    assert read_writes(found, "of-tomorrow") == ()
    assert read_writes(b"", "gridledger") == ()


def test_value_reaches_no_repr() -> None:
    assert "secret" not in repr(KeyWrite(key="k", value=b"secret"))


@given(st.binary(max_size=64))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    try:
        assert isinstance(read_writes(data, "gridledger"), tuple)
    except ModelError:
        return


@pytest.mark.parametrize("key", ["", "\x00", "a\x00", "\x00a", "\x00\x00"])
def test_odd_keys_have_parts(key: str) -> None:
    assert KeyWrite(key=key, value=None).parts
