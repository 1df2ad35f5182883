"""Digests of a terminal's canonical records, written without the records."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridledger.model.canonical import MAX_INTEGER
from gridledger.model.digest import Digest
from gridledger.model.errors import ModelError
from gridledger.model.response import MAX_NUMBER, MAX_RUN, TerminalIdentifier, TerminalRecord, record_leaves

TERMINAL = TerminalIdentifier.parse("88.1042.17/house-03.iot")


@given(
    st.lists(
        st.tuples(
            st.integers(1, MAX_NUMBER), st.integers(0, MAX_RUN - 1), st.integers(0, MAX_INTEGER), st.binary()
        )
    )
)
def test_leaves_are_those_of_the_records(made: list[tuple[int, int, int, bytes]]) -> None:
    fields = [
        (number, max(1, number - back), time_ms, Digest.of(data)) for number, back, time_ms, data in made
    ]
    records = [
        TerminalRecord(terminal=TERMINAL, number=number, run=run, time_ms=time_ms, data=data)
        for number, run, time_ms, data in fields
    ]
    assert list(record_leaves(TERMINAL, fields)) == [one.leaf for one in records]


@pytest.mark.parametrize(
    ("number", "run", "time_ms"),
    [
        (0, 1, 1),
        (1, 2, 1),
        (MAX_RUN + 1, 1, 1),
        (MAX_NUMBER + 1, MAX_NUMBER, 1),
        (1, 0, 1),
        (1, 1, -1),
        (1, 1, MAX_INTEGER + 1),
    ],
)
def test_what_is_no_record_has_no_leaf(number: int, run: int, time_ms: int) -> None:
    with pytest.raises(ModelError):
        list(record_leaves(TERMINAL, [(number, run, time_ms, Digest.of(b""))]))
