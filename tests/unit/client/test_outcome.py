"""Outcomes are never guessed: what is sent again, what is waited for, and what is said when nobody knows."""

from __future__ import annotations

import pytest
from tests.unit.client.fakes import (
    NO_RETRY,
    FakeTransport,
    make_network,
    status_error,
    submit_error,
)
from tests.unit.client.jumping_clock import run

from gridledger.client import (
    Backoff,
    CommitError,
    CommitStatusError,
    Committed,
    Deadlines,
    OutcomeUnknown,
    RetryPolicy,
    SubmitError,
    ValidationCode,
)


def steps(transport: FakeTransport) -> list[str]:
    return [step for step, _ in transport.calls]


def envelopes(transport: FakeTransport) -> list[bytes]:
    """Return the signed envelopes that were sent."""
    return [
        request.prepared_transaction.SerializeToString()
        for (step, _), request in zip(transport.calls, transport.requests, strict=True)
        if step == "submit"
    ]


def transact(transport: FakeTransport, **settings: object) -> Committed:
    async def go() -> Committed:
        return await make_network(transport, **settings).contract().transact("Put", "a")

    return run(go())


def test_submit_acknowledged_and_valid_is_sent_once() -> None:
    transport = FakeTransport()
    committed = transact(transport)
    assert steps(transport) == ["endorse", "submit", "commit_status"]
    assert committed == Committed(tx_id=transport.calls[0][1], block_number=1, result=b"Put a")


@pytest.mark.parametrize("status", ["UNAVAILABLE", "DEADLINE_EXCEEDED", "CANCELLED", "UNKNOWN", "INTERNAL"])
def test_submit_ambiguous_but_ordered_is_found_committed_without_new_transaction(status: str) -> None:
    transport = FakeTransport()
    transport.fail("submit", submit_error(status, arrives=True))
    assert transact(transport).result == b"Put a"
    assert steps(transport) == ["endorse", "submit", "commit_status"]
    assert len({tx_id for _, tx_id in transport.calls}) == 1


def test_submit_ambiguous_and_lost_is_sent_again_as_the_same_envelope() -> None:
    transport = FakeTransport()
    transport.fail("submit", *[submit_error("UNAVAILABLE", arrives=False)] * 2)
    assert transact(transport).block_number == 1
    sent = envelopes(transport)
    assert len(sent) == 3
    assert len(set(sent)) == 1
    assert steps(transport).count("endorse") == 1


def test_submit_refused_at_once_is_an_error_without_question_for_the_outcome() -> None:
    transport = FakeTransport()
    transport.fail("submit", submit_error("FAILED_PRECONDITION", arrives=False))
    with pytest.raises(SubmitError) as caught:
        transact(transport)
    assert not caught.value.ambiguous
    assert steps(transport) == ["endorse", "submit"]


def test_submit_refused_after_an_ambiguous_one_proves_nothing() -> None:
    transport = FakeTransport()
    ambiguous = submit_error("UNAVAILABLE", arrives=False)
    refused = submit_error("PERMISSION_DENIED", arrives=False)
    transport.fail("submit", ambiguous, *[refused] * 20)
    with pytest.raises(OutcomeUnknown):
        transact(transport)


def test_submit_never_acknowledged_is_sent_a_bounded_number_of_times_then_unknown() -> None:
    transport = FakeTransport()
    transport.fail("submit", *[submit_error("UNAVAILABLE", arrives=False)] * 1000)
    with pytest.raises(OutcomeUnknown) as caught:
        transact(transport)
    assert steps(transport).count("submit") == 1 + RetryPolicy().resends.attempts
    assert len(set(envelopes(transport))) == 1
    assert caught.value.tx_id == transport.calls[0][1]
    assert isinstance(caught.value.__cause__, CommitStatusError | SubmitError)
    assert not caught.value.retriable


