"""The history of a key."""

from __future__ import annotations

import asyncio
import time

from tests.conformance.caller import Caller
from tests.conformance.probe.steps import do

from gridledger.shim import create_composite_key


async def test_history_lists_writes_and_deletes_newest_first(org1: Caller, key: str) -> None:
    first = await org1.transact(do.put_state(key, b"1"))
    second = await org1.transact(do.del_state(key))
    third = await org1.transact(do.put_state(key, b"3"))

    rows = await org1.evaluate(do.get_history_for_key(key))

    assert [(row["tx_id"], row["value"], row["is_delete"]) for row in rows] == [
        (third.tx_id, b"3", False),
        (second.tx_id, b"", True),
        (first.tx_id, b"1", False),
    ]


async def test_history_times_are_those_that_the_clients_claimed(org1: Caller, key: str) -> None:
    claimed = time.time_ns() // 1_000_000 - 60_000
    await org1.submit(do.put_state(key, b"1"), claimed_time_ms=claimed)

    [row] = await org1.evaluate(do.get_history_for_key(key))

    assert row["time_ms"] == claimed


async def test_history_of_an_unknown_key_is_empty(org1: Caller, key: str) -> None:
    assert await org1.evaluate(do.get_history_for_key(key)) == []


async def test_history_of_two_writes_in_one_transaction_is_one_row(org1: Caller, key: str) -> None:
    await org1.submit(do.put_state(key, b"1"), do.put_state(key, b"2"))

    rows = await org1.evaluate(do.get_history_for_key(key))

    assert [row["value"] for row in rows] == [b"2"]


async def test_history_of_a_composite_key_is_its_own(org1: Caller, key: str) -> None:
    composite = create_composite_key(key, ["a"])
    longer = create_composite_key(key, ["a", "b"])
    await org1.submit(do.put_state(composite, b"1"), do.put_state(longer, b"2"))

    rows = await org1.evaluate(do.get_history_for_key(composite))

    assert [row["value"] for row in rows] == [b"1"]


async def test_history_after_a_write_of_the_same_transaction_leaves_it_out(org1: Caller, key: str) -> None:
    rows = await org1.submit(do.put_state(key, b"1"), do.get_history_for_key(key))

    assert rows == []


async def test_history_longer_than_a_batch_is_complete(org1: Caller, key: str) -> None:
    committed = await asyncio.gather(
        *(org1.transact(do.put_state(key, b"%d" % index)) for index in range(120))
    )

    rows = await org1.evaluate(do.get_history_for_key(key))

    assert sorted(row["tx_id"] for row in rows) == sorted(each.tx_id for each in committed)
    assert rows[0]["value"] == await org1.evaluate(do.get_state(key))
