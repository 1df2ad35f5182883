"""Which ids are taken: the answer is the database's, whatever stands in memory."""

from __future__ import annotations

import sqlite3

from hypothesis import given
from hypothesis import strategies as st

from gridledger.client.validation import ValidationCode
from gridledger.network.devnet import transaction_index
from gridledger.network.devnet.state import Version
from gridledger.network.devnet.transaction_index import Committed, TransactionIndex


class _Chain:
    """A database and the index over it; the index may forget, the database does not."""

    def __init__(self) -> None:
        self.connection = sqlite3.connect(":memory:")
        self.connection.execute("CREATE TABLE tx (txid BLOB PRIMARY KEY, place INTEGER)")
        self.connection.execute("CREATE TABLE envelope (place INTEGER PRIMARY KEY, code INTEGER)")
        self.height = 0
        self.index = TransactionIndex(0)

    def commit(self, names: list[str]) -> None:
        codes = []
        for number, name in enumerate(names):
            place = Version(self.height, number).place
            known = self.connection.execute("SELECT 1 FROM tx WHERE txid = ?", (name.encode(),)).fetchone()
            codes.append(ValidationCode.DUPLICATE_TXID if known else ValidationCode.VALID)
            self.connection.execute("INSERT INTO envelope VALUES (?, ?)", (place, codes[-1]))
            self.connection.execute("INSERT OR IGNORE INTO tx VALUES (?, ?)", (name.encode(), place))
        self.index.add(self.height, names, codes)
        self.height += 1

    def stored(self, name: str, height: int) -> Committed | None:
        row = self.connection.execute(
            "SELECT place, code FROM tx JOIN envelope USING (place) WHERE txid = ?", (name.encode(),)
        ).fetchone()
        if row is None or Version.from_place(row[0]).block >= height:
            return None
        return Committed(Version.from_place(row[0]), row[1])

    def find(self, name: str, height: int) -> Committed | None:
        return self.index.find(self.connection, name, height)


NAMES = st.sampled_from("abcdefgh")


@given(st.lists(st.one_of(st.lists(NAMES, max_size=3), NAMES), max_size=40), st.integers(1, 6))
def test_index_agrees_with_the_database(steps: list[list[str] | str], kept: int) -> None:
    limit = transaction_index._KEPT
    transaction_index._KEPT = kept  # type: ignore[misc]
    try:
        chain = _Chain()
        for step in steps:
            if isinstance(step, list):
                chain.commit(step)
            else:
                assert chain.find(step, chain.height) == chain.stored(step, chain.height)
    finally:
        transaction_index._KEPT = limit  # type: ignore[misc]


def test_reader_below_the_block_does_not_see_its_transactions() -> None:
    chain = _Chain()
    chain.commit(["a"])
    height = chain.height
    assert chain.find("b", height) is None
    chain.commit(["b"])
    assert chain.find("b", height) is None
    assert chain.find("b", chain.height) == Committed(Version(1, 0), 0)


def test_first_transaction_with_an_id_keeps_it() -> None:
    chain = _Chain()
    chain.commit(["a", "a"])
    assert chain.find("a", chain.height) == Committed(Version(0, 0), 0)
