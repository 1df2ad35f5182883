"""Pages of a delivery: for deliveries that are too long for one answer, and for readers of CSV.

A page holds the next rows in the order of the delivery: by field, period, supplement and key. It begins after
the last row of the page before it, named by a cursor: no page is counted off. All pages joined are the
delivery that the contract names; each row proves itself once the rows of its deposit are there.

    field,period,supplement,key,value,null,salt
    "88.1042.2/MTR01#ac_power","2018-09-14",0,"2018-09-14T02:15","0.1",0,"<32 hexadecimal digits>"

Source: CN112508707B, [0094], [0095].
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, ClassVar, Final

from pydantic import Field

from gridledger.exchange.messages import DeliveryQuestion
from gridledger.model.delivery import DeliveredPeriod, DeliveredRow, RowKey
from gridledger.model.errors import ModelError
from gridledger.model.identifier import FieldIdentifier, SystemIdentifier
from gridledger.model.integrity import MAX_SUPPLEMENTS
from gridledger.model.period import Day, Period
from gridledger.model.record import ModelValue, value
from gridledger.model.trade import OrderId

__all__ = [
    "MAX_BUNDLED_ROWS",
    "MAX_PAGE_ROWS",
    "MAX_WHOLE_ROWS",
    "CsvPage",
    "DeliveryPage",
    "PageCursor",
    "PageQuestion",
    "join_pages",
    "take_rows",
]

MAX_PAGE_ROWS: Final = 20_000
"""Rows a page: about 4 MB of JSON, a quarter of what a caller reads at most."""

MAX_BUNDLED_ROWS: Final = 1_000
"""Rows of a delivery that goes in one answer with others: 48 such are within what a caller reads."""

MAX_WHOLE_ROWS: Final = 50_000
"""Rows that are delivered in one answer; longer deliveries are read in pages."""

_COLUMNS: Final = ("field", "period", "supplement", "key", "value", "null", "salt")


@value
class PageCursor(ModelValue):
    """The last row of a page."""

    field: FieldIdentifier
    period: Period
    supplement: Annotated[int, Field(ge=0, le=MAX_SUPPLEMENTS + 1)] = 0
    key: RowKey | None = None
    """None where the deposit has no rows."""


@value
class PageQuestion(ModelValue):
    """Asks for a page of what an order paid for."""

    question: DeliveryQuestion
    first: Day | None = None
    """Only periods that hold this day or a later one; those of the order by default."""
    last: Day | None = None
    """Only periods that hold this day or an earlier one."""
    after: PageCursor | None = None
    """The last row of the page before it."""
    rows: Annotated[int, Field(ge=1, le=MAX_PAGE_ROWS)] = 5000

    def holds(self, period: Period) -> bool:
        """Tell whether a period lies within the days that are asked for."""
        days = period.days()
        if days is None:
            return True
        return not (
            (self.first is not None and days[1] < self.first)
            or (self.last is not None and self.last < days[0])
        )


@value
class DeliveryPage(ModelValue):
    """Rows of a delivery."""

    order: OrderId
    owner: SystemIdentifier
    periods: tuple[DeliveredPeriod, ...]
    """With the rows that stand on this page."""
    is_last: bool

    def cursor(self) -> PageCursor | None:
        """Return where the next page begins; None after the last one."""
        if self.is_last or not self.periods:
            return None
        last = self.periods[-1]
        key = last.rows[-1].key if last.rows else None
        return PageCursor(field=last.field, period=last.period, supplement=last.supplement, key=key)


@dataclass(frozen=True)
class CsvPage:
    """A page as CSV (RFC 4180), with a header; the last page has fewer rows than were asked for."""

    media_type: ClassVar[str] = "text/csv"

    periods: tuple[DeliveredPeriod, ...]

    def to_bytes(self) -> bytes:
        """Write the page."""
        text = io.StringIO()
        writer = csv.writer(text, quoting=csv.QUOTE_NONNUMERIC)
        writer.writerow(_COLUMNS)
        for one in self.periods:
            name = (str(one.field), str(one.period), one.supplement)
            for row in one.rows:
                writer.writerow((*name, row.key, row.value or "", int(row.value is None), row.salt.hex()))
        return text.getvalue().encode("utf-8")

    @classmethod
    def from_bytes(cls, data: bytes) -> CsvPage:
        """Read a page.

        Raises
        ------
        ModelError
            It is none.
        """
        try:
            header, *lines = csv.reader(io.StringIO(data.decode("utf-8"), newline=""), strict=True)
            if tuple(header) != _COLUMNS:
                raise ModelError({"": f"want the columns {', '.join(_COLUMNS)}"}, subject="CSV page")
            rows = [_read_line(line) for line in lines]
        except (ValueError, csv.Error) as error:
            raise ModelError({"": "is no page of a delivery"}, subject="CSV page") from error
        return cls(_joined(rows))


def take_rows(
    periods: Iterable[DeliveredPeriod], after: PageCursor | None, rows: int
) -> tuple[list[DeliveredPeriod], int]:
    """Take rows that follow a cursor from the deposits of one field and period.

    Returns
    -------
    list of DeliveredPeriod and int
        What goes on the page, and how many rows were left over.
    """
    found: list[DeliveredPeriod] = []
    left = rows
    over = 0
    for one in periods:
        waiting: Sequence[DeliveredRow] = one.rows
        if after is not None and (one.field, one.period) == (after.field, after.period):
            if one.supplement < after.supplement or (
                one.supplement == after.supplement and after.key is None
            ):
                continue
            if one.supplement == after.supplement and after.key is not None:
                waiting = [row for row in one.rows if row.key > after.key]
                if not waiting:
                    continue
        if left or not (waiting or over):
            found.append(replace(one, rows=tuple(waiting[:left])))
        over += max(len(waiting) - left, 0)
        left = max(left - len(waiting), 0)
    return found, over


def join_pages(pages: Iterable[DeliveryPage]) -> tuple[DeliveredPeriod, ...]:
    """Join pages, in their order, to the deposits' rows."""
    return _joined(period for page in pages for period in page.periods)


def _joined(parts: Iterable[DeliveredPeriod]) -> tuple[DeliveredPeriod, ...]:
    rows: dict[tuple[FieldIdentifier, Period, int], list[DeliveredRow]] = {}
    for one in parts:
        rows.setdefault((one.field, one.period, one.supplement), []).extend(one.rows)
    return tuple(
        DeliveredPeriod(field=field, period=period, supplement=supplement, rows=tuple(found))
        for (field, period, supplement), found in rows.items()
    )


def _read_line(line: Sequence[str]) -> DeliveredPeriod:
    field, period, supplement, key, text, null, salt = line
    row = DeliveredRow(key=key, value=None if null == "1" else text, salt=bytes.fromhex(salt))
    return DeliveredPeriod(
        field=FieldIdentifier.parse(field),
        period=Period.parse(period),
        supplement=int(supplement),
        rows=(row,),
    )
