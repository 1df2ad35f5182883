"""Policies and collections of three organisations."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace

import pytest
from tests.conformance.caller import Caller
from tests.conformance.conftest import ROOT, SCRIPT, Users
from tests.conformance.probe.steps import do
from tests.worlds import running_network

from gridledger.client import Collection, CommitError, EndorsementPolicy, ValidationCode
from gridledger.model.errors import GridLedgerError
from gridledger.network import World

NAMES = ["org1", "org2", "org3"]
MSP_IDS = ["Org1MSP", "Org2MSP", "Org3MSP"]
TWO_OF_THREE = "OutOf(2, 'Org1MSP.peer', 'Org2MSP.peer', 'Org3MSP.peer')"
ONE_AND_ANOTHER = "AND('Org1MSP.peer', OR('Org2MSP.peer', 'Org3MSP.peer'))"
PAIR = Collection(
    name="pair",
    policy=EndorsementPolicy("OR('Org1MSP.member','Org3MSP.member')"),
    endorsement_policy=EndorsementPolicy("AND('Org1MSP.peer','Org3MSP.peer')"),
)


@pytest.fixture(scope="module")
async def three(world: World, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[list[Caller]]:
    """Return a user of each of three organisations."""
    with running_network(world, tmp_path_factory.mktemp("three"), organisations=3) as network:
        network.deploy("script", SCRIPT, policy=TWO_OF_THREE, collections=[PAIR], python_path=[ROOT])
        network.deploy("nested", SCRIPT, policy=ONE_AND_ANOTHER, python_path=[ROOT])
        network.deploy("majority", SCRIPT, python_path=[ROOT])
        async with AsyncExitStack() as stack:
            users = Users(network, stack)
            alone = [await users.caller(name, "user1") for name in NAMES]
            yield [replace(each, others=[one for one in alone if one is not each]) for each in alone]


async def valid_with(caller: Caller, key: str, organizations: tuple[str, ...]) -> bool:
    """Tell whether a write that these organisations endorse is valid."""
    try:
        await caller.submit(do.put_state(key, b"1"), endorsing_organizations=organizations)
    except CommitError as error:
        if error.validation_code is not ValidationCode.ENDORSEMENT_POLICY_FAILURE:
            raise
        return False
    return True


SUBSETS = [each for size in (1, 2, 3) for each in itertools.combinations(MSP_IDS, size)]


@pytest.mark.parametrize("organizations", SUBSETS, ids="+".join)
async def test_two_of_three_are_enough_and_one_is_not(
    three: list[Caller], key: str, organizations: tuple[str, ...]
) -> None:
    assert await valid_with(three[0], key, organizations) == (len(organizations) >= 2)


@pytest.mark.parametrize("organizations", SUBSETS, ids="+".join)
async def test_majority_of_three_is_two(
    three: list[Caller], key: str, organizations: tuple[str, ...]
) -> None:
    assert await valid_with(three[0].on("majority"), key, organizations) == (len(organizations) >= 2)


@pytest.mark.parametrize("organizations", SUBSETS, ids="+".join)
async def test_nested_policy_counts_as_it_reads(
    three: list[Caller], key: str, organizations: tuple[str, ...]
) -> None:
    wanted = "Org1MSP" in organizations and len(organizations) >= 2

    assert await valid_with(three[0].on("nested"), key, organizations) == wanted


async def test_policies_are_met_by_every_gateway_unasked(three: list[Caller], key: str) -> None:
    for number, caller in enumerate(three):
        for chaincode in ("script", "nested", "majority"):
            await caller.on(chaincode).submit(do.put_state(f"{key}{number}", b"1"))

    for chaincode in ("script", "nested", "majority"):
        values = (
            await three[1]
            .on(chaincode)
            .evaluate(do.get_multiple_states(*(f"{key}{number}" for number in range(3))))
        )
        assert values == [b"1"] * 3


async def test_collection_of_two_is_kept_from_the_third(three: list[Caller], key: str) -> None:
    one, two, other = three
    await one.submit(
        do.put_private_of_transient("pair", key, "value"),
        transient={"value": b"between us"},
        endorsing_organizations=["Org1MSP", "Org3MSP"],
    )

    for member in (one, other):
        assert await member.evaluate(do.get_private_data("pair", key)) == b"between us"
    assert await two.evaluate(do.get_private_data_hash("pair", key)) is not None
    with pytest.raises(GridLedgerError, match="not available"):
        await two.evaluate(do.get_private_data("pair", key))


async def test_collection_policy_of_two_is_met_by_the_gateway_unasked(three: list[Caller], key: str) -> None:
    one, _, other = three
    await one.submit(do.put_private_data("pair", key, b"1"))

    assert await other.evaluate(do.get_private_data("pair", key)) == b"1"


async def test_random_number_is_refused_by_each_pair(three: list[Caller]) -> None:
    for pair in itertools.combinations(MSP_IDS, 2):
        with pytest.raises(GridLedgerError, match="do not match"):
            await three[0].propose(do.draw(), endorsing_organizations=pair).endorse()
