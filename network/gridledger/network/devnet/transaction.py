"""A transaction's envelope, taken apart, with the checks that need no state."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from fabric_protos.common import common_pb2
from fabric_protos.ledger.queryresult import kv_query_result_pb2
from fabric_protos.peer import chaincode_event_pb2, proposal_pb2, proposal_response_pb2, transaction_pb2
from google.protobuf.message import DecodeError

from gridledger.client.validation import ValidationCode
from gridledger.network.devnet.errors import Malformed
from gridledger.network.devnet.identity import SignedData
from gridledger.network.devnet.proposal import transaction_id
from gridledger.network.devnet.rwset import NamespaceReadWrites, is_delete, parse_read_write_set

__all__ = ["Action", "Transaction", "key_modification"]

_ENDORSER_TRANSACTION = common_pb2.HeaderType.ENDORSER_TRANSACTION
_KNOWN_TYPES = frozenset(
    {_ENDORSER_TRANSACTION, common_pb2.HeaderType.CONFIG_UPDATE, common_pb2.HeaderType.CONFIG}
)


@dataclass(frozen=True, kw_only=True, eq=False)
class Action:
    """What an endorsed transaction does.

    Parameters
    ----------
    result : ChaincodeAction
        Chaincode, response, event and the serialised read-write set.
    response_payload : bytes
        What the endorsers signed.
    endorsements : sequence of Endorsement
        Their signatures.
    read_write_set : tuple of NamespaceReadWrites
        The parsed set.
    event : ChaincodeEvent, optional
        The event, if there is one.
    """

    result: proposal_pb2.ChaincodeAction
    response_payload: bytes
    endorsements: Sequence[proposal_response_pb2.Endorsement]
    read_write_set: tuple[NamespaceReadWrites, ...]
    event: chaincode_event_pb2.ChaincodeEvent | None

    def signatures(self) -> list[SignedData]:
        """Return the endorsers' signatures with what they are over."""
        return [
            SignedData(
                self.response_payload + endorsement.endorser, endorsement.endorser, endorsement.signature
            )
            for endorsement in self.endorsements
        ]


@dataclass(frozen=True, kw_only=True, eq=False)
class Transaction:
    """An envelope and everything in it.

    Parameters
    ----------
    envelope : bytes
        As it stands in the block.
    code : int
        VALID, or why it can never become valid.
    signed : SignedData, optional
        The creator's signature, where there are headers.
    channel_header : ChannelHeader
        The header; an empty one where it does not parse.
    action : Action, optional
        What it does, for an endorsed transaction that is well formed.
    request_id : str
        What orderers tell requests apart by: creator and nonce, which make the transaction's id if it is
        honest.
    """

    envelope: bytes
    code: int
    signed: SignedData | None
    request_id: str
    channel_header: common_pb2.ChannelHeader
    action: Action | None

    @property
    def transaction_id(self) -> str:
        """Its id, empty where there is none."""
        return str(self.channel_header.tx_id)

    @classmethod
    def parse(cls, data: bytes) -> Transaction:
        """Take an envelope apart; what is wrong with it stands in the code."""
        channel_header = common_pb2.ChannelHeader()
        signed: SignedData | None = None
        action: Action | None = None
        request_id = ""
        code: int = ValidationCode.BAD_PAYLOAD
        try:
            envelope = common_pb2.Envelope.FromString(data)
            payload = common_pb2.Payload.FromString(envelope.payload)
            code = ValidationCode.BAD_COMMON_HEADER
            channel_header = common_pb2.ChannelHeader.FromString(payload.header.channel_header)
            signature_header = common_pb2.SignatureHeader.FromString(payload.header.signature_header)
            signed = SignedData(envelope.payload, signature_header.creator, envelope.signature)
            request_id = transaction_id(signature_header.nonce, signature_header.creator)
            code = _check_headers(channel_header, signature_header)
            if code == ValidationCode.VALID:
                code = ValidationCode.INVALID_ENDORSER_TRANSACTION
                code, action = _read_action(payload)
        except (DecodeError, Malformed):
            pass
        return cls(
            envelope=data,
            code=code,
            signed=signed,
            channel_header=channel_header,
            action=action,
            request_id=request_id,
        )


