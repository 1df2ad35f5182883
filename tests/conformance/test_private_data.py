"""Private data: members have the values, all have the hashes."""

from __future__ import annotations

import hashlib

import pytest
from tests.conformance.caller import Caller
from tests.conformance.collection import Collection
from tests.conformance.probe.steps import do

from gridledger.client import CommitError, ValidationCode
from gridledger.model.errors import GridLedgerError

NO_READ = "does not have read access permission"
NO_WRITE = "does not have write access permission"
NO_VALUE = "private data matching public hash version is not available"
NO_WRITES = "Writes are not allowed|supported only in a read-only transaction"
ORG1 = ["Org1MSP"]
ORG2 = ["Org2MSP"]


def digest(value: bytes) -> bytes:
    return hashlib.sha256(value).digest()


async def test_private_value_is_read_by_both_members(org1: Caller, org2: Caller, key: str) -> None:
    await org1.submit(do.put_private_data(Collection.SHARED, key, b"secret"))

    assert await org1.evaluate(do.get_private_data(Collection.SHARED, key)) == b"secret"
    assert await org2.evaluate(do.get_private_data(Collection.SHARED, key)) == b"secret"


async def test_private_value_of_transient_data_is_in_no_block(org1: Caller, key: str) -> None:
    secret = f"secret of {key}".encode()
    committed = await org1.transact(
        do.put_private_of_transient(Collection.SHARED, key, "value"), transient={"value": secret}
    )

    block = await org1.block(committed.block_number)

    assert secret not in block.SerializeToString()
    assert digest(secret) in block.SerializeToString()
    assert await org1.evaluate(do.get_private_data(Collection.SHARED, key)) == secret


async def test_private_and_public_values_of_one_key_are_apart(org1: Caller, key: str) -> None:
    await org1.submit(do.put_private_data(Collection.SHARED, key, b"private"), do.put_state(key, b"public"))

    assert await org1.evaluate_each(
        do.get_state(key),
        do.get_private_data(Collection.SHARED, key),
        do.get_private_data(Collection.ORG1, key),
    ) == [b"public", b"private", None]


async def test_private_hash_is_read_by_a_member_and_by_others(org1: Caller, org2: Caller, key: str) -> None:
    await org1.submit(do.put_private_data(Collection.ORG1, key, b"secret"))

    assert await org1.evaluate(do.get_private_data_hash(Collection.ORG1, key)) == digest(b"secret")
    assert await org2.evaluate(do.get_private_data_hash(Collection.ORG1, key)) == digest(b"secret")


async def test_private_hash_of_an_unknown_key_is_absent(org1: Caller, key: str) -> None:
    assert await org1.evaluate(do.get_private_data_hash(Collection.ORG1, key)) is None


async def test_member_only_read_by_a_non_member_is_refused(org1: Caller, org2: Caller, key: str) -> None:
    await org1.submit(do.put_private_data(Collection.ORG1, key, b"secret"))

    with pytest.raises(GridLedgerError, match=NO_READ):
        await org2.evaluate(do.get_private_data(Collection.ORG1, key))


async def test_member_only_read_by_a_non_member_at_a_members_peer_is_refused(org2: Caller, key: str) -> None:
    with pytest.raises(GridLedgerError, match=NO_READ):
        await org2.evaluate(do.get_private_data(Collection.ORG1, key), endorsing_organizations=ORG1)


async def test_member_only_range_by_a_non_member_is_refused(org2: Caller, key: str) -> None:
    with pytest.raises(GridLedgerError, match=NO_READ):
        await org2.evaluate(do.get_private_data_by_range(Collection.ORG1, key, f"{key}~"))


async def test_member_only_write_by_a_non_member_is_refused(org1: Caller, org2: Caller, key: str) -> None:
    for write in (
        do.put_private_data(Collection.ORG1, key, b"secret"),
        do.del_private_data(Collection.ORG1, key),
        do.purge_private_data(Collection.ORG1, key),
    ):
        with pytest.raises(GridLedgerError, match=NO_WRITE):
            await org2.submit(write)

    assert await org1.evaluate(do.get_private_data_hash(Collection.ORG1, key)) is None


