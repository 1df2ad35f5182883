"""Chaincodes come and change: definitions, approvals, policies, collections."""

from __future__ import annotations

import asyncio
import itertools
import os

import pytest
from tests.conformance.caller import CHANNEL, Caller
from tests.conformance.conftest import ANYONE, BOTH, ROOT, SCRIPT, TYPED
from tests.conformance.probe.steps import do
from tests.conformance.probe.typed import Reading

from gridledger.client import (
    ChaincodeDefinition,
    Collection,
    CommitError,
    EndorseError,
    EndorsementPolicy,
    EvaluateError,
    Lifecycle,
    ValidationCode,
)
from gridledger.model.errors import ConfigError, GridLedgerError, NetworkSetupError
from gridledger.network import Network, World

_SESSION = os.urandom(3).hex()
_numbers = itertools.count()


@pytest.fixture
def name() -> str:
    """Return a chaincode name that no other test has."""
    return f"cc{_SESSION}-{next(_numbers)}"


@pytest.fixture
def lifecycle(admin: Caller) -> Lifecycle:
    return Lifecycle(admin.gateway.network(CHANNEL))


async def test_two_chaincodes_have_keys_of_their_own(org1: Caller, either: Caller, key: str) -> None:
    await org1.submit(do.put_state(key, b"script"))
    await either.submit(do.put_state(key, b"either"))

    assert await org1.evaluate(do.get_state(key)) == b"script"
    assert await either.evaluate(do.get_state(key)) == b"either"


async def test_definitions_tell_what_is_in_force(probes: Network, world: World, lifecycle: Lifecycle) -> None:
    found = await lifecycle.committed()
    script = await lifecycle.definition("script")

    # Others may have used an attached channel before: `probes` have put the next definition in force.
    [sequence] = [one.sequence for one in probes.status().chaincodes if one.name == "script"]
    assert world is World.ATTACHED or sequence == 1
    assert {"script", "either", "typed"} <= set(found)
    assert (found["script"].sequence, script.sequence) == (sequence, sequence)
    assert script.approvals == {"Org1MSP": True, "Org2MSP": True}


async def test_definition_of_an_unknown_chaincode_is_refused(lifecycle: Lifecycle) -> None:
    with pytest.raises(EvaluateError, match="nowhere"):
        await lifecycle.definition("nowhere")


async def test_upgrade_changes_code_and_policy_and_keeps_state(
    probes: Network, lifecycle: Lifecycle, org1: Caller, name: str, key: str
) -> None:
    await asyncio.to_thread(probes.deploy, name, SCRIPT, policy=BOTH, python_path=[ROOT])
    assert (await lifecycle.definition(name)).sequence == 1
    caller = org1.on(name)
    await caller.submit(do.put_state(key, b"kept"))
    with pytest.raises(CommitError) as caught:
        await caller.submit(do.put_state(key, b"one"), endorsing_organizations=["Org1MSP"])
    assert caught.value.validation_code is ValidationCode.ENDORSEMENT_POLICY_FAILURE

    out_of_one = "OutOf(1, 'Org1MSP.peer', 'Org2MSP.peer')"
    await asyncio.to_thread(probes.deploy, name, SCRIPT, policy=out_of_one, python_path=[ROOT])

    assert await caller.evaluate(do.get_state(key)) == b"kept"
    await caller.submit(do.put_state(key, b"one"), endorsing_organizations=["Org1MSP"])
    assert await caller.evaluate(do.get_state(key)) == b"one"

    out_of_two = "OutOf(2, 'Org1MSP.peer', 'Org2MSP.peer')"
    await asyncio.to_thread(probes.deploy, name, TYPED, policy=out_of_two, python_path=[ROOT])

    reading = Reading(name=key, value_w=1)
    with pytest.raises(CommitError):
        await caller.call("PutReading", reading, endorsing_organizations=["Org1MSP"])
    await caller.call("PutReading", reading)
    assert Reading.from_bytes(await caller.query("GetReading", key)) == reading
    assert (await lifecycle.definition(name)).sequence == (await lifecycle.committed())[name].sequence == 3


async def test_upgrade_adds_a_collection_and_keeps_the_others(
    probes: Network, org1: Caller, name: str, key: str
) -> None:
    members = EndorsementPolicy("OR('Org1MSP.member','Org2MSP.member')")
    first = Collection(name="first", policy=members)
    second = Collection(name="second", policy=members)
    caller = org1.on(name)
    await asyncio.to_thread(
        probes.deploy, name, SCRIPT, policy=ANYONE, collections=[first], python_path=[ROOT]
    )
    await caller.submit(do.put_private_data("first", key, b"1"))
    with pytest.raises(GridLedgerError, match="second"):
        await caller.submit(do.put_private_data("second", key, b"2"))

    await asyncio.to_thread(
        probes.deploy, name, SCRIPT, policy=ANYONE, collections=[first, second], python_path=[ROOT]
    )

    await caller.submit(do.put_private_data("second", key, b"2"))
    assert await caller.evaluate_each(
        do.get_private_data("first", key), do.get_private_data("second", key)
    ) == [b"1", b"2"]


