"""`python -m gridledger.network.devnet DIRECTORY`: run the embedded network of a folder."""

from __future__ import annotations

import argparse
import asyncio
import gc
import logging
import signal
import sys
from pathlib import Path

import uvloop

from gridledger.host.logs import logging_to
from gridledger.model.errors import GridLedgerError
from gridledger.network.devnet.process import Devnet

__all__ = ["main"]

_log = logging.getLogger(__name__)
_GARBAGE_THRESHOLD = 20_000
"""Objects between two looks for cycles: a transaction makes hundreds that end by themselves."""


def main(arguments: list[str] | None = None) -> int:
    """Run the process; return its exit code."""
    parser = argparse.ArgumentParser(prog="python -m gridledger.network.devnet", description=__doc__)
    parser.add_argument("directory", type=Path, help="the network's folder")
    directory = parser.parse_args(arguments).directory
    with logging_to(sys.stderr):
        try:
            uvloop.run(_serve(directory))
        except GridLedgerError as error:
            _log.exception("devnet cannot go on")
            return error.exit_code
    return 0


async def _serve(directory: Path) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with Devnet(directory) as devnet:
        gc.freeze()
        gc.set_threshold(_GARBAGE_THRESHOLD, 20, 50)
        running = asyncio.create_task(devnet.run())
        stopping = asyncio.create_task(stop.wait())
        await asyncio.wait({running, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if running.done():
            stopping.cancel()
            running.result()
        running.cancel()


if __name__ == "__main__":
    sys.exit(main())
