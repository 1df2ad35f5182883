"""The plots of growth: what measured steps add up to, and what a simulated load does to channels."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import Protocol

from tests.bench.scale_slopes import Slopes
from tests.bench.scale_steps import Operation

from gridledger.host.svg import figure_as_svg, new_figure

__all__ = ["write_simulation_plot", "write_slopes_plot"]

_COLOURS = ("#084594", "#cb181d", "#238b45", "#6a51a3", "#d94801", "#525252", "#0868ac")
_GROWING = (
    Operation.DEVICE,
    Operation.FIELD,
    Operation.DEPOSIT,
    Operation.SERVER_RUN,
    Operation.TERMINAL_RUN,
    Operation.QUERY,
    Operation.ENVELOPE,
)


class _Point(Protocol):
    @property
    def variant(self) -> str: ...
    @property
    def devices(self) -> float: ...
    @property
    def utilisation(self) -> float: ...
    @property
    def p95_ms(self) -> float | None: ...


def write_slopes_plot(slopes: Slopes) -> str:
    """Draw the sums of steps: CPU of all processes, and bytes of blocks, with the fitted lines."""
    figure = new_figure(10, 4.4)
    left, right = figure.subplots(1, 2)
    for colour, operation in zip(_COLOURS, _GROWING, strict=True):
        if operation not in slopes.measured():
            continue
        steps = slopes.of(operation)
        units = list(accumulate(one.units for one in steps))
        cpu = list(accumulate(one.cpu_ms for one in steps))
        chain = list(accumulate(one.chain_disk for one in steps))
        for axes, values, fit, unit in (
            (left, cpu, slopes.cpu(operation), 1e-3),
            (right, chain, slopes.footprint(operation).chain, 1e-6),
        ):
            axes.plot(units, [one * unit for one in values], "o", color=colour, markersize=4)
            line = [max(1e-9, fit.at(one) * unit) for one in units]
            axes.plot(units, line, color=colour, label=operation.value if axes is left else None)
    left.set_title("CPU seconds of all processes", fontsize=10)
    right.set_title("MB of blocks", fontsize=10)
    for axes in (left, right):
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.set_xlabel("units")
        axes.grid(color="#ddd")
        axes.set_axisbelow(True)
        axes.spines[["top", "right"]].set_visible(False)
    figure.legend(loc="outside lower center", ncols=len(_GROWING), frameon=False, fontsize=8)
    return figure_as_svg(figure)


def write_simulation_plot(points: Sequence[_Point]) -> str:
    """Draw how much of its busiest resource each variant uses, and how long 95 of 100 transactions wait."""
    figure = new_figure(10, 4.4)
    left, right = figure.subplots(1, 2)
    names = list(dict.fromkeys(one.variant for one in points))
    for colour, name in zip(_COLOURS, names, strict=False):
        own = [one for one in points if one.variant == name]
        left.plot(
            [one.devices for one in own], [one.utilisation for one in own], color=colour, marker="o",
            markersize=3, label=name,
        )  # fmt: skip
        waited = [(one.devices, one.p95_ms) for one in own if one.p95_ms is not None]
        right.plot([at for at, _ in waited], [ms for _, ms in waited], color=colour, marker="o", markersize=3)
    left.axhline(1.0, color="#999", linewidth=1)
    left.set_title("share of the busiest resource of a channel", fontsize=10)
    right.set_title("p95 of a transaction, ms", fontsize=10)
    left.set_yscale("log")
    right.set_yscale("log")
    for axes in (left, right):
        axes.set_xscale("log")
        axes.set_xlabel("devices")
        axes.grid(color="#ddd")
        axes.set_axisbelow(True)
        axes.spines[["top", "right"]].set_visible(False)
    figure.legend(loc="outside lower center", ncols=3, frameon=False, fontsize=8)
    return figure_as_svg(figure)
