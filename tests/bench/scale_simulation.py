"""Simulate channels from 10,000 to 100,000,000 devices: one or many, batched or not, and Fabric-X's figures.

    make simulate-scale                       # table; with OUT=docs/figures also raw data and plot

The costs are those that `make bench-scale` measured, the load is docs/scale/load.yaml. A channel's share of
the devices is simulated: all channels of a variant do the same. Where a resource would have to do more than
it can, there are no latencies.
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from pathlib import Path

from tests.bench.scale_channel import Offered, Resource, Sites, simulate_open, utilisation
from tests.bench.scale_inputs import LOAD, Load, read_load
from tests.bench.scale_load import DAY_S, offered, writes_a_second
from tests.bench.scale_plot import write_simulation_plot
from tests.bench.scale_recorded import Recorded
from tests.bench.scale_slopes import Slopes
from tests.bench.scale_steps import STEPS, Operation, read_steps
from tests.bench.scale_validation import Compared, compare_all

__all__ = [
    "DEVICES",
    "RESULTS",
    "Point",
    "Variant",
    "capacity",
    "channels_wanted",
    "federation",
    "most_puts",
    "point",
    "read_points",
    "sites_of",
]

DEVICES = (10**4, 10**5, 10**6, 10**7, 10**8)
RESULTS = STEPS.with_name("scale-simulation.json")
_TRANSACTIONS = 4000
_SATURATED = 0.98
"""From here on latencies are those of a queue that grows."""
_MOST_DIGITS, _HALVINGS = 15.0, 50
"""Of a number of devices."""
_MANY = 1000
"""Endorsing peers, where they are not to be the limit."""
_FABRIC_X = "Fabric-X's validation"


class Variant(StrEnum):
    """What carries the load."""

    ALONE = "one channel, each unit alone"
    ONE = "one channel, batched"
    REGIONS = "a channel a region"
    CHANNELS = "as many channels as wanted"
    FABRIC_X = "Fabric-X, by its published figures"


@dataclass(frozen=True, kw_only=True)
class Point:
    """A number of devices on a variant."""

    variant: Variant
    devices: int
    channels: int
    transactions: float
    """Of all channels in the busiest hour, a second."""
    resource: str
    """What is used most."""
    utilisation: float
    """How much of it; over 1: more than there is."""
    p50_ms: float | None = None
    p95_ms: float | None = None
    p99_ms: float | None = None


def sites_of(load: Load, variant: Variant) -> Sites:
    """Return a channel's machines: its orderers stand in all regions where it is for all."""
    regions, machines = load.regions, load.machines
    is_wide = variant in (Variant.ALONE, Variant.ONE)
    return Sites(
        cores=machines.peer_cores,
        endorsers=machines.endorsers_an_organisation,
        client_s=regions.within_one_way_ms / 1e3,
        orderer_s=(regions.between_one_way_ms if is_wide else regions.within_one_way_ms) / 1e3,
    )


def federation(load: Load, slopes: Slopes) -> tuple[float, float]:
    """Return what regions send to the channel of all a second, and its busiest resource's share."""
    rate = load.regions.count * load.regions.federation_transactions_a_day / DAY_S
    used = utilisation(
        sites_of(load, Variant.ONE), slopes.blocks, {"head": (rate, slopes.costs(Operation.PUT))}
    )
    return rate, max(used.values())


def capacity(
    load: Load, slopes: Slopes, variant: Variant, *, resource: Resource | None = None, share: float = 1.0
) -> tuple[float, Resource]:
    """Return the devices of one channel at which its first resource is used up, and which that is.

    Parameters
    ----------
    load, slopes, variant : Load, Slopes, Variant
        What is assumed, what was measured, and what carries it.
    resource : Resource, optional
        Which is looked at; the first one that is used up by default.
    share : float, default 1
        Up to which it is used.
    """

    def used(devices: float) -> dict[Resource, float]:
        offers = _offered(load, slopes, variant, devices)
        found = utilisation(sites_of(load, variant), slopes.blocks, offers)
        return found if resource is None else {resource: found[resource]}

    # Each grows with the devices: halve the distance, in powers of ten, until it does not matter.
    low, high = 0.0, _MOST_DIGITS
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if max(used(10**middle).values()) < share else (low, middle)
    found = used(10**low)
    return 10**low, max(found, key=lambda one: found[one])


def most_puts(load: Load, slopes: Slopes) -> tuple[float, Resource]:
    """Return how many puts a second a channel of one region can do, and what ends it but endorsing peers."""
    sites = replace(sites_of(load, Variant.REGIONS), endorsers=_MANY)
    costs = slopes.costs(Operation.PUT)
    low, high = 1.0, 1e6
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        used = utilisation(sites, slopes.blocks, {"put": (middle, costs)})
        low, high = (middle, high) if max(used.values()) < 1 else (low, middle)
    used = utilisation(sites, slopes.blocks, {"put": (low, costs)})
    return low, max(used, key=lambda one: used[one])


