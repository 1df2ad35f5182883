"""Endorsement policies of single keys."""

from __future__ import annotations

import pytest
from tests.conformance.caller import Caller
from tests.conformance.collection import Collection
from tests.conformance.probe.steps import do

from gridledger.client import CommitError, EndorseError, ValidationCode
from gridledger.shim import KeyEndorsementPolicy, RoleType

ORG1 = ["Org1MSP"]
ORG2 = ["Org2MSP"]


def policy_of(*msp_ids: str) -> bytes:
    policy = KeyEndorsementPolicy()
    policy.add_orgs(RoleType.PEER, msp_ids)
    return policy.policy()


async def write(caller: Caller, key: str, value: bytes, organizations: list[str]) -> None:
    await caller.submit(do.put_state(key, value), endorsing_organizations=organizations)


async def refuse_write(caller: Caller, key: str, organizations: list[str]) -> None:
    with pytest.raises(CommitError) as caught:
        await write(caller, key, b"refused", organizations)
    assert caught.value.validation_code is ValidationCode.ENDORSEMENT_POLICY_FAILURE


async def test_key_policy_set_is_read_back(either: Caller, key: str) -> None:
    policy = policy_of("Org1MSP", "Org2MSP")
    await either.submit(do.put_state(key, b"1"), do.set_state_validation_parameter(key, policy))

    found = await either.evaluate(do.get_state_validation_parameter(key))

    assert KeyEndorsementPolicy(found).list_orgs() == ["Org1MSP", "Org2MSP"]


async def test_key_policy_never_set_is_absent(either: Caller, key: str) -> None:
    await either.submit(do.put_state(key, b"1"))

    assert await either.evaluate(do.get_state_validation_parameter(key)) is None


async def test_key_policy_replaces_the_chaincodes(either: Caller, key: str) -> None:
    await either.submit(do.put_state(key, b"1"), do.set_state_validation_parameter(key, policy_of("Org2MSP")))

    await refuse_write(either, key, ORG1)
    await write(either, key, b"2", ORG2)

    assert await either.evaluate(do.get_state(key)) == b"2"


async def test_key_policy_of_both_wants_both(either: Caller, key: str) -> None:
    policy = policy_of("Org1MSP", "Org2MSP")
    await either.submit(do.put_state(key, b"1"), do.set_state_validation_parameter(key, policy))

    await refuse_write(either, key, ORG1)
    await refuse_write(either, key, ORG2)
    await write(either, key, b"2", [*ORG1, *ORG2])

    assert await either.evaluate(do.get_state(key)) == b"2"


async def test_key_policy_is_met_by_the_gateway_unasked(either: Caller, key: str) -> None:
    await either.submit(do.put_state(key, b"1"), do.set_state_validation_parameter(key, policy_of("Org2MSP")))

    await either.submit(do.put_state(key, b"2"))

    assert await either.evaluate(do.get_state(key)) == b"2"


async def test_key_policy_weaker_than_the_chaincodes_counts(org1: Caller, key: str) -> None:
    await org1.submit(do.put_state(key, b"1"), do.set_state_validation_parameter(key, policy_of("Org1MSP")))

    await write(org1, key, b"2", ORG1)
    await refuse_write(org1, f"{key}other", ORG1)

    assert await org1.evaluate(do.get_state(key)) == b"2"


async def test_key_policy_change_needs_the_old_policy(either: Caller, key: str) -> None:
    await either.submit(do.put_state(key, b"1"), do.set_state_validation_parameter(key, policy_of("Org2MSP")))
    change = do.set_state_validation_parameter(key, policy_of("Org1MSP"))

    with pytest.raises(CommitError) as caught:
        await either.submit(change, endorsing_organizations=ORG1)
    await either.submit(change, endorsing_organizations=ORG2)

    assert caught.value.validation_code is ValidationCode.ENDORSEMENT_POLICY_FAILURE
    await refuse_write(either, key, ORG2)
    await write(either, key, b"2", ORG1)


async def test_key_policy_stays_when_the_value_changes(either: Caller, key: str) -> None:
    await either.submit(do.put_state(key, b"1"), do.set_state_validation_parameter(key, policy_of("Org2MSP")))
    await write(either, key, b"2", ORG2)

    await refuse_write(either, key, ORG1)


async def test_key_policy_ends_with_its_key(either: Caller, key: str) -> None:
    await either.submit(do.put_state(key, b"1"), do.set_state_validation_parameter(key, policy_of("Org2MSP")))
    await either.submit(do.del_state(key), endorsing_organizations=ORG2)

    await write(either, key, b"2", ORG1)

    assert await either.evaluate(do.get_state(key)) == b"2"
    assert await either.evaluate(do.get_state_validation_parameter(key)) is None


async def test_key_policy_lifted_leaves_the_chaincodes(either: Caller, key: str) -> None:
    await either.submit(do.put_state(key, b"1"), do.set_state_validation_parameter(key, policy_of("Org2MSP")))
    await either.submit(do.set_state_validation_parameter(key, b""), endorsing_organizations=ORG2)

    await write(either, key, b"2", ORG1)

    assert await either.evaluate(do.get_state(key)) == b"2"


async def test_key_policy_of_a_private_key_is_enforced(org1: Caller, key: str) -> None:
    await org1.submit(
        do.put_private_data(Collection.SHARED, key, b"1"),
        do.set_private_data_validation_parameter(Collection.SHARED, key, policy_of("Org2MSP")),
    )
    found = await org1.evaluate(do.get_private_data_validation_parameter(Collection.SHARED, key))
    assert KeyEndorsementPolicy(found).list_orgs() == ORG2

    with pytest.raises(CommitError) as caught:
        await org1.submit(
            do.put_private_data(Collection.SHARED, key, b"refused"), endorsing_organizations=ORG1
        )
    await org1.submit(do.put_private_data(Collection.SHARED, key, b"2"), endorsing_organizations=ORG2)

    assert caught.value.validation_code is ValidationCode.ENDORSEMENT_POLICY_FAILURE
    assert await org1.evaluate(do.get_private_data(Collection.SHARED, key)) == b"2"


async def test_key_policy_that_is_no_policy_refuses_every_write(either: Caller, key: str) -> None:
    await either.submit(do.put_state(key, b"1"), do.set_state_validation_parameter(key, b"\xff no policy"))

    with pytest.raises(EndorseError, match="SignaturePolicyEnvelope"):
        await write(either, key, b"2", [*ORG1, *ORG2])

    assert await either.evaluate(do.get_state(key)) == b"1"


async def test_key_policy_changed_ahead_in_the_chain_decides(either: Caller, key: str) -> None:
    await either.submit(do.put_state(key, b"1"))
    change = await either.propose(do.set_state_validation_parameter(key, policy_of("Org2MSP"))).endorse()
    late = await either.propose(do.put_state(key, b"2"), endorsing_organizations=ORG1).endorse()

    # Most often both stand in one block, in either order.
    changed, written = await either.outcomes([change, late])

    places = {
        entry.tx_id: (number, place)
        for number in {changed.block_number, written.block_number}
        for place, entry in enumerate((await either.gateway.network().block(number)).transactions)
    }
    change_was_first = places[changed.tx_id] < places[written.tx_id]
    assert changed.validation_code is ValidationCode.VALID
    assert written.validation_code is (
        ValidationCode.ENDORSEMENT_POLICY_FAILURE if change_was_first else ValidationCode.VALID
    )
