"""What came of demands as a picture (SVG): demand, promise and reduction of each, and who answered.

Numbers are those of `DemandRegister.performance`.
"""

from __future__ import annotations

from collections.abc import Sequence
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
        An SVG document: bars above, below a row a site; filled where it answered, ringed where it reduced
        without a promise, a dot where it did nothing.

    Raises
    ------
    PrerequisiteMissing
        The extra `plot` is not installed.
    """
    sites = sorted({one.site for _, performances in found for one in performances})
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
        axes.bar(at, [max(0, each[place]) for each in sums], 0.26, color=colour, label=name)
    axes.set_ylabel("Wh")
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=3, frameon=False)
    axes.spines[["top", "right"]].set_visible(False)


def _draw_answers(axes: Axes, found: Found, sites: Sequence[str]) -> None:
    """Draw a row a site: three kinds of marks, each in one go."""
    kinds: dict[str, list[tuple[int, int]]] = {"promised": [], "reduced unasked": [], "nothing": []}
    for column, (_, performances) in enumerate(found):
        of_site = {one.site: one for one in performances}
        for row, site in enumerate(sites):
            kinds[_kind(of_site.get(site))].append((column, row))
    looks = {"promised": (40, "#2f6fb7"), "reduced unasked": (40, "none"), "nothing": (4, "#b0b4ba")}
    for kind, (size, fill) in looks.items():
        at = kinds[kind]
        edge = "none" if kind == "nothing" else "#2f6fb7"
        axes.scatter([x for x, _ in at], [y for _, y in at], s=size, facecolors=fill, edgecolors=edge)
    axes.set_yticks(range(len(sites)), sites)
    axes.set_xticks(range(len(found)), [demand.id for demand, _ in found], rotation=90)
    axes.set_ylim(max(1, len(sites)) - 0.5, -0.5)
    axes.spines[:].set_visible(False)


def _kind(one: Performance | None) -> str:
    if one is None or (one.promised_wh is None and (one.reduced_wh or 0) <= 0):
        return "nothing"
    return "reduced unasked" if one.promised_wh is None else "promised"
