"""Collecting endorsements: whom to ask, and what their answers together make."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import grpc
from fabric_protos.common import common_pb2
from fabric_protos.gateway import gateway_pb2
from fabric_protos.peer import proposal_pb2, proposal_response_pb2, transaction_pb2

from gridledger.network.devnet.channel import Channel
from gridledger.network.devnet.endorser import ERROR, ERROR_THRESHOLD, Endorser
from gridledger.network.devnet.errors import ProposalRefused, Refused
from gridledger.network.devnet.layout import Layouts
from gridledger.network.devnet.ledger import Ledger
from gridledger.network.devnet.proposal import Proposal
from gridledger.network.devnet.rpc_error import RpcError

__all__ = ["EndorsementCollector", "Outcome"]

_Code = grpc.StatusCode
_MISMATCH: Final = "ProposalResponsePayloads do not match"


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What an endorser made of a proposal, as Fabric's gateway reads it.

    Parameters
    ----------
    endorser : Endorser
        Who was asked.
    response : ProposalResponse, optional
        What it answered.
    status : grpc.StatusCode
        OK, or the status that the gateway's caller gets.
    message : str
        What is wrong.
    try_another : bool
        Whether another peer may do better.
    """

    endorser: Endorser
    response: proposal_response_pb2.ProposalResponse | None
    status: grpc.StatusCode = _Code.OK
    message: str = ""
    try_another: bool = False

    def detail(self, message: str | None = None) -> gateway_pb2.ErrorDetail:
        """Return the error, or another one, as the client gets it."""
        organisation = self.endorser.organisation
        return gateway_pb2.ErrorDetail(
            address=organisation.address, msp_id=organisation.msp_id, message=message or self.message
        )


@dataclass(kw_only=True)
class _Collected:
    """Endorsements so far."""

    payload: bytes | None = None
    endorsements: dict[str, proposal_response_pb2.Endorsement] = field(default_factory=dict)
    details: list[gateway_pb2.ErrorDetail] = field(default_factory=list)
    failed: set[str] = field(default_factory=set)

    def add(self, outcome: Outcome) -> None:
        msp_id = outcome.endorser.organisation.msp_id
        if outcome.response is None or outcome.status is not _Code.OK:
            self.details.append(outcome.detail())
            self.failed.add(msp_id)
        elif self.payload is not None and outcome.response.payload != self.payload:
            self.details.append(outcome.detail(_MISMATCH))
            self.failed.add(msp_id)
        else:
            self.payload = outcome.response.payload
            self.endorsements[msp_id] = outcome.response.endorsement

    def not_enough(self) -> RpcError:
        return RpcError(
            _Code.ABORTED,
            "failed to collect enough transaction endorsements, see attached details for more info",
            self.details,
        )


