"""Bundles: calls that wait for one another anyway travel together.

    bundler = Bundler(lambda name: network.contract("gridledger", name))
    orders = await asyncio.gather(*(bundler.submit("trade", "PlaceOrder", entry) for entry in entries))

A few calls go out at once, each alone and as it always did; where there are more, one bundle is under way,
and what comes meanwhile gathers for the next one. So few callers wait for nothing, and with many a
transaction, its ordering and its block carry many calls, each with its own outcome.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, Generic, TypeVar

from gridledger.client.contract import Committed, Contract
from gridledger.model.argument import Argument, decode_argument, encode_argument
from gridledger.model.bundle import MAX_BUNDLE, BundledCall, BundledOutcome
from gridledger.model.errors import ContractError, GatewayError, GridLedgerError
from gridledger.model.refusals import CallCancelled, CallRepeated, CallsCollide, DefectInContract

__all__ = ["Bundler"]

T = TypeVar("T")

_FEW: Final = 4
"""Calls of a kind that do not wait for each other."""

_BYTES: Final = 2 * 1024 * 1024
"""Arguments of a bundle: with results and writes it stays far below the peer's largest message."""

_LEDGER: Final = "ledger"
_OUTCOMES: Final = tuple[BundledOutcome, ...]


@dataclass(frozen=True, kw_only=True, eq=False, slots=True)
class _Waiting(Generic[T]):
    """A call, and who waits for its outcome."""

    contract: str
    function: str
    arguments: tuple[bytes, ...]
    once: bool
    outcome: asyncio.Future[T] = field(repr=False)

    def succeed(self, outcome: T) -> None:
        """Hand over what it returned."""
        if not self.outcome.done():
            self.outcome.set_result(outcome)

    def fail(self, error: GridLedgerError) -> None:
        """Hand over why it did not succeed."""
        if not self.outcome.done():
            self.outcome.set_exception(error)

    @property
    def size(self) -> int:
        """Bytes of its arguments."""
        return sum(map(len, self.arguments))

    def call(self) -> BundledCall:
        """Return the call as it goes in a bundle."""
        return BundledCall(function=f"{self.contract}:{self.function}", arguments=self.arguments)


class Bundler:
    """Sends calls of one identity to one chaincode, those that wait at the same time together.

    Parameters
    ----------
    contract : callable
        Returns a contract of the chaincode by name.

    Notes
    -----
    For one event loop. Functions are declared for bundles by their contract.

    Each call is refused or done by itself. A call that collides with another one of its bundle is made again
    alone. Where a bundle as a whole is refused, nothing of it was ordered, and each call is made alone; where
    its outcome is unknown, it is settled under the bundle's call key, so all calls are done or none is. Who
    stops waiting learns nothing of the outcome, as with `Contract.transact`.
    """

    def __init__(self, contract: Callable[[str], Contract]) -> None:
        self._contract = contract
        self._submitting = _Gathering(self._submit_alone, self._submit_bundle)
        self._evaluating = _Gathering(self._evaluate_alone, self._evaluate_bundle)

    async def submit(
        self, contract: str, function: str, *arguments: Argument, once: bool = True
    ) -> Committed:
        """Execute a call, have it ordered, wait until it is valid.

        Parameters
        ----------
        contract, function : str
            What is called.
        *arguments : Argument
            Without a call key.
        once : bool, default True
            Whether the function is declared to happen once.

        Returns
        -------
        Committed
            The transaction, which may be that of a bundle, and what the call returned.

        Raises
        ------
        ContractError
            When the contract refused the call.
        GatewayError
            See `Contract.transact_once`.
        """
        return await self._submitting.add(contract, function, arguments, once=once)

    async def evaluate(self, contract: str, function: str, *arguments: Argument) -> bytes:
        """Execute a query on one peer; raises as `Contract.evaluate` does."""
        return await self._evaluating.add(contract, function, arguments, once=False)

    async def _submit_alone(self, one: _Waiting[Committed]) -> Committed:
        called = self._contract(one.contract)
        transact = called.transact_once if one.once else called.transact
        return await transact(one.function, *one.arguments)

    async def _submit_bundle(self, calls: list[BundledCall]) -> list[Committed | ContractError]:
        committed = await self._contract(_LEDGER).transact_once("SubmitBundle", calls)
        return [
            one
            if isinstance(one, ContractError)
            else Committed(tx_id=committed.tx_id, block_number=committed.block_number, result=one)
            for one in _read_outcomes(committed.result)
        ]

    async def _evaluate_alone(self, one: _Waiting[bytes]) -> bytes:
        return await self._contract(one.contract).evaluate(one.function, *one.arguments)

    async def _evaluate_bundle(self, calls: list[BundledCall]) -> list[bytes | ContractError]:
        return _read_outcomes(await self._contract(_LEDGER).evaluate("EvaluateBundle", calls))