async def test_open_collection_is_written_by_a_non_member(org1: Caller, org2: Caller, key: str) -> None:
    await org2.submit(do.put_private_data(Collection.ORG1_OPEN, key, b"from outside"))

    assert await org1.evaluate(do.get_private_data(Collection.ORG1_OPEN, key)) == b"from outside"


async def test_open_collection_is_read_by_a_non_member_at_a_members_peer_only(
    org1: Caller, org2: Caller, key: str
) -> None:
    await org1.submit(do.put_private_data(Collection.ORG1_OPEN, key, b"secret"))
    read = do.get_private_data(Collection.ORG1_OPEN, key)

    assert await org2.evaluate(read, endorsing_organizations=ORG1) == b"secret"
    with pytest.raises(GridLedgerError, match=NO_VALUE):
        await org2.evaluate(read, endorsing_organizations=ORG2)


async def test_unknown_collection_is_refused(org1: Caller, key: str) -> None:
    with pytest.raises(GridLedgerError, match=r"collection.*nowhere"):
        await org1.submit(do.put_private_data("nowhere", key, b"secret"))
    with pytest.raises(GridLedgerError, match=r"collection.*nowhere"):
        await org1.evaluate(do.get_private_data("nowhere", key))


async def test_empty_collection_name_is_refused(org1: Caller, key: str) -> None:
    with pytest.raises(GridLedgerError, match="collection: must not be empty"):
        await org1.submit(do.put_private_data("", key, b"secret"))


async def test_private_range_is_ordered_and_leaves_composite_keys_out(org1: Caller, key: str) -> None:
    names = [f"{key}{letter}" for letter in "cab"]
    composite = f"\x00{key}\x00a\x00"
    await org1.submit(*(do.put_private_data(Collection.SHARED, each, b"v") for each in [*names, composite]))

    rows = await org1.evaluate(do.get_private_data_by_range(Collection.SHARED, key, f"{key}c"))
    opened = await org1.evaluate(do.get_private_data_by_range(Collection.SHARED, "", f"{key}~"))

    assert rows == [(f"{key}a", b"v"), (f"{key}b", b"v")]
    assert [name for name, _ in opened if name.startswith(key)] == sorted(names)
    assert not [name for name, _ in opened if name.startswith("\x00")]


async def test_private_partial_composite_key_finds_what_begins_with_it(org1: Caller, key: str) -> None:
    keys = [f"\x00{key}\x00{part}\x00" for part in ("a", "a\x001", "ab")]
    await org1.submit(*(do.put_private_data(Collection.SHARED, each, b"v") for each in keys))

    rows = await org1.evaluate(do.get_private_data_by_partial_composite_key(Collection.SHARED, key, ["a"]))

    assert [name for name, _ in rows] == keys[:2]


async def test_write_after_a_private_range_is_refused(org1: Caller, key: str) -> None:
    range_step = do.get_private_data_by_range(Collection.SHARED, key, f"{key}~")

    with pytest.raises(GridLedgerError, match=NO_WRITES):
        await org1.submit(range_step, do.put_state(key, b"17"))
    with pytest.raises(GridLedgerError, match=NO_WRITES):
        await org1.submit(do.put_private_data(Collection.SHARED, key, b"17"), range_step)


async def test_private_rich_query_is_refused_with_the_peers_words(org1: Caller) -> None:
    with pytest.raises(GridLedgerError, match="not supported for leveldb"):
        await org1.evaluate(do.get_private_data_query_result(Collection.SHARED, '{"selector":{}}'))


async def test_get_private_data_after_own_write_is_the_committed_value(org1: Caller, key: str) -> None:
    await org1.submit(do.put_private_data(Collection.SHARED, key, b"before"))

    seen = await org1.submit(
        do.put_private_data(Collection.SHARED, key, b"after"), do.get_private_data(Collection.SHARED, key)
    )

    assert seen == b"before"