async def test_transaction_endorsed_before_an_upgrade_is_held_to_the_new_policy(
    probes: Network, org1: Caller, name: str, key: str
) -> None:
    await asyncio.to_thread(probes.deploy, name, SCRIPT, policy=ANYONE, python_path=[ROOT])
    caller = org1.on(name)
    late = await caller.propose(do.put_state(key, b"1"), endorsing_organizations=["Org1MSP"]).endorse()

    await asyncio.to_thread(probes.deploy, name, SCRIPT, policy=BOTH, python_path=[ROOT])
    status = await caller.outcome(late)

    assert status.validation_code is ValidationCode.ENDORSEMENT_POLICY_FAILURE
    assert await caller.evaluate(do.get_state(key)) is None


async def test_chaincode_without_tls_is_served_too(
    probes: Network, org1: Caller, name: str, key: str
) -> None:
    await asyncio.to_thread(probes.deploy, name, SCRIPT, policy=BOTH, python_path=[ROOT], tls=False)

    await org1.on(name).submit(do.put_state(key, b"1"))

    assert await org1.on(name).evaluate(do.get_state(key)) == b"1"


async def test_default_policy_is_a_majority_of_organisations(
    probes: Network, org1: Caller, name: str, key: str
) -> None:
    await asyncio.to_thread(probes.deploy, name, SCRIPT, python_path=[ROOT])
    caller = org1.on(name)

    with pytest.raises(CommitError) as caught:
        await caller.submit(do.put_state(key, b"1"), endorsing_organizations=["Org1MSP"])
    await caller.submit(do.put_state(key, b"1"))

    assert caught.value.validation_code is ValidationCode.ENDORSEMENT_POLICY_FAILURE


async def test_definition_approved_by_one_of_two_is_not_committed(lifecycle: Lifecycle, name: str) -> None:
    definition = ChaincodeDefinition(name=name, version="1", sequence=1)
    await lifecycle.approve(definition, msp_id="Org1MSP")

    ready = await lifecycle.readiness(definition)
    with pytest.raises(EndorseError):
        await lifecycle.commit(definition)

    assert ready == {"Org1MSP": True, "Org2MSP": False}
    assert name not in await lifecycle.committed()


async def test_definition_out_of_sequence_is_refused(lifecycle: Lifecycle, name: str) -> None:
    with pytest.raises(EndorseError, match="sequence"):
        await lifecycle.approve(ChaincodeDefinition(name=name, version="1", sequence=2), msp_id="Org1MSP")


async def test_definition_approved_by_a_user_who_is_no_administrator_is_refused(
    org1: Caller, name: str
) -> None:
    lifecycle = Lifecycle(org1.gateway.network(CHANNEL))

    with pytest.raises(EndorseError):
        await lifecycle.approve(ChaincodeDefinition(name=name, version="1", sequence=1), msp_id="Org1MSP")


async def test_definition_in_force_that_organisation_has_no_code_for_is_not_executed(
    lifecycle: Lifecycle, admin2: Caller, org1: Caller, name: str
) -> None:
    definition = ChaincodeDefinition(name=name, version="1", sequence=1)
    await lifecycle.approve(definition, msp_id="Org1MSP")
    await Lifecycle(admin2.gateway.network(CHANNEL)).approve(definition, msp_id="Org2MSP")
    await lifecycle.commit(definition)

    assert (await lifecycle.committed())[name].sequence == 1
    with pytest.raises(GridLedgerError):
        await org1.on(name).evaluate(do.get_tx_id())


@pytest.mark.parametrize(
    ("chaincode", "module", "policy"),
    [
        ("no spaces", SCRIPT, BOTH),
        ("wrong-policy", SCRIPT, "NOR('Org1MSP.peer')"),
        ("no-module", "tests.conformance.nowhere:Nothing", BOTH),
        ("no-class", "tests.conformance.probe.script:Nothing", BOTH),
    ],
)
async def test_deploy_with_a_wrong_setting_changes_nothing(
    probes: Network, lifecycle: Lifecycle, chaincode: str, module: str, policy: str
) -> None:
    before = await lifecycle.committed()

    with pytest.raises((ConfigError, NetworkSetupError)):
        await asyncio.to_thread(probes.deploy, chaincode, module, policy=policy, python_path=[ROOT])

    assert await lifecycle.committed() == before
