"""A query that peers of several organisations answered alike, as a proof that lasts.

Peers sign what a query returned as they sign what a transaction would write. So a query is endorsed and not
submitted: nothing is ordered, and the answer with its signatures convinces somebody who asks nobody.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from fabric_protos.common import common_pb2
from fabric_protos.ledger.rwset import rwset_pb2
from fabric_protos.ledger.rwset.kvrwset import kv_rwset_pb2
from fabric_protos.peer import chaincode_pb2, proposal_pb2, proposal_response_pb2, transaction_pb2
from google.protobuf.message import DecodeError

from gridledger.client.block import BlockTransaction
from gridledger.client.channel_trust import ChannelTrust
from gridledger.client.contract import Contract
from gridledger.client.errors import EndorseError, EndorsementsDiffer, ProofRefused
from gridledger.client.membership import NodeUnit, read_identity
from gridledger.client.retry import Backoff, RetryPolicy
from gridledger.client.transaction import Transaction
from gridledger.client.transport import Message
from gridledger.model.argument import Argument
from gridledger.model.errors import ContractError, CryptoError
from gridledger.model.proof import LEAST_ORGANISATIONS, EndorsedRead, Endorsement
from gridledger.model.signature import verify_signature

__all__ = [
    "Answer",
    "make_endorsed_read",
    "read_endorsed",
    "verify_endorsed_read",
    "verify_transaction",
    "written_by",
]

_OK: Final = 200
_ABORTED: Final = "ABORTED"
_RETRY: Final = RetryPolicy().endorsements


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What an endorsed read says."""

    channel: str
    chaincode: str
    arguments: tuple[bytes, ...]
    """Function name and arguments."""

    result: bytes
    """What the contract returned."""

    claimed_time_ms: int
    """When the reader says that it asked, milliseconds since 1970."""

    organisations: tuple[str, ...]
    """MSPs of the peers that signed, sorted."""


async def read_endorsed(
    contract: Contract,
    function: str,
    *arguments: Argument,
    organizations: Sequence[str],
    retry: Backoff = _RETRY,
) -> EndorsedRead:
    """Ask peers of several organisations, and return their equal answers with their signatures.

    Parameters
    ----------
    contract : Contract
    function : str
        Name of a query of its.
    *arguments : str, int, bytes, model value, or value of canonical JSON
        The call's arguments.
    organizations : sequence of str
        MSPs whose peers answer.
    retry : Backoff, optional
        How often they are asked again while their answers differ, since one is a block behind.

    Returns
    -------
    EndorsedRead
        To be checked by `verify_endorsed_read`, by anybody and without a network.

    Raises
    ------
    ContractError
        When the contract refused.
    EndorseError
        When a peer did not answer, or the answers still differed.
    ProofRefused
        When the call writes.
    """
    attempt = 0
    while True:
        proposal = contract.proposal(function, *arguments, endorsing_organizations=organizations)
        try:
            return make_endorsed_read(await proposal.endorse())
        except (ContractError, EndorseError) as error:
            attempt += 1
            if attempt > retry.attempts or not _may_agree(error):
                raise
            await asyncio.sleep(retry.delay(attempt))


def make_endorsed_read(transaction: Transaction) -> EndorsedRead:
    """Take out of an endorsed query what a third party needs.

    Raises
    ------
    ProofRefused
        If it would write: then it is a transaction, to be submitted or dropped.
    """
    parts = _parts_of(transaction.payload)
    if written_by(_chaincode_action(parts.response)[0].results):
        raise ProofRefused("the call writes: it is no query")
    return parts


def verify_endorsed_read(read: EndorsedRead, trust: ChannelTrust, *, at_ms: int | None = None) -> Answer:
    """Check an endorsed read.

    Parameters
    ----------
    read : EndorsedRead
    trust : ChannelTrust
        Whose peers count.
    at_ms : int, optional
        The moment at which the peers' certificates must have been valid, milliseconds since 1970; the time
        that the reader claims by default.

    Returns
    -------
    Answer
        What was asked and answered, and who signed it.

    Raises
    ------
    ProofRefused
        If the parts do not belong together, a signature does not hold, the contract refused, or peers of
        fewer than two organisations signed.
    """
    channel_header = _strict(common_pb2.ChannelHeader, read.channel_header)
    signature_header = _strict(common_pb2.SignatureHeader, read.signature_header)
    payload = _strict(proposal_pb2.ChaincodeProposalPayload, read.payload)
    extension = _strict(proposal_pb2.ChaincodeHeaderExtension, channel_header.extension)
    specification = _strict(chaincode_pb2.ChaincodeInvocationSpec, payload.input).chaincode_spec
    tx_id = hashlib.sha256(signature_header.nonce + signature_header.creator).hexdigest()
    if channel_header.tx_id != tx_id:
        raise ProofRefused("the read's transaction id is not that of its creator and nonce")
    if channel_header.type != common_pb2.HeaderType.ENDORSER_TRANSACTION:
        raise ProofRefused("the read is no call of a chaincode")
    action, proposal_hash = _chaincode_action(read.response)
    asked = hashlib.sha256(read.channel_header + read.signature_header + read.payload).digest()
    if proposal_hash != asked:
        raise ProofRefused("the answer is not to this question")
    names = {
        extension.chaincode_id.name,
        specification.chaincode_id.name,
        action.chaincode_id.name,
    }
    if len(names) != 1:
        raise ProofRefused("the read names several chaincodes")
    if action.response.status != _OK:
        raise ProofRefused(f"the contract answered with status {action.response.status}")
    stamp = channel_header.timestamp
    claimed_ms = int(stamp.seconds) * 1000 + int(stamp.nanos) // 1_000_000
    return Answer(
        channel=str(channel_header.channel_id),
        chaincode=names.pop(),
        arguments=tuple(specification.input.args),
        result=bytes(action.response.payload),
        claimed_time_ms=claimed_ms,
        organisations=_signers(read, trust, claimed_ms if at_ms is None else at_ms),
    )


