"""The agent that keeps the ledger's time mark fresh."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from types import TracebackType
from typing import Self

from gridledger.client.contract import Contract
from gridledger.client.deadlines import Deadlines
from gridledger.client.network import Network
from gridledger.client.retry import Backoff
from gridledger.host.metrics import TIME_MARK, TIME_MARK_RENEWALS
from gridledger.model.errors import GridLedgerError
from gridledger.model.refusals import Conflict, NoTimeMark
from gridledger.model.time_mark import RENEWAL_PERIOD_S, TimeMark

__all__ = ["TimeMarkAgent"]

_LOG = logging.getLogger(__name__)
_LEDGER = "ledger"
_RENEW = "RenewTimeMark"
_READ = "ReadTimeMark"
# A renewal whose outcome is not known by then is given up for the next one: the mark must not wait for it.
_DEADLINES = Deadlines(endorse=10.0, commit_status=20.0)
_FIRST_MARK_S = 60.0
_TRIES = Backoff(attempts=2, first=1.0, longest=4.0)


class TimeMarkAgent:
    """Renews the time mark of one chaincode, as one organisation; the identity has the role agent.

    Parameters
    ----------
    network : Network
        The channel.
    chaincode : str, optional
        Name of the chaincode; the connection's by default.
    period : float, optional
        Seconds from one renewal to the next; 60 by default.
    on_failure : callable, optional
        Called with the error of every renewal that failed, after its retries; the log gets each of them as
        well.

    Notes
    -----
    A failed renewal does not end the agent: the next one is due a period later, and contracts refuse what
    needs the time once the mark is too old. Several organisations renew the same mark; one that finds a later
    mark than its own clock leaves it, and that counts as a renewal. `start` and `stop`, or ``async with``,
    run it in the background.
    """

    def __init__(
        self,
        network: Network,
        chaincode: str | None = None,
        *,
        period: float = RENEWAL_PERIOD_S,
        on_failure: Callable[[GridLedgerError], None] | None = None,
    ) -> None:
        self._contract: Contract = network.contract(chaincode, _LEDGER)
        self._period = period
        self._on_failure = on_failure
        self._task: asyncio.Task[None] | None = None
        self._last_mark: TimeMark | None = None
        self._failures = 0
        self._marked = asyncio.Event()

    @property
    def last_mark(self) -> TimeMark | None:
        """The time mark as the agent saw it last; none before the first renewal."""
        return self._last_mark

    @property
    def failures(self) -> int:
        """How many renewals have failed since one succeeded."""
        return self._failures

    async def renew(self) -> TimeMark:
        """Renew the mark now, once.

        Returns
        -------
        TimeMark
            The mark that stands now: this renewal's, or a later one of another organisation.

        Raises
        ------
        ContractError, GatewayError
            When it failed.
        """
        try:
            answer = await self._contract.submit(_RENEW, deadlines=_DEADLINES)
        except Conflict:
            answer = await self._contract.evaluate(_READ)
        self._last_mark = TimeMark.from_bytes(answer)
        TIME_MARK.set(self._last_mark.time_ms / 1000)
        TIME_MARK_RENEWALS.labels("done").inc()
        self._marked.set()
        return self._last_mark

    async def wait_marked(self, timeout: float = _FIRST_MARK_S) -> None:
        """Wait until a mark stands, as before the first call that needs the time.

        Parameters
        ----------
        timeout : float, default 60
            Seconds.

        Raises
        ------
        NoTimeMark
            If none stands by then.
        """
        try:
            await asyncio.wait_for(self._marked.wait(), timeout)
        except TimeoutError as error:
            raise NoTimeMark from error

    async def run(self) -> None:
        """Renew the mark until cancelled."""
        while True:
            await self._try()
            await asyncio.sleep(self._period)

    def start(self) -> None:
        """Run in the background, until `stop`."""
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self.run(), name="time mark agent")

    async def stop(self) -> None:
        """End the background run; what made it end before, if anything did, is raised here."""
        task, self._task = self._task, None
        if task is None:
            return
        task.cancel()
        await asyncio.wait([task])
        if not task.cancelled():
            task.result()

    async def __aenter__(self) -> Self:
        self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def _try(self) -> None:
        attempt = 0
        while True:
            try:
                await self.renew()
            except GridLedgerError as error:
                attempt += 1
                if attempt > _TRIES.attempts:
                    self._report(error)
                    return
                await asyncio.sleep(_TRIES.delay(attempt))
            else:
                self._failures = 0
                return

    def _report(self, error: GridLedgerError) -> None:
        self._failures += 1
        TIME_MARK_RENEWALS.labels("failed").inc()
        _LOG.warning("the time mark was not renewed, %d times in a row now: %s", self._failures, error)
        if self._on_failure is not None:
            self._on_failure(error)
