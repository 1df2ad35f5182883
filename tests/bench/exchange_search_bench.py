"""Search with permission filter in catalogues of 100 to 100,000 fields.

python -m tests.bench.exchange_search_bench [--world devnet|fabric] [--transactions 100] [--record]
"""

from __future__ import annotations

import random
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median, quantiles

from tests.bench.ground import options
from tests.bench.machine import Machine
from tests.bench.report import Report
from tests.unit.readmodel.catalogue import VIEWER, catalogue
from tests.unit.readmodel.chain import Chain

from gridledger.exchange.readmodel import ReadModel, Wanted, find_fields
from gridledger.network import World

_SIZES = (100, 1_000, 10_000, 100_000)
_TIMES = 100
_PAGE = 20
_WORDS = {
    "a common word": "active",
    "a rare word": "rarity",
    "two words": "active power",
    "two Chinese words": "光伏 逆变器",
    "no word": "",
}
_APART = "power energy"
"""Both frequent, never together: the index steps through the fields of the one in search of the other."""


@dataclass(frozen=True, kw_only=True)
class _Measured:
    """Times of one search."""

    results: int
    p50_ms: float
    p95_ms: float
    cpu_ms: float
    """Median of the CPU time, which other processes do not lengthen as they do the clock's."""


def _fill(path: Path, fields: int) -> tuple[ReadModel, float, float]:
    """Return a model of so many fields, and the seconds and CPU seconds that filling it took."""
    model = ReadModel.feed(path, channel="energy", chaincode="gridledger")
    chain = Chain()
    blocks = [chain.add(writes) for writes in catalogue(fields)]
    started, used = time.perf_counter(), time.process_time()
    for block in blocks:
        model.take(block)
    return model, time.perf_counter() - started, time.process_time() - used


def _measure(models: Sequence[ReadModel], words: str, times: int) -> list[_Measured]:
    """Search in all models by turns, so many times in each, in pages of 20."""
    wanted = Wanted(words=words, size=_PAGE)
    taken: list[list[float]] = [[] for _ in models]
    used: list[list[float]] = [[] for _ in models]
    results = [len(find_fields(model, VIEWER, wanted).fields) for model in models]
    turns = [number for number in range(len(models)) for _ in range(times)]
    random.Random(27).shuffle(turns)
    for number in turns:
        started, cpu = time.perf_counter(), time.thread_time()
        find_fields(models[number], VIEWER, wanted)
        taken[number].append(1e3 * (time.perf_counter() - started))
        used[number].append(1e3 * (time.thread_time() - cpu))
    return [
        _Measured(results=count, p50_ms=median(clock), p95_ms=quantiles(clock, n=20)[18], cpu_ms=median(cpu))
        for count, clock, cpu in zip(results, taken, used, strict=True)
    ]


def main() -> None:
    """Measure and report."""
    given = options(__doc__ or "", world=World.DEVNET, transactions=_TIMES, rounds=1)
    if given.world != World.DEVNET.value:
        sys.stdout.write(
            "Search is measured in the read model alone, a file that is filled from blocks, the same in both"
            f" worlds: there is nothing of --world {given.world} in these figures.\n\n"
        )
    with tempfile.TemporaryDirectory(prefix="gridledger-bench-") as name:
        folder = Path(name)
        machine = Machine.measure(folder)
        filled = [_fill(folder / f"{size}.db", size) for size in _SIZES]
        models = [model for model, _, _ in filled]
        report = Report(
            target="bench-search",
            title="Search with permission filter: a page of 20 fields, CPU / p50 / p95 ms",
            world="no network: the read model alone",
            machine=machine,
            headers=("search", *(f"{size:,} fields" for size in _SIZES)),
        )
        for what, words in {**_WORDS, "two frequent words, never together": _APART}.items():
            measured = _measure(models, words, given.transactions)
            cells = [
                f"{one.cpu_ms:.2f} / {one.p50_ms:.2f} / {one.p95_ms:.2f} ({one.results})" for one in measured
            ]
            report.row(what, *cells)
            full = [one for one in measured if one.results == _PAGE]
            if len(full) > 1:
                report.compare(
                    f"{what}: CPU at {_SIZES[-1]:,} against the smallest with a full page",
                    full[-1].cpu_ms / full[0].cpu_ms,
                    "<=",
                    1.5,
                )
            report.compare(f"{what}: p50 at {_SIZES[-1]:,}", measured[-1].p50_ms, "<=", 20, " ms")
        report.note("In brackets: results. Times with another number of results do not compare.")
        _, seconds, cpu_seconds = filled[-1]
        fed, cpu = _SIZES[-1] / seconds, 1e6 * cpu_seconds / _SIZES[-1]
        report.note(f"Filled with {fed:.0f} fields a second, CPU {cpu:.0f} us each, from writes in memory.")
        report.note(f"File of {_SIZES[-1]:,} fields: {_file_mib(folder / f'{_SIZES[-1]}.db')} MiB.")
        for model in models:
            model.close()
        report.finish(record=given.record)


def _file_mib(path: Path) -> int:
    return path.stat().st_size >> 20


if __name__ == "__main__":
    main()
