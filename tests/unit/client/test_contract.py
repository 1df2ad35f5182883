"""Calls of a contract: new transactions only where the one before did nothing, calls that happen once."""

from __future__ import annotations

import re

import pytest
from tests.unit.client.fakes import (
    NO_RETRY,
    FakeTransport,
    endorse_error,
    evaluate_error,
    make_network,
    read_call,
    refusal,
    status_error,
    submit_error,
)
from tests.unit.client.jumping_clock import run

from gridledger.client import (
    CommitConflict,
    Contract,
    Deadlines,
    EndorseError,
    EndorsementsDiffer,
    EvaluateError,
    OutcomeUnknown,
    RetryPolicy,
    ValidationCode,
)
from gridledger.model.call import Call
from gridledger.model.errors import ConfigError, ContractError, ModelError
from gridledger.model.refusals import CallCancelled, CallRepeated, NotFound
from gridledger.model.states import CallState


def contract(transport: FakeTransport, name: str | None = None, **settings: object) -> Contract:
    return make_network(transport, **settings).contract(name=name)


def tx_ids(transport: FakeTransport, step: str) -> list[str]:
    return [tx_id for called, tx_id in transport.calls if called == step]


@pytest.mark.parametrize("code", [ValidationCode.MVCC_READ_CONFLICT, ValidationCode.PHANTOM_READ_CONFLICT])
def test_submit_after_conflict_makes_a_new_transaction(code: ValidationCode) -> None:
    transport = FakeTransport()
    transport.next_validation.extend([code, code])
    assert run(contract(transport).submit("Put", "a")) == b"Put a"
    assert len(set(tx_ids(transport, "endorse"))) == 3


def test_submit_after_too_many_conflicts_gives_up() -> None:
    transport = FakeTransport()
    transport.next_validation.extend([ValidationCode.MVCC_READ_CONFLICT] * 100)
    with pytest.raises(CommitConflict) as caught:
        run(contract(transport).submit("Put", "a"))
    assert len(tx_ids(transport, "endorse")) == 1 + RetryPolicy().conflicts.attempts
    assert caught.value.retriable
    assert caught.value.code == "GL-GTW-007"


def test_endorsements_that_differ_make_a_new_transaction() -> None:
    transport = FakeTransport()
    other = refusal("ProposalResponsePayloads do not match", "Org2MSP")
    transport.fail("endorse", endorse_error("ABORTED", other), endorse_error("ABORTED", other))
    assert run(contract(transport).submit("Put", "a")) == b"Put a"
    assert len(set(tx_ids(transport, "endorse"))) == 3
    assert len(tx_ids(transport, "submit")) == 1


def test_refusal_by_a_peer_that_is_a_block_behind_makes_a_new_transaction() -> None:
    transport = FakeTransport()
    behind = refusal("chaincode response 404, " + NotFound("system", "88.1").to_wire(), "Org2MSP")
    transport.fail("endorse", endorse_error("ABORTED", behind))
    assert run(contract(transport).submit("Put", "a")) == b"Put a"


def test_refusal_that_other_organisations_repeat_is_raised_in_the_end() -> None:
    transport = FakeTransport()
    behind = refusal("chaincode response 404, " + NotFound("system", "88.1").to_wire(), "Org2MSP")
    transport.fail("endorse", *[endorse_error("ABORTED", behind)] * 100)
    with pytest.raises(NotFound) as caught:
        run(contract(transport).submit("Put", "a"))
    assert isinstance(caught.value.__cause__, EndorsementsDiffer)
    assert len(tx_ids(transport, "endorse")) == 1 + RetryPolicy().endorsements.attempts


@pytest.mark.parametrize(
    ("asked", "failed"),
    [([], ["Org1MSP"]), ([], ["Org1MSP", "Org2MSP"]), (["Org2MSP"], ["Org2MSP"]), ([], [])],
)
def test_endorsement_that_all_refuse_is_an_error_at_once(asked: list[str], failed: list[str]) -> None:
    transport = FakeTransport()
    details = [refusal("peer is out of sorts", msp_id) for msp_id in failed]
    transport.fail("endorse", endorse_error("ABORTED", *details))
    with pytest.raises(EndorseError) as caught:
        run(contract(transport).submit("Put", "a", endorsing_organizations=asked))
    assert not isinstance(caught.value, EndorsementsDiffer)
    assert len(tx_ids(transport, "endorse")) == 1


