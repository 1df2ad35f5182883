"""Which transactions are committed: the last ones from memory, all others from the database."""

from __future__ import annotations

import sqlite3
from collections import OrderedDict
from collections.abc import Sequence
from typing import Final, NamedTuple

from gridledger.client.validation import ValidationCode
from gridledger.network.devnet.state import Version

__all__ = ["Committed", "TransactionIndex"]

_KEPT: Final = 50_000
"""Ids that are remembered, committed and absent ones each; a few minutes of full load."""
_QUERY: Final = "SELECT place, code FROM tx JOIN envelope USING (place) WHERE txid = ?"


class Committed(NamedTuple):
    """Where a transaction stands, and its validation code."""

    version: Version
    code: int


class TransactionIndex:
    """Answers whether an id is taken; every proposal, submit and commit asks, mostly for ids that are not.

    Parameters
    ----------
    height : int
        The ledger's height.

    Notes
    -----
    What was absent at one height is absent at a later one unless a block in between has it, and those blocks'
    ids are in memory: so the database is asked once for a new id.
    """

    def __init__(self, height: int) -> None:
        self._committed: OrderedDict[str, Committed] = OrderedDict()
        self._complete_from = height
        self._absent: OrderedDict[str, int] = OrderedDict()

    def add(self, number: int, transaction_ids: Sequence[str], codes: Sequence[int]) -> None:
        """Take note of a committed block."""
        for index, (name, code) in enumerate(zip(transaction_ids, codes, strict=True)):
            self._absent.pop(name, None)
            # An invalid transaction may bear the id of an earlier one, which keeps it: ask the database.
            if code == ValidationCode.VALID:
                self._committed[name] = Committed(Version(number, index), code)
        while len(self._committed) > _KEPT:
            _, oldest = self._committed.popitem(last=False)
            self._complete_from = oldest.version.block + 1

    def find(self, connection: sqlite3.Connection, name: str, height: int) -> Committed | None:
        """Return a transaction as a reader at `height` sees it; `connection` is that reader's."""
        found = self._committed.get(name)
        if found is not None:
            return found if found.version.block < height else None
        seen = self._absent.get(name)
        if seen is not None and (seen >= height or seen >= self._complete_from):
            return None
        row = connection.execute(_QUERY, (name.encode(),)).fetchone()
        if row is not None:
            return Committed(Version.from_place(row[0]), row[1])
        self._absent[name] = height
        if len(self._absent) > _KEPT:
            self._absent.popitem(last=False)
        return None