class _Gathering(Generic[T]):
    """Calls of one kind that wait, and the bundles under way."""

    def __init__(
        self,
        alone: Callable[[_Waiting[T]], Awaitable[T]],
        together: Callable[[list[BundledCall]], Awaitable[list[T | ContractError]]],
    ) -> None:
        self._alone = alone
        self._together = together
        self._waiting: deque[_Waiting[T]] = deque()
        self._senders: set[asyncio.Task[None]] = set()
        self._under_way = 0

    async def add(self, contract: str, function: str, arguments: Sequence[Argument], *, once: bool) -> T:
        """Wait for the outcome of a call."""
        waiting: _Waiting[T] = _Waiting(
            contract=contract,
            function=function,
            arguments=tuple(encode_argument(one) for one in arguments),
            once=once,
            outcome=asyncio.get_running_loop().create_future(),
        )
        self._waiting.append(waiting)
        self._start()
        return await waiting.outcome

    def _start(self) -> None:
        """Send what waits, unless there is much of it, and a bundle is under way."""
        if self._waiting and (not self._senders or self._under_way + len(self._waiting) <= _FEW):
            sender = asyncio.create_task(self._send(), name="bundle")
            self._senders.add(sender)
            sender.add_done_callback(self._end)

    def _end(self, sender: asyncio.Task[None]) -> None:
        self._senders.discard(sender)
        self._start()

    async def _send(self) -> None:
        """Send a bundle."""
        calls = self._take()
        if not calls:
            return  # another one has taken them
        self._under_way += len(calls)
        try:
            await (self._send_alone(calls[0]) if len(calls) == 1 else self._send_together(calls))
        finally:
            self._under_way -= len(calls)
            for one in calls:
                one.outcome.cancel()  # of no effect but where this task was stopped

    def _take(self) -> list[_Waiting[T]]:
        """Return the calls of the next bundle: those that still have somebody waiting."""
        taken: list[_Waiting[T]] = []
        size = 0
        while self._waiting and len(taken) < MAX_BUNDLE:
            size += self._waiting[0].size
            if taken and size > _BYTES:
                break
            one = self._waiting.popleft()
            if one.outcome.cancelled():
                size -= one.size
            else:
                taken.append(one)
        return taken

    async def _send_together(self, calls: Sequence[_Waiting[T]]) -> None:
        again: Sequence[_Waiting[T]] = ()
        try:
            outcomes = await self._together([one.call() for one in calls])
        except (CallCancelled, CallRepeated, GatewayError) as error:
            for one in calls:
                one.fail(error)
        except ContractError:
            again = calls  # Refused as a whole: what is wrong with one of them is its own affair.
        else:
            pairs = list(zip(calls, outcomes, strict=True))
            again = [one for one, outcome in pairs if isinstance(outcome, CallsCollide)]
            for one, outcome in pairs:
                if not isinstance(outcome, ContractError):
                    one.succeed(outcome)
                elif not isinstance(outcome, CallsCollide):
                    one.fail(outcome)
        await asyncio.gather(*(self._send_alone(one) for one in again))

    async def _send_alone(self, one: _Waiting[T]) -> None:
        try:
            one.succeed(await self._alone(one))
        except GridLedgerError as error:
            one.fail(error)


def _read_outcomes(data: bytes) -> list[bytes | ContractError]:
    outcomes: list[bytes | ContractError] = []
    for one in decode_argument(_OUTCOMES, data):
        refusal = None if one.refusal is None else ContractError.from_wire(one.refusal)
        if refusal is not None:
            outcomes.append(refusal)
        elif one.result is not None:
            outcomes.append(one.result)
        else:
            outcomes.append(DefectInContract("the outcome of a bundled call cannot be read"))
    return outcomes
