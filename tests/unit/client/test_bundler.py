"""Bundler: who calls alone goes alone; what waits goes together; each call has its own outcome."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, cast

import pytest

from gridledger.client.bundler import Bundler
from gridledger.client.contract import Committed, Contract
from gridledger.client.deadlines import Deadlines
from gridledger.client.errors import EvaluateError, OutcomeUnknown
from gridledger.model import encode_argument
from gridledger.model.argument import Argument
from gridledger.model.bundle import MAX_BUNDLE, BundledCall, BundledOutcome
from gridledger.model.errors import ContractError, GatewayError
from gridledger.model.refusals import AlreadyExists, CallCancelled, CallsCollide, DefectInContract


class Chaincode:
    """Contracts that echo, and note what was called; refuses arguments that begin with `no`."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, ...]] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.bundle_error: ContractError | GatewayError | None = None
        self.deadlines: list[Deadlines | None] = []
        self.named: list[tuple[str, ...]] = []

    def contract(self, name: str) -> Contract:
        return cast("Contract", _Called(self, name))

    def bundles(self) -> list[tuple[str, ...]]:
        return [one for one in self.calls if len(one) > 1]


class _Called:
    def __init__(self, chaincode: Chaincode, name: str) -> None:
        self._chaincode = chaincode
        self.name = name

    async def evaluate(self, function: str, *arguments: Any) -> bytes:
        return await self._answer(function, arguments)

    async def transact(self, function: str, *arguments: Any) -> Committed:
        return Committed(tx_id="plain", block_number=1, result=await self._answer(function, arguments))

    async def transact_once(
        self,
        function: str,
        *arguments: Any,
        call_key: str | None = None,
        endorsing_organizations: Sequence[str] = (),
        deadlines: Deadlines | None = None,
    ) -> Committed:
        self._chaincode.deadlines.append(deadlines)
        self._chaincode.named.append(tuple(endorsing_organizations))
        result = await self._answer(function, arguments)
        return Committed(tx_id="once", block_number=1, result=result, endorsers=("Org1MSP", "Org2MSP"))

    async def _answer(self, function: str, arguments: tuple[Any, ...]) -> bytes:
        bundled = self.name == "ledger"
        calls: list[BundledCall] = (
            arguments[0]
            if bundled
            else [BundledCall(function=f"{self.name}:{function}", arguments=arguments)]
        )
        self._chaincode.calls.append(tuple(one.arguments[0].decode() for one in calls))
        await self._chaincode.gate.wait()
        if not bundled:
            outcome = _outcome(calls[0], ())
            if isinstance(outcome, ContractError):
                raise outcome
            return outcome
        if self._chaincode.bundle_error is not None:
            raise self._chaincode.bundle_error
        found = [_outcome(one, calls[:place]) for place, one in enumerate(calls)]
        return encode_argument(
            [
                BundledOutcome(refusal=one.to_wire())
                if isinstance(one, ContractError)
                else BundledOutcome(result=one)
                for one in found
            ]
        )


def _outcome(call: BundledCall, before: Any) -> bytes | ContractError:
    argument = call.arguments[0]
    if argument.startswith(b"no"):
        return AlreadyExists("thing", argument.decode())
    if argument.startswith(b"same") and any(one.arguments == call.arguments for one in before):
        return CallsCollide(len(before))
    return b"did " + argument


@pytest.fixture
async def chaincode() -> Chaincode:
    return Chaincode()


async def submit(bundler: Bundler, *arguments: Argument) -> list[Any]:
    return await asyncio.gather(
        *(bundler.submit("trade", "Put", one) for one in arguments), return_exceptions=True
    )


async def settle() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


async def test_call_goes_alone_where_nobody_waits(chaincode: Chaincode) -> None:
    bundler = Bundler(chaincode.contract)
    committed = await bundler.submit("trade", "Put", "a")
    assert committed == Committed(tx_id="once", block_number=1, result=b"did a")
    assert (await bundler.submit("trade", "Put", "b", once=False)).tx_id == "plain"
    assert await bundler.evaluate("trade", "Get", "c") == b"did c"
    assert chaincode.calls == [("a",), ("b",), ("c",)]


