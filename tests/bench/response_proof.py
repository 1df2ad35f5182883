"""The whole way of demand response's records: accepted, sent, received, anchored by both sides, proven."""

from __future__ import annotations

import asyncio
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.bench.machine import cpu_seconds
from tests.integration.exchange import CHAINCODE, authorities
from tests.integration.small_scene import SmallScene
from tests.unit.response.fakes import reading

from gridledger.client import Connection
from gridledger.exchange.demo.configuration import write_connection
from gridledger.model.response import MAX_RUN, RunComparison, RunName, TerminalEntry, leaves_tree
from gridledger.model.states import RunState
from gridledger.response.database import SQLiteDatabase
from gridledger.response.ledger import ResponseLedger
from gridledger.response.programs import open_store, run_terminal
from gridledger.response.record_store import RecordStore
from gridledger.response.server.store import ServerStore
from gridledger.response.settings import ResponseSettings, TerminalSettings
from gridledger.response.terminal.business import Business

__all__ = ["ToProof", "to_proof"]

_BATCH = 256
_DEADLINE_S = 1800.0


@dataclass(frozen=True, kw_only=True)
class ToProof:
    """Records a second from the first acceptance to the last checked proof."""

    of_clock: float
    of_terminal: float
    """Of the terminal's process's CPU, proofs included."""
    of_server: float
    """Of the server's process's CPU."""
    proofs: int


async def to_proof(
    folder: Path, small: SmallScene, entry: TerminalEntry, connection: Connection, records: int
) -> ToProof:
    """Send records from a terminal in this process to a server in its own, until each is proven."""
    server = folder / "server"
    server.mkdir(parents=True)
    network = small.network
    write_connection(
        server / "connection.json",
        network.connection(org="org1", user=small.users["one"], chaincode=CHAINCODE),
    )
    trusted = ", ".join(f'{msp_id} = "{path}"' for msp_id, path in authorities(network).items())
    ledger = f'[network]\nconnection = "connection.json"\nauthorities = {{ {trusted} }}\n'
    (server / "server.toml").write_text(
        f'system = "{entry.identifier.system}"\ndatabase = "server.db"\n[chain]\npause_s = 0.1\n{ledger}'
    )
    with SQLiteDatabase(server / "server.db") as database:
        ServerStore(database, entry.identifier.system).add_terminal(entry)
    async with _serving(server / "server.toml") as (url, pid):
        write_connection(folder / "connection.json", connection)
        (folder / "terminal.toml").write_text(
            f'terminal = "{entry.identifier}"\nkind = "iot"\ndatabase = "terminal.db"\nserver = "{url}"\n'
            f"[runs]\nrecords = {MAX_RUN}\n[chain]\npause_s = 0.1\n{ledger}"
        )
        settings = ResponseSettings.from_file(folder / "terminal.toml")
        assert isinstance(settings, TerminalSettings)
        return await _prove_all(settings, ResponseLedger(small.parties["auditor"].network), records, pid)


async def _prove_all(
    settings: TerminalSettings, reader: ResponseLedger, records: int, server: int
) -> ToProof:
    data = [reading(number) for number in range(1, records + 1)]
    began, used, theirs = time.perf_counter(), time.process_time(), cpu_seconds(server)
    proofs = 0

    async def feed(business: Business) -> None:
        for at in range(0, records, _BATCH):
            await business.accept_all(data[at : at + _BATCH])
        await business.finish(chain=True)

    async with asyncio.timeout(_DEADLINE_S):
        await run_terminal(settings, feed)
        store = open_store(settings)
        try:
            while proofs < records:
                proofs += await _prove_run(settings, reader, store, proofs + 1)
        finally:
            store.close()
    return ToProof(
        of_clock=proofs / (time.perf_counter() - began),
        of_terminal=proofs / (time.process_time() - used),
        of_server=proofs / (cpu_seconds(server) - theirs),
        proofs=proofs,
    )


async def _prove_run(
    settings: TerminalSettings, reader: ResponseLedger, store: RecordStore, first: int
) -> int:
    """Check each record's proof of a run against the root that both sides anchored; return how many."""
    name = RunName(terminal=settings.terminal, first=first)
    found: RunComparison = await reader.run(name)
    while found.state is RunState.ABSENCE:
        await asyncio.sleep(0.05)
        found = await reader.run(name)
    assert found.state is RunState.AGREEMENT
    assert found.by_terminal is not None
    kept = store.run_of(settings.terminal, first)
    tree = leaves_tree(kept.leaves)
    run = found.by_terminal.run
    for place, leaf in enumerate(kept.leaves):
        assert tree.proof(place).proves(leaf.raw, root=run.root, size=run.count)
    return len(kept.leaves)


@asynccontextmanager
async def _serving(config: Path) -> AsyncIterator[tuple[str, int]]:
    """Run `gridledger response server`; gives its address and process."""
    program = Path(sys.executable).with_name("gridledger")
    process: Process = await asyncio.create_subprocess_exec(
        program, "response", "server", "--config", config, stdout=PIPE
    )
    try:
        assert process.stdout is not None
        line = await asyncio.wait_for(process.stdout.readline(), 120)
        yield line.decode().split()[1], process.pid
    finally:
        process.terminate()
        await asyncio.wait_for(process.wait(), 120)
