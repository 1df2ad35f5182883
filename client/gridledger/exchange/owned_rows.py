"""An owner's rows as its database has them at this moment: roots over them, and what is delivered of them.

Source: CN112508707B, [0095], [0104].
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence

from gridledger.exchange.business_system import BusinessSystem
from gridledger.exchange.receivables import Receivable
from gridledger.exchange.vault import KeptDelivery
from gridledger.model.claim import SignedDeliveryRequest
from gridledger.model.delivery import DeliveredPeriod, Delivery
from gridledger.model.identifier import FieldIdentifier
from gridledger.model.integrity import MAX_ACTUAL_ROOTS, FieldCheck, PeriodRoot
from gridledger.model.paid_line import PaidLine
from gridledger.web import Undelivered

__all__ = ["OwnedRows", "kept_of"]


class OwnedRows:
    """Reads rows for answers; all calls block.

    Parameters
    ----------
    owner : BusinessSystem
    clock : callable, default time.time
        Seconds since 1970.
    """

    def __init__(self, owner: BusinessSystem, *, clock: Callable[[], float] = time.time) -> None:
        self._owner = owner
        self._clock = clock

    def roots(self, wanted: Iterable[tuple[FieldIdentifier, FieldCheck]]) -> tuple[PeriodRoot, ...]:
        """Compute the roots of fields and periods, as many as go into an answer.

        Raises
        ------
        SourceUnreadable
            See `BusinessSystem.read`.
        """
        actual: list[PeriodRoot] = []
        for field, check in wanted:
            roots = self._owner.parts_now(field, check.period, check.deposited_as).roots
            if len(actual) + len(roots) > MAX_ACTUAL_ROOTS:
                break  # what does not fit stays unanswered, and is withheld
            actual.extend(roots)
        return tuple(actual)

    def deposited(self, field: FieldIdentifier, check: FieldCheck) -> tuple[DeliveredPeriod, ...]:
        """Read the deposited rows of a period, and refuse what is not what the resolution was made on.

        Raises
        ------
        Undelivered
            The rows have changed.
        """
        expected = check.parts()
        found = self._owner.parts_now(field, check.period, check.deposited_as)
        parts = found.deposited[: len(expected)]
        if tuple(root.part() for root in found.roots[: len(parts)]) != expected:
            raise Undelivered(
                "the rows have changed since the resolution", field=str(field), period=str(check.period)
            )
        return parts

    def delivery(self, asked: SignedDeliveryRequest, line: PaidLine) -> tuple[Delivery, Receivable]:
        """Read a whole delivery, and say what is to be kept of it; raises as `deposited`."""
        periods: list[DeliveredPeriod] = []
        for field in line.target.forwarded():
            for check in field.intact():
                periods.extend(self.deposited(field.field, check))
        delivery = Delivery(order=line.order.id, owner=line.target.system, periods=tuple(periods))
        return delivery, Receivable(
            asked=asked,
            content=delivery.digest(),
            rows=delivery.rows(),
            delivered_ms=int(self._clock() * 1000),
            deadline_ms=line.hold.deadline_ms,
        )

    def keep(self, deliveries: Sequence[Receivable]) -> None:
        """Keep what is signed for deliveries."""
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
