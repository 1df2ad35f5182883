"""Demand response on a network: a terminal and a server whose peers, ways and databases are to be broken."""

from __future__ import annotations

import asyncio
import secrets
import threading
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from tests.integration.exchange import CHAINCODE, PATIENT, authorities, deployed, enrol
from tests.integration.small_scene import SmallScene, small_scene
from tests.unit.response.world import ERRORS, World

from gridledger.client import Connection, Gateway
from gridledger.exchange.party import Party
from gridledger.model.identifier import SystemIdentifier
from gridledger.model.response import (
    AnchorSide,
    RunComparison,
    RunName,
    TerminalEntry,
    TerminalIdentifier,
    TerminalKind,
)
from gridledger.model.roles import Role
from gridledger.network import Network
from gridledger.network import World as NetworkKind
from gridledger.response.chain_module import Anchoring, Endorsed
from gridledger.response.kept import Due
from gridledger.response.ledger import ResponseLedger
from gridledger.response.programs import agent_of
from gridledger.response.state import Side
from gridledger.web import Authorities

__all__ = ["Field", "NetworkWorld", "RivalLedger", "opened_field"]

_ORGANISATIONS = {Side.TERMINAL: "org2", Side.SERVER: "org1"}


@dataclass
class Field:
    """A network, a server's system, and the identity of terminals."""

    small: SmallScene
    terminal: Party
    connections: Mapping[Side, Connection]
    _restarts: list[threading.Thread] = field(default_factory=list)

    @property
    def network(self) -> Network:
        return self.small.network

    @property
    def server(self) -> Party:
        return self.small.parties["one"]

    def ledgers(self) -> dict[Side, ResponseLedger]:
        """Return both sides' ways to the ledger."""
        return {
            Side.TERMINAL: ResponseLedger(self.terminal.network),
            Side.SERVER: ResponseLedger(self.server.network),
        }

    async def new_terminal(self) -> TerminalEntry:
        """Register a terminal of its own for a test."""
        entry = TerminalEntry(
            identifier=TerminalIdentifier(self.small.systems["one"], f"{secrets.token_hex(6)}.iot"),
            kind=TerminalKind.IOT,
            site="house-1",
            agent=agent_of(self.connections[Side.TERMINAL]),
        )
        ledgers = self.ledgers()
        await ledgers[Side.SERVER].register_terminal(entry)
        await patiently(lambda: ledgers[Side.TERMINAL].terminal(entry.identifier))
        return entry

    def kill_peer(self, side: Side) -> None:
        """Kill a side's peer by SIGKILL, and let it start again."""
        component = "devnet"
        if self.network.world is NetworkKind.FABRIC:
            component = f"peer0.{_ORGANISATIONS[side]}"
        self.network.kill(component)
        restart = threading.Thread(target=self.network.restart, args=(component,))
        restart.start()
        self._restarts.append(restart)

    async def until_up(self) -> None:
        """Wait until all that was killed serves again."""
        for restart in self._restarts:
            await asyncio.to_thread(restart.join)
        self._restarts.clear()

    @asynccontextmanager
    async def way(self, side: Side, port: int) -> AsyncIterator[ResponseLedger]:
        """Give a side's ledger through another port of this machine."""
        connection = self.connections[side]
        host = connection.endpoint.rpartition(":")[0]
        async with Gateway.connect(replace(connection, endpoint=f"{host}:{port}")) as gateway:
            yield ResponseLedger(gateway.network())


@asynccontextmanager
async def opened_field(network: Network, root: SystemIdentifier) -> AsyncIterator[Field]:
    """Give a field on a running network, with the contracts and their time mark."""
    trusted = Authorities.from_msp_folders(authorities(network))
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(deployed(network))
        house = await asyncio.to_thread(enrol, network, "org2", "field-house", Role.TERMINAL)
        small = await stack.enter_async_context(small_scene(network, root, "field"))
        terminal = await stack.enter_async_context(Party.connect(house, trusted, deadlines=PATIENT))
        server = network.connection(org="org1", user=small.users["one"], chaincode=CHAINCODE)
        yield Field(small=small, terminal=terminal, connections={Side.TERMINAL: house, Side.SERVER: server})


async def patiently(work: Callable[[], Any]) -> Any:
    """Do something again until nothing of it fails; the caller sets the deadline."""
    while True:
        try:
            return await work()
        except ERRORS:
            await asyncio.sleep(0.1)


class NetworkWorld(World):
    """A world that anchors on a network, each side as itself.

    Parameters
    ----------
    folder : Path
    entry : TerminalEntry
        The terminal, registered.
    ledgers : mapping of Side to Anchoring
    """

    def __init__(
        self, folder: Path, entry: TerminalEntry, ledgers: Mapping[Side, Anchoring], **options: Any
    ) -> None:
        self.entry = entry
        self.ledgers = ledgers
        self.found: dict[AnchorSide, list[int]] = {}
        super().__init__(folder, terminal=entry.identifier, **options)

    def start(self) -> None:
        super().start()
        self.server.add_terminal(self.entry)

    def anchoring(self, side: Side) -> Anchoring:
        return self.ledgers[side]

    def numbers(self, side: AnchorSide) -> list[int]:
        return self.found[side]

    async def settle_and_read(self, reader: ResponseLedger) -> None:
        """Work until nothing is left to do, and read what then stands on the ledger."""
        async with asyncio.timeout(550):
            while not self._is_settled():
                await patiently(lambda: self.settle(steps=4))
            runs = await patiently(lambda: _runs(reader, self.name))
        for side in AnchorSide:
            anchors = [one.by_terminal if side is AnchorSide.TERMINAL else one.by_server for one in runs]
            held = [one for one in anchors if one is not None]
            self.found[side] = [number for one in held for number in range(one.run.first, one.run.last + 1)]
            assert [one.anchored_ms for one in held] == sorted(one.anchored_ms for one in held)


async def _runs(reader: ResponseLedger, terminal: TerminalIdentifier) -> list[RunComparison]:
    found: list[RunComparison] = []
    bookmark = ""
    while True:
        page = await reader.runs(terminal, bookmark)
        found += page.runs
        bookmark = page.bookmark
        if not bookmark:
            return found


class RivalLedger:
    """A way to the ledger on which another transaction anchors the same runs first, once."""

    def __init__(self, ledger: ResponseLedger) -> None:
        self._ledger = ledger
        self._rivals = 1

    async def endorse_anchor(self, side: Side, due: Sequence[Due]) -> Endorsed:
        own = await self._ledger.endorse_anchor(side, due)
        if self._rivals:
            rival = await self._ledger.endorse_anchor(side, due)
            self._rivals -= 1
            await self._ledger.settle(rival.data)
        return own

    async def settle(self, envelope: bytes) -> int:
        return await self._ledger.settle(envelope)

    async def compare(self, names: Sequence[RunName]) -> tuple[RunComparison, ...]:
        return await self._ledger.compare(names)

    async def open_run(self, name: RunName, leaves: Sequence[Any]) -> None:
        await self._ledger.open_run(name, leaves)
