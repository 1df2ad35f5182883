"""Periods as they were last read: rows that still stand so need not be salted and hashed again.

What is remembered is never taken for what the database has: its rows are read each time, and compared one by
one. Only where all of them are the same, key and text, is the root that follows from them the one known.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from gridledger.exchange.field_source import SourceRow
from gridledger.exchange.leaves import PeriodParts
from gridledger.exchange.vault import DepositsStamp
from gridledger.model.identifier import FieldIdentifier
from gridledger.model.period import Period

__all__ = ["PeriodMemory"]

MAX_ROWS: Final = 100_000
"""Rows of all periods together, some 50 MB; those used longest ago are forgotten first."""

_Name = tuple[FieldIdentifier, Period]


@dataclass(frozen=True, slots=True)
class _Known:
    rows: Sequence[SourceRow]
    stamp: DepositsStamp
    parts: PeriodParts


class PeriodMemory:
    """Remembers periods by field; calls may come from several threads.

    Parameters
    ----------
    max_rows : int, default 100,000
    """

    def __init__(self, max_rows: int = MAX_ROWS) -> None:
        self._max_rows = max_rows
        self._rows = 0
        self._known: OrderedDict[_Name, _Known] = OrderedDict()
        self._lock = threading.Lock()

    def parts(
        self,
        field: FieldIdentifier,
        period: Period,
        rows: Sequence[SourceRow],
        stamp: DepositsStamp,
        make: Callable[[], PeriodParts],
    ) -> PeriodParts:
        """Return the parts of a period.

        Parameters
        ----------
        field, period
            Whose rows.
        rows : sequence of SourceRow
            As the database has them at this moment.
        stamp : DepositsStamp
            Of the deposits that rows are parted by.
        make : callable
            Makes the parts of these rows, where they are not known.
        """
        name = (field, period)
        with self._lock:
            known = self._known.get(name)
            if known is not None and known.stamp == stamp and known.rows == rows:
                self._known.move_to_end(name)
                return known.parts
        parts = make()
        with self._lock:
            self._forget(name)
            self._known[name] = _Known(rows, stamp, parts)
            self._rows += len(rows)
            while self._rows > self._max_rows:
                self._forget(next(iter(self._known)))
        return parts

    def _forget(self, name: _Name) -> None:
        known = self._known.pop(name, None)
        if known is not None:
            self._rows -= len(known.rows)
