"""MVCC and phantom checks: what was read must still hold when the transaction is committed."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest
from tests.conformance.caller import Caller
from tests.conformance.probe.steps import Step, do

from gridledger.client import CommitConflict, CommitStatus, ValidationCode
from gridledger.shim import KeyEndorsementPolicy, RoleType

ORG1 = ["Org1MSP"]
VALID = ValidationCode.VALID
MVCC = ValidationCode.MVCC_READ_CONFLICT
PHANTOM = ValidationCode.PHANTOM_READ_CONFLICT


async def commit_once(caller: Caller, *steps: Step) -> CommitStatus:
    """Take steps as one transaction, which is not made again after a conflict."""
    transaction = await caller.propose(*steps).endorse()
    return await caller.outcome(transaction)


async def commit_after(caller: Caller, steps: list[Step], *meanwhile: Step) -> ValidationCode:
    """Endorse a transaction, commit another, then submit the first."""
    transaction = await caller.propose(*steps).endorse()
    await caller.submit(*meanwhile)
    return (await caller.outcome(transaction)).validation_code


async def test_eight_concurrent_read_modify_writes_of_one_key_one_is_valid(org1: Caller, key: str) -> None:
    await org1.submit(do.put_state(key, b"0"))
    transactions = [await org1.propose(do.add(key, 1)).endorse() for _ in range(8)]

    statuses = await org1.outcomes(transactions)

    assert Counter(status.validation_code for status in statuses) == {VALID: 1, MVCC: 7}
    assert await org1.evaluate(do.get_state(key)) == b"1"


async def test_four_concurrent_read_modify_writes_by_the_client_all_count(either: Caller, key: str) -> None:
    # One endorser: with two, a peer that lags behind the other makes endorsements differ.
    await either.submit(do.put_state(key, b"0"))

    await asyncio.gather(*(either.submit(do.add(key, 1), endorsing_organizations=ORG1) for _ in range(4)))

    assert await either.evaluate(do.get_state(key)) == b"4"


async def test_eight_concurrent_read_modify_writes_of_eight_keys_are_valid(org1: Caller, key: str) -> None:
    statuses = await asyncio.gather(*(commit_once(org1, do.add(f"{key}{index}", 1)) for index in range(8)))

    assert [status.validation_code for status in statuses] == [VALID] * 8


async def test_read_of_a_changed_key_conflicts(org1: Caller, key: str) -> None:
    await org1.submit(do.put_state(key, b"1"))

    assert await commit_after(org1, [do.copy(key, f"{key}to")], do.put_state(key, b"2")) is MVCC
    assert await org1.evaluate(do.get_state(f"{key}to")) is None


async def test_read_of_a_key_written_with_the_same_value_conflicts(org1: Caller, key: str) -> None:
    await org1.submit(do.put_state(key, b"1"))

    assert await commit_after(org1, [do.copy(key, f"{key}to")], do.put_state(key, b"1")) is MVCC


async def test_read_of_a_deleted_key_conflicts(org1: Caller, key: str) -> None:
    await org1.submit(do.put_state(key, b"1"))

    assert await commit_after(org1, [do.copy(key, f"{key}to")], do.del_state(key)) is MVCC


async def test_read_of_an_absent_key_that_was_written_conflicts(org1: Caller, key: str) -> None:
    assert await commit_after(org1, [do.copy(key, f"{key}to")], do.put_state(key, b"1")) is MVCC


async def test_read_of_an_absent_key_that_was_deleted_is_valid(org1: Caller, key: str) -> None:
    assert await commit_after(org1, [do.copy(key, f"{key}to")], do.del_state(key)) is VALID


async def test_read_alone_of_a_changed_key_conflicts(org1: Caller, key: str) -> None:
    await org1.submit(do.put_state(key, b"1"))

    assert await commit_after(org1, [do.get_state(key)], do.put_state(key, b"2")) is MVCC


async def test_multiple_reads_of_a_changed_key_conflict(org1: Caller, key: str) -> None:
    steps = [do.get_multiple_states(f"{key}a", f"{key}b"), do.put_state(f"{key}to", b"1")]

    assert await commit_after(org1, steps, do.put_state(f"{key}b", b"2")) is MVCC


async def test_write_without_a_read_never_conflicts(org1: Caller, key: str) -> None:
    await org1.submit(do.put_state(key, b"1"))

    assert await commit_after(org1, [do.put_state(key, b"late")], do.put_state(key, b"2")) is VALID
    assert await org1.evaluate(do.get_state(key)) == b"late"


async def test_read_of_a_key_whose_policy_changed_conflicts(org1: Caller, key: str) -> None:
    await org1.submit(do.put_state(key, b"1"))

    policy = KeyEndorsementPolicy()
    policy.add_orgs(RoleType.PEER, ORG1)
    change = do.set_state_validation_parameter(key, policy.policy())

    code = await commit_after(org1, [do.copy(key, f"{key}to")], change)

    assert code is MVCC


async def test_history_that_grew_does_not_conflict(org1: Caller, key: str) -> None:
    await org1.submit(do.put_state(key, b"1"))
    steps = [do.get_history_for_key(key), do.put_state(f"{key}to", b"1")]

    assert await commit_after(org1, steps, do.put_state(key, b"2")) is VALID


async def test_range_with_a_new_key_is_a_phantom(org1: Caller, key: str) -> None:
    await org1.submit(do.put_many(key, 3, b"v"))
    steps = [do.get_state_by_range(key, f"{key}~"), do.put_state(f"{key}~to", b"1")]

    assert await commit_after(org1, steps, do.put_state(f"{key}00001x", b"new")) is PHANTOM


async def test_range_with_a_deleted_key_is_a_phantom(org1: Caller, key: str) -> None:
    await org1.submit(do.put_many(key, 3, b"v"))
    steps = [do.get_state_by_range(key, f"{key}~"), do.put_state(f"{key}~to", b"1")]

    assert await commit_after(org1, steps, do.del_state(f"{key}00001")) is PHANTOM


async def test_range_with_a_changed_value_is_a_phantom(org1: Caller, key: str) -> None:
    await org1.submit(do.put_many(key, 3, b"v"))
    steps = [do.get_state_by_range(key, f"{key}~"), do.put_state(f"{key}~to", b"1")]

    assert await commit_after(org1, steps, do.put_state(f"{key}00001", b"w")) is PHANTOM


async def test_range_of_many_rows_with_a_new_key_is_a_phantom(org1: Caller, key: str) -> None:
    await org1.submit(do.put_many(key, 150, b"v"))
    steps = [do.get_state_by_range(key, f"{key}~"), do.put_state(f"{key}~to", b"1")]

    assert await commit_after(org1, steps, do.put_state(f"{key}00149x", b"new")) is PHANTOM


async def test_empty_range_with_a_new_key_is_a_phantom(org1: Caller, key: str) -> None:
    steps = [do.get_state_by_range(key, f"{key}~"), do.put_state(f"{key}~to", b"1")]

    assert await commit_after(org1, steps, do.put_state(f"{key}a", b"new")) is PHANTOM


async def test_range_with_a_new_key_beside_it_is_valid(org1: Caller, key: str) -> None:
    await org1.submit(do.put_many(key, 3, b"v"))
    steps = [do.get_state_by_range(key, f"{key}~"), do.put_state(f"{key}~to", b"1")]

    assert await commit_after(org1, steps, do.put_state(f"{key}~beside", b"new")) is VALID


async def test_partial_key_with_a_new_key_is_a_phantom(org1: Caller, key: str) -> None:
    steps = [do.get_state_by_partial_composite_key(key, ["a"]), do.put_state(f"{key}to", b"1")]

    assert await commit_after(org1, steps, do.put_state(f"\x00{key}\x00a\x001\x00", b"new")) is PHANTOM


async def test_page_with_a_changed_row_is_a_phantom(org1: Caller, key: str) -> None:
    await org1.submit(do.put_many(key, 3, b"v"))
    steps = [do.get_state_by_range_with_pagination(key, f"{key}~", 2)]

    assert await commit_after(org1, steps, do.put_state(f"{key}00000", b"w")) is PHANTOM


async def test_fold_of_a_range_under_writers_is_a_phantom(org1: Caller, key: str) -> None:
    await org1.submit(do.put_many(key, 4, b"25"))

    code = await commit_after(
        org1, [do.fold_range(key, f"{key}~", f"{key}~sum")], do.put_state(f"{key}00004", b"1")
    )

    assert code is PHANTOM
    assert await org1.evaluate(do.get_state(f"{key}~sum")) is None


async def test_fold_of_named_rows_under_writers_is_valid(org1: Caller, key: str) -> None:
    await org1.submit(do.put_many(key, 4, b"25"))
    names = [f"{key}{index:05}" for index in range(4)]

    code = await commit_after(org1, [do.fold_named(names, f"{key}~sum")], do.put_state(f"{key}00004", b"1"))

    assert code is VALID
    assert await org1.evaluate(do.get_state(f"{key}~sum")) == b"100"


async def test_conflict_without_retries_is_told_with_its_block(org1: Caller, key: str) -> None:
    late = await org1.propose(do.add(key, 1)).endorse()
    await org1.submit(do.add(key, 1))
    status = await org1.outcome(late)

    with pytest.raises(CommitConflict) as caught:
        status.check()

    assert caught.value.retriable
    assert caught.value.block_number == status.block_number
