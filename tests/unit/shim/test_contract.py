from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.conformance.probe.typed import Reading, Season, TypedProbe, reading_key

from gridledger.model import decode_argument, encode_argument
from gridledger.model.call import Call
from gridledger.model.errors import ModelError
from gridledger.model.refusals import (
    AccessDenied,
    AlreadyExists,
    BadArgument,
    CallCancelled,
    CallRepeated,
    Conflict,
    DefectInContract,
    LimitExceeded,
    NotFound,
    NoTimeMark,
    UnknownFunction,
    WriteInQuery,
)
from gridledger.model.roles import Role
from gridledger.model.states import CallState
from gridledger.shim import Context, Contract, ContractChaincode, query, transaction
from gridledger.shim.testing import MemoryPeer, make_caller

READING = Reading(name="m1", value_w=5, tags=("a",), season=Season.WET)


@pytest.fixture
async def peer() -> AsyncIterator[MemoryPeer]:
    async with MemoryPeer(TypedProbe()) as peer:
        yield peer


async def test_transaction_writes_canonical_bytes_and_returns_its_result(peer: MemoryPeer) -> None:
    committed = await peer.submit("readings:PutReading", READING)

    assert Reading.from_bytes(committed.payload) == READING
    assert peer.ledger.state["", reading_key("m1").to_text()] == READING.to_bytes()
    assert committed.event == ("RootDeposited", READING.to_bytes())


async def test_query_reads_what_is_committed(peer: MemoryPeer) -> None:
    await peer.submit("readings:PutReading", READING)

    assert await peer.evaluate("readings:GetReading", "m1") == READING.to_bytes()


async def test_name_without_a_contract_is_of_the_first_one(peer: MemoryPeer) -> None:
    await peer.submit("PutReading", READING)

    with pytest.raises(UnknownFunction):
        await peer.evaluate("EchoText", "text")


@pytest.mark.parametrize(
    "name",
    ["", "readings", "readings:", "readings:put_reading", "other:PutReading", "readings:__init__", "中"],
)
async def test_function_unknown_is_refused_by_name(peer: MemoryPeer, name: str) -> None:
    with pytest.raises(UnknownFunction) as caught:
        await peer.evaluate(name)
    assert caught.value.function == name


@pytest.mark.parametrize(
    ("function", "value"),
    [
        ("EchoText", "a 中 \U0001f600"),
        ("EchoText", ""),
        ("EchoInteger", -(2**53) + 1),
        ("EchoFlag", True),
        ("EchoBytes", bytes(range(256))),
        ("EchoSeason", Season.WET),
        ("EchoReading", READING),
        ("EchoReadings", (READING, READING)),
        ("EchoReadings", ()),
        ("EchoNumbers", {"b": 1, "a": 2}),
        ("EchoPair", ("a", 1)),
        ("EchoOptional", None),
        ("EchoOptional", READING),
        ("EchoNothing", None),
    ],
)
async def test_every_form_of_argument_comes_back(peer: MemoryPeer, function: str, value: Any) -> None:
    arguments = [] if function == "EchoNothing" else [value]

    assert await peer.evaluate(f"echoes:{function}", *arguments) == encode_argument(value)


async def test_argument_with_a_default_may_be_left_out(peer: MemoryPeer) -> None:
    assert await peer.evaluate("echoes:EchoOptional") == b""


@pytest.mark.parametrize(
    ("function", "arguments", "problem"),
    [
        ("readings:GetReading", [], ""),
        ("readings:GetReading", ["a", "b"], ""),
        ("echoes:EchoInteger", ["1.5"], "number"),
        ("echoes:EchoInteger", ["007"], "number"),
        ("echoes:EchoInteger", [str(2**53)], "number"),
        ("echoes:EchoFlag", ["True"], "flag"),
        ("echoes:EchoText", [b"\xff"], "text"),
        ("echoes:EchoSeason", ["spring"], "season"),
        ("echoes:EchoReading", ["{}"], "reading.name"),
        ("echoes:EchoReading", ['{"name": "a"}'], "reading"),
        ("echoes:EchoReading", [READING.to_bytes() + b" "], "reading"),
        ("echoes:EchoReading", [b'{"name":"a","schema":"other/1","value_w":1}'], "reading.schema"),
        ("echoes:EchoNumbers", ['{"a":1.5}'], "numbers.a"),
        ("echoes:EchoPair", ['["a"]'], "pair.1"),
    ],
)
async def test_malformed_argument_is_named(
    peer: MemoryPeer, function: str, arguments: list[str | bytes], problem: str
) -> None:
    with pytest.raises(BadArgument) as caught:
        await peer.evaluate(function, *arguments)
    assert any(name.startswith(problem) for name in caught.value.problems)
    assert caught.value.contract == function.partition(":")[0]


