"""Figures of matplotlib as SVG: text stays text, and the same figure gives the same bytes."""

from __future__ import annotations

from io import StringIO
from typing import TYPE_CHECKING

from gridledger.host.errors import PrerequisiteMissing

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["figure_as_svg", "new_figure"]


def new_figure(width: float, height: float) -> Figure:
    """Return an empty figure, its size in inches, that arranges what is drawn in it by itself.

    Raises
    ------
    PrerequisiteMissing
        The extra `plot` is not installed.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise PrerequisiteMissing("matplotlib", remedy="pip install 'gridledger[plot]'") from error
    return Figure(figsize=(width, height), layout="constrained")


def figure_as_svg(figure: Figure) -> str:
    """Return a figure as an SVG document."""
    from matplotlib import rc_context

    written = StringIO()
    with rc_context({"svg.fonttype": "none", "svg.hashsalt": "gridledger"}):
        figure.savefig(written, format="svg", metadata={"Date": None})
    return written.getvalue()
