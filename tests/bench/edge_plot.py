"""The plot of figure 7: median and maximum delay by way and size, as SVG."""

from __future__ import annotations

import math
from collections.abc import Mapping

from tests.bench.edge_ground import Timed

__all__ = ["write_plot"]

_WIDTH, _ROW, _LEFT, _TOP = 860, 16, 260, 40
_DECADES = range(-1, 6)
"""Milliseconds from 0.1 to 100,000, on a logarithmic axis."""


def write_plot(found: Mapping[str, Timed]) -> str:
    """Draw a line from median to maximum delay for each way and size."""
    names = sorted(found)
    height = _TOP + _ROW * (len(names) + 1)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{height}" font-size="11">',
        f'<text x="{_LEFT}" y="14">delay in ms: dot median, bar maximum</text>',
    ]
    for decade in _DECADES:
        x = _x(10.0**decade)
        parts.append(f'<line x1="{x:.1f}" y1="{_TOP - 8}" x2="{x:.1f}" y2="{height}" stroke="#ddd"/>')
        parts.append(f'<text x="{x:.1f}" y="{_TOP - 12}" text-anchor="middle">{10.0**decade:g}</text>')
    for at, name in enumerate(names):
        y = _TOP + _ROW * (at + 0.5)
        way, _, size = name.partition("|")
        one = found[name]
        first, last = _x(one.median_ms), _x(one.max_ms)
        parts += [
            f'<text x="{_LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{way}, {size} B</text>',
            f'<line x1="{first:.1f}" y1="{y:.1f}" x2="{last:.1f}" y2="{y:.1f}" stroke="#357"/>',
            f'<circle cx="{first:.1f}" cy="{y:.1f}" r="3.5" fill="#357"/>',
            f'<line x1="{last:.1f}" y1="{y - 5:.1f}" x2="{last:.1f}" y2="{y + 5:.1f}" stroke="#357"/>',
        ]
    return "\n".join([*parts, "</svg>", ""])


def _x(milliseconds: float) -> float:
    span = (_WIDTH - _LEFT - 20) / (len(_DECADES) - 1)
    return _LEFT + span * (math.log10(max(milliseconds, 0.1)) - _DECADES[0])
