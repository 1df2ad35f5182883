"""The schedule of an owner's deposits: each field at its own frequency, once its period is over.

    [deposits]
    grace_s = 3600      # so long after its end a period counts as over: rows arrive late by minutes
    check_s = 300       # how often the schedule looks
    late_rows = false   # whether rows that came later still are deposited as supplements

A run deposits whatever is over and was not deposited, however long nobody looked: periods that were missed
while the server was down come with the next run. Late rows stay late unless the owner says otherwise: who
adds rows to its database should not have them deposited unseen.

Source: CN112508707B, [0102].
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, Protocol

from gridledger.exchange.deposits import Deposited
from gridledger.exchange.vault import DepositRun, Vault
from gridledger.model.errors import ConfigError, GridLedgerError
from gridledger.model.period import Day

__all__ = ["DepositSchedule", "DepositSettings", "DepositingOwner"]

_log: Final = logging.getLogger("gridledger.exchange.deposits")
_FIRST_WAIT_S: Final = 1.0


@dataclass(frozen=True, kw_only=True)
class DepositSettings:
    """When deposits are made."""

    grace_s: int = 3600
    """So long after its end a period counts as over, in seconds."""
    check_s: int = 300
    """Longest wait between two runs, in seconds."""
    attempts: int = 4
    """How often one run is tried, with waits of 1, 2, 4, … seconds; the next run tries again."""
    late_rows: bool = False
    """Whether late rows are deposited as supplements. All deposited periods are read for it in each run."""

    def __post_init__(self) -> None:
        for key, least in (("grace_s", 0), ("check_s", 1), ("attempts", 1)):
            if getattr(self, key) < least:
                raise ConfigError(
                    f"want {least} or more",
                    key=f"deposits.{key}",
                    source="provider",
                    value=getattr(self, key),
                )


class DepositingOwner(Protocol):
    """Who makes deposits: a business system."""

    @property
    def vault(self) -> Vault: ...

    async def deposit(self, *, closed_before: Day | None = None, late: bool = False) -> list[Deposited]: ...


class DepositSchedule:
    """Runs an owner's deposits for as long as it is awaited.

    Parameters
    ----------
    owner : DepositingOwner
    settings : DepositSettings
    clock : callable, default time.time
        Seconds since 1970.
    sleep : callable, default asyncio.sleep
    """

    def __init__(
        self,
        owner: DepositingOwner,
        settings: DepositSettings,
        *,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._owner = owner
        self._settings = settings
        self._clock = clock
        self._sleep = sleep

    async def run(self) -> None:
        """Deposit, wait, and begin again until it is cancelled."""
        while True:
            await self.run_once()
            await self._sleep(self.wait_s())

    async def run_once(self) -> DepositRun:
        """Deposit all that is due; keep in the vault how it went, and return it.

        Notes
        -----
        Ends with an error rather than raising one: the next run tries again. Only what says `retriable` is
        tried again within a run.
        """
        started_ms = self._now_ms()
        found: list[Deposited] = []
        trouble: GridLedgerError | None = None
        for attempt in range(self._settings.attempts):
            if attempt:
                await self._sleep(_FIRST_WAIT_S * 2 ** (attempt - 1))
            try:
                found = await self._owner.deposit(
                    closed_before=self.closed_before(), late=self._settings.late_rows
                )
            except GridLedgerError as error:
                trouble = error
                if not error.retriable:
                    break
            else:
                trouble = None
                break
        accepted = sum(one.result.accepted for one in found)
        run = DepositRun(
            started_ms=started_ms,
            ended_ms=self._now_ms(),
            deposited=accepted,
            refused=len(found) - accepted,
            error="" if trouble is None else str(trouble),
        )
        await asyncio.to_thread(self._owner.vault.keep_run, run)
        self._tell(run, found)
        return run

    def closed_before(self) -> Day:
        """Return the day before which periods must have ended to be over."""
        return Day(self._closing().date().isoformat())

    def wait_s(self) -> float:
        """Return the seconds until the next run: to the moment when the next day is over, or sooner."""
        closing = self._closing()
        midnight = datetime.combine(closing.date() + timedelta(days=1), datetime.min.time(), tzinfo=UTC)
        return min(float(self._settings.check_s), (midnight - closing).total_seconds())

    def _closing(self) -> datetime:
        return datetime.fromtimestamp(self._clock() - self._settings.grace_s, UTC)

    def _now_ms(self) -> int:
        return int(self._clock() * 1000)

    @staticmethod
    def _tell(run: DepositRun, found: list[Deposited]) -> None:
        if run.error:
            _log.error("no deposits: %s", run.error)
        elif run.deposited or run.refused:
            _log.info("deposited %d roots, %d refused", run.deposited, run.refused)
        for one in found:
            if not one.result.accepted:
                _log.warning("refused: %s: %s", one.result.item, one.result.message)
