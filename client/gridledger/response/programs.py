"""A terminal and a server as programs: their modules over the files of a configuration.

Business and chain module have a database connection each, and neither waits for the other; either may run
in a process of its own (`modules`).

Source: CN115334117A, claims 2 to 4.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from gridledger.client import Connection, Deadlines
from gridledger.exchange.party import Party
from gridledger.model.errors import GridLedgerError
from gridledger.model.refusals import AlreadyExists
from gridledger.model.response import TerminalEntry, TerminalKind
from gridledger.model.signature import public_key_of
from gridledger.model.system import Agent
from gridledger.response.chain_module import ChainModule
from gridledger.response.database import open_database
from gridledger.response.ended import tell_end
from gridledger.response.ledger import ResponseLedger
from gridledger.response.openadr.application import openadr_application
from gridledger.response.openadr.clients import VenClients
from gridledger.response.openadr.edition import BASE_PATH
from gridledger.response.openadr.notifier import Notifier
from gridledger.response.openadr.register import ObjectRegister
from gridledger.response.openadr.vtn import Vtn
from gridledger.response.record_store import RecordStore
from gridledger.response.server import BusinessSettings, DemandRegister, ServerBusiness, ServerStore
from gridledger.response.settings import ResponseSettings, ServerSettings, TerminalSettings
from gridledger.response.state import Side
from gridledger.response.terminal.business import Business
from gridledger.response.terminal.link import SignedLink
from gridledger.response.terminal.store import TerminalStore
from gridledger.response.terminal.user import UserTerminal
from gridledger.web import Authorities, Service, SQLiteReplayStore, run

__all__ = [
    "Modules",
    "agent_of",
    "open_party",
    "open_store",
    "register_terminals",
    "run_chain",
    "run_server",
    "run_terminal",
    "running_terminal",
]

_log: Final = logging.getLogger("gridledger.response")
_POLL_S: Final = 2.0
"""Seconds between a user terminal's looks for demands."""


_DEADLINES: Final = Deadlines(evaluate=30.0, endorse=30.0, submit=15.0)
"""Nobody waits at a screen for what these programs ask: a peer that is busy for seconds is waited for."""


class Modules(StrEnum):
    """Which modules a process runs."""

    ALL = "all"
    BUSINESS = "business"
    CHAIN = "chain"


def open_party(settings: ResponseSettings) -> Party:
    """Open the identity of a configuration; an async context manager.

    Raises
    ------
    ConfigError
        A file is missing or wrong.
    """
    connection = Connection.from_file(settings.network.connection)
    authorities = Authorities.from_msp_folders(settings.network.authorities)
    return Party.connect(connection, authorities, deadlines=_DEADLINES)


def open_store(settings: TerminalSettings | ServerSettings) -> RecordStore:
    """Open the store of a configuration, on a connection of its own."""
    database = open_database(settings.database, settings.folder)
    if isinstance(settings, TerminalSettings):
        return TerminalStore(database, settings.terminal, runs=settings.runs)
    return RecordStore(database, Side.SERVER, str(settings.system))


def agent_of(connection: Connection) -> Agent:
    """Return the identity of a connection as systems and terminals name their agents."""
    from gridledger.client.signing_identity import SigningIdentity

    identity = SigningIdentity.from_connection(connection).identity
    names = identity.x509.subject.rfc4514_string()
    common = [part.partition("=")[2] for part in names.split(",") if part.startswith("CN=")]
    return Agent(
        msp_id=identity.msp_id,
        subject=common[0] if common else names,
        public_key=public_key_of(identity.x509),
    )


async def register_terminals(settings: ServerSettings, entries: Sequence[TerminalEntry]) -> None:
    """Register terminals on the ledger and at this server; what an earlier call did is taken up.

    Raises
    ------
    AlreadyExists
        The ledger has a terminal of that name with another entry.
    """
    store = ServerStore(open_database(settings.database, settings.folder), settings.system)
    try:
        async with open_party(settings) as party:
            ledger = ResponseLedger(party.network)
            for entry in entries:
                try:
                    await ledger.register_terminal(entry)
                except AlreadyExists:
                    # An earlier call did, and ended before this server's register had it.
                    if (await ledger.terminal(entry.identifier)).entry != entry:
                        raise
                await asyncio.to_thread(store.add_terminal, entry)
    finally:
        store.close()


