"""Bundles: calls of the ledger that wait at the same time go in one transaction.

    bundler = Bundler(lambda name: network.contract("gridledger", name))
    orders = await asyncio.gather(*(bundler.submit("trade", "PlaceOrder", entry) for entry in entries))

Few calls go out at once and alone, as they always did; with many callers a transaction, its ordering and its
block carry many calls, each with its own outcome.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from gridledger.client.contract import Committed, Contract, new_call_key
from gridledger.client.deadlines import Deadlines
from gridledger.client.gathering import Gathering
from gridledger.client.known_endorsers import KnownEndorsers
from gridledger.model.argument import Argument, decode_argument, encode_argument
from gridledger.model.bundle import MAX_BUNDLE, BundledCall, BundledOutcome
from gridledger.model.errors import ContractError, GridLedgerError
from gridledger.model.refusals import CallCancelled, CallRepeated, DefectInContract

__all__ = ["Bundler"]

_BYTES: Final = 2 * 1024 * 1024
"""Arguments of a bundle: with results and writes it stays far below the peer's largest message."""

_SUBMIT_PATIENCE_S: Final = 0.15
"""A block's time and a half: each costs orderers and peers more than many calls in it."""

_EVALUATE_PATIENCE_S: Final = 0.03

_LEDGER: Final = "ledger"
_OUTCOMES: Final = tuple[BundledOutcome, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Call:
    contract: str
    function: str
    arguments: tuple[bytes, ...]
    once: bool

    @property
    def size(self) -> int:
        """Bytes of its arguments."""
        return sum(map(len, self.arguments))

    def bundled(self) -> BundledCall:
        """Return the call as it goes in a bundle."""
        return BundledCall(function=f"{self.contract}:{self.function}", arguments=self.arguments)


class Bundler:
    """Sends calls of one identity to one chaincode, those that wait at the same time together.

    Parameters
    ----------
    contract : callable
        Returns a contract of the chaincode by name.
    deadlines : Deadlines, optional
        Of a bundle that is submitted; the gateway's by default. Calls that take long alone take longer
        together.

    Notes
    -----
    For one event loop. Functions are declared for bundles by their contract.

    Each call is refused or done by itself. A call that collides with another one of its bundle is made again
    alone. Where a bundle as a whole is refused, nothing of it was ordered, and each call is made alone; where
    its outcome is unknown, it is settled under the bundle's call key, so all calls are done or none is.
    """

    def __init__(self, contract: Callable[[str], Contract], *, deadlines: Deadlines | None = None) -> None:
        self._contract = contract
        self._deadlines = deadlines
        self._endorsers = KnownEndorsers()
        self._submitting = Gathering(
            self._submit_alone,
            self._submit_bundle,
            separable=_did_nothing,
            most=MAX_BUNDLE,
            most_bytes=_BYTES,
            patience_s=_SUBMIT_PATIENCE_S,
        )
        self._evaluating = Gathering(
            self._evaluate_alone,
            self._evaluate_bundle,
            separable=_did_nothing,
            most=MAX_BUNDLE,
            most_bytes=_BYTES,
            patience_s=_EVALUATE_PATIENCE_S,
        )

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
        call = _call(contract, function, arguments, once=once)
        return await self._submitting.add(call, call.size)

    async def evaluate(self, contract: str, function: str, *arguments: Argument) -> bytes:
        """Execute a query on one peer; raises as `Contract.evaluate` does."""
        call = _call(contract, function, arguments, once=False)
        return await self._evaluating.add(call, call.size)

    async def _submit_alone(self, call: _Call) -> Committed:
        called = self._contract(call.contract)
        transact = called.transact_once if call.once else called.transact
        return await transact(call.function, *call.arguments)

    async def _submit_bundle(self, calls: list[_Call]) -> list[Committed | GridLedgerError]:
        bundle = [one.bundled() for one in calls]
        # Many calls take long to execute: all endorsers do so at the same time.
        committed = await self._endorsers.transact_once(
            self._contract(_LEDGER),
            "SubmitBundle",
            bundle,
            call_key=new_call_key(),
            deadlines=self._deadlines,
        )
        return [
            one
            if isinstance(one, ContractError)
            else Committed(tx_id=committed.tx_id, block_number=committed.block_number, result=one)
            for one in _read_outcomes(committed.result)
        ]

    async def _evaluate_alone(self, call: _Call) -> bytes:
        return await self._contract(call.contract).evaluate(call.function, *call.arguments)

    async def _evaluate_bundle(self, calls: list[_Call]) -> list[bytes | ContractError]:
        bundle = [one.bundled() for one in calls]
        return _read_outcomes(await self._contract(_LEDGER).evaluate("EvaluateBundle", bundle))


def _call(contract: str, function: str, arguments: tuple[Argument, ...], *, once: bool) -> _Call:
    return _Call(
        contract=contract,
        function=function,
        arguments=tuple(encode_argument(one) for one in arguments),
        once=once,
    )


def _did_nothing(error: GridLedgerError) -> bool:
    """Tell whether a bundle was refused as a whole; what settled it under its call key is no refusal."""
    return isinstance(error, ContractError) and not isinstance(error, CallCancelled | CallRepeated)


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
