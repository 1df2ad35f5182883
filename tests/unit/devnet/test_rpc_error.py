"""Errors on the wire: a status that any client reads, however long the message is."""

from __future__ import annotations

import grpc
import pytest
from fabric_protos.gateway import gateway_pb2

from gridledger.client.status_details import read_details
from gridledger.network.devnet.rpc_error import RpcError, status_bytes


def test_details_are_read_back() -> None:
    details = [
        gateway_pb2.ErrorDetail(address="127.0.0.1:1", msp_id="Org1MSP", message="one"),
        gateway_pb2.ErrorDetail(address="127.0.0.1:2", msp_id="Org2MSP", message="二"),
    ]
    error = RpcError(grpc.StatusCode.ABORTED, "both refused", details)
    found = read_details(status_bytes(error))
    assert [(each.address, each.msp_id, each.message) for each in found] == [
        ("127.0.0.1:1", "Org1MSP", "one"),
        ("127.0.0.1:2", "Org2MSP", "二"),
    ]


@pytest.mark.parametrize("letter", ["a", "电", "😀"])
def test_long_messages_are_cut_at_a_letter(letter: str) -> None:
    text = letter * 50_000
    details = [gateway_pb2.ErrorDetail(msp_id=f"Org{n}MSP", message=text) for n in range(4)]
    data = status_bytes(RpcError(grpc.StatusCode.ABORTED, text, details))
    assert len(data) < 32 * 1024
    found = read_details(data)
    assert [each.msp_id for each in found] == ["Org0MSP", "Org1MSP", "Org2MSP", "Org3MSP"]
    for each in found:
        assert set(each.message) == {letter}
        assert len(each.message.encode()) > 4000