async def test_all_malformed_arguments_are_named_at_once(peer: MemoryPeer) -> None:
    with pytest.raises(BadArgument) as caught:
        await peer.submit("readings:AddToReading", "bad key!", b"\xff", "many")
    assert set(caught.value.problems) == {"call_key", "name", "value_w"}


PROBE = TypedProbe()
EXPECTED = (
    BadArgument,
    AccessDenied,
    NotFound,
    LimitExceeded,
    NoTimeMark,
    WriteInQuery,
    ModelError,  # a text with a lone surrogate, refused before it is sent
)
FUNCTIONS = [one.full_name for functions in PROBE.contracts.values() for one in functions]


@given(st.sampled_from(FUNCTIONS), st.lists(st.binary(max_size=60) | st.text(max_size=20), max_size=4))
def test_any_arguments_are_answered_or_refused_and_the_chaincode_lives(
    function: str, arguments: list[bytes | str]
) -> None:
    async def call() -> None:
        async with MemoryPeer(PROBE) as peer:
            with contextlib.suppress(*EXPECTED):
                await peer.submit(function, *arguments)
            assert await peer.evaluate("echoes:EchoText", "alive") == b"alive"

    asyncio.run(call())


async def test_role_missing_is_refused_and_role_present_admitted(peer: MemoryPeer) -> None:
    await peer.submit("readings:PutReading", READING)

    with pytest.raises(AccessDenied, match="auditor"):
        await peer.submit("readings:DeleteReading", "m1")
    await peer.submit("readings:DeleteReading", "m1", caller=make_caller(roles=[Role.AGENT, Role.AUDITOR]))
    with pytest.raises(NotFound) as caught:
        await peer.evaluate("readings:GetReading", "m1")
    assert (caught.value.kind, caught.value.contract) == ("device", "readings")


async def test_role_is_checked_before_arguments_are_read(peer: MemoryPeer) -> None:
    with pytest.raises(AccessDenied):
        await peer.submit("readings:DeleteReading", b"\xff", "too", "many")


async def test_query_that_writes_is_refused(peer: MemoryPeer) -> None:
    with pytest.raises(WriteInQuery) as caught:
        await peer.submit("readings:WriteInQuery", "m1")
    assert caught.value.fields["function"] == "readings:WriteInQuery"
    assert peer.ledger.state == {}


async def test_refusal_after_a_write_writes_nothing(peer: MemoryPeer) -> None:
    with pytest.raises(Conflict) as caught:
        await peer.submit("readings:PutAndRefuse", READING)
    assert caught.value.fields["name"] == "m1"
    assert "WRITE_BATCH_STATE" not in peer.requests


