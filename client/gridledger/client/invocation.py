"""The message behind every call: a chaincode's name, arguments, who calls and when."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Mapping, Sequence

from fabric_protos.common import common_pb2
from fabric_protos.peer import chaincode_pb2, proposal_pb2
from google.protobuf.timestamp_pb2 import Timestamp

__all__ = ["new_invocation", "to_timestamp"]

_NONCE_BYTES = 24


def new_invocation(
    *,
    creator: bytes,
    channel: str,
    chaincode: str,
    arguments: Sequence[bytes],
    transient: Mapping[str, bytes] | None = None,
    claimed_time_ms: int | None = None,
) -> tuple[bytes, str]:
    """Build a ``protos.Proposal`` with a nonce of its own.

    Parameters
    ----------
    creator : bytes
        ``msp.SerializedIdentity`` of the caller.
    channel : str
        Name of the channel; empty for what concerns a peer alone.
    chaincode : str
        Name of the chaincode.
    arguments : sequence of bytes
        Function name and its arguments.
    transient : mapping of str to bytes, optional
        Data for the endorsers that does not reach the ledger.
    claimed_time_ms : int, optional
        The time that the transaction claims, in milliseconds since 1970; the clock's by default.

    Returns
    -------
    tuple of bytes and str
        The proposal, and the transaction id: SHA-256 of nonce and creator, hexadecimal.
    """
    nonce = os.urandom(_NONCE_BYTES)
    tx_id = hashlib.sha256(nonce + creator).hexdigest()
    chaincode_id = chaincode_pb2.ChaincodeID(name=chaincode)
    channel_header = common_pb2.ChannelHeader(
        type=common_pb2.HeaderType.ENDORSER_TRANSACTION,
        channel_id=channel,
        tx_id=tx_id,
        timestamp=to_timestamp(claimed_time_ms),
        extension=proposal_pb2.ChaincodeHeaderExtension(chaincode_id=chaincode_id).SerializeToString(),
    )
    header = common_pb2.Header(
        channel_header=channel_header.SerializeToString(),
        signature_header=common_pb2.SignatureHeader(creator=creator, nonce=nonce).SerializeToString(),
    )
    specification = chaincode_pb2.ChaincodeInvocationSpec(
        chaincode_spec=chaincode_pb2.ChaincodeSpec(
            # Peers ignore the type; the official clients send the same.
            type=chaincode_pb2.ChaincodeSpec.Type.NODE,
            chaincode_id=chaincode_id,
            input=chaincode_pb2.ChaincodeInput(args=arguments),
        )
    )
    payload = proposal_pb2.ChaincodeProposalPayload(
        input=specification.SerializeToString(), TransientMap=transient or {}
    )
    proposal = proposal_pb2.Proposal(header=header.SerializeToString(), payload=payload.SerializeToString())
    return bytes(proposal.SerializeToString()), tx_id


def to_timestamp(time_ms: int | None) -> Timestamp:
    """Return milliseconds since 1970, or the clock's time, as protobuf has it."""
    nanoseconds = time.time_ns() if time_ms is None else time_ms * 1_000_000
    seconds, nanos = divmod(nanoseconds, 1_000_000_000)
    return Timestamp(seconds=seconds, nanos=nanos)