def _check_headers(
    channel_header: common_pb2.ChannelHeader, signature_header: common_pb2.SignatureHeader
) -> int:
    if channel_header.type not in _KNOWN_TYPES or channel_header.epoch != 0:
        return ValidationCode.BAD_COMMON_HEADER
    if not signature_header.nonce or not signature_header.creator:
        return ValidationCode.BAD_COMMON_HEADER
    if channel_header.type != _ENDORSER_TRANSACTION:
        # Configuration comes with block 0 alone.
        return ValidationCode.UNSUPPORTED_TX_PAYLOAD
    if channel_header.tx_id != transaction_id(signature_header.nonce, signature_header.creator):
        return ValidationCode.BAD_PROPOSAL_TXID
    return ValidationCode.VALID


def _read_action(payload: common_pb2.Payload) -> tuple[int, Action | None]:
    """Return the code and the action; raise DecodeError or Malformed for INVALID_ENDORSER_TRANSACTION."""
    actions = transaction_pb2.Transaction.FromString(payload.data).actions
    if len(actions) != 1:
        raise Malformed(f"only one action per transaction is supported, tx contains {len(actions)}")
    action = actions[0]
    inner = common_pb2.SignatureHeader.FromString(action.header)
    if not inner.nonce or not inner.creator:
        raise Malformed("invalid nonce or creator specified in the header")
    chaincode_payload = transaction_pb2.ChaincodeActionPayload.FromString(action.payload)
    endorsed = chaincode_payload.action
    response_payload = proposal_response_pb2.ProposalResponsePayload.FromString(
        endorsed.proposal_response_payload
    )
    proposal_payload = proposal_pb2.ChaincodeProposalPayload.FromString(
        chaincode_payload.chaincode_proposal_payload
    )
    proposal_payload.ClearField("TransientMap")
    expected = hashlib.sha256(
        payload.header.channel_header + action.header + proposal_payload.SerializeToString()
    ).digest()
    if expected != response_payload.proposal_hash:
        raise Malformed("proposal hash does not match")
    return _read_result(endorsed, response_payload)


def _read_result(
    endorsed: transaction_pb2.ChaincodeEndorsedAction,
    response_payload: proposal_response_pb2.ProposalResponsePayload,
) -> tuple[int, Action | None]:
    try:
        result = proposal_pb2.ChaincodeAction.FromString(response_payload.extension)
    except DecodeError:
        return ValidationCode.BAD_RESPONSE_PAYLOAD, None
    try:
        read_write_set = parse_read_write_set(result.results)
    except Malformed:
        return ValidationCode.BAD_RWSET, None
    event = None
    if result.events:
        try:
            event = chaincode_event_pb2.ChaincodeEvent.FromString(result.events)
        except DecodeError:
            return ValidationCode.INVALID_OTHER_REASON, None
    return ValidationCode.VALID, Action(
        result=result,
        response_payload=endorsed.proposal_response_payload,
        endorsements=endorsed.endorsements,
        read_write_set=read_write_set,
        event=event,
    )


def key_modification(envelope: bytes, namespace: str, key: str) -> bytes:
    """Return what a committed transaction made of a key, as chaincode gets it.

    Raises
    ------
    Malformed
        If the transaction did not write the key.
    """
    transaction = Transaction.parse(envelope)
    for part in transaction.action.read_write_set if transaction.action is not None else ():
        if part.name == namespace:
            for write in part.public.writes:
                if write.key == key:
                    message = kv_query_result_pb2.KeyModification(
                        tx_id=transaction.transaction_id,
                        value=write.value,
                        timestamp=transaction.channel_header.timestamp,
                        is_delete=is_delete(write),
                    )
                    return bytes(message.SerializeToString())
    raise Malformed(f"no namespace or key is found for namespace {namespace} and key {key}")
