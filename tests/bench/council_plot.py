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
    def nodes(self) -> int: ...
    @property
    def super_nodes(self) -> int | None: ...
    @property
    def messages(self) -> int: ...
    @property
    def decided_ms(self) -> float: ...
    @property
    def settled_ms(self) -> float: ...


_PANELS: tuple[tuple[str, Callable[[_Point], float], str], ...] = (
    ("messages a decision", lambda one: one.messages, "log"),
    ("ms until the user has the decision", lambda one: one.decided_ms, "linear"),
    ("ms until nothing is under way", lambda one: one.settled_ms, "linear"),
)


def write_plot(points: Sequence[_Point]) -> str:
    """Draw a line for PBFT among all and for each number of super nodes: messages and both times."""
    kinds = sorted({one.super_nodes for one in points}, key=lambda one: one or 0)
    figure = Figure(figsize=(11, 4), layout="constrained")
    for axes, (title, value, scale) in zip(figure.subplots(1, len(_PANELS)), _PANELS, strict=True):
        for colour, kind in zip(_COLOURS, kinds, strict=False):
            own = [one for one in points if one.super_nodes == kind]
            name = "PBFT among all n" if kind is None else f"{kind} super nodes of n"
            label = name if axes is figure.axes[0] else None
            axes.plot([one.nodes for one in own], [value(one) for one in own], color=colour, label=label)
        axes.set_title(title, fontsize=10)
        axes.set_xlabel("nodes n")
        axes.set_yscale(scale)
        axes.set_ylim(bottom=None if scale == "log" else 0)
        axes.grid(color="#ddd")
        axes.set_axisbelow(True)
        axes.spines[["top", "right"]].set_visible(False)
    figure.legend(loc="outside lower center", ncols=len(kinds), frameon=False)
    return figure_as_svg(figure)
