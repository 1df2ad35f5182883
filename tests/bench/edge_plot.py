"""The plot of figure 7: delay and throughput of each way to store a record, by size, as SVG."""

from __future__ import annotations

from collections.abc import Mapping

from tests.bench.edge_ground import Timed

from gridledger.host.svg import figure_as_svg, new_figure

__all__ = ["write_plot"]

_COLOURS = ("#9ecae1", "#4292c6", "#084594")


def write_plot(found: Mapping[tuple[str, int], Timed]) -> str:
    """Draw, for each way and size in bytes, median to maximum delay, and records a second."""
    ways = list(dict.fromkeys(way for way, _ in found))
    sizes = sorted({size for _, size in found})
    figure = new_figure(10, 1.2 + 0.5 * len(ways))
    delay, rate = figure.subplots(1, 2, sharey=True)
    for place, (size, colour) in enumerate(zip(sizes, _COLOURS, strict=True)):
        rows = [row + (place - 1) * 0.25 for row in range(len(ways))]
        cells = [found[way, size] for way in ways]
        medians = [one.median_ms for one in cells]
        delay.hlines(rows, medians, [one.max_ms for one in cells], color=colour)
        delay.scatter(medians, rows, color=colour, s=22, label=f"{size} bytes")
        delay.scatter([one.max_ms for one in cells], rows, color=colour, marker="|", s=40)
        rate.barh(rows, [one.rate for one in cells], 0.22, color=colour)
    delay.set_yticks(range(len(ways)), ways)
    delay.invert_yaxis()
    for axes, title in ((delay, "delay in ms: median (dot) to maximum"), (rate, "records a second")):
        axes.set_xscale("log")
        axes.set_title(title, fontsize=10)
        axes.grid(axis="x", color="#ddd")
        axes.set_axisbelow(True)
        axes.spines[["top", "right"]].set_visible(False)
    figure.legend(loc="outside lower center", ncols=len(sizes), frameon=False)
    return figure_as_svg(figure)
