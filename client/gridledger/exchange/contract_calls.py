"""Calls of contracts, with results read as typed values."""

from __future__ import annotations

from typing import TypeVar

import gridledger.model.catalogue_refusals
import gridledger.model.exchange_refusals
import gridledger.model.integrity_refusals
import gridledger.model.registry_refusals
import gridledger.model.trade_refusals  # noqa: F401 - refusals come back as classes that are imported
from gridledger.client import Committed, Contract, Network
from gridledger.model.argument import Argument, decode_argument

__all__ = ["CONTRACTS", "ContractCalls"]

T = TypeVar("T")

CONTRACTS = ("registry", "catalogue", "resolution", "integrity", "trade")


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
        self._contracts: dict[str, Contract] = {name: network.contract(chaincode, name) for name in CONTRACTS}

    async def _ask(self, kind: type[T], contract: str, function: str, *arguments: Argument) -> T:
        return decode_argument(kind, await self._contracts[contract].evaluate(function, *arguments))

    async def _submit(self, kind: type[T], contract: str, function: str, *arguments: Argument) -> T:
        return decode_argument(kind, await self._contracts[contract].submit(function, *arguments))

    async def _once(
        self, kind: type[T], contract: str, function: str, *arguments: Argument, call_key: str | None
    ) -> T:
        result = await self._contracts[contract].submit_once(function, *arguments, call_key=call_key)
        return decode_argument(kind, result)

    async def _transact(self, contract: str, function: str, *arguments: Argument) -> Committed:
        return await self._contracts[contract].transact(function, *arguments)
