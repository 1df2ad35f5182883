"""Public state: values, absence, deletes, many keys at once, what a transaction sees of itself."""

from __future__ import annotations

import pytest
from tests.conformance.caller import Caller
from tests.conformance.probe.steps import do

from gridledger.model.errors import GridLedgerError

ALL_BYTES = bytes(range(256))
THREE_MEGABYTES = 3 * 1024 * 1024


async def test_put_state_new_key_is_read_by_both_organisations(org1: Caller, org2: Caller, key: str) -> None:
    await org1.submit(do.put_state(key, b"17"))

    assert await org1.evaluate(do.get_state(key)) == b"17"
    assert await org2.evaluate(do.get_state(key)) == b"17"


async def test_get_state_unknown_key_is_absent(org1: Caller, key: str) -> None:
    assert await org1.evaluate(do.get_state(key)) is None


async def test_evaluate_that_writes_changes_nothing(org1: Caller, key: str) -> None:
    await org1.evaluate(do.put_state(key, b"17"))

    assert await org1.evaluate(do.get_state(key)) is None


async def test_put_state_empty_value_is_absent(org1: Caller, key: str) -> None:
    await org1.submit(do.put_state(key, b"17"))
    await org1.submit(do.put_state(key, b""))

    assert await org1.evaluate(do.get_state(key)) is None


@pytest.mark.parametrize("value", [ALL_BYTES, b"\x00", b"\xff" * 70_000])
async def test_put_state_binary_value_comes_back_unchanged(org1: Caller, key: str, value: bytes) -> None:
    await org1.submit(do.put_state(key, value))

    assert await org1.evaluate(do.get_state(key)) == value


