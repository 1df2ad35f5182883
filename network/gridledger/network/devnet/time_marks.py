"""The time marks of the deployed chaincodes, which devnet renews itself: no organisation runs an agent."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Final

from gridledger.client.connection import Connection
from gridledger.client.errors import EvaluateError
from gridledger.client.gateway import Gateway
from gridledger.client.time_mark import TimeMarkAgent
from gridledger.model.errors import ContractError
from gridledger.model.roles import CertificateAttribute, Role, write_roles
from gridledger.network.access import connection_of
from gridledger.network.description import NetworkDescription
from gridledger.network.material import OrganisationMaterial

__all__ = ["TimeMarks", "agent_connection"]

_log = logging.getLogger(__name__)
_USER: Final = "agent"
_METADATA: Final = "org.hyperledger.fabric:GetMetadata"
_CONTRACT: Final = "ledger"
_RENEW: Final = "RenewTimeMark"
_REFUSED_BY_CHAINCODE: Final = "UNKNOWN"
"""The gateway's status for an error of the chaincode itself; all others tell of one that does not run yet."""
_PAUSES_SECONDS: Final = (0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)


def agent_connection(
    description: NetworkDescription, directory: Path, organisation: OrganisationMaterial
) -> Connection:
    """Return the connection of an organisation's agent, enrolled if there is none.

    Parameters
    ----------
    description : NetworkDescription
        The network.
    directory : Path
        Its folder.
    organisation : OrganisationMaterial
        The organisation.
    """
    if _USER not in organisation.users():
        organisation.add_user(_USER, attributes={CertificateAttribute.ROLE: write_roles([Role.AGENT])})
    return connection_of(description, directory, organisation.name, _USER)


class TimeMarks:
    """Finds the chaincodes that have a time mark and keeps an agent for each.

    Parameters
    ----------
    connection : Connection
        An organisation's agent.
    chaincodes : callable
        Returns the names of the committed chaincodes.
    """

    def __init__(self, connection: Connection, chaincodes: Callable[[], list[str]]) -> None:
        self._connection = connection
        self._chaincodes = chaincodes
        self._changed = asyncio.Event()
        self._changed.set()
        self._watched: dict[str, asyncio.Task[None]] = {}
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin; the peers must serve."""
        self._task = asyncio.create_task(self._run(), name="time marks")

    def changed(self) -> None:
        """Note that a chaincode was committed."""
        self._changed.set()

    async def close(self) -> None:
        """Stop renewing."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        async with AsyncExitStack() as stack:
            gateway = await stack.enter_async_context(Gateway.connect(self._connection))
            try:
                while True:
                    await self._changed.wait()
                    self._changed.clear()
                    for name in self._chaincodes():
                        watch = self._watched.get(name)
                        if watch is None or watch.done():
                            self._watched[name] = asyncio.create_task(self._watch(gateway, name))
            finally:
                for task in self._watched.values():
                    task.cancel()
                await asyncio.gather(*self._watched.values(), return_exceptions=True)

    async def _watch(self, gateway: Gateway, name: str) -> None:
        """Renew a chaincode's mark for as long as the network runs, if it has one."""
        if not await self._has_mark(gateway, name):
            return
        _log.info("renewing the time mark of chaincode %s", name)
        await TimeMarkAgent(gateway.network(), name).run()

    async def _has_mark(self, gateway: Gateway, name: str) -> bool:
        """Ask a chaincode, as often as it takes until its process answers."""
        contract = gateway.network().contract(name)
        attempt = 0
        while True:
            try:
                answer = await contract.evaluate(_METADATA)
            except ContractError:
                return False
            except EvaluateError as error:
                if error.grpc_status == _REFUSED_BY_CHAINCODE:
                    return False
            else:
                return _declares_mark(answer)
            await asyncio.sleep(_PAUSES_SECONDS[min(attempt, len(_PAUSES_SECONDS) - 1)])
            attempt += 1


def _declares_mark(metadata: bytes) -> bool:
    """Tell whether contract metadata has the transaction that renews the mark."""
    try:
        contracts = json.loads(metadata)["contracts"]
        transactions = contracts[_CONTRACT]["transactions"]
        return any(transaction["name"] == _RENEW for transaction in transactions)
    except (ValueError, LookupError, TypeError, RecursionError):
        return False