def test_explicit_organisations_of_which_one_fails_differ() -> None:
    transport = FakeTransport()
    transport.fail("endorse", endorse_error("ABORTED", refusal("no", "Org1MSP")))
    call = contract(transport, retry=NO_RETRY).submit(
        "Put", "a", endorsing_organizations=["Org1MSP", "Org2MSP"]
    )
    with pytest.raises(EndorsementsDiffer) as caught:
        run(call)
    assert caught.value.details == (refusal("no", "Org1MSP"),)
    assert caught.value.tx_id == transport.calls[0][1]


def test_refusal_in_details_is_raised_as_its_class_from_the_steps_error() -> None:
    transport = FakeTransport()
    wire = NotFound("system", "88.1042.99", contract="registry").to_wire()
    transport.fail("endorse", endorse_error("ABORTED", refusal(f"chaincode response 404, {wire}")))
    transport.fail("evaluate", evaluate_error("UNKNOWN", refusal(f"chaincode response 404, {wire}")))
    for call, kind in (
        (contract(transport).submit("Get"), EndorseError),
        (contract(transport).evaluate("Get"), EvaluateError),
    ):
        with pytest.raises(NotFound) as caught:
            run(call)
        assert (caught.value.kind, caught.value.key) == ("system", "88.1042.99")
        assert isinstance(caught.value.__cause__, kind)


@pytest.mark.parametrize(
    "message",
    [
        "",
        "GL-CHN",
        "GL-CHN-05 registry: x",
        "chaincode response 500, GL-XYZ-001 a: b",
        "\udc80 GL-GTW-001 x: y",
        "GL-CHN-005",
    ],
)
def test_words_that_are_no_refusal_leave_the_steps_error(message: str) -> None:
    transport = FakeTransport()
    transport.fail("evaluate", evaluate_error("UNKNOWN", refusal(message)))
    with pytest.raises(EvaluateError):
        run(contract(transport).evaluate("Get"))


@pytest.mark.parametrize(
    "message",
    [
        "GL-CHN-005 registry: x",
        "GL-CHN-005 registry: x\n{",
        'GL-CHN-005 r: x\n{"kind":1,"key":{}}',
        "GL-CHN-999 r: new",
    ],
)
def test_tampered_refusal_is_a_plain_contract_error_with_its_code(message: str) -> None:
    transport = FakeTransport()
    transport.fail("evaluate", evaluate_error("UNKNOWN", refusal(message)))
    with pytest.raises(ContractError) as caught:
        run(contract(transport).evaluate("Get"))
    assert type(caught.value) is ContractError
    assert caught.value.code == message[:10]


def test_contract_name_and_arguments_are_written_as_the_contract_layer_reads_them() -> None:
    transport = FakeTransport()
    call = contract(transport, "registry").evaluate("F", "text", 7, b"\xff", True, None, ["a", 1])
    assert run(call) == b'registry:F text 7 \xff true  ["a",1]'
    with pytest.raises(ModelError):
        run(contract(transport).evaluate("F", 1.5))  # type: ignore[arg-type]


def test_transient_data_and_organisations_travel_and_the_claimed_time_can_be_set() -> None:
    from fabric_protos.common import common_pb2
    from fabric_protos.peer import proposal_pb2

    transport = FakeTransport()
    run(
        contract(transport).submit(
            "Put",
            transient={"price": 5},
            endorsing_organizations=["Org2MSP"],
            claimed_time_ms=1_700_000_000_123,
        )
    )
    request = transport.requests[0]
    assert list(request.endorsing_organizations) == ["Org2MSP"]
    proposal = proposal_pb2.Proposal.FromString(request.proposed_transaction.proposal_bytes)
    payload = proposal_pb2.ChaincodeProposalPayload.FromString(proposal.payload)
    assert dict(payload.TransientMap) == {"price": b"5"}
    header = common_pb2.Header.FromString(proposal.header)
    stamp = common_pb2.ChannelHeader.FromString(header.channel_header).timestamp
    assert (stamp.seconds, stamp.nanos) == (1_700_000_000, 123_000_000)


def test_deadlines_default_to_nodes_and_can_be_given_per_call() -> None:
    transport = FakeTransport()
    run(contract(transport).submit("Put"))
    run(contract(transport).evaluate("Get"))
    assert transport.timeouts[:2] == [15.0, 5.0]
    assert transport.timeouts[3] == 5.0
    assert Deadlines().commit_status == 60.0
    transport.timeouts.clear()
    run(contract(transport).submit("Put", deadlines=Deadlines(endorse=1, submit=2, commit_status=3)))
    run(contract(transport).evaluate("Get", timeout=0.5))
    assert transport.timeouts == [1, 2, 3, 0.5]


