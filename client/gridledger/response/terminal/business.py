"""A terminal's business module: takes data durably at once, and sends them in order until they are answered.

Source: CN115334117A, claims 2 and 3 (the first and the second business module).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

from gridledger.client.retry import Backoff
from gridledger.model.errors import ConfigError, ContractError, GridLedgerError, ModelError, ServiceError
from gridledger.response.message import MAX_RECORDS, RecordsAnswer, RecordsMessage
from gridledger.response.state import RecordState
from gridledger.response.terminal.store import TerminalStore

__all__ = ["Business", "SendSettings", "ServerLink"]

_log: Final = logging.getLogger("gridledger.response.terminal")


_LOOK_S: Final = 0.1


@dataclass(frozen=True, kw_only=True)
class SendSettings:
    """How records are sent."""

    records: int = MAX_RECORDS
    """Most records of one message."""
    pause_s: float = 0.5
    """Seconds between looks for records of another process; those of this one are sent at once."""
    retry: Backoff = field(default_factory=lambda: Backoff(attempts=0, first=0.5, longest=60.0))
    """Delays after a message without an answer: they grow to the longest, with jitter, and never end."""

    def __post_init__(self) -> None:
        if not 1 <= self.records <= MAX_RECORDS or not 0 < self.pause_s <= 86_400:
            raise ConfigError("is out of range", key="records or pause_s", source="send")


class ServerLink(Protocol):
    """The way to the server."""

    async def send(self, message: RecordsMessage) -> RecordsAnswer:
        """Send a message; a ServiceError where there is no answer."""


class Business:
    """Takes and sends data.

    Parameters
    ----------
    store : TerminalStore
    link : ServerLink
    settings : SendSettings, optional
    on_refused : callable, optional
        Told number and code of each record that the server refuses: its user is to know. Logged by default.
    on_failure : callable, optional
        Told of each message without an answer.
    """

    def __init__(
        self,
        store: TerminalStore,
        link: ServerLink,
        settings: SendSettings | None = None,
        *,
        on_refused: Callable[[int, str], None] | None = None,
        on_failure: Callable[[GridLedgerError], None] | None = None,
    ) -> None:
        self._store = store
        self._link = link
        self._settings = settings or SendSettings()
        self._on_refused = on_refused or _log_refusal
        self._on_failure = on_failure or _log_failure
        self._new = asyncio.Event()

    async def accept(self, data: bytes) -> int:
        """Take data durably and return their number; neither the server nor the chain is waited for.

        Raises
        ------
        StoreFailed
            The local database did not take them.
        """
        (number,) = await self.accept_all((data,))
        return number

    async def accept_all(self, data: Sequence[bytes]) -> tuple[int, ...]:
        """Take several data durably at once, all or none, and return their numbers; see `accept`."""
        numbers = await asyncio.to_thread(self._store.accept_all, data)
        self._new.set()
        return numbers

    async def run(self) -> None:
        """Send what is there, until it is cancelled."""
        failures = 0
        while True:
            self._new.clear()
            try:
                moved = await self.step()
            except (ServiceError, ContractError, ModelError) as error:
                failures += 1
                self._on_failure(error)
                await asyncio.sleep(self._settings.retry.delay(failures))
                continue
            failures = 0
            if not moved:
                await self._wait()

    async def step(self) -> int:
        """Send one message and note its answer; return how many records were answered.

        Raises
        ------
        ServiceError
            There was no answer, or the server turned the message away: its records stay as they are.
        """
        message = await asyncio.to_thread(self._message)
        if message is None:
            return 0
        answer = await self._link.send(message)
        refused = {one.number: one.code for one in answer.refused}
        last = min(answer.last, message.records[-1].number) if message.records else 0
        moved = await asyncio.to_thread(self._store.answered, last, refused, message.closed)
        for number, code in refused.items():
            self._on_refused(number, code)
        return moved + len(message.closed)

    def _message(self) -> RecordsMessage | None:
        """Return what is to be sent next; None where there is nothing."""
        self._store.close_old()
        records = self._store.unanswered(self._settings.records)
        last = records[-1].number if records else self._store.last_answered()
        closed = self._store.untold(self._settings.records, last)
        if not records and not closed:
            return None
        return RecordsMessage(terminal=self._store.terminal, records=records, closed=closed)

    async def finish(self, *, chain: bool) -> None:
        """Close the open run, and wait until the server has answered for everything and knows of its end.

        Parameters
        ----------
        chain : bool
            Whether to wait until it is anchored, too.

        Notes
        -----
        For as long as it takes: what is not there yet is still being tried. Who calls may set a deadline.
        """
        await asyncio.to_thread(self._store.close_runs)
        self._new.set()
        unfinished = {RecordState.SENT_TO_SERVER}
        if chain:
            unfinished |= {RecordState.SERVER_SUCCESS, RecordState.SENT_TO_CHAIN}
        while True:
            tally = await asyncio.to_thread(self._store.tally)
            untold = await asyncio.to_thread(self._store.untold, 1)
            if not untold and not any(tally[state] for state in unfinished):
                return
            await asyncio.sleep(_LOOK_S)

    async def _wait(self) -> None:
        try:
            async with asyncio.timeout(self._settings.pause_s):
                await self._new.wait()
        except TimeoutError:
            return


def _log_refusal(number: int, code: str) -> None:
    _log.error("the server refused record %d: %s", number, code)


def _log_failure(error: GridLedgerError) -> None:
    _log.warning("the terminal sends again: %s", error)
