"""An index as a picture: its clusters on two features, and a query's way through them (SVG)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from gridledger.host.svg import figure_as_svg, new_figure
from gridledger.lake.index.answer import Answer, Query
from gridledger.lake.index.index import Index
from gridledger.lake.index.points import Floats
from gridledger.model.errors import ModelError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["draw"]

_POINTS = 3_000
"""Entries that are drawn at most, of each cluster its share."""
_NAMED = 24
"""Clusters that are named beside the picture."""
_GOLDEN = 0.381966
"""From one hue to the next, of a whole turn: neighbours never look alike."""


def draw(
    index: Index, axes: Sequence[str] = (), *, query: Query | None = None, answer: Answer | None = None
) -> str:
    """Draw clusters, and a query with its answer.

    Parameters
    ----------
    index : Index
    axes : sequence of str, optional
        Two features; the first two by default (the only one twice).
    query : Query, optional
        With features: its place and tolerance are drawn.
    answer : Answer, optional
        The clusters that the discriminant layer left out are drawn pale, matches as rings.

    Returns
    -------
    str
        An SVG document. It shows entries: usage data.

    Raises
    ------
    ModelError
        An axis is no feature.
    PrerequisiteMissing
        The extra `plot` is not installed.

    Notes
    -----
    Opens every part.
    """
    names = index.plan.features.names
    chosen = list(axes) or [names[0], names[min(1, len(names) - 1)]]
    if len(chosen) != 2 or not {*chosen} <= {*names}:
        raise ModelError({"axes": f"want two of {', '.join(names)}"}, subject="picture")
    first, second = (names.index(name) for name in chosen)
    snapshot = index.snapshot
    units = index.plan.features.places[[first, second]] / np.array(
        [10 ** index.plan.features.features[axis].decimals for axis in (first, second)]
    )
    clouds: list[list[Floats]] = [[] for _ in snapshot.table.clusters]
    stride = max(1, math.ceil(snapshot.table.entries / _POINTS))
    for cluster, part in snapshot.parts():
        held = snapshot.part(cluster, part).coordinates[::stride, [first, second]]
        clouds[cluster].append(np.asarray(held) * units)
    places = [np.concatenate(cloud) for cloud in clouds]
    low, high = (
        np.array([[getattr(row, name)[axis] for axis in (first, second)] for row in snapshot.table.clusters])
        / [10 ** index.plan.features.features[axis].decimals for axis in (first, second)]
        for name in ("low", "high")
    )
    figure = new_figure(9, 7)
    axes_drawn = figure.subplots()
    entered = None if answer is None else {*answer.clusters}
    for number, row in enumerate(snapshot.table.clusters):
        faint = entered is not None and row.label not in entered
        label = f"{row.label}  {row.count:,}" if number < _NAMED else None
        _draw_cluster(axes_drawn, places[number], (low[number], high[number]), number, faint, label)
    if query is not None and query.features is not None:
        place = np.array([query.features[first], query.features[second]])
        _draw_way(axes_drawn, place, query.tolerance, units)
    if answer is not None:
        scales = [10 ** index.plan.features.features[axis].decimals for axis in (first, second)]
        found = [[match.entry.fixed[axis] for axis in (first, second)] for match in answer.matches]
        _draw_matches(axes_drawn, np.array(found).reshape(-1, 2) / scales)
        passed = [
            f"{step.name}: {step.kept} of {step.considered}, {step.reads} reads, "
            f"{step.nanoseconds / 1000:.0f} us"
            for step in answer.steps
        ]
        figure.supxlabel("\n".join(passed), fontsize=9)
    axes_drawn.set_xlabel(chosen[0])
    axes_drawn.set_ylabel(chosen[1])
    axes_drawn.set_title(f"generation {snapshot.table.generation}", loc="left", fontsize=10)
    figure.legend(loc="outside right upper", fontsize=8, frameon=False)
    return figure_as_svg(figure)


def _draw_cluster(
    axes: Axes, places: Floats, bounds: tuple[Floats, Floats], number: int, faint: bool, label: str | None
) -> None:
    """Draw a cluster's entries, and the box that bounds it."""
    from matplotlib.colors import hsv_to_rgb
    from matplotlib.patches import Rectangle

    colour = hsv_to_rgb((number * _GOLDEN % 1, 0.75, 0.7))
    strength = 0.18 if faint else 1.0
    low, (wide, tall) = bounds[0], bounds[1] - bounds[0]
    axes.add_patch(Rectangle((low[0], low[1]), wide, tall, fill=False, ls=":", ec=colour, alpha=strength))
    drawn = axes.scatter(
        places[:, 0], places[:, 1], s=7, color=colour, linewidths=0, alpha=strength, label=label
    )
    drawn.set_gid(f"cluster-{number}")


def _draw_way(axes: Axes, place: Floats, tolerance: float, units: Floats) -> None:
    """Draw a query's place, and how far it looks."""
    from matplotlib.patches import Ellipse

    axes.plot(*place, "+", color="black", markersize=12, markeredgewidth=2, label="query")
    if 0 < tolerance < math.inf:
        wide, tall = 2 * tolerance * units
        ball = axes.add_patch(Ellipse((place[0], place[1]), wide, tall, fill=False, ec="black"))
        ball.set_gid("tolerance")


def _draw_matches(axes: Axes, places: Floats) -> None:
    drawn = axes.scatter(
        places[:, 0], places[:, 1], s=45, facecolors="none", edgecolors="black", label="matches"
    )
    drawn.set_gid("matches")