def channels_wanted(load: Load, slopes: Slopes, devices: float) -> int:
    """Return how many channels keep the busiest resource at the planned share; a region has one at least."""
    most, _ = capacity(load, slopes, Variant.CHANNELS, share=load.machines.used_share)
    return max(load.regions.count, math.ceil(devices / most))


def point(load: Load, slopes: Slopes, variant: Variant, devices: int) -> Point:
    """Simulate a channel of a variant with its share of so many devices."""
    if variant is Variant.FABRIC_X:
        share = writes_a_second(load, slopes, devices) / load.fabric_x.writes_a_second
        rate = _rate(offered(load, slopes, devices))
        return Point(
            variant=variant, devices=devices, channels=1, transactions=_round(rate), resource=_FABRIC_X,
            utilisation=_round(share),
        )  # fmt: skip
    channels = {Variant.REGIONS: load.regions.count, Variant.CHANNELS: channels_wanted(load, slopes, devices)}
    count = channels.get(variant, 1)
    load_of_one = _offered(load, slopes, variant, devices / count)
    sites = sites_of(load, variant)
    used = utilisation(sites, slopes.blocks, load_of_one)
    resource = max(used, key=lambda one: used[one])
    found = Point(
        variant=variant,
        devices=devices,
        channels=count,
        transactions=_round(count * _rate(load_of_one)),
        resource=resource.value,
        utilisation=_round(used[resource]),
    )
    if used[resource] >= _SATURATED:
        return found
    outcome = simulate_open(sites, slopes.blocks, load_of_one, transactions=_TRANSACTIONS, seed=devices)
    p50, p95, p99 = (_round(1e3 * outcome.percentile_s(percent)) for percent in (50, 95, 99))
    return replace(found, p50_ms=p50, p95_ms=p95, p99_ms=p99)


def read_points(text: str) -> list[Point]:
    """Read what was simulated."""
    return [Point(**{**one, "variant": Variant(one["variant"])}) for one in json.loads(text)["points"]]


def _offered(load: Load, slopes: Slopes, variant: Variant, devices: float) -> Offered:
    regional = variant in (Variant.REGIONS, Variant.CHANNELS)
    return offered(load, slopes, devices, batched=variant is not Variant.ALONE, regional=regional)


def _rate(offers: Offered) -> float:
    return sum(rate for rate, _ in offers.values())


def _round(value: float) -> float:
    return float(f"{value:.4g}")


def _print(points: Sequence[Point], compared: Sequence[Compared]) -> None:
    print("| variant | devices | channels | transactions/s | busiest | used | p50 / p95 / p99 ms |")
    print("|---|---|---|---|---|---|---|")
    for one in points:
        times = " / ".join("" if ms is None else f"{ms:.0f}" for ms in (one.p50_ms, one.p95_ms, one.p99_ms))
        print(
            f"| {one.variant} | {one.devices:,} | {one.channels} | {one.transactions:,.1f} | {one.resource}"
            f" | {one.utilisation:.1%} | {times} |"
        )
    print("\n| real run | in flight | real /s | simulated /s | deviation | real p50 / p95 ms | simulated |")
    print("|---|---|---|---|---|---|---|")
    for each in compared:
        run = each.run
        real = " / ".join("" if ms is None else f"{ms:.0f}" for ms in (run.p50_ms, run.p95_ms))
        print(
            f"| {run.name} | {run.in_flight} | {run.rate:.1f} | {each.rate:.1f} | {each.deviation:+.0%}"
            f" | {real} | {each.p50_ms:.0f} / {each.p95_ms:.0f} |"
        )


def main() -> None:
    """Simulate, print tables, and write raw data and plot where a folder is named."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--out", type=Path, help="folder for scale-simulation.json and .svg")
    chosen = parser.parse_args()
    load, slopes = read_load(LOAD.read_text()), Slopes(read_steps(STEPS.read_text()))
    points = [point(load, slopes, variant, devices) for variant in Variant for devices in DEVICES]
    compared = compare_all(slopes, Recorded.read())
    _print(points, compared)
    if chosen.out is not None:
        chosen.out.mkdir(parents=True, exist_ok=True)
        raw = {"points": [asdict(one) for one in points], "compared": [asdict(one) for one in compared]}
        (chosen.out / RESULTS.name).write_text(json.dumps(raw, indent=1) + "\n", "utf-8")
        plot = write_simulation_plot(points)
        (chosen.out / RESULTS.with_suffix(".svg").name).write_text(plot, "utf-8")


if __name__ == "__main__":
    main()
