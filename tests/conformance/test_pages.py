"""Pages of ranges and partial keys, with bookmarks; no writes beside them."""

from __future__ import annotations

import pytest
from tests.conformance.caller import Caller
from tests.conformance.probe.steps import Step, do

from gridledger.model.errors import GridLedgerError
from gridledger.shim import create_composite_key

NO_WRITES = "Writes are not allowed|supported only in a read-only transaction"


def page(key: str, size: int, bookmark: str = "") -> Step:
    return do.get_state_by_range_with_pagination(key, f"{key}~", size, bookmark)


async def test_pages_followed_by_their_bookmarks_give_all_rows_once(org1: Caller, key: str) -> None:
    await org1.submit(do.put_many(key, 8, b"v"))

    counts: list[int] = []
    found: list[str] = []
    bookmark = ""
    while True:
        rows, count, bookmark = await org1.evaluate(page(key, 3, bookmark))
        counts.append(count)
        found.extend(name for name, _ in rows)
        if not bookmark:
            break

    assert counts == [3, 3, 2]
    assert found == [f"{key}{index:05}" for index in range(8)]


async def test_page_bookmark_is_the_next_key(org1: Caller, key: str) -> None:
    await org1.submit(do.put_many(key, 4, b"v"))

    _, _, bookmark = await org1.evaluate(page(key, 3))

    assert bookmark == f"{key}00003"


async def test_page_as_long_as_the_range_ends_it(org1: Caller, key: str) -> None:
    await org1.submit(do.put_many(key, 3, b"v"))

    rows, count, bookmark = await org1.evaluate(page(key, 3))

    assert (len(rows), count, bookmark) == (3, 3, "")


async def test_page_of_nothing_is_empty(org1: Caller, key: str) -> None:
    assert await org1.evaluate(page(key, 3)) == [[], 0, ""]


async def test_page_longer_than_a_batch_is_whole(org1: Caller, key: str) -> None:
    await org1.submit(do.put_many(key, 260, b"v"))

    rows, count, bookmark = await org1.evaluate(page(key, 250))

    assert (len(rows), count, bookmark) == (250, 250, f"{key}00250")


async def test_page_of_partial_composite_keys_goes_on_at_its_bookmark(org1: Caller, key: str) -> None:
    keys = [create_composite_key(key, ["a", str(index)]) for index in range(5)]
    await org1.submit(*(do.put_state(each, b"v") for each in keys))

    def part(bookmark: str) -> Step:
        return do.get_state_by_partial_composite_key_with_pagination(key, ["a"], 2, bookmark)

    first, _, bookmark = await org1.evaluate(part(""))
    second, _, bookmark = await org1.evaluate(part(bookmark))
    third, count, end = await org1.evaluate(part(bookmark))

    assert [name for name, _ in [*first, *second, *third]] == keys
    assert (count, end) == (1, "")


@pytest.mark.parametrize("size", [0, -1])
async def test_page_without_size_is_refused(org1: Caller, key: str, size: int) -> None:
    with pytest.raises(GridLedgerError, match="page_size"):
        await org1.evaluate(page(key, size))


async def test_write_after_a_page_is_refused(org1: Caller, key: str) -> None:
    with pytest.raises(GridLedgerError, match=NO_WRITES):
        await org1.submit(page(key, 3), do.put_state(key, b"17"))


async def test_page_after_a_write_is_refused(org1: Caller, key: str) -> None:
    with pytest.raises(GridLedgerError, match=NO_WRITES):
        await org1.submit(do.put_state(key, b"17"), page(key, 3))


async def test_page_alone_may_be_submitted(org1: Caller, key: str) -> None:
    await org1.submit(do.put_many(key, 2, b"v"))

    rows, _, _ = await org1.submit(page(key, 3))

    assert len(rows) == 2
