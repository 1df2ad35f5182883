"""An owner's rows as its database has them at this moment: roots over them, and what is delivered of them.

Source: CN112508707B, [0095], [0104].
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Sequence

from gridledger.exchange.business_system import BusinessSystem
from gridledger.exchange.leaves import PeriodParts
from gridledger.exchange.receivables import Receivable
from gridledger.exchange.shared_readings import SharedReadings
from gridledger.exchange.vault import KeptDelivery
from gridledger.model.claim import SignedDeliveryRequest
from gridledger.model.delivery import DeliveredPeriod, Delivery
from gridledger.model.identifier import FieldIdentifier
from gridledger.model.integrity import MAX_ACTUAL_ROOTS, FieldCheck, PeriodRoot
from gridledger.model.paid_line import PaidLine
from gridledger.model.period import Period
from gridledger.web import Undelivered

__all__ = ["OwnedRows", "kept_of"]


_Named = tuple[FieldIdentifier, Period, FieldIdentifier | None]
"""A field, a period, and what the field was called when the period was deposited, if otherwise."""


class OwnedRows:
    """Reads rows for answers.

    Parameters
    ----------
    owner : BusinessSystem
    clock : callable, default time.time
        Seconds since 1970.

    Notes
    -----
    The database is read for every answer; answers about the same fields and periods that wait at the same
    time share a reading, which begins once all of them have asked.
    """

    def __init__(self, owner: BusinessSystem, *, clock: Callable[[], float] = time.time) -> None:
        self._owner = owner
        self._clock = clock
        self._readings = SharedReadings(self._read)

    async def roots(self, wanted: Iterable[tuple[FieldIdentifier, FieldCheck]]) -> tuple[PeriodRoot, ...]:
        """Compute the roots of fields and periods, as many as go into an answer.

        Raises
        ------
        SourceUnreadable
            See `BusinessSystem.read`.
        """
        actual: list[PeriodRoot] = []
        for parts in await self._readings.read(_names(wanted)):
            if len(actual) + len(parts.roots) > MAX_ACTUAL_ROOTS:
                break  # what does not fit stays unanswered, and is withheld
            actual.extend(parts.roots)
        return tuple(actual)

    async def deposited(self, field: FieldIdentifier, check: FieldCheck) -> tuple[DeliveredPeriod, ...]:
        """Read the deposited rows of a period, and refuse what is not what the resolution was made on.

        Raises
        ------
        Undelivered
            The rows have changed.
        """
        (parts,) = await self._readings.read(_names([(field, check)]))
        return _as_resolved(field, check, parts)

    async def delivery(self, asked: SignedDeliveryRequest, line: PaidLine) -> tuple[Delivery, Receivable]:
        """Read a whole delivery, and say what is to be kept of it; raises as `deposited`."""
        wanted = [(field.field, check) for field in line.target.forwarded() for check in field.intact()]
        found = await self._readings.read(_names(wanted))
        return await asyncio.to_thread(self._make_delivery, asked, line, wanted, found)

    def _make_delivery(
        self,
        asked: SignedDeliveryRequest,
        line: PaidLine,
        wanted: Sequence[tuple[FieldIdentifier, FieldCheck]],
        found: Sequence[PeriodParts],
    ) -> tuple[Delivery, Receivable]:
        periods = [
            period
            for (field, check), parts in zip(wanted, found, strict=True)
            for period in _as_resolved(field, check, parts)
        ]
        delivery = Delivery(order=line.order.id, owner=line.target.system, periods=tuple(periods))
        return delivery, Receivable(
            asked=asked,
            content=delivery.digest(),
            rows=delivery.rows(),
            delivered_ms=int(self._clock() * 1000),
            deadline_ms=line.hold.deadline_ms,
        )

    def _read(self, names: tuple[_Named, ...]) -> tuple[PeriodParts, ...]:
        found = tuple(self._owner.parts_now(*name) for name in names)
        for parts in found:
            _ = parts.roots  # computed here, in the reading's thread
        return found

    def keep(self, deliveries: Sequence[Receivable]) -> None:
        """Keep what is signed for deliveries; blocks."""
        self._owner.vault.keep_deliveries(kept_of(one) for one in deliveries)
        self._owner.receivables.keep(deliveries)


def kept_of(delivered: Receivable) -> KeptDelivery:
    """Return what contracts are compared with."""
    return KeptDelivery(
        order=delivered.order,
        content=delivered.content,
        rows=delivered.rows,
        delivered_ms=delivered.delivered_ms,
    )


def _names(wanted: Iterable[tuple[FieldIdentifier, FieldCheck]]) -> tuple[_Named, ...]:
    return tuple((field, check.period, check.deposited_as) for field, check in wanted)


def _as_resolved(
    field: FieldIdentifier, check: FieldCheck, found: PeriodParts
) -> tuple[DeliveredPeriod, ...]:
    """Return the deposited parts, if they are still what the resolution was made on."""
    expected = check.parts()
    parts = found.deposited[: len(expected)]
    if tuple(root.part() for root in found.roots[: len(parts)]) != expected:
        raise Undelivered(
            "the rows have changed since the resolution", field=str(field), period=str(check.period)
        )
    return parts
