"""Endorsement policies of chaincodes and collections, and endorsements that differ."""

from __future__ import annotations

import pytest
from tests.conformance.caller import Caller
from tests.conformance.collection import Collection
from tests.conformance.probe.steps import do

from gridledger.client import CommitError, EndorseError, EndorsementsDiffer, ValidationCode

ORG1 = ["Org1MSP"]
ORG2 = ["Org2MSP"]
BOTH = ["Org1MSP", "Org2MSP"]


async def test_and_policy_met_by_both_is_valid(org1: Caller, key: str) -> None:
    await org1.submit(do.put_state(key, b"1"), endorsing_organizations=BOTH)

    assert await org1.evaluate(do.get_state(key)) == b"1"


@pytest.mark.parametrize("organizations", [ORG1, ORG2])
async def test_and_policy_with_one_endorsement_is_invalid(
    org1: Caller, key: str, organizations: list[str]
) -> None:
    with pytest.raises(CommitError) as caught:
        await org1.submit(do.put_state(key, b"1"), endorsing_organizations=organizations)

    assert caught.value.validation_code is ValidationCode.ENDORSEMENT_POLICY_FAILURE
    assert await org1.evaluate(do.get_state(key)) is None


@pytest.mark.parametrize("organizations", [ORG1, ORG2, BOTH])
async def test_or_policy_met_by_anyone_is_valid(either: Caller, key: str, organizations: list[str]) -> None:
    await either.submit(do.put_state(key, b"1"), endorsing_organizations=organizations)

    assert await either.evaluate(do.get_state(key)) == b"1"


async def test_and_policy_is_met_by_the_gateway_unasked(org1: Caller, org2: Caller, key: str) -> None:
    await org1.submit(do.put_state(key, b"1"))
    await org2.submit(do.put_state(key, b"2"))

    assert await org1.evaluate(do.get_state(key)) == b"2"


async def test_read_only_transaction_needs_the_policy_too(org1: Caller, key: str) -> None:
    with pytest.raises(CommitError) as caught:
        await org1.submit(do.get_state(key), endorsing_organizations=ORG1)

    assert caught.value.validation_code is ValidationCode.ENDORSEMENT_POLICY_FAILURE


async def test_collection_policy_replaces_the_chaincodes(org1: Caller, key: str) -> None:
    write = do.put_private_data(Collection.ENDORSED_BY_ORG2, key, b"1")

    with pytest.raises(CommitError) as caught:
        await org1.submit(write, endorsing_organizations=ORG1)
    await org1.submit(write, endorsing_organizations=ORG2)

    assert caught.value.validation_code is ValidationCode.ENDORSEMENT_POLICY_FAILURE
    assert await org1.evaluate(do.get_private_data(Collection.ENDORSED_BY_ORG2, key)) == b"1"


async def test_collection_policy_and_chaincode_policy_both_count_where_both_are_written(
    org1: Caller, key: str
) -> None:
    writes = [do.put_private_data(Collection.ENDORSED_BY_ORG2, key, b"1"), do.put_state(key, b"1")]

    with pytest.raises(CommitError) as caught:
        await org1.submit(*writes, endorsing_organizations=ORG2)
    await org1.submit(*writes, endorsing_organizations=BOTH)

    assert caught.value.validation_code is ValidationCode.ENDORSEMENT_POLICY_FAILURE
    assert await org1.evaluate(do.get_state(key)) == b"1"


async def test_unknown_organisation_is_refused(org1: Caller, key: str) -> None:
    with pytest.raises(EndorseError, match="NobodyMSP") as caught:
        await org1.submit(do.put_state(key, b"1"), endorsing_organizations=["NobodyMSP"])

    assert caught.value.grpc_status == "UNAVAILABLE"


async def test_random_number_in_the_result_is_refused(org1: Caller) -> None:
    with pytest.raises(EndorsementsDiffer, match="ProposalResponsePayloads do not match") as caught:
        await org1.propose(do.draw()).endorse()

    assert caught.value.grpc_status == "ABORTED"
    assert [detail.msp_id for detail in caught.value.details] == ORG2


async def test_random_number_in_what_is_written_is_refused(org1: Caller, key: str) -> None:
    with pytest.raises(EndorsementsDiffer):
        await org1.submit(do.put_drawn(key))

    assert await org1.evaluate(do.get_state(key)) is None


async def test_random_number_in_the_event_is_refused(org1: Caller, key: str) -> None:
    with pytest.raises(EndorsementsDiffer):
        await org1.propose(do.emit_drawn(key)).endorse()


async def test_random_number_from_one_organisation_alone_is_accepted(either: Caller) -> None:
    assert len(await either.submit(do.draw(), endorsing_organizations=ORG1)) == 16


async def test_each_organisation_runs_a_chaincode_process_of_its_own(org1: Caller) -> None:
    first = await org1.evaluate(do.process(), endorsing_organizations=ORG1)
    second = await org1.evaluate(do.process(), endorsing_organizations=ORG2)

    assert first != second
