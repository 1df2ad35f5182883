"""The gateway of one organisation's peer: evaluate, endorse, submit, commit status, chaincode events."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Final

import grpc
from fabric_protos.common import common_pb2
from fabric_protos.gateway import gateway_pb2
from fabric_protos.peer import chaincode_event_pb2, proposal_pb2, proposal_response_pb2, transaction_pb2
from google.protobuf.message import DecodeError

from gridledger.network.devnet.channel import READERS, Channel
from gridledger.network.devnet.commits import Commits
from gridledger.network.devnet.endorser import ERROR, ERROR_THRESHOLD, Endorser
from gridledger.network.devnet.errors import Malformed, ProposalRefused, Refused
from gridledger.network.devnet.identity import SignedData
from gridledger.network.devnet.layout import Layouts
from gridledger.network.devnet.ledger import Ledger
from gridledger.network.devnet.orderer import Orderer, OrderingRefused
from gridledger.network.devnet.proposal import Proposal
from gridledger.network.devnet.rpc_error import RpcError

__all__ = ["GatewayService"]

_Code = grpc.StatusCode
_STREAM_TERMINATED: Final = "chaincode stream terminated"
_MISMATCH: Final = "ProposalResponsePayloads do not match"


@dataclass(frozen=True, kw_only=True)
class _Outcome:
    """What an endorser made of a proposal."""

    endorser: Endorser
    response: proposal_response_pb2.ProposalResponse | None
    status: grpc.StatusCode = _Code.OK
    message: str = ""
    try_another: bool = False

    @property
    def detail(self) -> gateway_pb2.ErrorDetail:
        """The error as the client gets it."""
        organisation = self.endorser.organisation
        return gateway_pb2.ErrorDetail(
            address=organisation.address, msp_id=organisation.msp_id, message=self.message
        )


@dataclass(kw_only=True)
class _Collected:
    """Endorsements so far."""

    payload: bytes | None = None
    endorsements: dict[str, proposal_response_pb2.Endorsement] = field(default_factory=dict)
    details: list[gateway_pb2.ErrorDetail] = field(default_factory=list)
    failed: set[str] = field(default_factory=set)

    def add(self, outcome: _Outcome) -> None:
        msp_id = outcome.endorser.organisation.msp_id
        if outcome.response is None or outcome.status is not _Code.OK:
            self.details.append(outcome.detail)
            self.failed.add(msp_id)
        elif self.payload is not None and outcome.response.payload != self.payload:
            detail = outcome.detail
            detail.message = _MISMATCH
            self.details.append(detail)
            self.failed.add(msp_id)
        else:
            self.payload = outcome.response.payload
            self.endorsements[msp_id] = outcome.response.endorsement


class GatewayService:
    """What the gateway of one organisation's peer does.

    Parameters
    ----------
    msp_id : str
        The organisation: its own peer is asked first.
    channel : Channel
        Who may look.
    ledger : Ledger
        Blocks and their commits.
    endorsers : mapping of str to Endorser
        All organisations' peers, by MSP.
    layouts : Layouts
        Whose endorsements are enough.
    orderer : Orderer
        Takes transactions in.
    commits : Commits
        Tells of transactions that were committed.
    orderer_msp_id : str
        For errors.
    """

    def __init__(
        self,
        *,
        msp_id: str,
        channel: Channel,
        ledger: Ledger,
        endorsers: Mapping[str, Endorser],
        layouts: Layouts,
        orderer: Orderer,
        commits: Commits,
        orderer_msp_id: str,
    ) -> None:
        self._msp_id = msp_id
        self._channel = channel
        self._ledger = ledger
        self._endorsers = endorsers
        self._layouts = layouts
        self._orderer = orderer
        self._commits = commits
        self._orderer_msp_id = orderer_msp_id

    async def evaluate(self, request: gateway_pb2.EvaluateRequest) -> gateway_pb2.EvaluateResponse:
        """Run a proposal on one peer and return the chaincode's response.

        Raises
        ------
        RpcError
            With the status and message of Fabric's gateway.
        """
        try:
            proposal = self._parse(request.proposed_transaction)
        except Malformed as error:
            raise RpcError(
                _Code.INVALID_ARGUMENT, f"failed to unpack transaction proposal: {error.message}"
            ) from error
        if proposal.channel_id != self._channel.channel_id:
            raise RpcError(_Code.UNAVAILABLE, _no_config(proposal.channel_id))
        name = _addressee(proposal)
        targets = list(request.target_organizations)
        protect = proposal.has_transient and not targets
        candidates = self._evaluators(name, [self._msp_id] if protect else targets)
        if not candidates:
            reason = f"no peers available to evaluate chaincode {name} in channel {proposal.channel_id}"
            if protect:
                reason = (
                    "no endorsers found in the gateway's organization; retry specifying target organization(s) to "
                    f"protect transient data: {reason}"
                )
            raise RpcError(_Code.FAILED_PRECONDITION, reason)
        details = []
        for endorser in candidates:
            outcome = await self._ask(endorser, proposal)
            if outcome.status is _Code.OK and outcome.response is not None:
                result = outcome.response.response
                if outcome.response.payload:
                    result.payload = _result_of(outcome.response.payload)
                return gateway_pb2.EvaluateResponse(result=result)
            details.append(outcome.detail)
            if not outcome.try_another:
                raise RpcError(
                    outcome.status, f"evaluate call to endorser returned error: {outcome.message}", details
                )
        raise RpcError(
            outcome.status, "failed to evaluate transaction, see attached details for more info", details
        )

    def _evaluators(self, chaincode: str, targets: list[str]) -> list[Endorser]:
        with self._ledger.snapshot() as snapshot:
            able = [
                msp_id
                for msp_id, endorser in self._endorsers.items()
                if endorser.organisation.runs(snapshot, chaincode) and (not targets or msp_id in targets)
            ]
        return [self._endorsers[msp_id] for msp_id in sorted(able, key=lambda msp_id: msp_id != self._msp_id)]

    def _parse(self, signed: proposal_pb2.SignedProposal) -> Proposal:
        if not signed.proposal_bytes:
            raise Malformed("a signed proposal is required")
        proposal = Proposal.parse(signed)
        if not proposal.channel_id:
            raise Malformed("no channel id provided")
        if not _addressee(proposal):
            raise Malformed(f"no chaincode name is provided, channel id [{proposal.channel_id}]")
        return proposal

    async def _ask(self, endorser: Endorser, proposal: Proposal) -> _Outcome:
        """Have a peer process a proposal, and read its answer as Fabric's gateway does."""
        remote = endorser.organisation.msp_id != self._msp_id
        try:
            response = await endorser.process(proposal)
        except ProposalRefused as refusal:
            if refusal.filtered or remote:
                # What a peer refuses at the door, and what another peer refuses, comes without a response.
                message = f"rpc error: code = Unknown desc = {refusal.message}" if remote else refusal.message
                return _Outcome(
                    endorser=endorser,
                    response=None,
                    status=_Code.UNAVAILABLE,
                    message=message,
                    try_another=True,
                )
            return _Outcome(
                endorser=endorser, response=None, status=_Code.FAILED_PRECONDITION, message=refusal.message
            )
        status, message = response.response.status, response.response.message
        if 200 <= status < ERROR_THRESHOLD:
            return _Outcome(endorser=endorser, response=response)
        if status == ERROR and not response.payload:
            return _Outcome(
                endorser=endorser, response=response, status=_Code.ABORTED, message=message, try_another=True
            )
        return _Outcome(
            endorser=endorser,
            response=response,
            status=_Code.UNKNOWN,
            message=f"chaincode response {status}, {message}",
        )

    async def endorse(self, request: gateway_pb2.EndorseRequest) -> gateway_pb2.EndorseResponse:
        """Collect the endorsements that a transaction needs and return it, to be signed.

        Raises
        ------
        RpcError
            With the status and message of Fabric's gateway.
        """
        if not request.proposed_transaction.proposal_bytes:
            raise RpcError(_Code.INVALID_ARGUMENT, "the proposed transaction must contain a signed proposal")
        try:
            proposal = Proposal.parse(request.proposed_transaction)
        except Malformed as error:
            raise RpcError(_Code.INVALID_ARGUMENT, error.message) from error
        if request.endorsing_organizations:
            collected = await self._endorse_by(proposal, list(request.endorsing_organizations))
        else:
            collected = await self._endorse_by_policy(proposal)
        return gateway_pb2.EndorseResponse(prepared_transaction=_prepare(proposal, collected))

    async def _endorse_by(self, proposal: Proposal, msp_ids: list[str]) -> _Collected:
        """Ask exactly the organisations that the client named."""
        name = _addressee(proposal)
        missing = [msp_id for msp_id in msp_ids if not self._can_endorse(msp_id, proposal.channel_id, name)]
        if missing:
            raise RpcError(
                _Code.UNAVAILABLE, f"failed to find any endorsing peers for org(s): {', '.join(missing)}"
            )
        collected = _Collected()
        await self._collect(proposal, list(dict.fromkeys(msp_ids)), collected)
        if collected.failed:
            raise _not_enough(collected)
        return collected

    def _can_endorse(self, msp_id: str, channel_id: str, chaincode: str) -> bool:
        endorser = self._endorsers.get(msp_id)
        if endorser is None or channel_id != self._channel.channel_id:
            return False
        with self._ledger.snapshot() as snapshot:
            return endorser.organisation.runs(snapshot, chaincode)

    async def _endorse_by_policy(self, proposal: Proposal) -> _Collected:
        """Ask the own peer first, learn from its answer what is needed, then ask the others."""
        name = _addressee(proposal)
        interest = proposal_response_pb2.ChaincodeInterest(
            chaincodes=[proposal_response_pb2.ChaincodeCall(name=name)]
        )
        first = self._msp_id
        if not self._can_endorse(first, proposal.channel_id, name):
            if proposal.has_transient:
                raise RpcError(
                    _Code.FAILED_PRECONDITION,
                    "no endorsers found in the gateway's organization; retry specifying endorsing organization(s) to "
                    "protect transient data",
                )
            first = min(self._find_layouts(proposal, interest, None)[0])
        outcome = await self._ask(self._endorsers[first], proposal)
        if outcome.status is not _Code.OK or outcome.response is None:
            raise RpcError(
                _Code.ABORTED,
                "failed to endorse transaction, see attached details for more info",
                [outcome.detail],
            )
        if outcome.response.interest.chaincodes:
            interest = outcome.response.interest
        layouts = self._protected_layouts(proposal, interest, first)
        collected = _Collected()
        collected.add(outcome)
        return await self._complete(proposal, layouts, collected)

    def _find_layouts(
        self, proposal: Proposal, interest: proposal_response_pb2.ChaincodeInterest, preferred: str | None
    ) -> list[frozenset[str]]:
        if proposal.channel_id != self._channel.channel_id:
            raise RpcError(
                _Code.FAILED_PRECONDITION,
                "no combination of peers can be derived which satisfy the endorsement policy: No metadata was found for "
                f"chaincode {_addressee(proposal)} in channel {proposal.channel_id}",
            )
        try:
            with self._ledger.snapshot() as snapshot:
                return self._layouts.find(snapshot, interest, preferred)
        except Refused as refusal:
            raise RpcError(_Code.FAILED_PRECONDITION, refusal.message) from refusal

    def _protected_layouts(
        self, proposal: Proposal, interest: proposal_response_pb2.ChaincodeInterest, first: str
    ) -> list[frozenset[str]]:
        """Keep transient data from organisations outside the collections that it is written to."""
        if not proposal.has_transient:
            return self._find_layouts(proposal, interest, first)
        cautious = proposal_response_pb2.ChaincodeInterest()
        cautious.CopyFrom(interest)
        protected: list[str] = []
        for call in cautious.chaincodes:
            if call.no_private_reads:
                call.no_private_reads = False
                protected.extend(call.collection_names)
        try:
            return self._find_layouts(proposal, cautious, first)
        except RpcError as refusal:
            if not protected:
                raise
            # Without the caution there may be a way: then it is the client who must choose it.
            self._find_layouts(proposal, interest, first)
            raise RpcError(
                _Code.FAILED_PRECONDITION,
                "requires endorsement from organisation(s) that are not in the distribution policy of the private data "
                f"collection(s): [{' '.join(protected)}]; retry specifying trusted endorsing organizations to protect "
                "transient data",
            ) from refusal

    async def _complete(
        self, proposal: Proposal, layouts: list[frozenset[str]], collected: _Collected
    ) -> _Collected:
        for layout in layouts:
            if layout & collected.failed:
                continue
            await self._collect(proposal, sorted(layout - collected.endorsements.keys()), collected)
            if layout <= collected.endorsements.keys():
                collected.endorsements = {msp_id: collected.endorsements[msp_id] for msp_id in sorted(layout)}
                return collected
        raise _not_enough(collected)

    async def _collect(self, proposal: Proposal, msp_ids: list[str], collected: _Collected) -> None:
        outcomes = await asyncio.gather(*(self._ask(self._endorsers[msp_id], proposal) for msp_id in msp_ids))
        for outcome in outcomes:
            collected.add(outcome)

    async def submit(self, request: gateway_pb2.SubmitRequest) -> gateway_pb2.SubmitResponse:
        """Hand a signed transaction to the orderer.

        Raises
        ------
        RpcError
            With the status and message of Fabric's gateway.
        """
        if not request.HasField("prepared_transaction"):
            raise RpcError(_Code.INVALID_ARGUMENT, "a prepared transaction is required")
        if not request.prepared_transaction.signature:
            raise RpcError(_Code.INVALID_ARGUMENT, "prepared transaction must be signed")
        if request.channel_id != self._channel.channel_id:
            raise RpcError(_Code.FAILED_PRECONDITION, _no_config(request.channel_id))
        try:
            self._orderer.submit(request.prepared_transaction)
        except OrderingRefused as refusal:
            status = common_pb2.Status.Name(refusal.status)
            detail = gateway_pb2.ErrorDetail(
                address="127.0.0.1",
                msp_id=self._orderer_msp_id,
                message=f"received unsuccessful response from orderer: status={status}, info={refusal.message}",
            )
            raise RpcError(
                _Code.UNAVAILABLE,
                "insufficient number of orderers could successfully process transaction to satisfy quorum requirement",
                [detail],
            ) from refusal
        return gateway_pb2.SubmitResponse()

    async def commit_status(
        self, signed: gateway_pb2.SignedCommitStatusRequest
    ) -> gateway_pb2.CommitStatusResponse:
        """Wait until a transaction is committed and return its validation code.

        Raises
        ------
        RpcError
            With the status and message of Fabric's gateway.
        """
        if not signed.request:
            raise RpcError(_Code.INVALID_ARGUMENT, "a commit status request is required")
        try:
            request = gateway_pb2.CommitStatusRequest.FromString(signed.request)
        except DecodeError as error:
            raise RpcError(_Code.INVALID_ARGUMENT, f"invalid status request: {error}") from error
        for missing, text in (
            (not request.identity, "no identity provided"),
            (not request.channel_id, "no channel ID provided"),
            (not request.transaction_id, "transaction ID should not be empty"),
        ):
            if missing:
                raise RpcError(_Code.INVALID_ARGUMENT, text)
        self._check_reader(request.channel_id, SignedData(signed.request, request.identity, signed.signature))
        number, code = await self._commits.wait(request.transaction_id)
        return gateway_pb2.CommitStatusResponse(result=code, block_number=number)

    def _check_reader(self, channel_id: str, signed: SignedData) -> None:
        if channel_id != self._channel.channel_id:
            raise RpcError(
                _Code.PERMISSION_DENIED, f"Failed to get policy manager for channel [{channel_id}]"
            )
        try:
            self._channel.check_access(READERS, signed)
        except Refused as refusal:
            raise RpcError(_Code.PERMISSION_DENIED, refusal.message) from refusal

    async def chaincode_events(
        self, signed: gateway_pb2.SignedChaincodeEventsRequest
    ) -> AsyncIterator[gateway_pb2.ChaincodeEventsResponse]:
        """Yield the events of a chaincode's valid transactions, a message a block that has some, for ever.

        Raises
        ------
        RpcError
            With the status and message of Fabric's gateway.
        """
        if not signed.request:
            raise RpcError(_Code.INVALID_ARGUMENT, "a chaincode events request is required")
        try:
            request = gateway_pb2.ChaincodeEventsRequest.FromString(signed.request)
        except DecodeError as error:
            raise RpcError(_Code.INVALID_ARGUMENT, f"invalid chaincode events request: {error}") from error
        self._check_reader(request.channel_id, SignedData(signed.request, request.identity, signed.signature))
        number, after = self._first_block(request)
        while True:
            await self._ledger.wait_for(number)
            events: list[chaincode_event_pb2.ChaincodeEvent] = []
            for event in self._commits.events(number):
                if after:
                    after = "" if event.tx_id == after else after
                elif event.chaincode_id == request.chaincode_id:
                    events.append(event)
            if events:
                yield gateway_pb2.ChaincodeEventsResponse(events=events, block_number=number)
            number += 1

    def _first_block(self, request: gateway_pb2.ChaincodeEventsRequest) -> tuple[int, str]:
        """Return the first block to look at, and the transaction after which events count."""
        after = request.after_transaction_id
        if after:
            with self._ledger.snapshot() as snapshot:
                found = snapshot.transaction(after)
            if found is not None:
                return found[0].block, after
        position = request.start_position.WhichOneof("Type")
        if position == "specified":
            return request.start_position.specified.number, after
        if position in (None, "next_commit"):
            return self._ledger.height, after
        raise RpcError(
            _Code.INVALID_ARGUMENT,
            f"invalid start position type: *orderer.SeekPosition_{position.capitalize()}",
        )


def _addressee(proposal: Proposal) -> str:
    return str(proposal.invocation.chaincode_spec.chaincode_id.name)


def _no_config(channel_id: str) -> str:
    return (
        f"failed to get config for channel [{channel_id}]: could not get last config for channel {channel_id}"
    )


def _result_of(payload: bytes) -> bytes:
    """Return the chaincode's result out of what its peer signed."""
    try:
        extension = proposal_response_pb2.ProposalResponsePayload.FromString(payload).extension
        return bytes(proposal_pb2.ChaincodeAction.FromString(extension).response.payload)
    except DecodeError:
        return b""


def _not_enough(collected: _Collected) -> RpcError:
    return RpcError(
        _Code.ABORTED,
        "failed to collect enough transaction endorsements, see attached details for more info",
        collected.details,
    )


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