@pytest.mark.parametrize("seconds", [0, -1, float("nan"), float("inf"), True, "5", None])
def test_deadline_that_is_none_is_refused(seconds: object) -> None:
    with pytest.raises(ConfigError) as caught:
        Deadlines(submit=seconds)  # type: ignore[arg-type]
    assert caught.value.fields["key"] == "submit"


def settling(state: CallState | None, tx_id: str = "other") -> FakeTransport:
    """Return a gateway whose ordering loses the first envelope for good and settles calls as told."""
    transport = FakeTransport()

    def handle(function: str, arguments: list[bytes]) -> bytes:
        if function == "ledger:CancelCall":
            own = transport.calls[0][1] if tx_id == "own" else tx_id
            assert state is not None
            return Call(state=state, tx_id=own, function="trade:Order").to_bytes()
        return b"result"

    transport.handler = handle
    sends = 1 + RetryPolicy().resends.attempts
    transport.fail("submit", *[submit_error("UNAVAILABLE", arrives=False)] * sends)
    return transport


def test_submit_once_puts_the_call_key_in_front() -> None:
    transport = FakeTransport()
    assert run(contract(transport, "trade").submit_once("Order", "x", call_key="k1")) == b"trade:Order k1 x"
    drawn = run(contract(transport).submit_once("Order")).decode().split()[1]
    assert re.fullmatch(r"[A-Za-z0-9._-]{1,64}", drawn)


def test_submit_once_keeps_its_key_over_conflicts() -> None:
    transport = FakeTransport()
    transport.next_validation.append(ValidationCode.MVCC_READ_CONFLICT)
    run(contract(transport).submit_once("Order"))
    keys = [
        read_call(request.proposed_transaction.proposal_bytes)[1][0]
        for (step, _), request in zip(transport.calls, transport.requests, strict=True)
        if step == "endorse"
    ]
    assert len(keys) == 2
    assert len(set(keys)) == 1


def test_unknown_call_that_the_cancelling_transaction_finds_done_returns_its_result() -> None:
    transport = settling(CallState.DONE, "own")

    async def go() -> object:
        call = contract(transport).transact_once("Order", call_key="k")
        return await call

    # The peer learns of the transaction only once the cancelling one is ordered behind it.
    original = transport.submit

    async def submit(request: object, tx_id: str, timeout: float) -> object:
        first = transport.calls[0][1]
        if tx_id != first:
            transport.order(first)
        return await original(request, tx_id, timeout)

    transport.submit = submit  # type: ignore[method-assign]
    committed = run(go())
    assert committed.tx_id == transport.calls[0][1]  # type: ignore[attr-defined]
    assert committed.result == b"result"  # type: ignore[attr-defined]


def test_unknown_call_that_is_cancelled_says_so_and_will_not_happen() -> None:
    transport = settling(CallState.CANCELLED)
    with pytest.raises(CallCancelled) as caught:
        run(contract(transport).submit_once("Order", call_key="k"))
    assert isinstance(caught.value.__cause__, OutcomeUnknown)
    cancelling = [
        read_call(request.proposed_transaction.proposal_bytes)
        for (step, _), request in zip(transport.calls, transport.requests, strict=True)
        if step == "endorse"
    ][1:]
    assert cancelling == [("ledger:CancelCall", [b"k"])]


def test_unknown_call_that_another_transaction_did_is_repeated() -> None:
    with pytest.raises(CallRepeated) as caught:
        run(contract(settling(CallState.DONE, "another")).submit_once("Order", call_key="k"))
    assert caught.value.tx_id == "another"


def test_call_that_cannot_be_settled_stays_unknown_with_its_key() -> None:
    transport = settling(None)
    transport.fail("endorse", None, endorse_error("UNAVAILABLE"))
    with pytest.raises(OutcomeUnknown) as caught:
        run(contract(transport).submit_once("Order", call_key="k"))
    assert caught.value.call_key == "k"
    assert caught.value.tx_id == transport.calls[0][1]
    assert isinstance(caught.value.__cause__, EndorseError)


def test_refused_question_for_the_outcome_of_a_call_once_is_settled_too() -> None:
    transport = settling(CallState.CANCELLED)
    transport.fail("commit_status", status_error("PERMISSION_DENIED"))
    with pytest.raises(CallCancelled):
        run(contract(transport).submit_once("Order", call_key="k"))


def test_network_without_chaincode_is_refused() -> None:
    from gridledger.client import Network

    network = Network(make_network(FakeTransport())._session, channel="energy")
    with pytest.raises(ConfigError) as caught:
        network.contract()
    assert caught.value.fields["key"] == "chaincode"
