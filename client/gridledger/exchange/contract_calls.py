"""Calls of contracts, with results read as typed values."""

from __future__ import annotations

from functools import partial
from typing import TypeVar

import gridledger.model.catalogue_refusals
import gridledger.model.exchange_refusals
import gridledger.model.integrity_refusals
import gridledger.model.registry_refusals
import gridledger.model.trade_refusals  # noqa: F401 - refusals come back as classes that are imported
from gridledger.client import Committed, Contract, Deadlines, Network, ValidationCode
from gridledger.client.bundler import Bundler
from gridledger.client.contract import new_call_key
from gridledger.client.known_endorsers import KnownEndorsers
from gridledger.model.argument import Argument, decode_argument, encode_argument
from gridledger.model.call import Call
from gridledger.model.refusals import CallCancelled, CallRepeated, NotFound
from gridledger.model.states import CallState

__all__ = ["CONTRACTS", "ContractCalls"]

T = TypeVar("T")

CONTRACTS = ("registry", "catalogue", "resolution", "integrity", "trade", "search", "lake")

_LEDGER = "ledger"


class ContractCalls:
    """One identity's calls.

    Parameters
    ----------
    network : Network
        The channel.
    chaincode : str, optional
        The chaincode's name; the connection's by default.
    """

    def __init__(self, network: Network, chaincode: str | None = None) -> None:
        self._network = network
        self._contracts: dict[str, Contract] = {
            name: network.contract(chaincode, name) for name in (*CONTRACTS, _LEDGER)
        }
        self._bundler = Bundler(lambda name: network.contract(chaincode, name))
        self._endorsers = KnownEndorsers()

    async def _ask(self, kind: type[T], contract: str, function: str, *arguments: Argument) -> T:
        return decode_argument(kind, await self._contracts[contract].evaluate(function, *arguments))

    async def _ask_bundled(self, kind: type[T], contract: str, function: str, *arguments: Argument) -> T:
        """Ask together with whoever asks at the same time."""
        return decode_argument(kind, await self._bundler.evaluate(contract, function, *arguments))

    async def _submit(self, kind: type[T], contract: str, function: str, *arguments: Argument) -> T:
        return decode_argument(kind, await self._contracts[contract].submit(function, *arguments))

    async def _once(
        self,
        kind: type[T],
        contract: str,
        function: str,
        *arguments: Argument,
        call_key: str | None,
        deadlines: Deadlines | None = None,
        is_long: bool = False,
    ) -> T:
        """Submit what must happen once; a repeat returns what the transaction that did it returned.

        Parameters
        ----------
        is_long : bool, default False
            Whether it takes long to execute: then all endorsers do so at the same time.

        Raises
        ------
        CallRepeated
            The call key was used for another function or other arguments.
        """
        called, key = self._contracts[contract], call_key or new_call_key()
        transact = partial(self._endorsers.transact_once, called) if is_long else called.transact_once
        try:
            result = (await transact(function, *arguments, call_key=key, deadlines=deadlines)).result
        except CallRepeated as repeated:
            words = (f"{contract}:{function}", key, *arguments)
            found, result = await self._recall(repeated.tx_id)
            if found != tuple(encode_argument(word) for word in words):
                raise
        return decode_argument(kind, result)

    async def _once_bundled(
        self, kind: type[T], contract: str, function: str, *arguments: Argument, call_key: str | None
    ) -> T:
        """Submit together with whoever submits at the same time; under a call key of the caller's, alone."""
        if call_key is not None:
            return await self._once(kind, contract, function, *arguments, call_key=call_key)
        committed = await self._bundler.submit(contract, function, *arguments)
        return decode_argument(kind, committed.result)

    async def _earlier(self, kind: type[T], call_key: str) -> T:
        """Return the result of a call that was done under a call key.

        Raises
        ------
        NotFound
            Nothing was done under it by the caller's organisation.
        CallCancelled
            It was cancelled.
        """
        row: Call | None = decode_argument(
            Call | None, await self._contracts[_LEDGER].evaluate("ReadCall", call_key)
        )
        if row is None:
            raise NotFound("call", call_key)
        if row.state is not CallState.DONE:
            raise CallCancelled(row.tx_id)
        _, result = await self._recall(row.tx_id)
        return decode_argument(kind, result)

    async def _recall(self, tx_id: str) -> tuple[tuple[bytes, ...], bytes]:
        """Return function and arguments, and the result, of a transaction, once this peer has it."""
        (await self._network.commit(tx_id).status()).check()
        found = await self._network.transaction(tx_id)
        if found.validation_code is not ValidationCode.VALID:
            raise NotFound("transaction", tx_id)
        return found.arguments, found.result

    async def _transact_bundled(self, contract: str, function: str, *arguments: Argument) -> Committed:
        return await self._bundler.submit(contract, function, *arguments, once=False)
