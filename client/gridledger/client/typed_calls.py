"""Calls of one contract with typed arguments and results: what every ledger of a part stands on."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import ClassVar, Protocol, TypeVar

from gridledger.client.network import Network
from gridledger.model.argument import Argument, decode_argument

__all__ = ["TypedCalls"]


class _Page(Protocol):
    @property
    def bookmark(self) -> str: ...


T = TypeVar("T")
PageT = TypeVar("PageT", bound=_Page)


class TypedCalls:
    """One identity's calls to one contract.

    Parameters
    ----------
    network : Network
        The channel.
    chaincode : str, optional
        The chaincode's name; the connection's by default.

    Notes
    -----
    Every call raises what `Contract.evaluate` or `Contract.submit` raises: ContractError where the contract
    refused, GatewayError where a step failed.
    """

    contract_name: ClassVar[str]

    def __init__(self, network: Network, chaincode: str | None = None) -> None:
        self.network = network
        self._contract = network.contract(chaincode, self.contract_name)

    @property
    def chaincode(self) -> str:
        """The chaincode's name."""
        return self._contract.chaincode

    async def _ask(self, kind: type[T], function: str, *arguments: Argument) -> T:
        return decode_argument(kind, await self._contract.evaluate(function, *arguments))

    async def _submit(self, kind: type[T], function: str, *arguments: Argument) -> T:
        return decode_argument(kind, await self._contract.submit(function, *arguments))

    async def _pages(self, kind: type[PageT], function: str, *arguments: Argument) -> AsyncIterator[PageT]:
        """Iterate over all pages of a query that takes a bookmark last."""
        bookmark = ""
        while True:
            page = await self._ask(kind, function, *arguments, bookmark)
            yield page
            bookmark = page.bookmark
            if not bookmark:
                return
