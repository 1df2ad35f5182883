"""The edge: rings against turtlecoin-crypto, and the scan for a device's envelopes.

python -m tests.bench.edge_bench [--rounds 5] [--record]
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from tests.bench import edge_rings, edge_scan
from tests.bench.ground import options
from tests.bench.machine import Machine
from tests.bench.report import Report

from gridledger.network import World

_PARTS = (edge_rings.add_rows, edge_scan.add_rows)


def main() -> None:
    """Measure and report."""
    given = options(__doc__ or "", world=World.DEVNET, transactions=20, rounds=5)
    with tempfile.TemporaryDirectory(prefix="gridledger-bench-") as name:
        folder = Path(name)
        report = Report(
            target="bench-edge-rings",
            title="Edge: rings and scans, CPU",
            world="no network",
            machine=Machine.measure(folder),
            headers=("what", "ours", "beside it in the same run"),
        )
        for add_rows in _PARTS:
            add_rows(report, given, folder)
        report.finish(record=given.record)


if __name__ == "__main__":
    main()
