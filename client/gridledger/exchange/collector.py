"""Collecting: an owner deposits the receipts that applications did not, and claims holds for the rest.

async with Collector(owner):  # while its server runs
    ...
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from types import TracebackType
from typing import Final, Self

from gridledger.exchange.business_system import BusinessSystem
from gridledger.exchange.receivables import Receivable
from gridledger.model.claim import ClaimEvidence, DeliveryStatement
from gridledger.model.digest import Digest
from gridledger.model.errors import GridLedgerError
from gridledger.model.exchange_refusals import NoHold
from gridledger.model.refusals import AlreadyExists, NotFound
from gridledger.model.trade_refusals import AnswerTimeLeft, ClaimDenied

__all__ = ["Collected", "Collection", "Collector"]

GRACE_S: Final = 60.0
"""Seconds after a delivery in which the application is expected to settle it by itself."""

INTERVAL_S: Final = 30.0
BATCH: Final = 100
"""Deliveries that one round looks at, the oldest first."""

_logger = logging.getLogger(__name__)


class Collection(StrEnum):
    """What became of a delivery that was not paid."""

    PAID = "paid"
    """It was paid, now or before."""

    CLAIMED = "claimed"
    """The hold is claimed; the application may answer."""

    DENIED = "denied"
    """The application denies the claim; an auditor decides."""

    GONE = "gone"
    """The hold returned before it was claimed."""


@dataclass(frozen=True, kw_only=True)
class Collected:
    """A delivery, and what became of it."""

    order: str
    outcome: Collection


class Collector:
    """Collects what an owner is owed, now and then; an async context manager.

    Parameters
    ----------
    owner : BusinessSystem
        Whose deliveries; the opener closes it.
    grace_s : float, default 60
        Age from which a delivery is looked at.
    interval_s : float, default 30
        Seconds between rounds.
    clock : callable, default time.time
        Seconds since 1970.
    """

    def __init__(
        self,
        owner: BusinessSystem,
        *,
        grace_s: float = GRACE_S,
        interval_s: float = INTERVAL_S,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._owner = owner
        self._ledger = owner.party.ledger
        self._grace_s = grace_s
        self._interval_s = interval_s
        self._clock = clock
        self._task: asyncio.Task[None] | None = None

    async def collect(self) -> list[Collected]:
        """Look at deliveries that were not paid, and do for each what can be done now.

        Raises
        ------
        ContractError, GatewayError
            The ledger refuses or cannot be reached; what was collected before stays collected.
        """
        before_ms = int((self._clock() - self._grace_s) * 1000)
        waiting = await asyncio.to_thread(
            self._owner.receivables.waiting, delivered_before_ms=before_ms, limit=BATCH
        )
        found = []
        for one in waiting:
            outcome = await self._collect(one)
            if outcome in (Collection.PAID, Collection.GONE):
                await asyncio.to_thread(self._owner.receivables.close_delivery, one.order)
            found.append(Collected(order=one.order, outcome=outcome))
        return found

    async def _collect(self, one: Receivable) -> Collection:
        owner = one.asked.request.owner
        try:
            settlement = await self._ledger.settlement(one.order, owner)
        except NotFound:
            pass
        else:
            return Collection.PAID if settlement.account == owner else Collection.GONE
        try:
            if one.receipt is not None:
                await self._ledger.deposit_contracts([one.receipt])
                return Collection.PAID
            return await self._claim(one)
        except NoHold:
            # Another was faster; the next round reads what became of it.
            return Collection.CLAIMED

    async def _claim(self, one: Receivable) -> Collection:
        owner = one.asked.request.owner
        try:
            claim = await self._ledger.claim(one.order, owner)
        except NotFound:
            with suppress(AlreadyExists):
                await self._ledger.claim_hold(await self.evidence(one))
            return Collection.CLAIMED
        if claim.denied_ms is not None:
            return Collection.DENIED
        try:
            await self._ledger.settle_claim(one.order, owner)
        except AnswerTimeLeft:
            return Collection.CLAIMED
        except ClaimDenied:
            return Collection.DENIED
        return Collection.PAID

    async def evidence(self, one: Receivable) -> ClaimEvidence:
        """Make and sign the statement about a delivery."""
        statement = DeliveryStatement(
            request=Digest.of(one.asked.request.to_bytes()),
            order=one.order,
            owner=one.asked.request.owner,
            content=one.content,
            rows=one.rows,
            delivered_ms=one.delivered_ms,
        )
        return ClaimEvidence(
            asked=one.asked, statement=statement, signature=await self._owner.party.sign(statement)
        )

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._run(), name="collector")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(self._interval_s)
            try:
                for one in await self.collect():
                    _logger.info("order %s: %s", one.order, one.outcome.value)
            except GridLedgerError as error:
                # Nothing is lost: what was delivered stays in the file, and the next round begins with it.
                _logger.warning("collecting failed: %s", error)