def test_unknown_outcome_comes_at_the_deadline_and_not_before() -> None:
    transport = FakeTransport()
    transport.fail("submit", *[submit_error("UNAVAILABLE", arrives=False)] * 1000)

    async def go() -> float:
        import asyncio

        clock = asyncio.get_running_loop().time
        with pytest.raises(OutcomeUnknown):
            await make_network(transport, deadlines=Deadlines(commit_status=30)).contract().submit("Put")
        return clock()

    assert run(go()) == pytest.approx(30)


def test_acknowledged_but_lost_by_ordering_is_sent_again_after_silence() -> None:
    transport = FakeTransport()
    sent = 0

    async def losing(request: object, tx_id: str, timeout: float) -> object:
        nonlocal sent
        sent += 1
        transport.calls.append(("submit", tx_id))
        if sent == 2:
            transport.order(tx_id)
        return None

    transport.submit = losing  # type: ignore[method-assign]
    assert transact(transport).result == b"Put a"
    assert sent == 2
    assert transport.timeouts[1] == pytest.approx(RetryPolicy().silence)


def test_commit_status_that_fails_for_a_while_is_asked_again() -> None:
    transport = FakeTransport()
    transport.fail("commit_status", *[status_error("UNAVAILABLE")] * 3)
    assert transact(transport).result == b"Put a"


@pytest.mark.parametrize("status", ["PERMISSION_DENIED", "INVALID_ARGUMENT", "UNAUTHENTICATED"])
def test_commit_status_that_is_refused_leaves_the_outcome_unknown(status: str) -> None:
    transport = FakeTransport()
    transport.fail("commit_status", status_error(status))
    with pytest.raises(OutcomeUnknown) as caught:
        transact(transport)
    assert isinstance(caught.value.__cause__, CommitStatusError)
    assert steps(transport).count("submit") == 1


def test_duplicate_id_is_not_taken_for_the_outcome() -> None:
    transport = FakeTransport()
    transport.next_validation.append(ValidationCode.DUPLICATE_TXID)
    with pytest.raises(OutcomeUnknown):
        transact(transport)


def test_unknown_validation_code_is_never_valid() -> None:
    assert ValidationCode(77) is ValidationCode.INVALID_OTHER_REASON
    with pytest.raises(ValueError):
        ValidationCode("VALID")  # type: ignore[arg-type]


@pytest.mark.parametrize("code", [ValidationCode.ENDORSEMENT_POLICY_FAILURE, ValidationCode.BAD_RWSET])
def test_invalid_transaction_is_an_error_and_is_not_repeated(code: ValidationCode) -> None:
    transport = FakeTransport()
    transport.next_validation.append(code)
    with pytest.raises(CommitError) as caught:
        transact(transport)
    assert caught.value.validation_code is code
    assert caught.value.block_number == 1
    assert steps(transport).count("endorse") == 1


def test_no_resends_and_no_answer_waits_for_the_outcome_all_the_same() -> None:
    transport = FakeTransport()
    transport.fail("submit", submit_error("UNAVAILABLE", arrives=True))
    assert transact(transport, retry=NO_RETRY).result == b"Put a"
    assert steps(transport).count("submit") == 1


def test_each_sending_is_bounded_by_its_own_and_by_the_whole_deadline() -> None:
    transport = FakeTransport()
    transport.fail("submit", *[submit_error("UNAVAILABLE", arrives=False)] * 100)
    retry = RetryPolicy(resends=Backoff(attempts=3, first=2.0, longest=2.0))
    with pytest.raises(OutcomeUnknown):
        transact(transport, retry=retry, deadlines=Deadlines(submit=5, commit_status=6))
    submits = [
        timeout
        for (step, _), timeout in zip(transport.calls, transport.timeouts, strict=True)
        if step == "submit"
    ]
    assert submits[0] == 5
    assert all(0 < timeout <= 5 for timeout in submits)
    assert submits[-1] < 5