async def test_get_multiple_private_data_keep_order_and_gaps(org1: Caller, key: str) -> None:
    await org1.submit(
        do.start_write_batch(),
        do.put_private_data(Collection.SHARED, f"{key}a", b"1"),
        do.put_private_data(Collection.SHARED, f"{key}c", b"3"),
        do.finish_write_batch(),
    )

    names = [f"{key}{letter}" for letter in "cba"]

    values = await org1.evaluate(do.get_multiple_private_data(Collection.SHARED, *names))
    assert values == [b"3", None, b"1"]


async def test_deleted_private_value_and_hash_are_gone(org1: Caller, org2: Caller, key: str) -> None:
    await org1.submit(do.put_private_data(Collection.SHARED, key, b"secret"))
    await org1.submit(do.del_private_data(Collection.SHARED, key))

    for member in (org1, org2):
        assert await member.evaluate_each(
            do.get_private_data(Collection.SHARED, key), do.get_private_data_hash(Collection.SHARED, key)
        ) == [None, None]


async def test_purged_private_value_and_hash_are_gone_and_may_be_written_again(
    org1: Caller, org2: Caller, key: str
) -> None:
    await org1.submit(do.put_private_data(Collection.SHARED, key, b"secret"))
    await org1.submit(do.purge_private_data(Collection.SHARED, key))

    for member in (org1, org2):
        assert await member.evaluate_each(
            do.get_private_data(Collection.SHARED, key), do.get_private_data_hash(Collection.SHARED, key)
        ) == [None, None]

    await org1.submit(do.put_private_data(Collection.SHARED, key, b"again"))
    assert await org2.evaluate(do.get_private_data(Collection.SHARED, key)) == b"again"


async def test_purge_in_a_write_batch_is_a_purge(org1: Caller, key: str) -> None:
    await org1.submit(do.put_private_data(Collection.SHARED, key, b"secret"))
    await org1.submit(do.start_write_batch(), do.purge_private_data(Collection.SHARED, key))

    assert await org1.evaluate(do.get_private_data_hash(Collection.SHARED, key)) is None


async def test_purge_of_an_unknown_key_is_accepted(org1: Caller, key: str) -> None:
    await org1.submit(do.purge_private_data(Collection.SHARED, key))

    assert await org1.evaluate(do.get_private_data(Collection.SHARED, key)) is None


async def pass_blocks(caller: Caller, key: str, until: int) -> None:
    """Write something else until the chain has a block of this number."""
    number = 0
    while number < until:
        committed = await caller.transact(do.put_state(f"{key}{number}", b"v"))
        number = committed.block_number


async def test_block_to_live_value_expires_after_its_blocks(org1: Caller, org2: Caller, key: str) -> None:
    read = do.get_private_data(Collection.TWO_BLOCKS, key)
    written = await org1.transact(do.put_private_data(Collection.TWO_BLOCKS, key, b"brief"))
    assert await org1.evaluate(read) == b"brief"

    # It lives through the two blocks after its own and is gone with the third.
    await pass_blocks(org1, key, written.block_number + 3)

    for member in (org1, org2):
        assert await member.evaluate_each(read, do.get_private_data_hash(Collection.TWO_BLOCKS, key)) == [
            None,
            None,
        ]


async def test_block_to_live_counts_anew_from_the_last_write(org1: Caller, key: str) -> None:
    write = do.put_private_data(Collection.TWO_BLOCKS, key, b"brief")
    first = await org1.transact(write)
    again = await org1.transact(write)

    await pass_blocks(org1, key, first.block_number + 3)
    value = await org1.evaluate(do.get_private_data(Collection.TWO_BLOCKS, key))
    # A renewal of the time mark may have added a block.
    assert value == b"brief" or await org1.height() > again.block_number + 3
    await pass_blocks(org1, key, again.block_number + 3)

    assert await org1.evaluate(do.get_private_data(Collection.TWO_BLOCKS, key)) is None


