"""A peer's answer to a proposal: check it, simulate it, sign what came of it."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Final

from fabric_protos.common import common_pb2
from fabric_protos.peer import chaincode_event_pb2, chaincode_pb2, proposal_pb2, proposal_response_pb2

from gridledger.network.devnet.channel import WRITERS, Channel
from gridledger.network.devnet.definition import Definitions
from gridledger.network.devnet.errors import Malformed, ProposalRefused, Refused
from gridledger.network.devnet.execution import Execution
from gridledger.network.devnet.identity import Identity, SignedData
from gridledger.network.devnet.ledger import Ledger
from gridledger.network.devnet.organisation import Organisation
from gridledger.network.devnet.private import PrivateData
from gridledger.network.devnet.proposal import Proposal, transaction_id
from gridledger.network.devnet.simulator import SYSTEM_CHAINCODES, Simulator

__all__ = ["Endorser"]

TIME_WINDOW_SECONDS: Final = 15 * 60
"""How far a proposal's claimed time may lie from the peer's clock."""
ERROR_THRESHOLD: Final = 400
"""Responses with this status or more are not endorsed."""
ERROR: Final = 500
_BLOCK_READERS = frozenset({"qscc", "cscc"})
_PROPOSAL_TYPES = frozenset({common_pb2.HeaderType.ENDORSER_TRANSACTION, common_pb2.HeaderType.CONFIG})


class Endorser:
    """One organisation's endorsing peer.

    Parameters
    ----------
    organisation : Organisation
        Whose peer it is.
    channel : Channel
        Who may propose.
    ledger : Ledger
        What is simulated on.
    definitions : Definitions
        The collections.
    execution : Execution
        Runs the chaincode.
    private_data : PrivateData
        Takes private writes.
    """

    def __init__(
        self,
        *,
        organisation: Organisation,
        channel: Channel,
        ledger: Ledger,
        definitions: Definitions,
        execution: Execution,
        private_data: PrivateData,
    ) -> None:
        self.organisation = organisation
        self._channel = channel
        self._ledger = ledger
        self._definitions = definitions
        self._execution = execution
        self._private_data = private_data

    async def process(
        self, proposal: Proposal, *, endorse: bool = True
    ) -> proposal_response_pb2.ProposalResponse:
        """Return the response to a proposal; what goes wrong while it runs stands in there.

        Parameters
        ----------
        proposal : Proposal
            What to simulate.
        endorse : bool, default True
            False where nobody sees the endorsement of a success: then there is none, and no payload.

        Raises
        ------
        ProposalRefused
            If the proposal is not acceptable in the first place.
        """
        self._filter(proposal)
        if proposal.channel_id and proposal.channel_id != self._channel.channel_id:
            return _failure(f"channel '{proposal.channel_id}' not found")
        self._check(proposal)
        try:
            return await self._run(proposal, endorse=endorse)
        except (Refused, Malformed) as refusal:
            return _failure(refusal.message)

    def _filter(self, proposal: Proposal) -> None:
        """Refuse an expired creator and a claimed time that is too far away."""
        try:
            expires_at = self._channel.msps.deserialize(proposal.creator).expires_at
        except Refused:
            expires_at = None
        now = time.time()
        if expires_at is not None and now > expires_at:
            raise ProposalRefused("proposal client identity expired", filtered=True)
        claimed = proposal.channel_header.timestamp
        if abs(claimed.seconds + claimed.nanos / 1e9 - now) > TIME_WINDOW_SECONDS:
            raise ProposalRefused(
                f"request unauthorized due to incorrect timestamp {_rfc3339(claimed.seconds)}, peer time "
                f"{_rfc3339(int(now))}, peer.authentication.timewindow 15m0s",
                filtered=True,
            )

    def _check(self, proposal: Proposal) -> None:
        try:
            self._validate(proposal)
        except Refused as refusal:
            raise ProposalRefused(f"error validating proposal: {refusal.message}") from refusal
        if not proposal.channel_id:
            return
        with self._ledger.snapshot() as snapshot:
            duplicate = snapshot.transaction(proposal.transaction_id) is not None
        if duplicate:
            raise ProposalRefused(
                f"duplicate transaction found [{proposal.transaction_id}]. Creator [{proposal.creator.hex()}]"
            )
        if proposal.chaincode not in SYSTEM_CHAINCODES:
            try:
                self._channel.check_access(WRITERS, proposal.signed_data)
            except Refused as refusal:
                raise ProposalRefused(refusal.message) from refusal

    def _validate(self, proposal: Proposal) -> None:
        header, signature_header = proposal.channel_header, proposal.signature_header
        if header.type not in _PROPOSAL_TYPES:
            raise Refused(f"invalid header type {header.type}")
        if header.epoch != 0:
            raise Refused("epoch is non-zero")
        if not signature_header.nonce:
            raise Refused("nonce is empty")
        if not signature_header.creator:
            raise Refused("creator is empty")
        expected = transaction_id(signature_header.nonce, signature_header.creator)
        if proposal.transaction_id != expected:
            raise Refused(f"incorrectly computed txid '{proposal.transaction_id}' -- expected '{expected}'")
        if not proposal.signed.signature:
            raise Refused("empty signature bytes")
        identity = self._identify(proposal)
        try:
            identity.validate()
            self._channel.msps.verify(proposal.signed_data)
        except Refused as refusal:
            raise Refused(
                f"access denied: channel [{proposal.channel_id}] creator org [{identity.msp_id}]"
            ) from refusal

    def _identify(self, proposal: Proposal) -> Identity:
        msps = self._channel.msps
        try:
            if proposal.channel_id:
                return msps.deserialize(proposal.creator)
            # Calls to the peer alone are for its own organisation.
            return msps.deserialize_own(self.organisation.msp_id, proposal.creator)
        except Refused as refusal:
            raise Refused(
                f"access denied: channel [{proposal.channel_id}] creator org unknown, creator is malformed"
            ) from refusal

    async def _run(self, proposal: Proposal, *, endorse: bool) -> proposal_response_pb2.ProposalResponse:
        if not proposal.channel_id or proposal.chaincode in _BLOCK_READERS:
            version = self._version(proposal, None)
            response, event = await self._execution.execute(proposal, None)
            if not endorse and response.status < ERROR_THRESHOLD:
                return proposal_response_pb2.ProposalResponse(response=response)
            return self._respond(proposal, version, response, event, b"", None)
        with self._ledger.snapshot() as snapshot:
            simulator = Simulator(
                self.organisation.msp_id, proposal.transaction_id, snapshot, self._definitions
            )
            version = self._version(proposal, simulator)
            response, event = await self._execution.execute(proposal, simulator)
            is_unseen = not endorse and response.status < ERROR_THRESHOLD
            if is_unseen and not simulator.writes_private:
                return proposal_response_pb2.ProposalResponse(response=response)
            result = simulator.result()
            if result.private:
                self._private_data.distribute(
                    self.organisation.msp_id, proposal.transaction_id, result.private, snapshot
                )
            if is_unseen:
                return proposal_response_pb2.ProposalResponse(response=response)
            interest = simulator.interest(result.namespaces)
        if response.status >= ERROR_THRESHOLD:
            event = None
        return self._respond(proposal, version, response, event, result.public, interest)

    def _version(self, proposal: Proposal, simulator: Simulator | None) -> str:
        try:
            return self._execution.version(proposal.chaincode, simulator, proposal.channel_id)
        except Refused as refusal:
            raise Refused(
                f"make sure the chaincode {proposal.chaincode} has been successfully defined on channel "
                f"{proposal.channel_id} and try again: {refusal.message}"
            ) from refusal

    def _respond(
        self,
        proposal: Proposal,
        version: str,
        response: proposal_response_pb2.Response,
        event: chaincode_event_pb2.ChaincodeEvent | None,
        results: bytes,
        interest: proposal_response_pb2.ChaincodeInterest | None,
    ) -> proposal_response_pb2.ProposalResponse:
        action = proposal_pb2.ChaincodeAction(
            results=results,
            events=event.SerializeToString() if event is not None else b"",
            response=response,
            chaincode_id=chaincode_pb2.ChaincodeID(name=proposal.chaincode, version=version),
        )
        payload = proposal_response_pb2.ProposalResponsePayload(
            proposal_hash=proposal.proposal_hash, extension=action.SerializeToString()
        ).SerializeToString()
        if response.status >= ERROR:
            return proposal_response_pb2.ProposalResponse(
                response=response, payload=payload, interest=interest
            )
        if not proposal.channel_id or response.status >= ERROR_THRESHOLD:
            return proposal_response_pb2.ProposalResponse(response=response)
        signer = self.organisation.signer
        signed = SignedData(
            payload + signer.identity, signer.identity, signer.sign(payload + signer.identity)
        )
        self._channel.msps.remember(signed)
        return proposal_response_pb2.ProposalResponse(
            version=1,
            endorsement=proposal_response_pb2.Endorsement(
                endorser=signer.identity, signature=signed.signature
            ),
            payload=payload,
            response=response,
            interest=interest,
        )


def _failure(message: str) -> proposal_response_pb2.ProposalResponse:
    response = proposal_response_pb2.Response(status=ERROR, message=message)
    return proposal_response_pb2.ProposalResponse(response=response)


def _rfc3339(seconds: int) -> str:
    try:
        return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (ValueError, OverflowError, OSError):
        return f"{seconds} s"
