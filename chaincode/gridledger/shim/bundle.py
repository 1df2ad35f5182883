"""Bundles: calls that are executed within one transaction, each as though it were alone.

Every call sees the committed state, as it would alone, and keeps its writes to itself until all are done.
Then they are taken in the order of the bundle: a call that read or wrote what an earlier one wrote is
refused, just as the ledger would refuse the second of two transactions of a block. So each call has the
outcome of a transaction of its own, and what all need is read once, in a few round trips.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import NoReturn

from gridledger.model.bundle import (
    MAX_BUNDLE,
    BundleCommitted,
    BundledCall,
    BundledEvent,
    BundledOutcome,
)
from gridledger.model.errors import ContractError, ModelError
from gridledger.model.events import Event
from gridledger.model.record import ModelValue, Record
from gridledger.model.refusals import (
    BadArgument,
    CallsCollide,
    LimitExceeded,
    NotBundled,
    UnknownFunction,
    WriteInQuery,
)
from gridledger.shim.context import Context, R
from gridledger.shim.function import ContractFunction, Kind
from gridledger.shim.key import Key
from gridledger.shim.stub import ChaincodeStub

__all__ = ["execute_bundle"]

Functions = Mapping[bytes, ContractFunction]


async def execute_bundle(
    ctx: Context, calls: Sequence[BundledCall], functions: Functions, kind: Kind
) -> tuple[BundledOutcome, ...]:
    """Execute calls at the same time, and write what those wrote that were not refused.

    Parameters
    ----------
    ctx : Context
        The bundle's own.
    calls : sequence of BundledCall
        1 to 64.
    functions : mapping of name to ContractFunction
        What can be called, if it is declared to go in bundles.
    kind : Kind
        Which functions the bundle takes: transactions or queries.

    Raises
    ------
    BadArgument, LimitExceeded
        There are none, or too many.

    Notes
    -----
    What comes out does not depend on which call's read is answered first: calls share nothing but reads.
    """
    if not calls:
        raise BadArgument({"calls": "there are none"})
    if len(calls) > MAX_BUNDLE:
        raise LimitExceeded("calls", limit=MAX_BUNDLE, actual=len(calls))
    reads = _Reads(ctx.stub)
    done = await asyncio.gather(
        *(_execute(ctx, place, call, functions, kind, reads) for place, call in enumerate(calls))
    )
    written: set[str] = set()
    outcomes: list[BundledOutcome] = []
    events: list[BundledEvent] = []
    for place, (outcome, context) in enumerate(done):
        if context is None or outcome.refusal is not None:
            outcomes.append(outcome)
        elif written and not written.isdisjoint(context.touched()):
            contract = context.function.partition(":")[0]
            outcomes.append(BundledOutcome(refusal=CallsCollide(place, contract=contract).to_wire()))
        else:
            written |= context.writes.keys()
            for key, value in context.writes.items():
                await (ctx.stub.del_state(key) if value is None else ctx.stub.put_state(key, value))
            events += context.events
            outcomes.append(outcome)
    if events:
        ctx.emit(Event.BUNDLE_COMMITTED, BundleCommitted(events=tuple(events)))
    return tuple(outcomes)


async def _execute(
    ctx: Context, place: int, call: BundledCall, functions: Functions, kind: Kind, reads: _Reads
) -> tuple[BundledOutcome, _BundledContext | None]:
    contract = call.function.partition(":")[0]
    context: _BundledContext | None = None
    try:
        function = functions.get(call.function.encode())
        if function is None:
            raise UnknownFunction(call.function)
        if not function.declaration.bundled or function.declaration.kind is not kind:
            raise NotBundled(call.function)
        context = _BundledContext(ctx.stub, function, place, reads)
        result = await function.call_bundled(context, call.arguments)
    except ContractError as error:
        error.contract = error.contract or contract
        return BundledOutcome(refusal=error.to_wire()), context
    except ModelError as error:
        refusal = BadArgument.from_model_error(error, contract=contract)
        return BundledOutcome(refusal=refusal.to_wire()), context
    return BundledOutcome(result=result), context


class _Reads:
    """Reads of the committed state for all calls of a bundle: at the same time they go together."""

    def __init__(self, stub: ChaincodeStub) -> None:
        self._stub = stub
        self._values: dict[str, bytes | None] = {}
        self._wanted: dict[str, None] = {}
        self._round: asyncio.Task[None] | None = None

    async def read(self, keys: Sequence[str]) -> dict[str, bytes | None]:
        """Return what stands under keys."""
        missing = [key for key in keys if key not in self._values]
        if missing:
            self._wanted.update(dict.fromkeys(missing))
            if self._round is None:
                # It starts once every call that can run now has said what it wants.
                self._round = asyncio.create_task(self._read_wanted())
            await self._round
        return {key: self._values[key] for key in keys}

    async def _read_wanted(self) -> None:
        wanted, self._wanted, self._round = list(self._wanted), {}, None
        values = await self._stub.get_multiple_states(*wanted)
        self._values.update(zip(wanted, values, strict=True))


class _BundledContext(Context):
    """One call of a bundle."""

    __slots__ = ("_place", "_query", "_reads", "events", "writes")

    def __init__(self, stub: ChaincodeStub, function: ContractFunction, place: int, reads: _Reads) -> None:
        super().__init__(stub, function.full_name)
        self._place = place
        self._query = function.declaration.kind is Kind.QUERY
        self._reads = reads
        self.writes: dict[str, bytes | None] = {}
        self.events: list[BundledEvent] = []

    def touched(self) -> set[str]:
        """Return the keys that the call read or wrote."""
        return {*self._seen, *self.writes}

    @property
    def call_id(self) -> str:
        return sha256(f"{self.tx_id}:{self._place}".encode()).hexdigest()

    @property
    def place(self) -> int:
        return self._place

    async def get(self, key: Key[R]) -> R | None:
        (found,) = await self.get_many([key])
        return found

    async def put(self, key: Key[R], record: R) -> None:
        self._write(key, self._bytes_of(key, record))

    async def delete(self, key: Key[R]) -> None:
        self._write(key, None)

    async def _refuse_range(self, *_: object, **__: object) -> NoReturn:
        raise NotBundled(f"{self.function}, which reads a range,")

    # What a range held is not among the keys by which calls are kept apart.
    rows = page = history = _refuse_range

    def emit(self, event: Event, payload: ModelValue) -> None:
        self.events = [BundledEvent(place=self._place, name=event.value, payload=payload.to_bytes())]

    async def _see(self, texts: Sequence[str]) -> None:
        unseen = [text for text in dict.fromkeys(texts) if text not in self._seen]
        if unseen:
            self._seen.update(await self._reads.read(unseen))

    def _write(self, key: Key[Record], value: bytes | None) -> None:
        if self._query:
            raise WriteInQuery(self.function)
        self.writes[key.to_text()] = value
