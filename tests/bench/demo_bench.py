"""`gridledger demo` from nothing to its closing statement, as `make demo` runs it after installation.

python -m tests.bench.demo_bench [--world fabric] [--record]
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

from tests.bench.ground import options
from tests.bench.machine import Machine
from tests.bench.report import Report

from gridledger.network import World

_PROGRAM = "import sys; from gridledger.cli.main import main; sys.exit(main())"
_RUN_SECONDS = 600.0


def _play(arguments: list[str]) -> tuple[float, list[dict[str, Any]]]:
    """Run the demo; return how long it took, seconds, and its steps."""
    started = time.perf_counter()
    command = [sys.executable, "-c", _PROGRAM, "demo", "--json", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as playing:
        try:
            said, _ = playing.communicate(timeout=_RUN_SECONDS)
        except BaseException:
            playing.terminate()  # it stops what it has started
            playing.communicate(timeout=_RUN_SECONDS)
            raise
    if playing.returncode != 0:
        raise RuntimeError(f"the demonstration ended with {playing.returncode}")
    seconds = time.perf_counter() - started
    *steps, _ = [json.loads(line) for line in said.splitlines()]
    return seconds, steps


def main() -> None:
    """Measure and report."""
    given = options(__doc__ or "", world=World.DEVNET, transactions=1, rounds=3)
    arguments = ["--world", given.world, *(["--bin", str(given.bin)] if given.bin else [])]
    with tempfile.TemporaryDirectory(prefix="gridledger-bench-") as folder:
        machine = Machine.measure(Path(folder))
    played = [_play(arguments) for _ in range(given.rounds)]
    report = Report(
        target="bench-demo",
        title="Demonstration: from nothing to the closing statement",
        world=given.world,
        machine=machine,
        headers=("step", "ms"),
    )
    for steps in zip(*(steps for _, steps in played), strict=True):
        report.row(
            f"{steps[0]['number']}. {steps[0]['step']}", f"{median(one['milliseconds'] for one in steps):.0f}"
        )
    report.compare("start to end", median(seconds for seconds, _ in played), "<=", 60, " s")
    report.note(f"Medians of {given.rounds} runs: {', '.join(f'{seconds:.1f}' for seconds, _ in played)} s.")
    report.finish(record=given.record)


if __name__ == "__main__":
    main()
