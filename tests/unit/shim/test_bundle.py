"""Bundles of calls: each has the outcome that it would have alone, and one that is refused harms no other."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridledger.model.argument import Argument, decode_argument, encode_argument
from gridledger.model.bundle import MAX_BUNDLE, BundleCommitted, BundledCall, BundledOutcome
from gridledger.model.errors import ContractError
from gridledger.model.events import Event
from gridledger.model.keys import KeyPrefix
from gridledger.model.record import Record, record
from gridledger.model.refusals import (
    AccessDenied,
    AlreadyExists,
    BadArgument,
    CallCancelled,
    CallRepeated,
    CallsCollide,
    DefectInContract,
    LimitExceeded,
    NotBundled,
    NotFound,
    UnknownFunction,
    WriteInQuery,
)
from gridledger.model.roles import Role
from gridledger.shim import Context, Contract, ContractChaincode, Key, query, transaction
from gridledger.shim.testing import MemoryPeer, make_caller


@record("shelf/1")
class Shelf(Record):
    """Something that is counted."""

    count: int
    made_by: str


def shelf_key(*name: str) -> Key[Shelf]:
    return Key(Shelf, KeyPrefix.DEVICE, "shelf", *name)


class Shelves(Contract):
    """Shelves."""

    name = "shelves"

    @transaction(bundled=True, once=True)
    async def add(self, ctx: Context, name: str, count: int) -> int:
        """Add to a shelf."""
        found = await ctx.get(shelf_key(name))
        total = count + (0 if found is None else found.count)
        await ctx.put(shelf_key(name), Shelf(count=total, made_by=ctx.call_id))
        if total < 0:
            raise AlreadyExists("shelf", name)
        ctx.emit(Event.DEVICES_CHANGED, Shelf(count=total, made_by=name))
        return total

    @transaction(bundled=True, roles=(Role.AUDITOR,))
    async def empty(self, ctx: Context, name: str) -> None:
        """Delete a shelf that is there."""
        await ctx.require(shelf_key(name))
        await ctx.delete(shelf_key(name))

    @transaction
    async def put_alone(self, ctx: Context, name: str) -> None:
        """Write, but in no bundle."""
        await ctx.put(shelf_key(name), Shelf(count=0, made_by=ctx.call_id))

    @transaction(bundled=True)
    async def count_all(self, ctx: Context) -> int:
        """Read a range."""
        return len(await ctx.rows(shelf_key()))

    @transaction(bundled=True)
    async def fail(self, ctx: Context) -> None:
        """Have a defect."""
        raise RuntimeError(ctx.function)

    @query(bundled=True)
    async def get(self, ctx: Context, name: str) -> Shelf:
        """Read."""
        return await ctx.require(shelf_key(name))

    @query(bundled=True)
    async def scribble(self, ctx: Context, name: str) -> None:
        """Write where it must not."""
        await ctx.put(shelf_key(name), Shelf(count=0, made_by=""))


@pytest.fixture
async def peer() -> AsyncIterator[MemoryPeer]:
    async with MemoryPeer(ContractChaincode(Shelves())) as peer:
        yield peer


def call(function: str, *arguments: Argument) -> BundledCall:
    return BundledCall(
        function=f"shelves:{function}", arguments=tuple(encode_argument(one) for one in arguments)
    )


def outcomes(data: bytes) -> list[bytes | ContractError | None]:
    read: Sequence[BundledOutcome] = decode_argument(tuple[BundledOutcome, ...], data)
    assert all((one.result is None) != (one.refusal is None) for one in read)
    return [one.result if one.refusal is None else ContractError.from_wire(one.refusal) for one in read]


def shelves(peer: MemoryPeer) -> dict[str, int]:
    start = shelf_key("").to_text()[:-1]
    return {
        key[len(start) : -1]: Shelf.from_bytes(value).count
        for (_, key), value in peer.ledger.state.items()
        if key.startswith(start)
    }


async def test_calls_of_a_bundle_are_all_done(peer: MemoryPeer) -> None:
    calls = [call("Add", name, number) for number, name in enumerate("abc", start=1)]

    committed = await peer.submit("ledger:SubmitBundle", "k", calls)

    assert outcomes(committed.payload) == [b"1", b"2", b"3"]
    assert shelves(peer) == {"a": 1, "b": 2, "c": 3}


async def test_refused_call_writes_nothing_and_harms_no_other(peer: MemoryPeer) -> None:
    calls = [call("Add", "a", 1), call("Add", "b", -1), call("Add", "c", 2), call("Add", "d", "x")]

    committed = await peer.submit("ledger:SubmitBundle", "k", calls)

    first, second, third, fourth = outcomes(committed.payload)
    assert (first, third) == (b"1", b"2")
    assert isinstance(second, AlreadyExists)
    assert second.contract == "shelves"
    assert isinstance(fourth, BadArgument)
    assert shelves(peer) == {"a": 1, "c": 2}


async def test_call_that_touches_what_an_earlier_one_wrote_is_refused(peer: MemoryPeer) -> None:
    auditor = make_caller(roles=[Role.AUDITOR])
    await peer.submit("shelves:Add", "k0", "a", 1)
    calls = [call("Add", "a", 1), call("Add", "b", 1), call("Empty", "a"), call("Add", "a", 1)]

    committed = await peer.submit("ledger:SubmitBundle", "k", calls, caller=auditor)

    first, second, third, fourth = outcomes(committed.payload)
    assert (first, second) == (b"2", b"1")
    assert isinstance(third, CallsCollide)
    assert isinstance(fourth, CallsCollide)
    assert (third.fields["place"], fourth.fields["place"]) == (2, 3)
    assert third.retriable
    assert shelves(peer) == {"a": 2, "b": 1}


async def test_refused_call_is_no_reason_for_a_collision(peer: MemoryPeer) -> None:
    committed = await peer.submit(
        "ledger:SubmitBundle", "k", [call("Add", "a", -1), call("Add", "a", 2), call("Add", "a", 3)]
    )

    first, second, third = outcomes(committed.payload)
    assert isinstance(first, AlreadyExists)
    assert second == b"2"
    assert isinstance(third, CallsCollide)
    assert shelves(peer) == {"a": 2}


async def test_roles_are_asked_of_every_call(peer: MemoryPeer) -> None:
    await peer.submit("shelves:Add", "k0", "a", 1)

    committed = await peer.submit("ledger:SubmitBundle", "k", [call("Empty", "a"), call("Add", "b", 1)])

    refused, done = outcomes(committed.payload)
    assert isinstance(refused, AccessDenied)
    assert done == b"1"
    assert shelves(peer) == {"a": 1, "b": 1}


@pytest.mark.parametrize(
    ("function", "refusal"),
    [
        ("shelves:PutAlone", NotBundled),
        ("shelves:Get", NotBundled),
        ("shelves:CountAll", NotBundled),
        ("shelves:Missing", UnknownFunction),
        ("ledger:SubmitBundle", NotBundled),
        ("ledger:CancelCall", NotBundled),
        ("ledger:RenewTimeMark", NotBundled),
    ],
)
async def test_function_that_is_not_for_bundles_is_refused(
    peer: MemoryPeer, function: str, refusal: type[ContractError]
) -> None:
    calls = [BundledCall(function=function, arguments=()), call("Add", "b", 1)]

    refused, done = outcomes((await peer.submit("ledger:SubmitBundle", "k", calls)).payload)

    assert type(refused) is refusal
    assert done == b"1"


async def test_bundle_happens_once(peer: MemoryPeer) -> None:
    first = await peer.submit("ledger:SubmitBundle", "k", [call("Add", "a", 1)])
    with pytest.raises(CallRepeated) as repeated:
        await peer.submit("ledger:SubmitBundle", "k", [call("Add", "a", 1)])
    assert repeated.value.tx_id == first.tx_id
    await peer.submit("ledger:CancelCall", "k2")
    with pytest.raises(CallCancelled):
        await peer.submit("ledger:SubmitBundle", "k2", [call("Add", "a", 1)])
    assert shelves(peer) == {"a": 1}


async def test_calls_name_what_they_make_differently(peer: MemoryPeer) -> None:
    committed = await peer.submit("ledger:SubmitBundle", "k", [call("Add", "a", 1), call("Add", "b", 1)])
    alone = await peer.submit("shelves:Add", "k2", "c", 1)

    made = {
        name: Shelf.from_bytes(peer.ledger.state["", shelf_key(name).to_text()]).made_by for name in "abc"
    }
    assert len({*made.values(), committed.tx_id}) == 4
    assert made["c"] == alone.tx_id
    assert all(len(one) == 64 for one in made.values())


async def test_event_of_a_bundle_has_those_of_its_calls(peer: MemoryPeer) -> None:
    committed = await peer.submit(
        "ledger:SubmitBundle", "k", [call("Add", "a", 1), call("Add", "b", -1), call("Add", "c", 2)]
    )

    assert committed.event is not None
    name, payload = committed.event
    events = BundleCommitted.from_bytes(payload).events
    assert name == Event.BUNDLE_COMMITTED
    assert [(one.place, one.name) for one in events] == [(0, "DevicesChanged"), (2, "DevicesChanged")]
    assert [Shelf.from_bytes(one.payload).made_by for one in events] == ["a", "c"]


async def test_bundle_whose_calls_are_all_refused_has_no_event(peer: MemoryPeer) -> None:
    committed = await peer.submit("ledger:SubmitBundle", "k", [call("Add", "b", -1)])

    assert committed.event is None
    assert shelves(peer) == {}


async def test_defect_of_a_call_is_one_of_the_bundle(peer: MemoryPeer) -> None:
    with pytest.raises(DefectInContract):
        await peer.submit("ledger:SubmitBundle", "k", [call("Add", "a", 1), call("Fail")])
    assert shelves(peer) == {}


@pytest.mark.parametrize("function", ["ledger:SubmitBundle", "ledger:EvaluateBundle"])
async def test_bundle_of_no_or_too_many_calls_is_refused(peer: MemoryPeer, function: str) -> None:
    key = ["k"] if function == "ledger:SubmitBundle" else []
    with pytest.raises(BadArgument):
        await peer.submit(function, *key, [])
    with pytest.raises(LimitExceeded):
        await peer.submit(function, *key, [call("Get", "a")] * (MAX_BUNDLE + 1))


async def test_queries_of_a_bundle_are_answered_in_a_round_trip(peer: MemoryPeer) -> None:
    await peer.submit("ledger:SubmitBundle", "k", [call("Add", "a", 1), call("Add", "b", 2)])
    peer.requests.clear()

    data = await peer.evaluate(
        "ledger:EvaluateBundle", [call("Get", "a"), call("Get", "x"), call("Get", "b")]
    )

    first, missing, second = outcomes(data)
    assert isinstance(first, bytes)
    assert isinstance(second, bytes)
    assert (Shelf.from_bytes(first).count, Shelf.from_bytes(second).count) == (1, 2)
    assert isinstance(missing, NotFound)
    assert peer.requests == ["GET_STATE_MULTIPLE", "COMPLETED"]


async def test_query_of_a_bundle_cannot_write(peer: MemoryPeer) -> None:
    refused, other = outcomes(
        await peer.evaluate("ledger:EvaluateBundle", [call("Scribble", "a"), call("Add", "a", 1)])
    )
    assert isinstance(refused, WriteInQuery)
    assert isinstance(other, NotBundled)


@given(
    st.lists(
        st.tuples(st.sampled_from("abcd"), st.integers(-3, 3)),
        min_size=1,
        max_size=12,
    )
)
async def test_bundle_is_as_its_calls_in_a_block(wanted: list[tuple[str, int]]) -> None:
    """What was not refused adds up, and the first call of a shelf that is not refused for itself is done."""
    async with MemoryPeer(ContractChaincode(Shelves())) as peer:
        calls = [call("Add", name, count) for name, count in wanted]
        found = outcomes((await peer.submit("ledger:SubmitBundle", "k", calls)).payload)

        expected: dict[str, int] = {}
        for (name, count), outcome in zip(wanted, found, strict=True):
            if count < 0:
                assert isinstance(outcome, AlreadyExists)
            elif name in expected:
                assert isinstance(outcome, CallsCollide)
            else:
                expected[name] = count
                assert outcome == str(count).encode()
        assert shelves(peer) == expected