async def test_bundle_has_the_deadlines_that_it_was_given(chaincode: Chaincode) -> None:
    patient = Deadlines(endorse=60.0)
    bundler = Bundler(chaincode.contract, deadlines=patient)
    await submit(bundler, "a")
    await submit(bundler, *"bc")
    assert chaincode.deadlines == [None, patient]


async def test_endorsers_of_a_bundle_are_named_once_they_are_known(chaincode: Chaincode) -> None:
    bundler = Bundler(chaincode.contract)
    for names in ("a", "bc", "de"):
        await submit(bundler, *names)
    assert chaincode.named == [(), (), ("Org1MSP", "Org2MSP")]


async def test_calls_of_a_moment_go_together(chaincode: Chaincode) -> None:
    found = await submit(Bundler(chaincode.contract), *"abc")
    assert [one.result for one in found] == [b"did a", b"did b", b"did c"]
    assert chaincode.calls == [("a", "b", "c")]


async def test_few_calls_do_not_wait_and_more_gather_for_one_bundle(chaincode: Chaincode) -> None:
    bundler = Bundler(chaincode.contract)
    chaincode.gate.clear()
    tasks = []
    for name in "abcdefgh":
        tasks.append(asyncio.create_task(bundler.submit("trade", "Put", name)))
        await settle()
    assert chaincode.calls == [("a",), ("b",)]
    chaincode.gate.set()
    assert [(await one).result for one in tasks] == [f"did {name}".encode() for name in "abcdefgh"]
    assert chaincode.calls == [("a",), ("b",), tuple("cdefgh")]


async def test_one_bundle_is_under_way_where_there_is_much(chaincode: Chaincode) -> None:
    bundler = Bundler(chaincode.contract)
    chaincode.gate.clear()
    tasks = []
    for names in ("abcde", "fgh", "ijk"):
        tasks += [asyncio.create_task(bundler.submit("trade", "Put", name)) for name in names]
        await settle()
    assert chaincode.calls == [tuple("abcde")]
    chaincode.gate.set()
    await asyncio.gather(*tasks)
    assert chaincode.calls == [tuple("abcde"), tuple("fghijk")]


async def test_few_calls_after_many_wait_a_moment_for_others(chaincode: Chaincode) -> None:
    bundler = Bundler(chaincode.contract)
    await submit(bundler, *"abcdefghij")
    first = asyncio.create_task(bundler.submit("trade", "Put", "k"))
    await settle()
    assert len(chaincode.calls) == 1
    await submit(bundler, *"lmnopqrst")
    assert chaincode.calls[1:] == [tuple("klmnopqrst")]
    assert (await first).result == b"did k"


async def test_call_after_many_goes_alone_where_nobody_comes(chaincode: Chaincode) -> None:
    bundler = Bundler(chaincode.contract)
    await submit(bundler, *"abcdefghij")
    for name in "klm":
        assert (await bundler.submit("trade", "Put", name)).result == f"did {name}".encode()
    assert chaincode.calls[1:] == [("k",), ("l",), ("m",)]


async def test_queries_do_not_wait_for_transactions(chaincode: Chaincode) -> None:
    bundler = Bundler(chaincode.contract)
    chaincode.gate.clear()
    writing = asyncio.gather(*(bundler.submit("trade", "Put", name) for name in "ab"))
    await settle()
    reading = asyncio.gather(*(bundler.evaluate("trade", "Get", name) for name in "cd"))
    await settle()
    assert chaincode.calls == [("a", "b"), ("c", "d")]
    chaincode.gate.set()
    assert await reading == [b"did c", b"did d"]
    assert len(await writing) == 2


async def test_bundle_holds_no_more_than_the_contract_takes(chaincode: Chaincode) -> None:
    names = [f"{number:03}" for number in range(2 * MAX_BUNDLE + 5)]
    found = await submit(Bundler(chaincode.contract), *names)
    assert [one.result.decode() for one in found] == [f"did {name}" for name in names]
    assert sorted(len(one) for one in chaincode.calls) == [5, MAX_BUNDLE, MAX_BUNDLE]


