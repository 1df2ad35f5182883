"""Pages of a delivery: cut at any size and joined, they are the delivery; as CSV, whatever stands in it."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridledger.exchange.delivery_page import CsvPage, DeliveryPage, PageCursor, join_pages, take_rows
from gridledger.model.delivery import DeliveredPeriod, DeliveredRow
from gridledger.model.errors import ModelError
from gridledger.model.identifier import SystemIdentifier
from gridledger.model.period import Period

OWNER = SystemIdentifier("88.1042.2")
FIELD = OWNER.device("MTR01").field("ac_power")
DAY = Period("2018-09-14")

texts = st.text(st.characters(blacklist_categories=["Cs"]), max_size=8)
keys = st.text(st.characters(blacklist_categories=["Cs"]), min_size=1, max_size=3)


@st.composite
def deposits(draw: st.DrawFn) -> tuple[DeliveredPeriod, ...]:
    """Draw the deposits of one field and period: the first and its supplements."""
    names = sorted(draw(st.sets(keys, max_size=9)))
    owners = {name: draw(st.integers(0, 2)) for name in names}
    values = {name: draw(st.none() | texts) for name in names}
    return tuple(
        DeliveredPeriod(
            field=FIELD,
            period=DAY,
            supplement=number,
            rows=tuple(
                DeliveredRow(key=name, value=values[name], salt=bytes(16))
                for name in names
                if owners[name] == number
            ),
        )
        for number in range(3)
    )


@settings(deadline=None)
@given(deposits(), st.integers(1, 10))
def test_pages_of_any_size_join_to_the_deposits(parts: tuple[DeliveredPeriod, ...], size: int) -> None:
    pages: list[DeliveryPage] = []
    after: PageCursor | None = None
    for _ in range(20):
        found, over = take_rows(parts, after, size)
        assert sum(len(one.rows) for one in found) <= size
        page = DeliveryPage(order="0" * 64, owner=OWNER, periods=tuple(found), is_last=over == 0)
        assert page.periods
        pages.append(page)
        if page.is_last:
            break
        after = page.cursor()
        assert after is not None
    assert join_pages(pages) == parts


@settings(deadline=None)
@given(deposits())
def test_csv_gives_back_every_text_and_null(parts: tuple[DeliveredPeriod, ...]) -> None:
    page = CsvPage(parts)

    again = CsvPage.from_bytes(page.to_bytes())

    assert again.periods == tuple(part for part in parts if part.rows)


def test_csv_is_read_by_any_reader() -> None:
    rows = (
        DeliveredRow(key="2018-09-14T02:15", value='a "quoted", word\r\n', salt=bytes(range(16))),
        DeliveredRow(key="2018-09-14T02:30", value=None, salt=bytes(16)),
    )
    page = CsvPage((DeliveredPeriod(field=FIELD, period=DAY, rows=rows),))

    assert page.to_bytes().decode() == (
        '"field","period","supplement","key","value","null","salt"\r\n'
        '"88.1042.2/MTR01#ac_power","2018-09-14",0,"2018-09-14T02:15","a ""quoted"", word\r\n",0,'
        '"000102030405060708090a0b0c0d0e0f"\r\n'
        '"88.1042.2/MTR01#ac_power","2018-09-14",0,"2018-09-14T02:30","",1,"00000000000000000000000000000000"\r\n'
    )


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff",
        b"a,b\r\n",
        b'"field","period","supplement","key","value","null","salt"\r\n1,2\r\n',
        b'"field","period","supplement","key","value","null","salt"\r\n"x","2018-09-14",0,"k","v",0,"00"\r\n',
        b'"field","period","supplement","key","value","null","salt"\r\n"88.1/a#b","once",9999,"k","v",0,"00"\r\n',
    ],
)
def test_csv_that_is_no_page_is_refused(data: bytes) -> None:
    with pytest.raises(ModelError):
        CsvPage.from_bytes(data)
