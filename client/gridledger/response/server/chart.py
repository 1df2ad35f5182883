"""What came of demands as a picture (SVG): demand, promise and reduction of each, and who answered.

Numbers are those of `DemandRegister.performance`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from gridledger.host.svg import figure_as_svg, new_figure
from gridledger.response.message import Demand
from gridledger.response.server.baseline import Performance

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["draw_report"]

Found = Sequence[tuple[Demand, Sequence[Performance]]]

_SERIES = (("asked", "#8a8f98"), ("promised", "#2f6fb7"), ("reduced", "#2e8b57"))


def draw_report(found: Found) -> str:
    """Draw demands in their order.

    Parameters
    ----------
    found : sequence of (Demand, sequence of Performance)
        A demand and what came of it at each site.

    Returns
    -------
    str
        An SVG document: bars above, which go below zero where sites took more than their baselines; below it
        a row a site, and what it did.

    Raises
    ------
    PrerequisiteMissing
        The extra `plot` is not installed.
    """
    sites = sorted({one.site for _, performances in found for one in performances}, key=_in_order)
    rows = max(1, len(sites))
    figure = new_figure(3 + 0.35 * max(6, len(found)), 3.5 + 0.22 * rows)
    bars, answers = figure.subplots(2, sharex=True, height_ratios=[3, 0.22 * rows])
    _draw_bars(bars, found)
    _draw_answers(answers, found, sites)
    return figure_as_svg(figure)


def _draw_bars(axes: Axes, found: Found) -> None:
    sums = [
        (
            demand.reduction_wh,
            sum(one.promised_wh or 0 for one in performances),
            sum(one.reduced_wh or 0 for one in performances),
        )
        for demand, performances in found
    ]
    for place, (name, colour) in enumerate(_SERIES):
        at = [column + (place - 1) * 0.28 for column in range(len(found))]
        axes.bar(at, [each[place] / 1000 for each in sums], 0.26, color=colour, label=name)
    axes.set_ylabel("kWh, all sites")
    axes.axhline(0, color="#404040", linewidth=0.6)
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=3, frameon=False)
    axes.spines[["top", "right"]].set_visible(False)


def _draw_answers(axes: Axes, found: Found, sites: Sequence[str]) -> None:
    """Draw a row a site: three kinds of marks, each in one go."""
    kinds: dict[str, list[tuple[int, int]]] = {"answered": [], "reduced without an answer": [], "neither": []}
    for column, (_, performances) in enumerate(found):
        of_site = {one.site: one for one in performances}
        for row, site in enumerate(sites):
            kinds[_kind(of_site.get(site))].append((column, row))
    looks = {
        "answered": (40, "#2f6fb7"),
        "reduced without an answer": (40, "none"),
        "neither": (4, "#b0b4ba"),
    }
    for kind, (size, fill) in looks.items():
        at = kinds[kind]
        edge = "none" if kind == "neither" else "#2f6fb7"
        places = [x for x, _ in at], [y for _, y in at]
        axes.scatter(*places, s=size, facecolors=fill, edgecolors=edge, label=kind)
    axes.legend(loc="upper left", bbox_to_anchor=(1, 1), frameon=False)
    axes.set_yticks(range(len(sites)), sites)
    axes.set_xticks(range(len(found)), [_moment(demand) for demand, _ in found], rotation=90)
    axes.set_ylim(max(1, len(sites)) - 0.5, -0.5)
    axes.spines[:].set_visible(False)


def _kind(one: Performance | None) -> str:
    if one is None or (one.promised_wh is None and (one.reduced_wh or 0) <= 0):
        return "neither"
    return "reduced without an answer" if one.promised_wh is None else "answered"


def _moment(demand: Demand) -> str:
    """Return when a demand begins, for people."""
    return f"{datetime.fromtimestamp(demand.start_ms // 1000, UTC):%Y-%m-%d %H:%M} UTC"


def _in_order(site: str) -> list[tuple[int, str]]:
    """Return a key by which house-2 stands before house-10."""
    return [(int(part), "") if part.isdecimal() else (0, part) for part in re.split(r"(\d+)", site)]
