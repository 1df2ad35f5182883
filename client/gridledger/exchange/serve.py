"""An owner's server as a process of its own: ``python -m gridledger.exchange.serve CONFIG [PORT_FILE]``."""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from gridledger.exchange.access_log import AccessLog
from gridledger.exchange.business_system import BusinessSystem
from gridledger.exchange.collector import Collector
from gridledger.exchange.deposit_schedule import DepositSchedule
from gridledger.exchange.provider import Provider
from gridledger.exchange.settings import BusinessSettings
from gridledger.host.logs import logging_to
from gridledger.model.errors import GridLedgerError
from gridledger.web import Service, ServiceUnavailable, SQLiteReplayStore, run

__all__ = ["main", "serve"]

_log: Final = logging.getLogger("gridledger.exchange.serve")
_USAGE = "usage: python -m gridledger.exchange.serve CONFIG [PORT_FILE]"


def serve(settings: BusinessSettings, *, port_file: Path | None = None) -> None:
    """Serve a business system until SIGTERM or SIGINT.

    Parameters
    ----------
    settings : BusinessSettings
    port_file : Path, optional
        Gets the port once the server answers.

    Raises
    ------
    ConfigError
        If a file is missing or wrong, the login may do more than read the database, or the port is taken.
    SourceUnreadable
        A table or column is not there.
    """

    def build() -> Service:
        owner = BusinessSystem.open(settings)
        replay = SQLiteReplayStore(settings.vault.with_suffix(".replay.db"))

        log = AccessLog(settings.server.access_log)
        deposits = _Scheduled(owner)

        @asynccontextmanager
        async def lifespan() -> AsyncIterator[None]:
            async with owner, Collector(owner):
                try:
                    await owner.check_source()
                    async with deposits:
                        yield
                finally:
                    await replay.close()
                    log.close()

        return Provider(owner, log=log).service(replay, lifespan=lifespan, check=deposits.check)

    server = settings.server
    run(build, host=server.host, port=server.port, origins=server.origins, port_file=port_file)


class _Scheduled:
    """Makes deposits while its context is open, if the settings say when."""

    def __init__(self, owner: BusinessSystem) -> None:
        self._owner = owner
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        if self._owner.settings.deposits is not None:
            schedule = DepositSchedule(self._owner, self._owner.settings.deposits)
            self._task = asyncio.create_task(schedule.run(), name="deposits")
            self._task.add_done_callback(_tell_end)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    async def check(self) -> None:
        """Raise ServiceUnavailable if deposits should be made and are not: the answer of `/health`."""
        if self._task is not None and self._task.done():
            raise ServiceUnavailable("the schedule of deposits has stopped")


def _tell_end(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and task.exception() is not None:
        _log.critical("the schedule of deposits has stopped", exc_info=task.exception())


def main(arguments: list[str]) -> int:
    """Serve by the arguments of a command line; return the exit code."""
    if len(arguments) not in (1, 2):
        sys.stderr.write(_USAGE + "\n")
        return 2
    try:
        settings = BusinessSettings.from_file(Path(arguments[0]))
        with logging_to(sys.stderr):
            serve(settings, port_file=Path(arguments[1]) if len(arguments) > 1 else None)
    except GridLedgerError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