class EndorsementCollector:
    """Collects endorsements as the gateway of one organisation's peer.

    Parameters
    ----------
    msp_id : str
        The organisation: its own peer is asked first.
    channel : Channel
        The one channel.
    ledger : Ledger
        Tells which peers can run a chaincode.
    endorsers : mapping of str to Endorser
        All organisations' peers, by MSP.
    layouts : Layouts
        Whose endorsements are enough.
    """

    def __init__(
        self,
        *,
        msp_id: str,
        channel: Channel,
        ledger: Ledger,
        endorsers: Mapping[str, Endorser],
        layouts: Layouts,
    ) -> None:
        self._msp_id = msp_id
        self._channel = channel
        self._ledger = ledger
        self._endorsers = endorsers
        self._layouts = layouts

    def able(self, chaincode: str) -> list[Endorser]:
        """Return the peers that can run a chaincode, the own one first."""
        with self._ledger.snapshot() as snapshot:
            able = [
                msp_id
                for msp_id, endorser in self._endorsers.items()
                if endorser.organisation.runs(snapshot, chaincode)
            ]
        return [self._endorsers[msp_id] for msp_id in sorted(able, key=lambda msp_id: msp_id != self._msp_id)]

    async def ask(self, endorser: Endorser, proposal: Proposal, *, endorse: bool = True) -> Outcome:
        """Have a peer process a proposal, and read its answer as Fabric's gateway does."""
        remote = endorser.organisation.msp_id != self._msp_id
        try:
            response = await endorser.process(proposal, endorse=endorse)
        except ProposalRefused as refusal:
            if refusal.filtered or remote:
                # What a peer refuses at the door, and what another peer refuses, comes without a response.
                message = f"rpc error: code = Unknown desc = {refusal.message}" if remote else refusal.message
                return Outcome(
                    endorser=endorser,
                    response=None,
                    status=_Code.UNAVAILABLE,
                    message=message,
                    try_another=True,
                )
            return Outcome(
                endorser=endorser, response=None, status=_Code.FAILED_PRECONDITION, message=refusal.message
            )
        status, message = response.response.status, response.response.message
        if 200 <= status < ERROR_THRESHOLD:
            return Outcome(endorser=endorser, response=response)
        if status == ERROR and not response.payload:
            # The peer's own error, not the chaincode's.
            return Outcome(
                endorser=endorser,
                response=response,
                status=_Code.ABORTED,
                message=message,
                try_another=True,
            )
        return Outcome(
            endorser=endorser,
            response=response,
            status=_Code.UNKNOWN,
            message=f"chaincode response {status}, {message}",
        )

    async def by_organisations(self, proposal: Proposal, msp_ids: list[str]) -> common_pb2.Envelope:
        """Return a transaction that exactly the named organisations endorsed.

        Raises
        ------
        RpcError
            UNAVAILABLE if one of them has no peer for the chaincode, ABORTED if one did not endorse or
            endorsed something else.
        """
        name = proposal.invoked
        missing = [msp_id for msp_id in msp_ids if not self._can_endorse(msp_id, proposal.channel_id, name)]
        if missing:
            raise RpcError(
                _Code.UNAVAILABLE, f"failed to find any endorsing peers for org(s): {', '.join(missing)}"
            )
        collected = _Collected()
        await self._collect(proposal, list(dict.fromkeys(msp_ids)), collected)
        if collected.failed:
            raise collected.not_enough()
        return _prepare(proposal, collected)

    async def by_policy(self, proposal: Proposal) -> common_pb2.Envelope:
        """Ask the own peer first, learn from its answer what is needed, then ask the others.

        Raises
        ------
        RpcError
            FAILED_PRECONDITION if no set of peers would do, ABORTED if a set was asked and failed.
        """
        interest = proposal_response_pb2.ChaincodeInterest(
            chaincodes=[proposal_response_pb2.ChaincodeCall(name=proposal.invoked)]
        )
        first = self._msp_id
        if not self._can_endorse(first, proposal.channel_id, proposal.invoked):
            if proposal.has_transient:
                raise RpcError(
                    _Code.FAILED_PRECONDITION,
                    "no endorsers found in the gateway's organization; retry specifying endorsing "
                    "organization(s) to protect transient data",
                )
            first = min(self._find(proposal, interest, None)[0])
        outcome = await self.ask(self._endorsers[first], proposal)
        if outcome.status is not _Code.OK or outcome.response is None:
            raise RpcError(
                _Code.ABORTED,
                "failed to endorse transaction, see attached details for more info",
                [outcome.detail()],
            )
        if outcome.response.interest.chaincodes:
            interest = outcome.response.interest
        layouts = self._find_protected(proposal, interest, first)
        collected = _Collected()
        collected.add(outcome)
        for layout in layouts:
            if layout & collected.failed:
                continue
            await self._collect(proposal, sorted(layout - collected.endorsements.keys()), collected)
            if layout <= collected.endorsements.keys():
                collected.endorsements = {msp_id: collected.endorsements[msp_id] for msp_id in sorted(layout)}
                return _prepare(proposal, collected)
        raise collected.not_enough()

    def _can_endorse(self, msp_id: str, channel_id: str, chaincode: str) -> bool:
        endorser = self._endorsers.get(msp_id)
        if endorser is None or channel_id != self._channel.channel_id:
            return False
        with self._ledger.snapshot() as snapshot:
            return endorser.organisation.runs(snapshot, chaincode)

    def _find(
        self, proposal: Proposal, interest: proposal_response_pb2.ChaincodeInterest, preferred: str | None
    ) -> list[frozenset[str]]:
        if proposal.channel_id != self._channel.channel_id:
            raise RpcError(
                _Code.FAILED_PRECONDITION,
                "no combination of peers can be derived which satisfy the endorsement policy: No metadata "
                "was "
                f"found for chaincode {proposal.invoked} in channel {proposal.channel_id}",
            )
        try:
            with self._ledger.snapshot() as snapshot:
                return self._layouts.find(snapshot, interest, preferred)
        except Refused as refusal:
            raise RpcError(_Code.FAILED_PRECONDITION, refusal.message) from refusal

    def _find_protected(
        self, proposal: Proposal, interest: proposal_response_pb2.ChaincodeInterest, first: str
    ) -> list[frozenset[str]]:
        """Keep transient data from organisations outside the collections that it is written to."""
        if not proposal.has_transient:
            return self._find(proposal, interest, first)
        cautious = proposal_response_pb2.ChaincodeInterest()
        cautious.CopyFrom(interest)
        protected: list[str] = []
        for call in cautious.chaincodes:
            if call.no_private_reads:
                call.no_private_reads = False
                protected.extend(call.collection_names)
        try:
            return self._find(proposal, cautious, first)
        except RpcError as refusal:
            if not protected:
                raise
            # Without the caution there may be a way: then it is the client who must choose it.
            self._find(proposal, interest, first)
            raise RpcError(
                _Code.FAILED_PRECONDITION,
                "requires endorsement from organisation(s) that are not in the distribution policy of the "
                f"private data collection(s): [{' '.join(protected)}]; retry specifying trusted endorsing "
                "organizations to protect transient data",
            ) from refusal

    async def _collect(self, proposal: Proposal, msp_ids: list[str], collected: _Collected) -> None:
        asked = [self.ask(self._endorsers[msp_id], proposal) for msp_id in msp_ids]
        # One alone, the usual case, needs no task of its own.
        for outcome in [await asked[0]] if len(asked) == 1 else await asyncio.gather(*asked):
            collected.add(outcome)


def _prepare(proposal: Proposal, collected: _Collected) -> common_pb2.Envelope:
    """Put the transaction together; the client signs it."""
    payload = proposal_pb2.ChaincodeProposalPayload(input=proposal.input_bytes).SerializeToString()
    action = transaction_pb2.ChaincodeActionPayload(
        chaincode_proposal_payload=payload,
        action=transaction_pb2.ChaincodeEndorsedAction(
            proposal_response_payload=collected.payload, endorsements=list(collected.endorsements.values())
        ),
    )
    transaction = transaction_pb2.Transaction(
        actions=[
            transaction_pb2.TransactionAction(
                header=proposal.header.signature_header, payload=action.SerializeToString()
            )
        ]
    )
    data = common_pb2.Payload(header=proposal.header, data=transaction.SerializeToString())
    return common_pb2.Envelope(payload=data.SerializeToString())