async def test_put_state_three_megabytes_come_back_unchanged(org1: Caller, key: str) -> None:
    value = bytes(range(251)) * (THREE_MEGABYTES // 251)
    # Beside the other keys it would slow every look-up down.
    await org1.submit(do.put_state(f"\U0010fffe{key}", value))

    assert await org1.evaluate(do.get_state(f"\U0010fffe{key}")) == value


async def test_evaluate_large_result_comes_back_whole(org1: Caller) -> None:
    assert await org1.evaluate(do.big_result(THREE_MEGABYTES)) == bytes(THREE_MEGABYTES)


@pytest.mark.parametrize("tail", ["é", "中文", "𐍈", "a\x00b", "\x7f", " ", "\ufeff"])
async def test_put_state_unicode_key_is_its_own_key(org1: Caller, key: str, tail: str) -> None:
    await org1.submit(do.put_state(key + tail, b"17"))

    assert await org1.evaluate_each(do.get_state(key + tail), do.get_state(key)) == [b"17", None]


async def test_put_state_empty_key_is_refused(org1: Caller) -> None:
    with pytest.raises(GridLedgerError, match="must not be empty"):
        await org1.submit(do.put_state("", b"17"))


async def test_put_state_lone_surrogate_in_key_is_refused(org1: Caller, key: str) -> None:
    with pytest.raises(GridLedgerError, match="UTF-8"):
        await org1.submit(do.put_state(key + "\ud800", b"17"))


async def test_del_state_key_is_gone(org1: Caller, key: str) -> None:
    await org1.submit(do.put_state(key, b"17"))
    await org1.submit(do.del_state(key))

    assert await org1.evaluate(do.get_state(key)) is None


async def test_del_state_unknown_key_is_accepted(org1: Caller, key: str) -> None:
    await org1.submit(do.del_state(key))

    assert await org1.evaluate(do.get_state(key)) is None


async def test_put_state_after_delete_is_there_again(org1: Caller, key: str) -> None:
    await org1.submit(do.put_state(key, b"1"))
    await org1.submit(do.del_state(key))
    await org1.submit(do.put_state(key, b"2"))

    assert await org1.evaluate(do.get_state(key)) == b"2"


@pytest.mark.parametrize(
    ("writes", "left"),
    [
        ([("put_state", b"1"), ("put_state", b"2")], b"2"),
        ([("put_state", b"1"), ("del_state",)], None),
        ([("del_state",), ("put_state", b"2")], b"2"),
    ],
    ids=["put-put", "put-delete", "delete-put"],
)
async def test_writes_of_one_key_last_one_counts(
    org1: Caller, key: str, writes: list[tuple[str, bytes]], left: bytes | None
) -> None:
    await org1.submit(do.put_state(key, b"0"))
    await org1.submit(*(getattr(do, name)(key, *value) for name, *value in writes))

    assert await org1.evaluate(do.get_state(key)) == left


async def test_get_state_after_own_write_is_the_committed_value(org1: Caller, key: str) -> None:
    await org1.submit(do.put_state(key, b"before"))

    seen = await org1.submit(do.put_state(key, b"after"), do.get_state(key))

    assert seen == b"before"
    assert await org1.evaluate(do.get_state(key)) == b"after"


async def test_get_state_after_own_delete_is_the_committed_value(org1: Caller, key: str) -> None:
    await org1.submit(do.put_state(key, b"before"))

    assert await org1.submit(do.del_state(key), do.get_state(key)) == b"before"


async def test_get_multiple_states_keep_their_order_and_gaps(org1: Caller, key: str) -> None:
    await org1.submit(do.put_state(f"{key}a", b"1"), do.put_state(f"{key}c", b"3"))

    values = await org1.evaluate(do.get_multiple_states(f"{key}c", f"{key}b", f"{key}a", f"{key}c"))

    assert values == [b"3", None, b"1", b"3"]


async def test_get_multiple_states_without_keys_is_empty(org1: Caller) -> None:
    assert await org1.evaluate(do.get_multiple_states()) == []


async def test_write_batch_over_the_limit_is_split(org1: Caller, key: str) -> None:
    await org1.submit(do.start_write_batch(), do.put_many(key, 2500, b"v"), do.finish_write_batch())

    assert await org1.evaluate(do.get_many(key, 2500)) == [b"v"] * 2500


async def test_get_multiple_states_over_the_limit_is_split(org1: Caller, key: str) -> None:
    await org1.submit(do.put_state(f"{key}00000", b"first"), do.put_state(f"{key}02499", b"last"))

    values = await org1.evaluate(do.get_many(key, 2500))

    assert len(values) == 2500
    assert [index for index, value in enumerate(values) if value is not None] == [0, 2499]


async def test_write_batch_keeps_the_order_of_writes(org1: Caller, key: str) -> None:
    await org1.submit(
        do.start_write_batch(),
        do.put_state(key, b"1"),
        do.del_state(key),
        do.put_state(key, b"2"),
        do.finish_write_batch(),
    )

    assert await org1.evaluate(do.get_state(key)) == b"2"


async def test_write_batch_left_open_is_written(org1: Caller, key: str) -> None:
    await org1.submit(do.start_write_batch(), do.put_state(key, b"17"))

    assert await org1.evaluate(do.get_state(key)) == b"17"


async def test_at_once_two_hundred_reads_in_one_transaction_are_all_answered(org1: Caller, key: str) -> None:
    await org1.submit(do.put_many(key, 200, b"v"))

    values = await org1.submit(do.at_once(*(("get_state", f"{key}{index:05}") for index in range(200))))

    assert values == [b"v"] * 200


async def test_refusal_after_a_write_writes_nothing(org1: Caller, key: str) -> None:
    with pytest.raises(GridLedgerError, match="not today"):
        await org1.submit(do.put_state(key, b"17"), do.refuse("not today", 409))

    assert await org1.evaluate(do.get_state(key)) is None


async def test_crash_after_a_write_writes_nothing_and_the_chaincode_lives(org1: Caller, key: str) -> None:
    with pytest.raises(GridLedgerError, match="out of luck"):
        await org1.submit(do.put_state(key, b"17"), do.crash("out of luck"))

    assert await org1.evaluate(do.get_state(key)) is None
