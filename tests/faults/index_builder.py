"""Builds an index by command on a Spark at an address, and kills a worker of it while a task runs there.

python -m tests.faults.index_builder MARKER COMMAND…: says the exit code, waits for a line, builds once more.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

from gridledger.cli.main import run
from gridledger.cli.output import Output
from gridledger.lake.index import spark
from gridledger.lake.index.walkers import climb_block

__all__ = ["main"]

_EXECUTOR = b"CoarseGrainedExecutorBackend"
_WORKER = b"org.apache.spark.deploy.worker.Worker"


def _above(pid: int, name: bytes) -> int:
    """Return the nearest process above one whose command names something."""
    while name not in Path(f"/proc/{pid}/cmdline").read_bytes():
        status = Path(f"/proc/{pid}/status").read_text()
        [pid] = [int(line.split()[1]) for line in status.splitlines() if line.startswith("PPid:")]
        if pid <= 1:
            raise RuntimeError(f"nothing above runs {name!r}")
    return pid


def _killing(marker: str) -> Any:
    """Return what climbs a block, and kills worker and executor that it runs on when it is called first."""

    def climb(*arguments: Any, **named: Any) -> Any:
        try:
            os.close(os.open(marker, os.O_CREAT | os.O_EXCL))
        except FileExistsError:
            return climb_block(*arguments, **named)
        executor = _above(os.getpid(), _EXECUTOR)
        os.kill(_above(executor, _WORKER), signal.SIGKILL)
        os.kill(executor, signal.SIGKILL)
        time.sleep(600)  # this process ends with its executor
        raise RuntimeError("the executor lives")

    return climb


def main(marker: str, command: list[str]) -> None:
    """Build, with a worker that is lost; then, when told, with what is left."""
    # Spark's tasks carry what this module names with them.
    vars(spark)["climb_block"] = _killing(marker)
    for patience_s in (900.0, 5.0):
        vars(spark)["_PATIENCE_S"] = patience_s
        code = run(command, Output(stream=sys.stderr, errors=sys.stderr))
        print(code, flush=True)
        sys.stdin.readline()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