async def test_large_calls_are_spread(chaincode: Chaincode) -> None:
    large = [letter * (900 * 1024) for letter in "abcd"]
    found = await submit(Bundler(chaincode.contract), *large)
    assert [len(one.result) for one in found] == [len("did ") + 900 * 1024] * 4
    assert [len(one) for one in chaincode.calls] == [2, 2]


async def test_refused_call_does_not_stop_the_others(chaincode: Chaincode) -> None:
    first, second, third = await submit(Bundler(chaincode.contract), "a", "no", "c")
    assert (first.result, third.result) == (b"did a", b"did c")
    assert isinstance(second, AlreadyExists)
    assert chaincode.calls == [("a", "no", "c")]


async def test_call_that_collides_is_made_again_alone(chaincode: Chaincode) -> None:
    found = await submit(Bundler(chaincode.contract), "same", "same", "c")
    assert [one.result for one in found] == [b"did same", b"did same", b"did c"]
    assert chaincode.calls == [("same", "same", "c"), ("same",)]


async def test_bundle_that_is_refused_as_a_whole_is_made_call_by_call(chaincode: Chaincode) -> None:
    chaincode.bundle_error = DefectInContract("one of them")
    first, second = await submit(Bundler(chaincode.contract), "a", "no")
    assert first.result == b"did a"
    assert isinstance(second, AlreadyExists)
    assert chaincode.calls == [("a", "no"), ("a",), ("no",)]


@pytest.mark.parametrize(
    "error",
    [OutcomeUnknown("no answer", tx_id="t"), CallCancelled("t")],
    ids=["unknown", "cancelled"],
)
async def test_outcome_of_a_bundle_is_that_of_all_its_calls(
    chaincode: Chaincode, error: ContractError | GatewayError
) -> None:
    chaincode.bundle_error = error
    assert await submit(Bundler(chaincode.contract), "a", "b") == [error, error]
    assert chaincode.calls == [("a", "b")]


async def test_query_that_fails_fails_for_all_of_its_bundle(chaincode: Chaincode) -> None:
    error = chaincode.bundle_error = EvaluateError("gone", tx_id="t", grpc_status="UNAVAILABLE")
    bundler = Bundler(chaincode.contract)
    found = await asyncio.gather(
        *(bundler.evaluate("trade", "Get", name) for name in "ab"), return_exceptions=True
    )
    assert found == [error, error]


async def test_call_of_who_stops_waiting_is_left_out(chaincode: Chaincode) -> None:
    bundler = Bundler(chaincode.contract)
    chaincode.gate.clear()
    tasks = []
    for names in ("abcde", "fgh"):
        tasks += [asyncio.create_task(bundler.submit("trade", "Put", name)) for name in names]
        await settle()
    tasks[6].cancel()
    await settle()
    chaincode.gate.set()
    found = await asyncio.gather(*tasks, return_exceptions=True)
    assert isinstance(found[6], asyncio.CancelledError)
    assert chaincode.calls == [tuple("abcde"), ("f", "h")]
    assert [one.result for one in (found[0], found[5], found[7])] == [b"did a", b"did f", b"did h"]


async def test_who_stops_waiting_for_a_bundle_under_way_stops_nobody_else(chaincode: Chaincode) -> None:
    bundler = Bundler(chaincode.contract)
    chaincode.gate.clear()
    tasks = [asyncio.create_task(bundler.submit("trade", "Put", name)) for name in "abc"]
    await settle()
    tasks[1].cancel()
    await settle()
    chaincode.gate.set()
    first, second, third = await asyncio.gather(*tasks, return_exceptions=True)
    assert isinstance(second, asyncio.CancelledError)
    assert isinstance(first, Committed)
    assert isinstance(third, Committed)
    assert chaincode.bundles() == [("a", "b", "c")]