@asynccontextmanager
async def running_terminal(
    settings: TerminalSettings, modules: Modules = Modules.ALL
) -> AsyncIterator[Business]:
    """Run a terminal's modules while the body does; gives its business module."""
    async with AsyncExitStack() as stack:
        party = await stack.enter_async_context(open_party(settings))
        store = TerminalStore(
            open_database(settings.database, settings.folder), settings.terminal, runs=settings.runs
        )
        stack.callback(store.close)
        link = SignedLink(party, settings.server)
        business = Business(store, link)
        if modules is not Modules.CHAIN:
            _start(stack, business.run(), "business module")
            if settings.kind is TerminalKind.USER:
                _start(stack, _answer_demands(UserTerminal(business, link, settings.reply)), "demands")
        if modules is not Modules.BUSINESS:
            _start(stack, _chain(stack, settings, party).run(), "chain module")
        yield business


def run_server(
    settings: ServerSettings, *, modules: Modules = Modules.ALL, port_file: Path | None = None
) -> None:
    """Serve until SIGTERM or SIGINT.

    Raises
    ------
    ConfigError
        A file is missing or wrong, or the port is taken.
    """

    def build() -> Service:
        store = ServerStore(open_database(settings.database, settings.folder), settings.system)
        demands = open_database(settings.database, settings.folder)
        register = DemandRegister(demands)
        business = ServerBusiness(store, register, BusinessSettings(rule=settings.rule))
        vtn = None
        if settings.openadr is not None:
            clients, objects = VenClients(demands), ObjectRegister(demands)
            vtn = Vtn(store, register, clients, objects, settings.openadr, business.judge)
        party = open_party(settings)
        replay = SQLiteReplayStore(settings.folder / "replay.db")

        @asynccontextmanager
        async def lifespan() -> AsyncIterator[None]:
            async with AsyncExitStack() as stack:
                await stack.enter_async_context(party)
                stack.push_async_callback(replay.close)
                stack.callback(store.close)
                stack.callback(demands.close)
                if vtn is not None:
                    notifier = Notifier(vtn)
                    business.on_published = notifier.announce
                    _start(stack, notifier.run(), "notifier")
                if modules is Modules.ALL:
                    _start(stack, _chain(stack, settings, party).run(), "chain module")
                yield

        service = business.service(party.signer, party.authorities, replay, lifespan=lifespan)
        if vtn is not None:
            service.mount(BASE_PATH, openadr_application(vtn, business.wake))
        return service

    listen = settings.listen
    run(build, host=listen.host, port=listen.port, origins=listen.origins, port_file=port_file)


async def run_terminal(
    settings: TerminalSettings,
    feed: Callable[[Business], Awaitable[None]],
    *,
    modules: Modules = Modules.ALL,
) -> None:
    """Run a terminal until `feed`, which gives its business module data, has ended."""
    async with running_terminal(settings, modules) as business:
        await feed(business)


async def run_chain(settings: TerminalSettings | ServerSettings) -> None:
    """Run a chain module by itself until it is cancelled."""
    async with AsyncExitStack() as stack:
        party = await stack.enter_async_context(open_party(settings))
        await _chain(stack, settings, party).run()


def _chain(stack: AsyncExitStack, settings: TerminalSettings | ServerSettings, party: Party) -> ChainModule:
    """Make a chain module on a connection of its own."""
    store = open_store(settings)
    stack.callback(store.close)
    return ChainModule(store, ResponseLedger(party.network), settings.chain)


def _start(stack: AsyncExitStack, work: Coroutine[Any, Any, None], name: str) -> None:
    """Run a module until the stack is closed."""
    task = asyncio.create_task(work, name=name)
    task.add_done_callback(tell_end)

    async def stop() -> None:
        task.cancel()
        await asyncio.wait([task])

    stack.push_async_callback(stop)


async def _answer_demands(user: UserTerminal) -> None:
    while True:
        try:
            await user.step()
        except GridLedgerError as error:
            _log.warning("demands are asked for again: %s", error)
        await asyncio.sleep(_POLL_S)
