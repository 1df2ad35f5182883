"""What terminals send: records that follow each other, in runs that follow each other."""

from __future__ import annotations

import pytest
from tests.unit.response.fakes import TERMINAL, reading

from gridledger.model.errors import ModelError
from gridledger.model.response import MAX_RUN
from gridledger.response.message import RecordsMessage, SentRecord


def sent(*records: tuple[int, int]) -> RecordsMessage:
    """Return a message of records, each by its number and its run."""
    return RecordsMessage(
        terminal=TERMINAL,
        records=tuple(
            SentRecord(number=number, run=run, time_ms=number, salt=bytes(16), data=reading(number))
            for number, run in records
        ),
    )


@pytest.mark.parametrize(
    "records",
    [
        (),
        ((7, 7),),
        ((7, 5), (8, 5), (9, 9), (10, 9), (11, 11), (12, 12)),
        ((MAX_RUN, 1), (MAX_RUN + 1, MAX_RUN + 1)),
    ],
)
def test_consecutive_records_of_consecutive_runs_are_a_message(records: tuple[tuple[int, int], ...]) -> None:
    one = sent(*records)
    assert RecordsMessage.from_bytes(one.to_bytes()) == one


@pytest.mark.parametrize(
    ("records", "problem"),
    [
        (((1, 1), (3, 1)), "3 does not follow 1"),
        (((2, 2), (2, 2)), "2 does not follow 2"),
        (((2, 2), (1, 1)), "1 does not follow 2"),
        (((1, 2),), "1 is not of a run from 2 on"),
        (((1, 1), (2, 3)), "2 is not of a run from 3 on"),
        (((3, 3), (4, 2)), "4 is not of a run from 2 on"),
        (((3, 3), (4, 4), (5, 3)), "5 is not of a run from 3 on"),
        (((MAX_RUN + 1, 1),), f"{MAX_RUN + 1} is not of a run from 1 on"),
    ],
)
def test_other_records_are_none(records: tuple[tuple[int, int], ...], problem: str) -> None:
    with pytest.raises(ModelError, match=problem):
        sent(*records)
