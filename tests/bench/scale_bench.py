"""Slopes: what each further device, field, deposit, run, query and envelope makes Fabric do and keep.

python -m tests.bench.scale_bench [--parts registrations runs] [--transactions 16000] [--record]

`--transactions` is the largest number of devices, fields and deposits; sizes are a quarter of each other.
Parts that do not run keep the steps that were recorded for them.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from tests.bench.ground import Ground, options
from tests.bench.machine import Machine
from tests.bench.report import Report
from tests.bench.scale_operations import envelopes, puts, queries, registrations, runs
from tests.bench.scale_plot import write_slopes_plot
from tests.bench.scale_slopes import Slopes
from tests.bench.scale_steps import STEPS, Operation, Step, read_steps, write_steps
from tests.unit.readmodel.catalogue import catalogue
from tests.unit.readmodel.chain import Chain

from gridledger.exchange.readmodel import ReadModel
from gridledger.model.keys import KeyPrefix
from gridledger.network import World

PARTS = ("puts", "registrations", "runs", "queries", "envelopes", "read-model")
_SIZES = 4
_SMALLEST = 1000


def _sizes(largest: int) -> list[int]:
    return [size for size in (largest // 4**n for n in reversed(range(_SIZES))) if size >= _SMALLEST]


def _read_model(sizes: Sequence[int]) -> list[Step]:
    """Take fields into one read model up to each size."""
    with tempfile.TemporaryDirectory(prefix="gridledger-bench-") as name:
        path = Path(name) / "model.db"
        chain = Chain()
        blocks = [chain.add(writes) for writes in catalogue(sizes[-1])]
        fields = [
            sum(write.parts[0] == KeyPrefix.FIELD.value for one in block.transactions for write in one.writes)
            for block in blocks
        ]
        steps: list[Step] = []
        at = done = kept = 0
        with ReadModel.feed(path, channel="energy", chaincode="gridledger") as model:
            for size in sizes:
                first, before = at, done
                began, used = time.perf_counter(), time.process_time()
                while at < len(blocks) and done < size:
                    model.take(blocks[at])
                    done += fields[at]
                    at += 1
                cpu_ms, seconds = 1e3 * (time.process_time() - used), time.perf_counter() - began
                now = sum(file.stat().st_size for file in path.parent.glob(f"{path.name}*"))
                writes = [w for block in blocks[first:at] for one in block.transactions for w in one.writes]
                steps.append(
                    Step(
                        operation=Operation.READ_MODEL, units=done - before, before=before,
                        transactions=at - first, blocks=at - first, in_flight=1,
                        seconds=seconds, p50_ms=0.0, p95_ms=0.0, client_ms=cpu_ms,
                        chaincode_ms=0.0, peer_ms=0.0, orderer_ms=0.0, commit_ms=0.0, envelope_bytes=0,
                        writes=len(writes),
                        write_bytes=sum(len(w.key.encode()) + len(w.value or b"") for w in writes),
                        chain_disk=0, index_disk=0, state_disk=now - kept, history_disk=0,
                    )
                )  # fmt: skip
                kept = now
        return steps


def _run(part: str, ground: Ground, largest: int) -> list[Step]:
    match part:
        case "puts":
            meter = asyncio.run(puts(ground))
        case "registrations":
            meter = asyncio.run(registrations(ground, _sizes(largest)))
        case "runs":
            meter = asyncio.run(runs(ground))
        case "queries":
            meter = asyncio.run(queries(ground))
        case _:
            meter = asyncio.run(envelopes(ground))
    return meter.steps


def _report(report: Report, slopes: Slopes) -> None:
    for operation in slopes.measured():
        steps = slopes.of(operation)
        if operation is Operation.READ_MODEL:
            continue
        units = sum(one.units for one in steps)
        cells = [f"{sum(one.transactions for one in steps) / units:.4f}"]
        if operation is Operation.EVALUATE:
            cells = ["0", "", "", "", ""]
        else:
            footprint = slopes.footprint(operation)
            cells += [
                f"{footprint.chain.slope:,.0f}",
                f"{footprint.writes.slope:,.0f}",
                f"{footprint.stores:,.0f}",
                f"{footprint.chain.growth.value}, {footprint.chain.largest_residual:.1%}",
            ]
        kinds = [
            sum(getattr(one, name) for one in steps) / units
            for name in ("client_ms", "chaincode_ms", "peer_ms", "orderer_ms")
        ]
        fit = slopes.cpu(operation)
        report.row(
            operation.value, f"{units:,}", *cells, *(f"{one:.3f}" for one in kinds),
            f"{fit.growth.value}, {fit.largest_residual:.1%}",
        )  # fmt: skip
    if Operation.READ_MODEL in slopes.measured():
        steps = slopes.of(Operation.READ_MODEL)
        units = sum(one.units for one in steps)
        size, cpu = sum(one.state_disk for one in steps), sum(one.client_ms for one in steps)
        fit = slopes.cpu(Operation.READ_MODEL)
        report.note(
            f"Read model, {units:,} fields: {size / units:,.0f} bytes and {1e3 * cpu / units:.0f} us"
            f" of CPU a field ({fit.growth.value}, {fit.largest_residual:.1%})."
        )
    for one in slopes.of(Operation.PUT):
        report.note(
            f"Puts, {one.in_flight} in flight: {one.transactions / one.seconds:.0f}/s,"
            f" p50 {one.p50_ms:.0f} ms, p95 {one.p95_ms:.0f} ms,"
            f" {one.transactions / max(1, one.blocks):.1f} a block."
        )
    report.note(
        f"A peer's CPU for a call that is executed and not ordered: {1e3 * slopes.endorse_s:.2f} ms; a"
        f" block's own share: {1e3 * slopes.blocks.order_s:.2f} ms of each orderer,"
        f" {1e3 * slopes.blocks.commit_s:.2f} ms of a peer's commit."
    )


def main() -> None:
    """Measure and report."""
    given = options(__doc__ or "", world=World.FABRIC, transactions=16_000, rounds=1, parts=PARTS)
    chosen = [part for part in PARTS if part in given.parts]
    steps = read_steps(STEPS.read_text()) if STEPS.exists() else []
    world = ""
    with tempfile.TemporaryDirectory(prefix="gridledger-bench-") as name:
        machine = Machine.measure(Path(name))
    for part in chosen:
        if part == "read-model":
            found = _read_model(_sizes(4 * given.transactions))
        else:
            with Ground.open(given) as ground:
                world = ground.world
                found = _run(part, ground, given.transactions)
        again = {one.operation for one in found}
        steps = [one for one in steps if one.operation not in again] + found
        if given.record:
            STEPS.write_text(write_steps(steps))
    slopes = Slopes(steps)
    report = Report(
        target="bench-scale",
        title="Slopes: what each further unit costs",
        world=world or "no network: the read model alone",
        machine=machine,
        headers=(
            "unit",
            "measured",
            "transactions",
            "bytes of blocks",
            "bytes written to the state",
            "bytes of a peer's state, history, index",
            "blocks grow with, largest residual",
            "client CPU ms",
            "chaincode CPU ms, both",
            "peers' CPU ms, both",
            "orderers' CPU ms, all four",
            "CPU grows with, largest residual",
        ),
    )
    _report(report, slopes)
    report.note(
        f"Parts of this run: {', '.join(chosen)}. Steps: docs/figures/scale-slopes.csv, plot beside it."
    )
    report.finish(record=given.record)
    if given.record:
        STEPS.with_suffix(".svg").write_text(write_slopes_plot(slopes), "utf-8")


if __name__ == "__main__":
    main()
