"""The figures of docs/scale.md: computed from what was recorded and put between the document's marks.

python -m tests.bench.scale_document            # writes them; a test compares
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from tests.bench.scale_bill import BILLED, Bill, bill, quantities
from tests.bench.scale_channel import Resource
from tests.bench.scale_inputs import LOAD, PRICES, Load, Prices, read_load, read_prices
from tests.bench.scale_load import offered, units_a_year
from tests.bench.scale_recorded import Recorded
from tests.bench.scale_simulation import (
    RESULTS,
    Variant,
    capacity,
    channels_wanted,
    federation,
    most_puts,
    read_points,
)
from tests.bench.scale_slopes import Slopes
from tests.bench.scale_steps import STEPS, Operation, read_steps

__all__ = ["DOCUMENT", "Sources", "render"]

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "scale.md"
_BLOCK = re.compile(r"(<!-- ([a-z]+) -->\n).*?(<!-- /\2 -->)", re.DOTALL)
_COUNTED = (
    Operation.DEVICE,
    Operation.FIELD,
    Operation.DEPOSIT,
    Operation.SERVER_RUN,
    Operation.TERMINAL_RUN,
    Operation.QUERY,
    Operation.ENVELOPE,
)
_MILLION, _ALL = BILLED


@dataclass(frozen=True)
class Sources:
    """Everything that the document's figures come from."""

    load: Load
    prices: Prices
    slopes: Slopes
    recorded: Recorded
    simulated: dict[str, Any]

    @classmethod
    def read(cls) -> Sources:
        """Read the recorded files."""
        return cls(
            read_load(LOAD.read_text()),
            read_prices(PRICES.read_text()),
            Slopes(read_steps(STEPS.read_text())),
            Recorded.read(),
            json.loads(RESULTS.read_text()),
        )

    @cached_property
    def bills(self) -> tuple[Bill, ...]:
        return tuple(
            bill(
                self.load,
                self.prices,
                quantities(self.load, self.slopes, self.recorded, self.prices, devices),
            )
            for devices in BILLED
        )


def render(text: str, sources: Sources) -> str:
    """Return the document with every block between marks computed anew.

    Raises
    ------
    KeyError
        A mark names no block.
    """
    return _BLOCK.sub(lambda found: found[1] + _BLOCKS[found[2]](sources) + "\n" + found[3], text)