def verify_transaction(transaction: BlockTransaction, trust: ChannelTrust) -> Answer:
    """Check an ordered transaction: its creator's signature, and its endorsements.

    Raises
    ------
    ProofRefused
        If the creator is no member or did not sign it, and as `verify_endorsed_read` does.

    Notes
    -----
    Whether it is valid stands in no signature: that peers committed it shows a read of what it wrote.
    """
    try:
        envelope = common_pb2.Envelope.FromString(transaction.envelope)
    except DecodeError as error:
        raise ProofRefused("a transaction cannot be read") from error
    parts = _parts_of(envelope.payload)
    answer = verify_endorsed_read(parts, trust)
    creator = _strict(common_pb2.SignatureHeader, parts.signature_header).creator
    msp_id, certificate = read_identity(creator)
    key = trust.require_member(msp_id, certificate, at_ms=answer.claimed_time_ms)
    try:
        verify_signature(key, envelope.payload, envelope.signature)
    except CryptoError as error:
        raise ProofRefused("the signature of a transaction's creator does not hold") from error
    return answer


def written_by(results: bytes) -> dict[tuple[str, str], bytes]:
    """Return what a simulation's ``rwset.TxReadWriteSet`` writes, by namespace and key; deletions as empty.

    Raises
    ------
    ProofRefused
        If the bytes are none.
    """
    writes: dict[tuple[str, str], bytes] = {}
    try:
        for space in rwset_pb2.TxReadWriteSet.FromString(results).ns_rwset:
            for write in kv_rwset_pb2.KVRWSet.FromString(space.rwset).writes:
                writes[str(space.namespace), str(write.key)] = b"" if write.is_delete else bytes(write.value)
    except DecodeError as error:
        raise ProofRefused("what a transaction wrote cannot be read") from error
    return writes


def _may_agree(error: ContractError | EndorseError) -> bool:
    """Tell whether peers answered differently, and may not once they are at the same block."""
    step = error if isinstance(error, EndorseError) else error.__cause__
    return isinstance(step, EndorsementsDiffer) or (
        isinstance(error, EndorseError) and error.grpc_status == _ABORTED
    )


def _signers(read: EndorsedRead, trust: ChannelTrust, at_ms: int) -> tuple[str, ...]:
    found: set[str] = set()
    for one in read.endorsements:
        msp_id, certificate = read_identity(one.endorser)
        key = trust.require_member(msp_id, certificate, NodeUnit.PEER, at_ms=at_ms)
        if msp_id in found:
            raise ProofRefused(f"two peers of {msp_id} signed; one of each organisation does")
        try:
            verify_signature(key, read.response + one.endorser, one.signature)
        except CryptoError as error:
            raise ProofRefused(f"the signature of the peer of {msp_id} does not hold") from error
        found.add(msp_id)
    if len(found) < LEAST_ORGANISATIONS:
        raise ProofRefused(f"peers of {len(found)} organisation signed, {LEAST_ORGANISATIONS} are wanted")
    return tuple(sorted(found))


def _chaincode_action(response: bytes) -> tuple[Message, bytes]:
    """Return the action that endorsers signed, and the hash of the proposal that it answers."""
    try:
        signed = proposal_response_pb2.ProposalResponsePayload.FromString(response)
        return proposal_pb2.ChaincodeAction.FromString(signed.extension), bytes(signed.proposal_hash)
    except DecodeError as error:
        raise ProofRefused("what peers signed cannot be read") from error


def _strict(kind: type[Message], data: bytes) -> Message:
    """Read a message that has nothing unknown in it, written in the one usual way.

    The proposal's hash covers three parts one after the other: bytes moved from one to the next must not go
    unnoticed.
    """
    try:
        message = kind.FromString(data)
    except DecodeError as error:
        raise ProofRefused(f"a read holds something else than {kind.DESCRIPTOR.name}") from error
    known = kind()
    known.CopyFrom(message)
    known.DiscardUnknownFields()
    if known.SerializeToString(deterministic=True) != data:
        raise ProofRefused(f"a read holds something else than {kind.DESCRIPTOR.name}")
    return message


def _parts_of(envelope_payload: bytes) -> EndorsedRead:
    """Return the parts of an endorsed call's ``common.Payload``."""
    try:
        payload = common_pb2.Payload.FromString(envelope_payload)
        actions = transaction_pb2.Transaction.FromString(payload.data).actions
        if len(actions) != 1:
            raise ProofRefused("a call has one action")
        action = transaction_pb2.ChaincodeActionPayload.FromString(actions[0].payload)
    except DecodeError as error:
        raise ProofRefused("an endorsed call cannot be read") from error
    return EndorsedRead(
        channel_header=payload.header.channel_header,
        signature_header=payload.header.signature_header,
        payload=action.chaincode_proposal_payload,
        response=action.action.proposal_response_payload,
        endorsements=tuple(
            Endorsement(endorser=one.endorser, signature=one.signature) for one in action.action.endorsements
        ),
    )
