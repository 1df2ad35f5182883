"""An index as a picture: its clusters on two features, and a query's way through them (SVG)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from xml.sax.saxutils import escape

import numpy as np

from gridledger.lake.index.answer import Answer, Query
from gridledger.lake.index.index import Index
from gridledger.lake.index.points import Floats
from gridledger.model.errors import ModelError

__all__ = ["draw"]

_SIDE = 640
_MARGIN = 56
_TEXT = 250
_POINTS = 3_000
"""Entries that are drawn at most, of each cluster its share."""
_NAMED = 24
"""Clusters that are named beside the picture."""
_GOLDEN = 137.508
"""Degrees from one hue to the next: neighbours never look alike."""


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
    asked = None
    if query is not None and query.features is not None:
        asked = np.array([query.features[first], query.features[second]])
    frame = _Frame(low.min(axis=0), high.max(axis=0), asked)
    entered = None if answer is None else {*answer.clusters}
    drawn = []
    for number, row in enumerate(snapshot.table.clusters):
        colour = f"hsl({number * _GOLDEN % 360:.0f} 60% 45%)"
        faint = entered is not None and row.label not in entered
        drawn.append(f'<g fill="{colour}" stroke="{colour}" opacity="{0.18 if faint else 1}">')
        (left, bottom), (right, top) = frame.at(low[number]), frame.at(high[number])
        drawn.append(
            f'<rect x="{left:.1f}" y="{top:.1f}" width="{right - left:.1f}" height="{bottom - top:.1f}" '
            'fill="none" stroke-dasharray="3 3"/>'
        )
        for place in places[number]:
            x, y = frame.at(place)
            drawn.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="1.6" stroke="none"/>')
        drawn.append("</g>")
        if number < _NAMED:
            y = _MARGIN + 16 * number
            text = escape(f"{row.label}  {row.count:,}")
            drawn.append(f'<text x="{_SIDE + 16}" y="{y}" fill="{colour}">{text}</text>')
    if asked is not None and query is not None:
        drawn += _way(frame, asked, query, answer, units, (first, second), index)
    return _document(drawn, chosen, frame, snapshot.table.generation)


class _Frame:
    """From values to places in the picture."""

    def __init__(self, low: Floats, high: Floats, asked: Floats | None) -> None:
        self.low = low if asked is None else np.minimum(low, asked)
        self.high = high if asked is None else np.maximum(high, asked)
        self.wide = np.where(self.high > self.low, self.high - self.low, 1.0)

    def at(self, place: Floats) -> tuple[float, float]:
        x, y = ((place - self.low) / self.wide * (_SIDE - 2 * _MARGIN)).tolist()
        return _MARGIN + x, _SIDE - _MARGIN - y


def _way(
    frame: _Frame,
    asked: Floats,
    query: Query,
    answer: Answer | None,
    units: Floats,
    axes: tuple[int, int],
    index: Index,
) -> list[str]:
    """Draw a query's place, how far it looks, and what it found."""
    x, y = frame.at(asked)
    drawn = [f'<path d="M{x - 7:.1f} {y:.1f}h14M{x:.1f} {y - 7:.1f}v14" stroke="black" stroke-width="2"/>']
    if 0 < query.tolerance < math.inf:
        far_x, far_y = frame.at(asked + units * query.tolerance)
        drawn.append(
            f'<ellipse cx="{x:.1f}" cy="{y:.1f}" rx="{far_x - x:.1f}" ry="{y - far_y:.1f}" '
            'fill="none" stroke="black"/>'
        )
    scales = [10 ** index.plan.features.features[axis].decimals for axis in axes]
    for match in () if answer is None else answer.matches:
        at = np.array([match.entry.fixed[axis] / scale for axis, scale in zip(axes, scales, strict=True)])
        ring_x, ring_y = frame.at(at)
        drawn.append(f'<circle cx="{ring_x:.1f}" cy="{ring_y:.1f}" r="4" fill="none" stroke="black"/>')
    if answer is not None:
        for number, step in enumerate(answer.steps):
            passed = f"{step.name}: {step.kept} of {step.considered}"
            text = f"{passed}, {step.reads} reads, {step.nanoseconds / 1000:.0f} us"
            line = _SIDE - 16 * (len(answer.steps) - number)
            drawn.append(f'<text x="{_SIDE + 16}" y="{line}">{escape(text)}</text>')
    return drawn


def _document(drawn: list[str], axes: Sequence[str], frame: _Frame, generation: int) -> str:
    size = f'width="{_SIDE + _TEXT}" height="{_SIDE}"'
    ends = [f"{value:g}" for pair in zip(frame.low, frame.high, strict=True) for value in pair]
    base = _SIDE - _MARGIN + 18
    labels = [
        f'<text x="{_MARGIN}" y="{base}">{ends[0]}</text>',
        f'<text x="{_SIDE - _MARGIN}" y="{base}" text-anchor="end">{ends[1]}</text>',
        f'<text x="{_SIDE / 2}" y="{base + 16}" text-anchor="middle">{escape(axes[0])}</text>',
        f'<text x="{_MARGIN - 6}" y="{_SIDE - _MARGIN}" text-anchor="end">{ends[2]}</text>',
        f'<text x="{_MARGIN - 6}" y="{_MARGIN}" text-anchor="end">{ends[3]}</text>',
        f'<text x="16" y="{_SIDE / 2}" transform="rotate(-90 16 {_SIDE / 2})">{escape(axes[1])}</text>',
        f'<text x="{_MARGIN}" y="24">generation {generation}</text>',
    ]
    body = "\n".join([*labels, *drawn])
    style = 'font-family="sans-serif" font-size="12"'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} {style}>\n'
        f'<rect {size} fill="white"/>\n{body}\n</svg>\n'
    )
