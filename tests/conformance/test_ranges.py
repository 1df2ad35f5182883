"""Ranges of simple keys, and rich queries, which LevelDB does not have."""

from __future__ import annotations

import pytest
from tests.conformance.caller import Caller
from tests.conformance.probe.steps import Step, do

from gridledger.model.errors import GridLedgerError


async def put(caller: Caller, *keys: str) -> None:
    await caller.submit(*(do.put_state(key, key.encode()) for key in keys))


async def keys_of(caller: Caller, start: str, end: str) -> list[str]:
    return [key for key, _ in await caller.evaluate(do.get_state_by_range(start, end))]


async def test_range_start_is_in_and_end_is_out(org1: Caller, key: str) -> None:
    await put(org1, *(f"{key}{letter}" for letter in "abcd"))

    rows = await org1.evaluate(do.get_state_by_range(f"{key}b", f"{key}d"))

    assert rows == [(f"{key}b", f"{key}b".encode()), (f"{key}c", f"{key}c".encode())]


async def test_range_rows_stand_in_the_order_of_utf8_bytes(org1: Caller, key: str) -> None:
    # By UTF-16 units, the last two would change places.
    ordered = [key + tail for tail in ("", "!", "A", "Z", "a", "aa", "é", "中", "\uffee", "𐍈")]
    await put(org1, *reversed(ordered))

    assert await keys_of(org1, key, f"{key}\U0010ffff") == ordered


@pytest.mark.parametrize(("start", "end"), [("x", "y"), ("b", "b"), ("c", "a")])
async def test_range_without_keys_is_empty(org1: Caller, key: str, start: str, end: str) -> None:
    await put(org1, *(f"{key}{letter}" for letter in "abc"))

    assert await keys_of(org1, key + start, key + end) == []


async def test_range_open_start_leaves_composite_keys_out(org1: Caller, key: str) -> None:
    simple, composite = f"!{key}", f"\x00{key}\x00a\x00"
    await put(org1, simple, composite)

    found = await keys_of(org1, "", "!~")

    assert simple in found
    assert not [each for each in found if each.startswith("\x00")]


async def test_range_open_end_goes_to_the_last_key(org1: Caller, key: str) -> None:
    last = f"\U0010fffd{key}"
    await put(org1, last)

    assert (await org1.evaluate(do.first_rows(last, "", 1))) == [(last, last.encode())]


async def test_range_bound_in_the_space_of_composite_keys_is_refused(org1: Caller, key: str) -> None:
    with pytest.raises(GridLedgerError, match=r"U\+0000"):
        await keys_of(org1, f"\x00{key}", "")


async def test_range_over_many_batches_is_complete_and_ordered(org1: Caller, key: str) -> None:
    await org1.submit(do.put_many(key, 350, b"v"))

    rows = await org1.evaluate(do.get_state_by_range(key, f"{key}~"))

    assert rows == [(f"{key}{index:05}", b"v") for index in range(350)]


async def test_range_left_early_ends_the_transaction_well(org1: Caller, key: str) -> None:
    await org1.submit(do.put_many(key, 250, b"v"))

    rows = await org1.submit(do.first_rows(key, f"{key}~", 3), do.first_rows(key, f"{key}~", 2))

    assert rows == [(f"{key}00000", b"v"), (f"{key}00001", b"v")]


async def test_ranges_read_in_turn_do_not_mix(org1: Caller, key: str) -> None:
    await org1.submit(do.put_many(f"{key}a", 150, b"v"), do.put_many(f"{key}b", 150, b"v"))

    pairs = await org1.evaluate(do.two_ranges((f"{key}a", f"{key}b"), (f"{key}b", f"{key}c")))

    assert pairs == [(f"{key}a{index:05}", f"{key}b{index:05}") for index in range(150)]


async def test_range_after_own_writes_is_the_committed_state(org1: Caller, key: str) -> None:
    await put(org1, f"{key}a", f"{key}b")

    rows = await org1.submit(
        do.put_state(f"{key}c", b"new"), do.del_state(f"{key}a"), do.get_state_by_range(key, f"{key}~")
    )

    assert [found for found, _ in rows] == [f"{key}a", f"{key}b"]


@pytest.mark.parametrize(
    "query",
    [
        do.get_query_result('{"selector":{}}'),
        do.get_query_result_with_pagination('{"selector":{}}', 10),
    ],
    ids=lambda step: step.name,
)
async def test_rich_query_is_refused_with_the_peers_words(org1: Caller, query: Step) -> None:
    with pytest.raises(GridLedgerError, match="not supported for leveldb"):
        await org1.evaluate(query)


async def test_rich_query_refused_lets_the_transaction_go_on(org1: Caller, key: str) -> None:
    await org1.submit(do.attempt("get_query_result", '{"selector":{}}'), do.put_state(key, b"17"))

    assert await org1.evaluate(do.get_state(key)) == b"17"
