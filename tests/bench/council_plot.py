"""The plot of the simulated council: messages and times by number of nodes, as SVG."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from matplotlib.figure import Figure

from gridledger.host.svg import figure_as_svg

__all__ = ["write_plot"]

_COLOURS = ("#cb181d", "#9ecae1", "#4292c6", "#084594")


class _Point(Protocol):
    @property
    def link_ms(self) -> float: ...
    @property
    def nodes(self) -> int: ...
    @property
    def super_nodes(self) -> int | None: ...
    @property
    def messages(self) -> int: ...
    @property
    def decided_ms(self) -> float: ...
    @property
    def busiest_ms(self) -> float: ...


def write_plot(points: Sequence[_Point]) -> str:
    """Draw a line for PBFT among all and for each number of super nodes: messages, times, throughput."""
    kinds = sorted({one.super_nodes for one in points}, key=lambda one: one or 0)
    links = sorted({one.link_ms for one in points}, reverse=True)
    first = [one for one in points if one.link_ms == links[0]]
    panels: list[tuple[str, Callable[[_Point], float], str, Sequence[_Point]]] = [
        ("messages a decision", lambda one: one.messages, "log", first),
        ("decisions a second, by the busiest node", lambda one: 1000 / one.busiest_ms, "log", first),
    ]
    for link in links:
        own = [one for one in points if one.link_ms == link]
        panels.append(
            (f"ms to the decision, links of {link:g} ms", lambda one: one.decided_ms, "linear", own)
        )
    figure = Figure(figsize=(3.6 * len(panels), 4), layout="constrained")
    for axes, (title, value, scale, shown) in zip(figure.subplots(1, len(panels)), panels, strict=True):
        for colour, kind in zip(_COLOURS, kinds, strict=False):
            line = [one for one in shown if one.super_nodes == kind]
            name = "PBFT among all n" if kind is None else f"{kind} super nodes of n"
            label = name if axes is figure.axes[0] else None
            axes.plot([one.nodes for one in line], [value(one) for one in line], color=colour, label=label)
        axes.set_title(title, fontsize=10)
        axes.set_xlabel("nodes n")
        axes.set_yscale(scale)
        if scale == "linear":
            axes.set_ylim(bottom=0)
        axes.grid(color="#ddd")
        axes.set_axisbelow(True)
        axes.spines[["top", "right"]].set_visible(False)
    figure.legend(loc="outside lower center", ncols=len(kinds), frameon=False)
    return figure_as_svg(figure)
