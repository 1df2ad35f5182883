"""Remembered periods: what the database has at the moment decides, never what was remembered."""

from __future__ import annotations

import pytest

from gridledger.exchange.field_source import SourceRow
from gridledger.exchange.leaves import PeriodParts, Salts, salt_rows, split_period
from gridledger.exchange.period_memory import PeriodMemory
from gridledger.model.identifier import FieldIdentifier, SystemIdentifier
from gridledger.model.period import Period

DEVICE = SystemIdentifier("88.1042.2").device("MTR01")
FIELD, OTHER = DEVICE.field("state"), DEVICE.field("alarm")
DAY = Period("2018-09-14")
ROWS = [SourceRow("a", "1"), SourceRow("b", None)]
SALTS = Salts(bytes(range(32)))


class _Maker:
    """Counts how often parts are made."""

    def __init__(self, memory: PeriodMemory) -> None:
        self.memory = memory
        self.made = 0

    def parts(
        self, rows: list[SourceRow], *, field: FieldIdentifier = FIELD, stamp: tuple[int, int] = (1, 0)
    ) -> PeriodParts:
        def make() -> PeriodParts:
            self.made += 1
            return split_period(salt_rows(rows, SALTS, field, DAY), {}, count=0)

        return self.memory.parts(field, DAY, rows, stamp, make)


def test_same_rows_are_not_hashed_again() -> None:
    maker = _Maker(PeriodMemory())
    first = maker.parts(ROWS)

    assert maker.parts([SourceRow(row.key, row.value) for row in ROWS]) is first
    assert maker.made == 1


@pytest.mark.parametrize(
    "rows",
    [
        [SourceRow("a", "2"), SourceRow("b", None)],
        [SourceRow("a", "1"), SourceRow("b", "")],
        [SourceRow("a", "1")],
        [*ROWS, SourceRow("c", "1")],
        [SourceRow("a", "1"), SourceRow("c", None)],
    ],
    ids=["value", "null", "removed", "added", "key"],
)
def test_any_change_leads_to_another_root(rows: list[SourceRow]) -> None:
    maker = _Maker(PeriodMemory())
    before = maker.parts(ROWS).roots

    assert maker.parts(rows).roots != before
    assert maker.parts(ROWS).roots == before
    assert maker.made == 3


def test_other_deposits_part_rows_anew() -> None:
    maker = _Maker(PeriodMemory())
    maker.parts(ROWS, stamp=(1, 0))
    maker.parts(ROWS, stamp=(1, 1))
    maker.parts(ROWS, stamp=(2, 1))
    assert maker.made == 3


def test_what_was_used_longest_ago_is_forgotten() -> None:
    maker = _Maker(PeriodMemory(max_rows=3))
    maker.parts(ROWS)
    maker.parts(ROWS, field=OTHER)
    assert maker.made == 2
    maker.parts(ROWS, field=OTHER)
    assert maker.made == 2
    maker.parts(ROWS)
    assert maker.made == 3


def test_period_that_is_too_long_is_not_kept() -> None:
    maker = _Maker(PeriodMemory(max_rows=1))
    assert maker.parts(ROWS).roots == maker.parts(ROWS).roots
    assert maker.made == 2
