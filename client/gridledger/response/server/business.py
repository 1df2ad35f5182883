"""The server's business module as an ASGI service: takes messages, completes them, publishes demands.

Source: CN115334117A, claims 3, 4 and 7 (the third business module).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Any, Final

from gridledger.exchange.party import is_agent
from gridledger.model.errors import ConfigError, ModelError
from gridledger.model.response import TerminalEntry, TerminalKind
from gridledger.response.ended import tell_end
from gridledger.response.errors import RecordRefusal, StoreFailed, TerminalUnknown
from gridledger.response.message import (
    Demand,
    DemandPage,
    DemandReply,
    RecordsAnswer,
    RecordsMessage,
    SentRecord,
    read_load,
)
from gridledger.response.server.demand import DemandRule, PeakRule
from gridledger.response.server.register import DemandRegister
from gridledger.response.server.store import ServerStore
from gridledger.web import Authorities, Call, MessageSigner, Nothing, ReplayStore, RequestMalformed, Service

__all__ = ["DEMANDS_PATH", "RECORDS_PATH", "BusinessSettings", "ServerBusiness"]

_log: Final = logging.getLogger("gridledger.response.server")

RECORDS_PATH: Final = "/v1/records"
DEMANDS_PATH: Final = "/v1/demands"


@dataclass(frozen=True, kw_only=True)
class BusinessSettings:
    """How the business module works."""

    most_wh: int = 1_000_000
    """Largest energy of one reading or reply that is plausible."""
    ahead_s: int = 86_400
    """How far a terminal's clock may be ahead of the server's."""
    pause_s: float = 5.0
    """Seconds between looks for new demands, and for what a crash left in the inbox."""
    silent_s: float = 86_400.0
    """Seconds after which a run that its terminal has not closed is closed here."""
    rule: DemandRule = field(default_factory=PeakRule)

    def __post_init__(self) -> None:
        if self.most_wh < 1 or self.ahead_s < 0 or not 0 < self.pause_s <= 86_400 or self.silent_s <= 0:
            raise ConfigError("is out of range", key="most_wh, ahead_s, pause_s or silent_s", source="server")


class ServerBusiness:
    """Answers terminals.

    Parameters
    ----------
    store : ServerStore
    register : DemandRegister
        On the store's database.
    settings : BusinessSettings, optional
    """

    def __init__(
        self, store: ServerStore, register: DemandRegister, settings: BusinessSettings | None = None
    ) -> None:
        self._store = store
        self._register = register
        self._settings = settings or BusinessSettings()
        self.on_published: Callable[[Sequence[Demand]], None] = lambda _: None
        """Told of demands that are new, on the loop that the module runs on."""
        self._arrived = asyncio.Event()

    def judge(self, entry: TerminalEntry, one: SentRecord) -> RecordRefusal | None:
        """Say whether a record is refused for good, and why."""
        settings = self._settings
        latest_ms = self._store.clock() + 1000 * settings.ahead_s
        if one.time_ms > latest_ms:
            return RecordRefusal.IMPLAUSIBLE
        try:
            if entry.kind is TerminalKind.IOT:
                load = read_load(one.data)
                if load.start_ms > latest_ms:
                    # All others would lie behind it: no demand would be derived again.
                    return RecordRefusal.IMPLAUSIBLE
                return _beyond(load.energy_wh, settings.most_wh)
            reply = DemandReply.from_bytes(one.data)
        except ModelError:
            return RecordRefusal.MALFORMED
        if not self._register.is_open(reply.demand, one.time_ms):
            return RecordRefusal.NO_DEMAND
        return _beyond(reply.reduction_wh, settings.most_wh)

    async def receive(self, message: RecordsMessage, body: bytes) -> RecordsAnswer:
        """Take a message durably; the answer stands for what is on disk.

        Raises
        ------
        TerminalUnknown, RecordsMissing, StoreFailed
            See `ServerStore.receive`; nothing was taken.
        """
        answer = await asyncio.to_thread(self._store.receive, message, body, self.judge)
        self.wake()
        return answer

    def wake(self) -> None:
        """Let what has arrived be completed at once; on the loop that the module runs on."""
        self._arrived.set()

    async def run(self) -> None:
        """Complete what arrives and publish demands, until it is cancelled."""
        while True:
            self._arrived.clear()
            try:
                while await asyncio.to_thread(self._store.complete):
                    pass
                await asyncio.to_thread(self._store.close_silent, int(self._settings.silent_s * 1000))
                await self.derive()
            except StoreFailed as error:
                _log.warning("the business module tries again: %s", error)
            try:
                async with asyncio.timeout(self._settings.pause_s):
                    await self._arrived.wait()
            except TimeoutError:
                continue

    async def derive(self) -> int:
        """Publish demands that the loads make necessary; return how many are new."""
        published = await asyncio.to_thread(self._publish)
        if published:
            self.on_published(published)
        return len(published)

    def _publish(self) -> list[Demand]:
        terminals = self._store.count_terminals(TerminalKind.IOT)
        rule, now_ms = self._settings.rule, self._store.clock()
        return self._register.publish(rule, now_ms, terminals=terminals)

    def service(
        self,
        signer: MessageSigner,
        authorities: Authorities,
        replay: ReplayStore,
        *,
        lifespan: Callable[[], AbstractAsyncContextManager[Any]] | None = None,
    ) -> Service:
        """Return the service; while it runs, what arrives is completed and demands are published."""

        @asynccontextmanager
        async def working() -> AsyncIterator[None]:
            async with lifespan() if lifespan is not None else nullcontext():
                task = asyncio.create_task(self.run(), name="business module")
                task.add_done_callback(tell_end)
                try:
                    yield
                finally:
                    task.cancel()
                    await asyncio.wait([task])

        service = Service("response", signer=signer, authorities=authorities, replay=replay, lifespan=working)

        @service.post(RECORDS_PATH, takes=RecordsMessage, gives=RecordsAnswer)
        async def records(call: Call[RecordsMessage]) -> RecordsAnswer:
            """Take records of the calling terminal; the answer says which are refused for good."""
            entry = await asyncio.to_thread(self._store.terminal, call.value.terminal)
            if entry.agent is None or not is_agent(call.caller, entry.agent):
                raise TerminalUnknown(f"the caller does not act for {call.value.terminal}")
            return await self.receive(call.value, call.body)

        @service.get(DEMANDS_PATH, gives=DemandPage)
        async def demands(call: Call[Nothing]) -> DemandPage:
            """Return up to 1,000 demands that begin at `since` (milliseconds) or later."""
            text = call.query.get("since", "0")
            if not text.isascii() or not text.isdigit() or len(text) > 15:
                raise RequestMalformed("since is no time in milliseconds")
            return DemandPage(demands=tuple(await asyncio.to_thread(self._register.demands, int(text))))

        return service


def _beyond(energy_wh: int, most_wh: int) -> RecordRefusal | None:
    return RecordRefusal.IMPLAUSIBLE if energy_wh > most_wh else None
