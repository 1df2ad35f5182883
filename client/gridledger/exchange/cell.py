"""Cells of a database as the text that is hashed and delivered: the same text from every database.

number      digits without exponent, without zeros at the end of a fraction, no `-0`: `475`, `0.1`; `NaN` and
            `Infinity` as PostgreSQL writes them
boolean     `true`, `false`; a number 0 or 1, too, where the field's type is `boolean`
date        `2018-09-14`
moment      without zone `2018-09-14T02:15`, with seconds and their fraction where they are not zero; with a
            zone the same in UTC with `Z`
text        as it stands; of a field of type `number`, `date` or `time`, text that reads as one is written so
NULL        no value

A database that keeps decimals or moments as text (SQLite has no types for them) so gives the leaves that
PostgreSQL gives.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Final
from uuid import UUID

__all__ = ["CellRefused", "cell_text", "moment_text", "number_text"]

_NUMBER: Final = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?", re.ASCII)
_MOMENT: Final = re.compile(
    r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}([.,]\d{1,6})?)?(Z|[+-]\d{2}:?\d{2})?", re.ASCII
)
_DATE: Final = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


class CellRefused(ValueError):
    """A cell's type has no text; raised and caught within the source."""


def cell_text(cell: object, data_type: str = "text") -> str | None:
    """Write a cell of the database as text.

    Parameters
    ----------
    cell : object
        As the driver gives it.
    data_type : str, default "text"
        The field's type.

    Raises
    ------
    CellRefused
        It is bytes, a document or something else without one text.

    Examples
    --------
    >>> [cell_text(cell) for cell in (475, 475.0, Decimal("475.00"), True, None)]
    ['475', '475', '475', 'true', None]
    >>> cell_text("2018-09-14 10:15:00+08:00", "time")
    '2018-09-14T02:15Z'
    """
    if cell is None:
        return None
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, int | float | Decimal):
        if data_type == "boolean" and cell in (0, 1):
            return "true" if cell else "false"
        return number_text(cell)
    if isinstance(cell, datetime):
        return moment_text(cell)
    if isinstance(cell, date):
        return cell.isoformat()
    if isinstance(cell, UUID):
        return str(cell)
    if isinstance(cell, str):
        return _typed(cell, data_type)
    raise CellRefused(f"is {type(cell).__name__}, not text, a number or a time")


def number_text(number: float | Decimal) -> str:
    """Write a number without exponent, and without zeros at the end of a fraction."""
    exact = Decimal(repr(number)) if isinstance(number, float) else Decimal(number)
    if not exact.is_finite():
        return "NaN" if exact.is_nan() else ("-Infinity" if exact < 0 else "Infinity")
    text = format(exact, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def moment_text(moment: datetime) -> str:
    """Write a moment: in UTC with `Z` where it has a zone, without where it has none."""
    zoned = moment.tzinfo is not None
    plain = (moment.astimezone(UTC) if zoned else moment).replace(tzinfo=None)
    text = plain.isoformat(timespec="microseconds" if plain.microsecond else "seconds")
    if plain.microsecond:
        text = text.rstrip("0")
    elif plain.second == 0:
        text = text[: -len(":00")]
    return f"{text}Z" if zoned else text


def _typed(text: str, data_type: str) -> str:
    if data_type == "number" and _NUMBER.fullmatch(text):
        return number_text(Decimal(text))
    if data_type == "time" and _MOMENT.fullmatch(text):
        try:
            return moment_text(datetime.fromisoformat(text))
        except (ValueError, OverflowError):
            return text
    if data_type == "date" and len(text) > len("2018-09-14") and _DATE.match(text) and _is_midnight(text):
        return text[: len("2018-09-14")]
    return text


def _is_midnight(text: str) -> bool:
    return re.fullmatch(r"[T ]00:00(:00(\.0+)?)?", text[len("2018-09-14") :], re.ASCII) is not None
