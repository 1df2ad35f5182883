"""The load that devices offer: units a second of every operation, and the transactions that carry them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from tests.bench.scale_channel import Offered
from tests.bench.scale_inputs import Load
from tests.bench.scale_slopes import Slopes
from tests.bench.scale_steps import Operation

__all__ = ["DAY_S", "YEAR_S", "offered", "units_a_year", "writes_a_second"]

DAY_S = 86_400
YEAR_S = 365 * DAY_S


def units_a_year(load: Load, devices: float) -> dict[Operation, float]:
    """Return how often devices do everything in a year."""
    rates = load.rates

    def each(of: Mapping[str, float]) -> float:
        return devices * sum(one.share * of[one.name] for one in load.device_types)

    types = load.device_types
    runs = each({one.name: 365 * one.terminal_share for one in types})
    return {
        Operation.DEVICE: devices / rates.life_years,
        Operation.FIELD: devices * (load.fields() / rates.life_years + rates.changed_share),
        Operation.DEPOSIT: each({one.name: one.fields * one.deposits_a_field_a_year for one in types}),
        Operation.TERMINAL_RUN: runs,
        Operation.SERVER_RUN: runs,
        Operation.QUERY: 365 * devices * rates.queries_a_device_a_day,
        Operation.ENVELOPE: each({one.name: 365 * one.envelopes_a_day for one in types}),
    }


def _peak(load: Load, operation: Operation) -> float:
    match operation:
        case Operation.DEVICE | Operation.FIELD:
            return load.peaks.registrations
        case Operation.DEPOSIT:
            return load.peaks.deposits
        case Operation.TERMINAL_RUN | Operation.SERVER_RUN:
            return load.peaks.runs
        case Operation.QUERY:
            return load.peaks.queries
        case _:
            return load.peaks.envelopes


def offered(
    load: Load, slopes: Slopes, devices: float, *, batched: bool = True, regional: bool = False
) -> Offered:
    """Return the transactions of the busiest hour, a second.

    Parameters
    ----------
    load : Load
        What is assumed of devices.
    slopes : Slopes
        What a transaction costs.
    devices : float
        How many there are on the channel.
    batched : bool, default True
        Whether units go together, as many as `batches` says; else each goes alone.
    regional : bool, default False
        Whether the channel is a region's, so that some queries come from another one.
    """
    found = {}
    away_s = (load.regions.between_one_way_ms - load.regions.within_one_way_ms) / 1e3
    for operation, units in units_a_year(load, devices).items():
        if not units:
            continue
        items = load.batches.of(operation) if batched else 1
        rate = _peak(load, operation) * units / YEAR_S / items
        costs = slopes.costs(operation, items)
        found[operation.value] = (rate, costs)
        if regional and operation is Operation.QUERY and load.rates.cross_region_share:
            share = load.rates.cross_region_share
            found[operation.value] = (rate * (1 - share), costs)
            found[f"{operation.value} from another region"] = (rate * share, replace(costs, away_s=away_s))
    return found


def writes_a_second(load: Load, slopes: Slopes, devices: float) -> float:
    """Return the keys that the busiest hour writes a second."""
    found = 0.0
    for operation, units in units_a_year(load, devices).items():
        steps = slopes.of(operation)
        a_unit = sum(one.writes for one in steps) / sum(one.units for one in steps)
        found += _peak(load, operation) * units / YEAR_S * a_unit
    return found
