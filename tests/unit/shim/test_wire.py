"""Messages that are put together by hand are those of the generated classes."""

from __future__ import annotations

from fabric_protos.peer import chaincode_shim_pb2, proposal_response_pb2
from hypothesis import example, given
from hypothesis import strategies as st

from gridledger.shim import Response, success, wire
from gridledger.shim.wire import WriteKind

_SIZES = st.one_of(st.integers(0, 300), st.sampled_from((1_985, 1_999, 2_000, 2_001, 70_000)))
_TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)


@example(key="k", size=127, kind=WriteKind.PUT_STATE, collection="", metakey="")
@example(key="k" * 128, size=2_000 - 128, kind=WriteKind.PUT_STATE, collection="", metakey="")
@example(key="k" * 2_000, size=0, kind=WriteKind.DEL_STATE, collection="", metakey="")
@given(
    key=st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=200),
    size=_SIZES,
    kind=st.sampled_from(WriteKind),
    collection=_TEXTS,
    metakey=_TEXTS,
)
def test_record_of_a_batch_reads_as_it_was_written(
    key: str, size: int, kind: WriteKind, collection: str, metakey: str
) -> None:
    value = b"v" * size

    data = wire.write_record(kind, collection, key, value, metakey)

    (read,) = chaincode_shim_pb2.WriteBatchState.FromString(data).rec
    found = (read.metadata.metakey, read.metadata.value) if metakey else ("", read.value)
    assert (read.type, read.collection, read.key, found) == (kind, collection, key, (metakey, value))


def test_records_one_after_the_other_are_a_batch() -> None:
    data = b"".join(wire.write_record(WriteKind.PUT_STATE, "", f"k{n}", bytes(n)) for n in range(400))

    records = chaincode_shim_pb2.WriteBatchState.FromString(data).rec
    assert [(one.key, len(one.value)) for one in records] == [(f"k{n}", n) for n in range(400)]


@example(status=200, message="", payload=b"")
@given(status=st.integers(0, 600), message=_TEXTS, payload=st.binary(max_size=300))
def test_response_is_that_of_the_generated_class(status: int, message: str, payload: bytes) -> None:
    answer = proposal_response_pb2.Response(status=status, message=message, payload=payload)

    assert wire.response(Response(status, message, payload)) == answer.SerializeToString()


def test_success_without_a_result_is_status_200_alone() -> None:
    answer = proposal_response_pb2.Response.FromString(wire.response(success()))

    assert (answer.status, answer.message, answer.payload) == (200, "", b"")