async def test_defect_is_answered_with_its_code_and_logged(
    peer: MemoryPeer, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(DefectInContract) as caught:
        await peer.submit("readings:PutAndCrash", READING)
    assert caught.value.contract == "readings"
    assert "ZeroDivisionError" in caught.value.message
    record = caplog.records[-1]
    assert record.levelno == logging.ERROR
    assert record.exc_info is not None
    assert peer.ledger.state == {}


# --- call keys


async def test_call_key_admits_one_call(peer: MemoryPeer) -> None:
    first = await peer.submit("readings:CreateReading", "k1", READING)

    with pytest.raises(CallRepeated) as caught:
        await peer.submit("readings:CreateReading", "k1", Reading(name="m2", value_w=1))
    assert first.payload == b"k1"
    assert caught.value.tx_id == first.tx_id


async def test_call_key_is_one_for_all_functions_of_an_organisation(peer: MemoryPeer) -> None:
    await peer.submit("readings:CreateReading", "k1", READING)

    with pytest.raises(CallRepeated):
        await peer.submit("readings:AddToReading", "k1", "m1", 2)
    added = await peer.submit("readings:AddToReading", "k1", "m1", 2, caller=make_caller("Org2MSP"))
    assert added.payload == b"7"


async def test_call_that_was_refused_leaves_its_key_free(peer: MemoryPeer) -> None:
    await peer.submit("readings:PutReading", READING)

    with pytest.raises(AlreadyExists):
        await peer.submit("readings:CreateReading", "k1", READING)
    assert (await peer.submit("readings:AddToReading", "k1", "m1", 2)).payload == b"7"


async def test_cancelled_call_is_never_done(peer: MemoryPeer) -> None:
    cancelled = await peer.submit("ledger:CancelCall", "k1")

    with pytest.raises(CallCancelled) as caught:
        await peer.submit("readings:CreateReading", "k1", READING)
    assert caught.value.tx_id == cancelled.tx_id
    assert Call.from_bytes(cancelled.payload).state is CallState.CANCELLED


async def test_cancelling_a_call_that_was_done_says_so_and_writes_nothing(peer: MemoryPeer) -> None:
    done = await peer.submit("readings:CreateReading", "k1", READING)
    before = dict(peer.ledger.state)

    answer = Call.from_bytes((await peer.submit("ledger:CancelCall", "k1")).payload)

    assert answer == Call(state=CallState.DONE, tx_id=done.tx_id, function="readings:CreateReading")
    assert peer.ledger.state == before


async def test_call_row_is_read_by_its_own_organisation(peer: MemoryPeer) -> None:
    done = await peer.submit("readings:CreateReading", "k1", READING)

    row = decode_argument(Call | None, await peer.evaluate("ledger:ReadCall", "k1"))
    assert row is not None
    assert row.tx_id == done.tx_id
    other = make_caller("Org2MSP")
    assert await peer.evaluate("ledger:ReadCall", "k1", caller=other) == b""


@pytest.mark.parametrize("call_key", ["", "a b", "a" * 65, "a/b", "中", "a\n"])
async def test_call_key_of_another_form_is_refused(peer: MemoryPeer, call_key: str) -> None:
    with pytest.raises(BadArgument) as caught:
        await peer.submit("readings:CreateReading", call_key, READING)
    assert set(caught.value.problems) == {"call_key"}


# --- declaration


async def test_reads_and_writes_of_a_call_are_few_messages(peer: MemoryPeer) -> None:
    await peer.submit("readings:CreateReading", "k1", READING)

    assert peer.requests[1:] == ["GET_STATE", "GET_STATE", "WRITE_BATCH_STATE", "COMPLETED"]


async def test_first_call_of_a_chaincode_may_have_no_arguments() -> None:
    class Init:
        is_init = True

        def get_args(self) -> list[bytes]:
            return []

    assert (await PROBE.invoke(Init())).status == 200  # type: ignore[arg-type]


def declare(**members: Any) -> type[Contract]:
    return type("Made", (Contract,), {"name": "made", **members})


async def _no_context(self: Contract, text: str) -> None: ...


async def _no_result(self: Contract, ctx: Context): ...  # type: ignore[no-untyped-def]


async def _no_annotation(self: Contract, ctx: Context, text) -> None: ...  # type: ignore[no-untyped-def]


async def _float(self: Contract, ctx: Context, value: float) -> None: ...


async def _float_result(self: Contract, ctx: Context) -> float:
    return 0.5


async def _ambiguous(self: Contract, ctx: Context, text: str | None) -> None: ...


async def _keyword(self: Contract, ctx: Context, *, text: str) -> None: ...


async def _many(self: Contract, ctx: Context, *texts: str) -> None: ...


def _not_async(self: Contract, ctx: Context) -> None: ...


@pytest.mark.parametrize(
    "method",
    [_no_context, _no_result, _no_annotation, _float, _float_result, _ambiguous, _keyword, _many, _not_async],
)
def test_function_that_cannot_be_called_is_refused_when_the_chaincode_is_made(method: Any) -> None:
    with pytest.raises(TypeError):
        ContractChaincode(declare(method=transaction(method))())


@pytest.mark.parametrize("name", ["", "a b", "1a", "a:b", "中"])
def test_contract_without_a_proper_name_is_refused(name: str) -> None:
    with pytest.raises(TypeError):
        ContractChaincode(declare(name=name)())


@pytest.mark.parametrize("name", ["ledger", "org.hyperledger.fabric", "twice"])
def test_two_contracts_of_one_name_are_refused(name: str) -> None:
    with pytest.raises(TypeError, match=name):
        ContractChaincode(declare(name=name)(), declare(name=name)())


async def test_result_that_cannot_be_written_is_a_defect() -> None:
    class Odd(Contract):
        name = "odd"

        @query
        async def big(self, ctx: Context) -> int:
            return 2**60

    async with MemoryPeer(ContractChaincode(Odd())) as peer:
        with pytest.raises(DefectInContract):
            await peer.evaluate("odd:Big")


def test_inherited_functions_are_declared_too() -> None:
    class Base(Contract):
        @query
        async def shared(self, ctx: Context) -> str:
            return self.name

    class Derived(Base):
        name = "derived"

    assert [one.full_name for one in Derived().functions()] == ["derived:Shared"]
