"""A contract of a chaincode: the calls of a program."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from gridledger.client.commit import Commit
from gridledger.client.counting import counted_transaction
from gridledger.client.deadlines import Deadlines
from gridledger.client.errors import CommitConflict, EndorseError, EndorsementsDiffer, OutcomeUnknown
from gridledger.client.outcome import Outcome
from gridledger.client.proposal import Proposal
from gridledger.client.session import Session
from gridledger.host.metrics import GATEWAY_RETRIES
from gridledger.model.argument import Argument
from gridledger.model.call import Call
from gridledger.model.errors import ContractError, GatewayError
from gridledger.model.refusals import CallCancelled, CallRepeated
from gridledger.model.states import CallState

__all__ = ["Committed", "Contract", "new_call_key"]

# The contract that every chaincode with a contract layer has, and its cancelling transaction.
_LEDGER = "ledger"
_CANCEL = "CancelCall"
_CALL_KEY_BYTES = 24


@dataclass(frozen=True, kw_only=True, slots=True)
class Committed:
    """A call that stands in the chain and is valid."""

    tx_id: str
    """Transaction id."""

    block_number: int
    """Block in which it stands."""

    result: bytes
    """What the contract returned."""

    endorsers: tuple[str, ...] = field(default=(), compare=False)
    """MSP ids of the organisations whose endorsements were enough; empty where it was not this client that
    collected them."""


class Contract:
    """A contract by name, or a chaincode that has only one; made by `Network.contract`."""

    __slots__ = ("_session", "chaincode", "channel", "name")

    channel: str
    """Channel that the chaincode is on."""

    chaincode: str
    """Name of the chaincode."""

    name: str | None
    """Name of the contract; none for the chaincode's default one."""

    def __init__(self, session: Session, *, channel: str, chaincode: str, name: str | None) -> None:
        self._session = session
        self.channel = channel
        self.chaincode = chaincode
        self.name = name

    def proposal(
        self,
        function: str,
        *arguments: Argument,
        transient: Mapping[str, Argument] | None = None,
        endorsing_organizations: Sequence[str] = (),
        claimed_time_ms: int | None = None,
    ) -> Proposal:
        """Build the proposal of a call; the first of the steps, for those who take them one by one.

        Parameters
        ----------
        function : str
            Name of the transaction or query.
        *arguments : str, int, bytes, model value, or value of canonical JSON
            The call's arguments.
        transient : mapping of str to such values, optional
            Data for the endorsers that does not reach the ledger.
        endorsing_organizations : sequence of str, optional
            MSPs whose peers execute it; chosen by the gateway from the policies by default.
        claimed_time_ms : int, optional
            The time that the transaction claims, in milliseconds since 1970; the clock's by default.

        Returns
        -------
        Proposal
            Not signed yet.

        Raises
        ------
        ModelError
            When an argument cannot be written.
        """
        return Proposal.create(
            self._session,
            channel=self.channel,
            chaincode=self.chaincode,
            function=f"{self.name}:{function}" if self.name else function,
            arguments=arguments,
            transient=transient,
            endorsing_organizations=endorsing_organizations,
            claimed_time_ms=claimed_time_ms,
        )

    async def evaluate(
        self,
        function: str,
        *arguments: Argument,
        transient: Mapping[str, Argument] | None = None,
        endorsing_organizations: Sequence[str] = (),
        claimed_time_ms: int | None = None,
        timeout: float | None = None,
    ) -> bytes:
        """Execute a query on one peer: `proposal`, then `Proposal.evaluate`.

        Parameters
        ----------
        function, *arguments, transient, endorsing_organizations, claimed_time_ms
            See `proposal`.
        timeout : float, optional
            Seconds; the gateway's `Deadlines.evaluate` by default.

        Returns
        -------
        bytes
            What the contract returned.

        Raises
        ------
        ContractError
            When the contract refused.
        EvaluateError
            When it failed otherwise.
        """
        proposal = self.proposal(
            function,
            *arguments,
            transient=transient,
            endorsing_organizations=endorsing_organizations,
            claimed_time_ms=claimed_time_ms,
        )
        return await proposal.evaluate(timeout=timeout)

    async def submit(
        self,
        function: str,
        *arguments: Argument,
        transient: Mapping[str, Argument] | None = None,
        endorsing_organizations: Sequence[str] = (),
        claimed_time_ms: int | None = None,
        deadlines: Deadlines | None = None,
    ) -> bytes:
        """Execute a call, have it ordered, wait until it is valid: `transact`, and its result alone."""
        committed = await self.transact(
            function,
            *arguments,
            transient=transient,
            endorsing_organizations=endorsing_organizations,
            claimed_time_ms=claimed_time_ms,
            deadlines=deadlines,
        )
        return committed.result

    async def transact(
        self,
        function: str,
        *arguments: Argument,
        transient: Mapping[str, Argument] | None = None,
        endorsing_organizations: Sequence[str] = (),
        claimed_time_ms: int | None = None,
        deadlines: Deadlines | None = None,
    ) -> Committed:
        """Take all steps: `proposal`, `Proposal.endorse`, then `Outcome.settle`.

        Parameters
        ----------
        function, *arguments, transient, endorsing_organizations, claimed_time_ms
            See `proposal`.
        deadlines : Deadlines, optional
            For this call; the gateway's by default.

        Returns
        -------
        Committed
            What stands in the chain.

        Raises
        ------
        ContractError
            When the contract refused.
        EndorseError, SubmitError
            When the step failed and nothing is ordered.
        CommitError
            When it is ordered and invalid.
        OutcomeUnknown
            When the deadline has passed without an outcome.

        Notes
        -----
        Who cancels the call learns nothing of its outcome: `OutcomeUnknown` without the error.
        A new transaction is made only where the one before certainly did nothing, a bounded number of times:
        after an MVCC or phantom read conflict (`RetryPolicy.conflicts`), and when peers endorsed differently,
        so that nothing was ordered (`RetryPolicy.endorsements`).
        """
        with counted_transaction():
            return await self._transact(
                function,
                *arguments,
                transient=transient,
                endorsing_organizations=endorsing_organizations,
                claimed_time_ms=claimed_time_ms,
                limits=deadlines or self._session.deadlines,
            )

    async def _transact(
        self,
        function: str,
        *arguments: Argument,
        transient: Mapping[str, Argument] | None,
        endorsing_organizations: Sequence[str],
        claimed_time_ms: int | None,
        limits: Deadlines,
    ) -> Committed:
        retry = self._session.retry
        conflicts = differences = 0
        while True:
            proposal = self.proposal(
                function,
                *arguments,
                transient=transient,
                endorsing_organizations=endorsing_organizations,
                claimed_time_ms=claimed_time_ms,
            )
            try:
                transaction = await proposal.endorse(timeout=limits.endorse)
                status = await Outcome(transaction, deadlines=limits, retry=retry).settle()
                status.check()
            except CommitConflict:
                conflicts += 1
                if conflicts > retry.conflicts.attempts:
                    raise
                GATEWAY_RETRIES.labels("conflict").inc()
                await asyncio.sleep(retry.conflicts.delay(conflicts))
            except (ContractError, EndorseError) as error:
                differences += 1
                if not _is_difference(error) or differences > retry.endorsements.attempts:
                    raise
                GATEWAY_RETRIES.labels("endorsements").inc()
                await asyncio.sleep(retry.endorsements.delay(differences))
            else:
                return Committed(
                    tx_id=status.tx_id,
                    block_number=status.block_number,
                    result=transaction.result,
                    endorsers=transaction.endorsers,
                )

    async def submit_once(
        self,
        function: str,
        *arguments: Argument,
        call_key: str | None = None,
        transient: Mapping[str, Argument] | None = None,
        endorsing_organizations: Sequence[str] = (),
        claimed_time_ms: int | None = None,
        deadlines: Deadlines | None = None,
    ) -> bytes:
        """Execute a call that must happen once, and return its result; `transact_once` says more."""
        committed = await self.transact_once(
            function,
            *arguments,
            call_key=call_key,
            transient=transient,
            endorsing_organizations=endorsing_organizations,
            claimed_time_ms=claimed_time_ms,
            deadlines=deadlines,
        )
        return committed.result

    async def transact_once(
        self,
        function: str,
        *arguments: Argument,
        call_key: str | None = None,
        transient: Mapping[str, Argument] | None = None,
        endorsing_organizations: Sequence[str] = (),
        claimed_time_ms: int | None = None,
        deadlines: Deadlines | None = None,
    ) -> Committed:
        """Take all steps of a call that must happen once: `transact`, then `settle_call` if need be.

        Parameters
        ----------
        function, *arguments, transient, endorsing_organizations, claimed_time_ms, deadlines
            See `transact`. The contract declares the function ``@transaction(once=True)``; the call key goes
            in front of the arguments.
        call_key : str, optional
            1 to 64 characters of ``A-Z a-z 0-9 . _ -``; whoever repeats a call after a crash gives the same
            one. Random by default.

        Returns
        -------
        Committed
            What stands in the chain.

        Raises
        ------
        CallRepeated
            When another transaction has done the call under this key.
        CallCancelled
            When the call is cancelled under this key, such as by settling it here: it will not happen.
        ContractError, EndorseError, SubmitError, CommitError
            See `transact`; the call has not happened.
        OutcomeUnknown
            When settling failed as well; its `call_key` can be settled later.
        """
        key = call_key or new_call_key()
        try:
            return await self.transact(
                function,
                key,
                *arguments,
                transient=transient,
                endorsing_organizations=endorsing_organizations,
                claimed_time_ms=claimed_time_ms,
                deadlines=deadlines,
            )
        except OutcomeUnknown as unknown:
            return await self._settle(unknown, key, deadlines)

    async def settle_call(self, call_key: str, *, deadlines: Deadlines | None = None) -> Call:
        """Decide a call by a cancelling transaction under its key: the first ordered wins.

        Parameters
        ----------
        call_key : str
            The call's key.
        deadlines : Deadlines, optional
            The gateway's by default.

        Returns
        -------
        Call
            What stands under the key now: done, with the transaction that did it, or cancelled for good.

        Raises
        ------
        ContractError, EndorseError, SubmitError, CommitError, OutcomeUnknown
            See `transact`; the call is still to be settled.
        """
        ledger = Contract(self._session, channel=self.channel, chaincode=self.chaincode, name=_LEDGER)
        return Call.from_bytes(await ledger.submit(_CANCEL, call_key, deadlines=deadlines))

    async def _settle(self, unknown: OutcomeUnknown, call_key: str, deadlines: Deadlines | None) -> Committed:
        limits = deadlines or self._session.deadlines
        try:
            call = await self.settle_call(call_key, deadlines=deadlines)
            if call.state is CallState.DONE and call.tx_id == unknown.tx_id:
                question = Commit.create(self._session, channel=self.channel, tx_id=unknown.tx_id)
                status = await question.status(timeout=limits.commit_status)
                return Committed(tx_id=status.tx_id, block_number=status.block_number, result=unknown.result)
        except (GatewayError, ContractError) as error:
            raise OutcomeUnknown(
                "settling it failed as well", tx_id=unknown.tx_id, call_key=call_key, result=unknown.result
            ) from error
        if call.state is CallState.DONE:
            raise CallRepeated(call.tx_id, contract=self.name or "") from unknown
        raise CallCancelled(call.tx_id, contract=self.name or "") from unknown


def _is_difference(error: ContractError | EndorseError) -> bool:
    """Tell whether peers answered differently; a refusal is chained to the error of the step."""
    return isinstance(error, EndorsementsDiffer) or isinstance(error.__cause__, EndorsementsDiffer)


def new_call_key() -> str:
    """Draw a call key that nobody else has."""
    return secrets.token_urlsafe(_CALL_KEY_BYTES)
