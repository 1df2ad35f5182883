"""The gateway of one organisation's peer: evaluate, endorse, submit, commit status, chaincode events."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import grpc
from fabric_protos.common import common_pb2
from fabric_protos.gateway import gateway_pb2
from fabric_protos.peer import chaincode_event_pb2, proposal_pb2
from google.protobuf.message import DecodeError

from gridledger.host.ports import LOOPBACK
from gridledger.network.devnet.channel import READERS, Channel
from gridledger.network.devnet.commits import Commits
from gridledger.network.devnet.endorsement import EndorsementCollector, Outcome
from gridledger.network.devnet.errors import Malformed, Refused
from gridledger.network.devnet.identity import SignedData
from gridledger.network.devnet.ledger import Ledger
from gridledger.network.devnet.orderer import Orderer, OrderingRefused
from gridledger.network.devnet.proposal import Proposal
from gridledger.network.devnet.rpc_error import RpcError

__all__ = ["GatewayService"]

_Code = grpc.StatusCode


class GatewayService:
    """What the gateway of one organisation's peer does.

    Parameters
    ----------
    msp_id : str
        The organisation.
    channel : Channel
        Who may look.
    ledger : Ledger
        Blocks and their commits.
    collector : EndorsementCollector
        Asks the peers.
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
        collector: EndorsementCollector,
        orderer: Orderer,
        commits: Commits,
        orderer_msp_id: str,
    ) -> None:
        self._msp_id = msp_id
        self._channel = channel
        self._ledger = ledger
        self._collector = collector
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
            proposal = _unpack(request.proposed_transaction)
        except Malformed as error:
            raise RpcError(
                _Code.INVALID_ARGUMENT, f"failed to unpack transaction proposal: {error.message}"
            ) from error
        if proposal.channel_id != self._channel.channel_id:
            raise RpcError(_Code.UNAVAILABLE, _no_config(proposal.channel_id))
        targets = list(request.target_organizations)
        protect = proposal.has_transient and not targets
        if protect:
            targets = [self._msp_id]
        candidates = [
            endorser
            for endorser in self._collector.able(proposal.invoked)
            if not targets or endorser.organisation.msp_id in targets
        ]
        if not candidates:
            raise RpcError(_Code.FAILED_PRECONDITION, _nobody(proposal, protect=protect))
        outcomes: list[Outcome] = []
        for endorser in candidates:
            outcome = await self._collector.ask(endorser, proposal, endorse=False)
            if outcome.status is _Code.OK and outcome.response is not None:
                answer = gateway_pb2.EvaluateResponse()
                answer.result.CopyFrom(outcome.response.response)
                return answer
            outcomes.append(outcome)
            if not outcome.try_another:
                raise RpcError(
                    outcome.status,
                    f"evaluate call to endorser returned error: {outcome.message}",
                    [each.detail() for each in outcomes],
                )
        raise RpcError(
            outcomes[-1].status,
            "failed to evaluate transaction, see attached details for more info",
            [each.detail() for each in outcomes],
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
            named = list(request.endorsing_organizations)
            envelope = await self._collector.by_organisations(proposal, named)
        else:
            envelope = await self._collector.by_policy(proposal)
        return gateway_pb2.EndorseResponse(prepared_transaction=envelope)

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
                address=LOOPBACK,
                msp_id=self._orderer_msp_id,
                message=f"received unsuccessful response from orderer: status={status}, "
                f"info={refusal.message}",
            )
            raise RpcError(
                _Code.UNAVAILABLE,
                "insufficient number of orderers could successfully process transaction to satisfy quorum "
                "requirement",
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
        request = _read(gateway_pb2.CommitStatusRequest, signed.request, "invalid status request")
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
        request = _read(
            gateway_pb2.ChaincodeEventsRequest, signed.request, "invalid chaincode events request"
        )
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

    def _check_reader(self, channel_id: str, signed: SignedData) -> None:
        if channel_id != self._channel.channel_id:
            raise RpcError(
                _Code.PERMISSION_DENIED, f"Failed to get policy manager for channel [{channel_id}]"
            )
        try:
            self._channel.check_access(READERS, signed)
        except Refused as refusal:
            raise RpcError(_Code.PERMISSION_DENIED, refusal.message) from refusal

    def _first_block(self, request: gateway_pb2.ChaincodeEventsRequest) -> tuple[int, str]:
        """Return the first block to look at, and the transaction after which events count."""
        after = request.after_transaction_id
        if after:
            with self._ledger.snapshot() as snapshot:
                found = snapshot.transaction(after)
            if found is not None:
                return found.version.block, after
        position = request.start_position.WhichOneof("Type")
        if position == "specified":
            return request.start_position.specified.number, after
        if position in (None, "next_commit"):
            return self._ledger.height, after
        raise RpcError(
            _Code.INVALID_ARGUMENT,
            f"invalid start position type: *orderer.SeekPosition_{position.capitalize()}",
        )


def _unpack(signed: proposal_pb2.SignedProposal) -> Proposal:
    if not signed.proposal_bytes:
        raise Malformed("a signed proposal is required")
    proposal = Proposal.parse(signed)
    if not proposal.channel_id:
        raise Malformed("no channel id provided")
    if not proposal.invoked:
        raise Malformed(f"no chaincode name is provided, channel id [{proposal.channel_id}]")
    return proposal


def _read(kind: Any, data: bytes, failed: str) -> Any:
    try:
        return kind.FromString(data)
    except DecodeError as error:
        raise RpcError(_Code.INVALID_ARGUMENT, f"{failed}: {error}") from error


def _no_config(channel_id: str) -> str:
    return (
        f"failed to get config for channel [{channel_id}]: could not get last config for channel {channel_id}"
    )


def _nobody(proposal: Proposal, *, protect: bool) -> str:
    reason = f"no peers available to evaluate chaincode {proposal.invoked} in channel {proposal.channel_id}"
    if not protect:
        return reason
    return (
        "no endorsers found in the gateway's organization; retry specifying target organization(s) to "
        "protect "
        f"transient data: {reason}"
    )
