"""A storage node's server as a process of its own."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final, NoReturn

from gridledger.client import Connection
from gridledger.edge.envelope_store import EnvelopeStore
from gridledger.edge.replication import DEFAULT_FACTOR
from gridledger.edge.storage_node import StorageNodeServer
from gridledger.exchange.party import Party
from gridledger.model.edge import StorageNode
from gridledger.model.errors import GridLedgerError
from gridledger.model.identifier import SystemIdentifier
from gridledger.web import Authorities, Service, SQLiteReplayStore, run

__all__ = ["CARE_S", "care_for", "serve_node"]

CARE_S: Final = 60.0
"""Seconds between two rounds of repair and sweep."""

_log: Final = logging.getLogger("gridledger.edge.serving")


def serve_node(
    connection: Connection,
    authorities: Authorities,
    node: StorageNode,
    *,
    store: Path,
    factor: int = DEFAULT_FACTOR,
    host: str = "127.0.0.1",
    port: int = 0,
    repaired: Sequence[tuple[SystemIdentifier, int]] = (),
    port_file: Path | None = None,
) -> None:
    """Serve a storage node until SIGTERM or SIGINT.

    Parameters
    ----------
    connection : Connection
        As the node's agent.
    authorities : Authorities
        Whom other nodes may be signed by.
    node : StorageNode
        Its registration; its server's address is one under which callers know it.
    store : Path
        File of the node's envelopes; made where it is missing.
    factor : int, default 2
        On how many nodes an envelope is kept.
    host, port
        As for LocalServer.
    repaired : sequence of (SystemIdentifier, int), default ()
        Issuers and periods whose lost copies are fetched again, every minute; what was never deposited is
        swept as often.
    port_file : Path, optional
        Gets the port once the server answers.
    """

    def build() -> Service:
        party = Party.connect(connection, authorities)
        envelopes = EnvelopeStore(store)
        replay = SQLiteReplayStore(store.with_suffix(".replay.db"))
        server = StorageNodeServer(party, node, envelopes, factor=factor)

        @asynccontextmanager
        async def lifespan() -> AsyncIterator[None]:
            async with party:
                task = asyncio.create_task(care_for(server, repaired), name="care")
                try:
                    yield
                finally:
                    task.cancel()
                    await asyncio.wait([task])
                    await replay.close()
                    envelopes.close()

        return server.service(replay, lifespan=lifespan)

    run(build, host=host, port=port, origins=[node.entry.server], port_file=port_file)


async def care_for(
    server: StorageNodeServer, repaired: Sequence[tuple[SystemIdentifier, int]], *, pause_s: float = CARE_S
) -> NoReturn:
    """Fetch lost copies and drop what was never deposited, again and again until it is cancelled.

    Parameters
    ----------
    server : StorageNodeServer
    repaired : sequence of (SystemIdentifier, int)
        Issuers and periods whose lost copies are fetched.
    pause_s : float, default 60
        Seconds between two rounds.
    """
    while True:
        for issuer, period in repaired:
            try:
                done = await server.repair(issuer, period)
            except GridLedgerError as error:  # A ledger or node that cannot be reached now may be later.
                _log.warning("repair of %s %d failed: %s", issuer, period, error)
            else:
                if done.fetched or done.missing:
                    _log.info("repair of %s %d: %s", issuer, period, done)
        try:
            dropped = await server.sweep()
        except GridLedgerError as error:
            _log.warning("sweep failed: %s", error)
        else:
            if dropped:
                _log.info("swept %d envelopes that were never deposited", dropped)
        await asyncio.sleep(pause_s)
