"""Fees of the platform for registration and resolution. Amounts are milli-yuan.

Source: CN112508707B, [0066]: financial management records and settles them.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Annotated

from pydantic import Field, StringConstraints

from gridledger.model.device import Price
from gridledger.model.identifier import SystemIdentifier
from gridledger.model.record import ModelValue, Record, record, value

__all__ = [
    "FEE_NOTICE_MS",
    "FEE_TERM_MS",
    "MAX_FEES",
    "Fee",
    "FeeKey",
    "FeeKind",
    "FeeRate",
    "FeeSchedule",
]

FEE_TERM_MS = 30 * 24 * 3600 * 1000
"""Time in which a fee is to be paid; afterwards the platform collects it."""

FEE_NOTICE_MS = 7 * 24 * 3600 * 1000
"""Time between a rise of a fee and the first call that it counts for."""

MAX_FEES = 256
"""Fees that one call settles."""

CauseId = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class FeeKind(StrEnum):
    """What the platform charges for."""

    SYSTEM_REGISTRATION = "system-registration"
    """A system that was approved."""

    DEVICE_REGISTRATION = "device-registration"
    """A device identifier that was given."""

    FIELD_REGISTRATION = "field-registration"
    """A field identifier that was given."""

    RESOLUTION = "resolution"
    """A request that was resolved."""

    AGREED_QUERY = "agreed-query"
    """A query under agreements, which needs no resolution of its own."""


@value
class FeeRate(ModelValue):
    """What one of a kind costs."""

    kind: FeeKind
    amount_milliyuan: Price


@record("fee-schedule/1")
class FeeSchedule(Record):
    """The fees below a root; what is not named is free."""

    root: SystemIdentifier
    version: int
    rates: tuple[FeeRate, ...]
    set_ms: int
    earlier: tuple[FeeRate, ...] | None = None
    """What counts until a rise does."""
    rises_ms: int | None = None
    """When a rise begins to count; None where nothing rose."""

    def broken_rules(self) -> Iterable[tuple[str, str]]:
        for name, rates in (("rates", self.rates), ("earlier", self.earlier or ())):
            kinds = [rate.kind.value for rate in rates]
            if kinds != sorted(set(kinds)):
                yield name, "are not in the order of their kinds, each once"

    def rate(self, kind: FeeKind) -> int:
        """Return the most that one of a kind costs by this schedule, in milli-yuan."""
        return max(_rate(self.rates, kind), _rate(self.earlier or (), kind))

    def rate_at(self, kind: FeeKind, now_ms: int) -> int:
        """Return what one of a kind costs at a moment, in milli-yuan: a rise counts after its notice."""
        rate = _rate(self.rates, kind)
        if self.rises_ms is None or now_ms >= self.rises_ms:
            return rate
        return min(rate, _rate(self.earlier or (), kind))

    def rates_at(self, now_ms: int) -> tuple[FeeRate, ...]:
        """Return what counts at a moment."""
        found = ((kind, self.rate_at(kind, now_ms)) for kind in sorted(FeeKind, key=lambda kind: kind.value))
        return tuple(FeeRate(kind=kind, amount_milliyuan=rate) for kind, rate in found if rate)


def _rate(rates: tuple[FeeRate, ...], kind: FeeKind) -> int:
    return next((rate.amount_milliyuan for rate in rates if rate.kind is kind), 0)


@value
class FeeKey(ModelValue):
    """Names a fee of an account."""

    kind: FeeKind
    cause: CauseId
    """The resolution, or the transaction of the registration."""


@record("fee/1")
class Fee(Record):
    """A fee that an account owes; deleted when it is paid."""

    key: FeeKey
    payer: SystemIdentifier
    root: SystemIdentifier
    """Whose platform is paid."""
    count: Annotated[int, Field(ge=1)]
    amount_milliyuan: Annotated[int, Field(gt=0)]
    schedule_version: int
    incurred_ms: int
    due_ms: int
