"""A terminal and a server with their chain modules on a network, in a process of its own, to be killed."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping
from multiprocessing.connection import Connection as Pipe
from pathlib import Path

from tests.faults.response_field import NetworkWorld, patiently
from tests.faults.response_writer import ResponseWriter
from tests.unit.response.fakes import reading
from tests.unit.response.world import ERRORS

from gridledger.client import Connection, Gateway
from gridledger.model.response import TerminalEntry
from gridledger.response.database import PostgresDatabase
from gridledger.response.ledger import ResponseLedger
from gridledger.response.state import Side

__all__ = ["FieldWriter"]

_PAUSE_S = 0.05


class FieldWriter(ResponseWriter):
    """Works as a writer does, on a network and with a server's PostgreSQL."""

    def __init__(
        self,
        folder: Path,
        seed: int,
        connections: Mapping[Side, Connection],
        entry: TerminalEntry,
        address: str,
    ) -> None:
        self._start(_work, folder, seed, dict(connections), entry.to_bytes(), address)


def _work(
    telling: Pipe, folder: Path, seed: int, connections: Mapping[Side, Connection], entry: bytes, address: str
) -> None:
    chance = random.Random(seed)
    terminal = TerminalEntry.from_bytes(entry)

    async def forever() -> None:
        async with (
            Gateway.connect(connections[Side.TERMINAL]) as one,
            Gateway.connect(connections[Side.SERVER]) as two,
        ):
            ledgers = {
                Side.TERMINAL: ResponseLedger(one.network()),
                Side.SERVER: ResponseLedger(two.network()),
            }

            async def opened() -> NetworkWorld:
                return NetworkWorld(folder, terminal, ledgers, database=lambda: PostgresDatabase(address))

            world = await patiently(opened)
            while True:
                telling.send(world.terminal.accept(reading(chance.randint(1, 10**6))))
                try:
                    await world.once()
                except ERRORS:
                    await asyncio.sleep(_PAUSE_S)

    asyncio.run(forever())
