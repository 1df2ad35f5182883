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
from functools import lru_cache
from typing import Final
from uuid import UUID

__all__ = ["CellRefused", "cell_text", "moment_text", "number_text"]

_WRITTEN: Final = frozenset(("number", "time", "date"))
"""Types of fields whose text may be written otherwise than it stands."""
_KEPT_CELLS: Final = 65_536
_KEPT_LENGTH: Final = 64
"""Cells up to this length are not written again: some 15 MB of them at most."""

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
    if isinstance(cell, str):
        return _typed(cell, data_type)
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
    raise CellRefused(f"is {type(cell).__name__}, not text, a number or a time")


def number_text(number: float | Decimal) -> str:
    """Write a number without exponent, and without zeros at the end of a fraction."""
    return _float_text(number) if isinstance(number, float) else _exact_text(Decimal(number))


@lru_cache(maxsize=_KEPT_CELLS)
def _float_text(number: float) -> str:
    return _exact_text(Decimal(repr(number)))


def _exact_text(exact: Decimal) -> str:
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
    """Return text as it is hashed; an owner reads the same moments and readings again and again."""
    if data_type not in _WRITTEN:
        return text
    return _kept_text(text, data_type) if len(text) <= _KEPT_LENGTH else _written_text(text, data_type)


def _written_text(text: str, data_type: str) -> str:
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


_kept_text = lru_cache(maxsize=_KEPT_CELLS)(_written_text)


def _is_midnight(text: str) -> bool:
    return re.fullmatch(r"[T ]00:00(:00(\.0+)?)?", text[len("2018-09-14") :], re.ASCII) is not None
