"""Sending an endorsed transaction until its outcome is known: outcomes are never guessed."""

from __future__ import annotations

import asyncio

from gridledger.client.commit import Commit, CommitStatus
from gridledger.client.deadlines import Deadlines
from gridledger.client.errors import CommitStatusError, OutcomeUnknown, SubmitError
from gridledger.client.retry import RetryPolicy
from gridledger.client.transaction import Transaction
from gridledger.client.validation import ValidationCode

__all__ = ["Outcome"]

# Answers to the question for the outcome that asking again does not change.
_FINAL = frozenset({"INVALID_ARGUMENT", "PERMISSION_DENIED", "UNAUTHENTICATED", "UNIMPLEMENTED"})


class Outcome:
    """The outcome of one signed envelope.

    Parameters
    ----------
    transaction : Transaction
        Endorsed; one transaction id, which commits once however often it is sent.
    deadlines : Deadlines
        `submit` for each sending, `commit_status` for all of it.
    retry : RetryPolicy
        How often the envelope is sent again.

    Notes
    -----
    Between two sendings the time is spent waiting for the outcome. Only a first sending that was plainly
    refused ends in `SubmitError`; after one that may have got through, a later refusal proves nothing.
    """

    def __init__(self, transaction: Transaction, *, deadlines: Deadlines, retry: RetryPolicy) -> None:
        self._transaction = transaction
        self._deadlines = deadlines
        self._retry = retry
        self._resent = 0
        self._last_error: Exception | None = None

    async def settle(self) -> CommitStatus:
        """Send, ask, send again, until the outcome is known or the deadline has passed.

        Returns
        -------
        CommitStatus
            Valid or not.

        Raises
        ------
        SubmitError
            When the first sending was refused and nothing is ordered.
        OutcomeUnknown
            When the deadline has passed; chained to the last answer.
        """
        clock = asyncio.get_running_loop().time
        until = clock() + self._deadlines.commit_status
        patience = await self._send(until - clock(), first=True)
        commit = self._transaction.commit()
        while (left := until - clock()) > 0:
            may_resend = self._resent < self._retry.resends.attempts
            status = await self._ask(commit, clock() + (min(patience, left) if may_resend else left))
            if status is not None:
                return status
            if may_resend and (left := until - clock()) > 0:
                self._resent += 1
                patience = await self._send(left, first=False)
        raise self._unknown() from self._last_error

    async def _ask(self, commit: Commit, turn_ends: float) -> CommitStatus | None:
        """Ask for the outcome until a point in time."""
        clock = asyncio.get_running_loop().time
        asked = 0
        while (left := turn_ends - clock()) > 0:
            try:
                status = await commit.status(timeout=left)
                if status.validation_code is not ValidationCode.DUPLICATE_TXID:
                    return status
                # The id stands in the chain more than once, and this is not the first of them.
            except CommitStatusError as error:
                self._last_error = error
                if error.grpc_status in _FINAL:
                    raise self._unknown() from error
            asked += 1
            await asyncio.sleep(min(self._retry.resends.delay(asked), max(0.0, turn_ends - clock())))
        return None

    def _unknown(self) -> OutcomeUnknown:
        return OutcomeUnknown(
            f"sent {self._resent + 1} times, no outcome within {self._deadlines.commit_status:g} s",
            tx_id=self._transaction.tx_id,
            result=self._transaction.result,
        )

    async def _send(self, left: float, *, first: bool) -> float:
        """Send the envelope; return how long to wait for the outcome before it is sent again."""
        try:
            await self._transaction.submit(timeout=min(self._deadlines.submit, left))
        except SubmitError as error:
            if first and not error.ambiguous:
                raise
            self._last_error = error
            return self._retry.resends.delay(self._resent + 1)
        return self._retry.silence