async def test_implicit_collection_is_kept_by_its_organisation(org1: Caller, org2: Caller, key: str) -> None:
    implicit = "_implicit_org_Org1MSP"
    await org1.submit(do.put_private_data(implicit, key, b"ours"), endorsing_organizations=ORG1)

    assert await org1.evaluate(do.get_private_data(implicit, key)) == b"ours"
    assert await org2.evaluate(do.get_private_data_hash(implicit, key)) == digest(b"ours")
    with pytest.raises(GridLedgerError, match=NO_VALUE):
        await org2.evaluate(do.get_private_data(implicit, key), endorsing_organizations=ORG2)


async def test_implicit_collection_of_another_organisation_needs_its_endorsement(
    org1: Caller, org2: Caller, key: str
) -> None:
    implicit = "_implicit_org_Org2MSP"
    write = do.put_private_of_transient(implicit, key, "value")
    transient = {"value": b"for you"}

    with pytest.raises(CommitError) as caught:
        await org1.submit(write, transient=transient, endorsing_organizations=ORG1)
    await org1.submit(write, transient=transient, endorsing_organizations=[*ORG1, *ORG2])

    assert caught.value.validation_code is ValidationCode.ENDORSEMENT_POLICY_FAILURE
    assert await org2.evaluate(do.get_private_data(implicit, key)) == b"for you"


async def test_implicit_collection_of_an_unknown_organisation_is_refused(org1: Caller, key: str) -> None:
    with pytest.raises(GridLedgerError):
        await org1.submit(do.put_private_data("_implicit_org_NobodyMSP", key, b"theirs"))


async def test_private_read_conflict_is_found_by_the_hashes(org1: Caller, key: str) -> None:
    await org1.submit(do.put_private_data(Collection.SHARED, key, b"0"))
    late = await org1.propose(
        do.get_private_data(Collection.SHARED, key), do.put_private_data(Collection.SHARED, key, b"late")
    ).endorse()
    await org1.submit(do.put_private_data(Collection.SHARED, key, b"first"))

    status = await org1.outcome(late)

    assert status.validation_code is ValidationCode.MVCC_READ_CONFLICT
    assert await org1.evaluate(do.get_private_data(Collection.SHARED, key)) == b"first"


async def test_read_of_a_private_hash_that_changed_conflicts(org1: Caller, key: str) -> None:
    await org1.submit(do.put_private_data(Collection.ORG1, key, b"0"))
    late = await org1.propose(
        do.get_private_data_hash(Collection.ORG1, key), do.put_state(key, b"late")
    ).endorse()
    await org1.submit(do.put_private_data(Collection.ORG1, key, b"first"))

    status = await org1.outcome(late)

    assert status.validation_code is ValidationCode.MVCC_READ_CONFLICT


async def test_read_of_a_purged_private_key_conflicts(org1: Caller, key: str) -> None:
    await org1.submit(do.put_private_data(Collection.SHARED, key, b"0"))
    late = await org1.propose(
        do.get_private_data(Collection.SHARED, key), do.put_state(key, b"late")
    ).endorse()
    await org1.submit(do.purge_private_data(Collection.SHARED, key))

    status = await org1.outcome(late)

    assert status.validation_code is ValidationCode.MVCC_READ_CONFLICT


async def test_private_value_of_a_transaction_that_is_invalid_is_not_kept(
    org1: Caller, org2: Caller, key: str
) -> None:
    with pytest.raises(CommitError):
        await org1.submit(
            do.put_private_data(Collection.SHARED, key, b"secret"), endorsing_organizations=ORG1
        )

    for member in (org1, org2):
        assert await member.evaluate_each(
            do.get_private_data(Collection.SHARED, key), do.get_private_data_hash(Collection.SHARED, key)
        ) == [None, None]