def _table(headers: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = ["| " + " | ".join(headers) + " |", "|---" * len(headers) + "|"]
    return "\n".join([*lines, *("| " + " | ".join(row) + " |" for row in rows)])


def _number(value: float) -> str:
    """Write a number with three digits that count."""
    if value == 0:
        return "0"
    rounded = float(f"{value:.3g}")
    return f"{rounded:,.0f}" if abs(rounded) >= 100 else f"{rounded:g}"


def _answer(of: Sources) -> str:
    load, slopes = of.load, of.slopes
    (alone, first), (one, second) = (capacity(load, slopes, each) for each in (Variant.ALONE, Variant.ONE))
    region, third = capacity(load, slopes, Variant.REGIONS)
    share = load.machines.used_share
    wanted = channels_wanted(load, slopes, _ALL)
    offers = offered(load, slopes, 1.0)
    weight = {name: rate * costs.total_s for name, (rate, costs) in offers.items()}
    heaviest = max(weight, key=lambda name: weight[name])
    billed = of.bills
    lines = [
        (
            f"- **The first limit of one channel is: {second.value}**, used up at {_number(one)} devices in"
            f" the busiest hour, with {load.machines.endorsers_an_organisation} endorsing peers each;"
            f" without batches it is {first.value}, at {_number(alone)} devices."
        ),
        f"- Most CPU goes into: {heaviest} ({weight[heaviest] / sum(weight.values()):.0%} of all).",
        (
            f"- A channel of one region ends at {_number(region)} devices ({third.value});"
            f" {load.regions.count} regions together at {_number(load.regions.count * region)}."
        ),
        (
            f"- {_ALL:,} devices want {wanted} channels if each is to be used up to {share:.0%}; {_MILLION:,}"
            f" want {channels_wanted(load, slopes, _MILLION)}: one a region at least."
        ),
        (
            f"- A bill at list prices: {_number(billed[0].yuan_a_year)} yuan a year for {_MILLION:,} devices"
            f" ({billed[0].yuan_a_device_a_year:.2f} a device), {_number(billed[1].yuan_a_year)} for {_ALL:,}"
            f" ({billed[1].yuan_a_device_a_year:.2f} a device)."
        ),
    ]
    return "\n".join(lines)


def _limits(of: Sources) -> str:
    variants = (Variant.ALONE, Variant.ONE, Variant.REGIONS)
    rows = [
        [
            one.value,
            *(_number(capacity(of.load, of.slopes, each, resource=one)[0]) for each in variants),
        ]
        for one in Resource
        if one is not Resource.MACHINE
    ]
    return _table(("devices at which it is used up", *(each.value for each in variants)), rows)


def _slopes(of: Sources) -> str:
    rows = []
    for operation in (Operation.PUT, *_COUNTED):
        steps = of.slopes.of(operation)
        footprint, cpu = of.slopes.footprint(operation), of.slopes.cpu(operation)
        units = sum(one.units for one in steps)
        each = sum(one.units for one in steps) / sum(one.transactions for one in steps)
        used = [
            sum(getattr(one, name) for one in steps) / units
            for name in ("client_ms", "chaincode_ms", "peer_ms", "orderer_ms")
        ]
        rows.append(
            [
                operation.value,
                f"{units:,}",
                _number(each),
                _number(footprint.chain.slope),
                _number(footprint.writes.slope),
                _number(footprint.stores),
                *(_number(one) for one in used),
                f"{footprint.chain.growth.value} ({footprint.chain.largest_residual:.0%})",
                f"{cpu.growth.value} ({cpu.largest_residual:.0%})",
            ]
        )
    return _table(
        (
            "unit",
            "measured",
            "a transaction",
            "block bytes",
            "bytes written",
            "state, history, index on disk",
            "client ms",
            "chaincode ms",
            "peers ms",
            "orderers ms",
            "blocks grow with",
            "CPU grows with",
        ),
        rows,
    )


def _calls(of: Sources) -> str:
    rows = []
    for operation in _COUNTED:
        items = of.load.batches.of(operation)
        costs = of.slopes.costs(operation, items)
        rows.append(
            [
                operation.value,
                f"{items:,}",
                *(
                    _number(1e3 * one)
                    for one in (
                        costs.chaincode_s,
                        costs.endorse_s,
                        costs.validate_s,
                        costs.commit_s,
                        costs.order_s,
                    )
                ),
                _number(costs.bytes),
            ]
        )
    return _table(
        ("call", "units", "chaincode ms", "endorse ms", "validate ms", "commit ms", "an orderer ms", "bytes"),
        rows,
    )


def _others(of: Sources) -> str:
    model = of.slopes.of(Operation.READ_MODEL)
    fields = sum(one.units for one in model)
    (small, seconds), (large, more) = of.recorded.spark_s
    rows = [
        ["read model, a field", (f"{_number(sum(one.state_disk for one in model) / fields)} bytes,"
         f" {_number(1e3 * sum(one.client_ms for one in model) / fields)} us"), "`make bench-scale`"],
        ["lake, a MiB put", (f"{_number(1e3 * of.recorded.lake_put_cpu_s_a_mib)} ms of CPU; stored:"
         f" {of.recorded.lake_stored_share:.0%} of meters' text, without copies"), "`make bench-lake`"],
        ["index, clustering anew", (f"{_number(small)} entries {seconds:g} s,"
         f" {_number(large)} entries {more:g} s, two cores"), "`make bench-index`"],
        ["demand response, a server's CPU second", f"{_number(of.recorded.response_records_a_cpu_s)} records",
         "`make bench-response`"],
    ]  # fmt: skip
    return _table(("what", "measured", "by"), rows)


def _load(of: Sources) -> str:
    rows = []
    for one in of.load.device_types:
        numbers = (one.fields, one.readings_a_day, one.deposits_a_field_a_year, one.envelopes_a_day)
        rows.append(
            [
                one.name,
                f"{one.share:.0%}",
                *(f"{value:g}" for value in numbers),
                f"{one.terminal_share:.0%}",
                one.reason,
            ]
        )
    table = _table(
        (
            "devices",
            "share",
            "fields",
            "readings a day",
            "deposits a field and year",
            "envelopes a day",
            "with a terminal",
            "why",
        ),
        rows,
    )
    notes = [of.load.rates.reason, of.load.peaks.reason, of.load.batches.reason, of.load.regions.source]
    notes += [of.load.machines.reason, of.load.fabric_x.source]
    return "\n".join([table, "", *(f"- {' '.join(note.split())}" for note in notes)])


def _offered(of: Sources) -> str:
    offers = offered(of.load, of.slopes, _MILLION)
    yearly = units_a_year(of.load, _MILLION)
    total = sum(rate * costs.total_s for rate, costs in offers.values())
    rows = [
        [
            operation.value,
            _number(yearly[operation]),
            _number(offers[operation.value][0]),
            f"{offers[operation.value][0] * offers[operation.value][1].total_s / total:.0%}",
        ]
        for operation in _COUNTED
    ]
    return _table(("unit", "a year", "transactions a second, busiest hour", "share of the CPU"), rows)


def _simulation(of: Sources) -> str:
    rows = []
    for one in read_points(json.dumps(of.simulated)):
        times = (one.p50_ms, one.p95_ms, one.p99_ms)
        waits = " / ".join(_number(ms) for ms in times if ms is not None)
        rows.append(
            [
                one.variant.value,
                f"{one.devices:,}",
                f"{one.channels:,}",
                _number(one.transactions),
                one.resource,
                f"{one.utilisation:.1%}",
                waits or ("not known" if one.variant is Variant.FABRIC_X else "more than it can do"),
            ]
        )
    rate, used = federation(of.load, of.slopes)
    table = _table(
        ("variant", "devices", "channels", "transactions/s", "busiest", "used", "p50 / p95 / p99 ms"), rows
    )
    return (
        f"{table}\n\nThe channel of all regions has {_number(rate)} transactions a second, whatever the"
        f" number of devices: {used:.2%} of its busiest resource."
    )


def _validation(of: Sources) -> str:
    rows = []
    for one in of.simulated["compared"]:
        run = one["run"]
        real = " / ".join(_number(ms) for ms in (run["p50_ms"], run["p95_ms"]) if ms is not None)
        rows.append(
            [
                run["name"],
                str(run["in_flight"]),
                "" if run["load"] is None else f"{run['load']:g}",
                "" if run["cores"] is None else f"{run['cores']:.2f}",
                _number(run["rate"]),
                _number(one["rate"]),
                f"{one['rate'] / run['rate'] - 1:+.0%}",
                real,
                f"{_number(one['p50_ms'])} / {_number(one['p95_ms'])}",
            ]
        )
    table = _table(
        (
            "run",
            "in flight",
            "load before",
            "cores it had",
            "real, a second",
            "simulated",
            "deviation",
            "real p50 / p95 ms",
            "simulated",
        ),
        rows,
    )
    most, resource = most_puts(of.load, of.slopes)
    return (
        f"{table}\n\nOn the bill's machines one channel with endorsing peers enough would do {_number(most)}"
        f" puts a second (its limit: {resource.value}). The RFC of Fabric-X says around 2,000 of Fabric,"
        " FastFabric's authors 3,000."
    )


def _bill(of: Sources) -> str:
    first, last = of.bills
    rows = []
    names: list[tuple[str, Callable[[Bill], float]]] = [
        ("channels", lambda b: b.quantities.channels),
        ("vCPU of peers and chaincode, busiest hour", lambda b: b.quantities.peer_cores),
        ("vCPU of orderers", lambda b: b.quantities.orderer_cores),
        (
            "vCPU of servers and clients",
            lambda b: b.quantities.client_cores + b.quantities.response_cores,
        ),
        ("TB a year of a peer's ledgers, one copy", lambda b: b.quantities.peer_tb_a_year),
        ("copies of them", lambda b: b.quantities.peer_copies),
        ("TB a year of blocks at orderers, one copy", lambda b: b.quantities.orderer_tb_a_year),
        ("TB of a read model", lambda b: b.quantities.read_model_tb),
        ("TB a year into the lake, as text", lambda b: b.quantities.lake_raw_tb_a_year),
        ("TB a year in HDFS, all copies", lambda b: of.prices.hdfs_copies * b.quantities.lake_tb_a_year),
        ("GiB of NameNode memory for images", lambda b: b.quantities.namenode_gib),
        ("index entries", lambda b: b.quantities.index_entries),
        ("Spark core hours to cluster them once", lambda b: b.quantities.spark_core_hours),
        ("GiB of executors for it", lambda b: b.quantities.spark_gib),
        ("TB a year between regions", lambda b: b.quantities.network_tb_a_year),
    ]
    rows += [[name, _number(value(first)), _number(value(last))] for name, value in names]
    for small, large in zip(first.items, last.items, strict=True):
        note = ", assumed price" if small.assumed else ""
        rows.append(
            [
                f"**{small.what}**: {small.of}{note}",
                f"{_number(small.count)}: {_number(small.yuan_a_year)} yuan",
                f"{_number(large.count)}: {_number(large.yuan_a_year)} yuan",
            ]
        )
    rows.append(
        [
            "**sum, yuan a year (a device)**",
            f"{_number(first.yuan_a_year)} ({first.yuan_a_device_a_year:.2f})",
            f"{_number(last.yuan_a_year)} ({last.yuan_a_device_a_year:.2f})",
        ]
    )
    return _table(("", f"{_MILLION:,} devices", f"{_ALL:,} devices"), rows)


def _prices(of: Sources) -> str:
    rows = [
        [
            one.name,
            f"{one.cores} vCPU, {one.memory_gib:g} GiB, {one.disk_tb:g} TB",
            f"{one.yuan_an_hour:g} yuan an hour",
            one.source,
        ]
        for one in (of.prices.compute, of.prices.ledger, of.prices.lake)
    ]
    network = of.prices.network_gb
    rows.append(
        [
            "network",
            "between regions",
            f"{network.yuan:g} yuan a GB",
            network.source or "**assumed: replace it**",
        ]
    )
    return _table(("what", "size", "price", "source"), rows)


_BLOCKS: dict[str, Callable[[Sources], str]] = {
    "answer": _answer,
    "limits": _limits,
    "slopes": _slopes,
    "calls": _calls,
    "others": _others,
    "load": _load,
    "offered": _offered,
    "simulation": _simulation,
    "validation": _validation,
    "bill": _bill,
    "prices": _prices,
}


def main() -> None:
    """Write the document's figures anew."""
    DOCUMENT.write_text(render(DOCUMENT.read_text("utf-8"), Sources.read()), "utf-8")


if __name__ == "__main__":
    main()
