"""What came of demands as a picture (SVG): demand, promise and reduction of each, and who answered.

Numbers are those of `DemandRegister.performance`; a bar is as high as its watt-hours.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

from gridledger.response.message import Demand
from gridledger.response.server.baseline import Performance

__all__ = ["draw_report"]

_BAR = 9
_GAP = 7
_HEIGHT = 220
_ROW = 16
_LEFT = 130
_TOP = 48
_SERIES = (("asked", "#8a8f98"), ("promised", "#2f6fb7"), ("reduced", "#2e8b57"))


@dataclass(frozen=True, kw_only=True)
class _Column:
    """One demand."""

    name: str
    asked: int
    promised: int
    reduced: int
    answers: Mapping[str, Performance]


def draw_report(found: Sequence[tuple[Demand, Sequence[Performance]]]) -> str:
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
    """
    columns = [_column(demand, performances) for demand, performances in found]
    sites = sorted({site for one in columns for site in one.answers})
    most = max([1, *(max(one.asked, one.promised, one.reduced) for one in columns)])
    step = 3 * _BAR + _GAP
    width = _LEFT + step * max(1, len(columns)) + 20
    below = _TOP + _HEIGHT + 30
    parts = [_head(width, below + _ROW * len(sites) + 20), _legend(most)]
    for place, one in enumerate(columns):
        at = _LEFT + place * step
        for offset, (name, colour) in enumerate(_SERIES):
            value = max(0, int(getattr(one, name)))
            height = _HEIGHT * value / most
            title = f"<title>{escape(one.name)}: {name} {value} Wh</title>"
            parts.append(
                f'<rect x="{at + offset * _BAR}" y="{_TOP + _HEIGHT - height:.1f}" width="{_BAR - 1}"'
                f' height="{height:.1f}" fill="{colour}">{title}</rect>'
            )
        parts += [
            _mark(at + 1.5 * _BAR, below + _ROW * row, one.answers.get(site))
            for row, site in enumerate(sites)
        ]
    parts += [
        f'<text x="{_LEFT - 10}" y="{below + _ROW * row + 4}" text-anchor="end">{escape(site)}</text>'
        for row, site in enumerate(sites)
    ]
    return "\n".join([*parts, "</svg>\n"])


def _column(demand: Demand, performances: Sequence[Performance]) -> _Column:
    return _Column(
        name=demand.id,
        asked=demand.reduction_wh,
        promised=sum(one.promised_wh or 0 for one in performances),
        reduced=sum(one.reduced_wh or 0 for one in performances),
        answers={one.site: one for one in performances},
    )


def _head(width: float, height: float) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height:.0f}"'
        ' font-family="sans-serif" font-size="11"><rect width="100%" height="100%" fill="white"/>'
    )


def _legend(most: int) -> str:
    entries = "".join(
        f'<rect x="{_LEFT + 90 * place}" y="12" width="10" height="10" fill="{colour}"/>'
        f'<text x="{_LEFT + 90 * place + 14}" y="21">{name}</text>'
        for place, (name, colour) in enumerate(_SERIES)
    )
    axis = f'<text x="{_LEFT - 10}" y="{_TOP + 4}" text-anchor="end">{most} Wh</text>'
    line = f'<path d="M {_LEFT - 6} {_TOP} V {_TOP + _HEIGHT} h 6" fill="none" stroke="black"/>'
    return entries + axis + line


def _mark(x: float, y: float, one: Performance | None) -> str:
    if one is None or (one.promised_wh is None and (one.reduced_wh or 0) <= 0):
        return f'<circle cx="{x}" cy="{y}" r="1.5" fill="#b0b4ba"/>'
    fill = "#2f6fb7" if one.promised_wh is not None else "none"
    text = escape(f"{one.site}: promised {one.promised_wh}, reduced {one.reduced_wh} Wh")
    return f'<circle cx="{x}" cy="{y}" r="5" fill="{fill}" stroke="#2f6fb7"><title>{text}</title></circle>'
