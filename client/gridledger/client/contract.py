"""A contract of a chaincode: the calls of a program."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gridledger.client.deadlines import Deadlines
from gridledger.client.errors import CommitConflict
from gridledger.client.outcome import Outcome
from gridledger.client.proposal import Proposal
from gridledger.client.session import Session
from gridledger.model.argument import Argument

__all__ = ["Committed", "Contract"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Committed:
    """A call that stands in the chain and is valid."""

    tx_id: str
    """Transaction id."""

    block_number: int
    """Block in which it stands."""

    result: bytes
    """What the contract returned."""


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
        After an MVCC or phantom read conflict a new transaction is made, a bounded number of times
        (`RetryPolicy.conflicts`); after any other failure, none.
        """
        limits = deadlines or self._session.deadlines
        conflicts = self._session.retry.conflicts
        attempt = 0
        while True:
            proposal = self.proposal(
                function,
                *arguments,
                transient=transient,
                endorsing_organizations=endorsing_organizations,
                claimed_time_ms=claimed_time_ms,
            )
            transaction = await proposal.endorse(timeout=limits.endorse)
            status = await Outcome(transaction, deadlines=limits, retry=self._session.retry).settle()
            try:
                status.check()
            except CommitConflict:
                attempt += 1
                if attempt > conflicts.attempts:
                    raise
                await asyncio.sleep(conflicts.delay(attempt))
                continue
            return Committed(tx_id=status.tx_id, block_number=status.block_number, result=transaction.result)
