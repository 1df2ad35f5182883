"""An owner's server as a process of its own: ``python -m gridledger.exchange.serve CONFIG [PORT_FILE]``."""

from __future__ import annotations

import logging
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from gridledger.exchange.business_system import BusinessSystem
from gridledger.exchange.collector import Collector
from gridledger.exchange.provider import Provider
from gridledger.exchange.settings import BusinessSettings
from gridledger.model.errors import GridLedgerError
from gridledger.web import Service, SQLiteReplayStore, run

__all__ = ["main", "serve"]

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
        If a file is missing or wrong, or the port is taken.
    """

    def build() -> Service:
        owner = BusinessSystem.open(settings)
        replay = SQLiteReplayStore(settings.vault.with_suffix(".replay.db"))

        @asynccontextmanager
        async def lifespan() -> AsyncIterator[None]:
            async with owner, Collector(owner):
                try:
                    yield
                finally:
                    await replay.close()

        return Provider(owner).service(replay, lifespan=lifespan)

    server = settings.server
    run(build, host=server.host, port=server.port, origins=server.origins, port_file=port_file)


def main(arguments: list[str]) -> int:
    """Serve by the arguments of a command line; return the exit code."""
    if len(arguments) not in (1, 2):
        sys.stderr.write(_USAGE + "\n")
        return 2
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    try:
        settings = BusinessSettings.from_file(Path(arguments[0]))
        serve(settings, port_file=Path(arguments[1]) if len(arguments) > 1 else None)
    except GridLedgerError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
