"""Figures of matplotlib as SVG: text stays text, and the same figure gives the same bytes."""

from __future__ import annotations

from io import StringIO
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["figure_as_svg"]


def figure_as_svg(figure: Figure) -> str:
    """Return a figure as an SVG document."""
    from matplotlib import rc_context

    written = StringIO()
    with rc_context({"svg.fonttype": "none", "svg.hashsalt": "gridledger"}):
        figure.savefig(written, format="svg", metadata={"Date": None})
    return written.getvalue()
