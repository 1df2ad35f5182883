"""Call keys: a call happens once, or is cancelled; the first ordered wins."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest
from tests.conformance.caller import Caller
from tests.conformance.probe.typed import Reading

from gridledger.client import CommitError, Committed, Deadlines, OutcomeUnknown, ValidationCode
from gridledger.model.call import Call
from gridledger.model.refusals import BadArgument, CallCancelled, CallRepeated, NotFound
from gridledger.model.states import CallState


@pytest.fixture
def readings(org1: Caller) -> Caller:
    return org1.on("typed", "readings")


@pytest.fixture
def ledger(org1: Caller) -> Caller:
    return org1.on("typed", "ledger")


@pytest.fixture
async def reading(readings: Caller, key: str) -> Reading:
    """Return a reading of 0 W that is on the ledger."""
    written = Reading(name=key, value_w=0)
    await readings.call("PutReading", written)
    return written


async def value_of(readings: Caller, name: str) -> int:
    return Reading.from_bytes(await readings.query("GetReading", name)).value_w


async def test_call_repeated_is_refused_with_the_first_transaction(
    readings: Caller, reading: Reading, key: str
) -> None:
    first = await readings.call_once("AddToReading", reading.name, 5, call_key=key)

    with pytest.raises(CallRepeated) as caught:
        await readings.call_once("AddToReading", reading.name, 5, call_key=key)

    assert caught.value.tx_id == first.tx_id
    assert await value_of(readings, reading.name) == 5


async def test_call_repeated_with_other_arguments_is_refused(
    readings: Caller, reading: Reading, key: str
) -> None:
    await readings.call_once("AddToReading", reading.name, 5, call_key=key)

    with pytest.raises(CallRepeated):
        await readings.call_once("CreateReading", Reading(name=f"{key}new", value_w=1), call_key=key)


async def test_call_that_was_refused_may_be_made_again(readings: Caller, key: str) -> None:
    with pytest.raises(NotFound):
        await readings.call_once("AddToReading", key, 5, call_key=key)
    await readings.call("PutReading", Reading(name=key, value_w=1))

    assert (await readings.call_once("AddToReading", key, 5, call_key=key)).result == b"6"


async def test_calls_in_flight_under_one_key_one_is_done(
    readings: Caller, reading: Reading, key: str
) -> None:
    calls = [
        await readings.contract.proposal("AddToReading", key, reading.name, 5).endorse() for _ in range(5)
    ]

    statuses = await readings.outcomes(calls)

    codes = Counter(status.validation_code for status in statuses)
    assert codes == {ValidationCode.VALID: 1, ValidationCode.MVCC_READ_CONFLICT: 4}
    assert await value_of(readings, reading.name) == 5


async def test_calls_at_once_under_one_key_one_is_done(readings: Caller, reading: Reading, key: str) -> None:
    calls = [readings.call_once("AddToReading", reading.name, 5, call_key=key) for _ in range(5)]

    results = await asyncio.gather(*calls, return_exceptions=True)

    done = [result for result in results if not isinstance(result, BaseException)]
    assert [each.result for each in done] == [b"5"]
    assert Counter(type(result) for result in results) == {Committed: 1, CallRepeated: 4}
    assert await value_of(readings, reading.name) == 5


async def test_outcome_unknown_is_settled_by_its_call_key(
    readings: Caller, reading: Reading, key: str
) -> None:
    impatient = Deadlines(evaluate=30, endorse=30, submit=30, commit_status=0.001)

    with pytest.raises(OutcomeUnknown) as caught:
        await readings.call_once("AddToReading", reading.name, 5, call_key=key, deadlines=impatient)
    settled = await readings.contract.settle_call(key)

    assert caught.value.call_key == key
    done = settled.state is CallState.DONE
    assert not done or settled.tx_id == caught.value.tx_id
    with pytest.raises(CallRepeated if done else CallCancelled):
        await readings.call_once("AddToReading", reading.name, 5, call_key=key)
    assert await value_of(readings, reading.name) == (5 if done else 0)


async def test_call_keys_of_organisations_are_apart(
    readings: Caller, org2: Caller, reading: Reading, key: str
) -> None:
    await readings.call_once("AddToReading", reading.name, 5, call_key=key)

    theirs = org2.on("typed", "readings")

    assert (await theirs.call_once("AddToReading", reading.name, 5, call_key=key)).result == b"10"


async def test_cancelled_call_is_refused(
    readings: Caller, ledger: Caller, reading: Reading, key: str
) -> None:
    cancelled = Call.from_bytes(await ledger.call("CancelCall", key))

    with pytest.raises(CallCancelled) as caught:
        await readings.call_once("AddToReading", reading.name, 5, call_key=key)

    assert cancelled.state is CallState.CANCELLED
    assert caught.value.tx_id == cancelled.tx_id
    assert await value_of(readings, reading.name) == 0


async def test_cancelling_a_done_call_tells_who_did_it(
    readings: Caller, ledger: Caller, reading: Reading, key: str
) -> None:
    done = await readings.call_once("AddToReading", reading.name, 5, call_key=key)

    found = Call.from_bytes(await ledger.call("CancelCall", key))

    assert (found.state, found.tx_id) == (CallState.DONE, done.tx_id)
    assert found == Call.from_bytes(await ledger.query("ReadCall", key))
    assert await value_of(readings, reading.name) == 5


async def test_cancelling_twice_tells_the_first(ledger: Caller, key: str) -> None:
    first = Call.from_bytes(await ledger.call("CancelCall", key))

    assert Call.from_bytes(await ledger.call("CancelCall", key)) == first


async def test_unused_call_key_reads_as_nothing(ledger: Caller, key: str) -> None:
    assert await ledger.query("ReadCall", key) in {b"", b"null"}


async def test_call_and_cancellation_in_flight_first_ordered_wins(
    readings: Caller, ledger: Caller, reading: Reading, key: str
) -> None:
    call = await readings.contract.proposal("AddToReading", key, reading.name, 5).endorse()
    cancellation = await ledger.contract.proposal("CancelCall", key).endorse()

    statuses = await readings.outcomes([call, cancellation])

    codes = [status.validation_code for status in statuses]
    assert sorted(codes) == [ValidationCode.VALID, ValidationCode.MVCC_READ_CONFLICT]
    winner = statuses[codes.index(ValidationCode.VALID)]
    row = Call.from_bytes(await ledger.query("ReadCall", key))
    assert row.tx_id == winner.tx_id
    done = winner.tx_id == call.tx_id
    assert row.state is (CallState.DONE if done else CallState.CANCELLED)
    assert await value_of(readings, reading.name) == (5 if done else 0)


async def test_call_held_back_past_its_cancellation_is_invalid(
    readings: Caller, reading: Reading, key: str
) -> None:
    held = await readings.contract.proposal("AddToReading", key, reading.name, 5).endorse()

    settled = await readings.contract.settle_call(key)
    status = await readings.outcome(held)

    assert settled.state is CallState.CANCELLED
    with pytest.raises(CommitError):
        status.check()
    assert await value_of(readings, reading.name) == 0


@pytest.mark.parametrize("call_key", ["", "x" * 65, "with space", "中", "a/b"])
async def test_call_key_out_of_its_form_is_refused(readings: Caller, reading: Reading, call_key: str) -> None:
    with pytest.raises(BadArgument, match="call_key"):
        await readings.call("AddToReading", call_key, reading.name, 5)
