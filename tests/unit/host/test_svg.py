"""Pictures: the same bytes for the same figure, and a coded error where nothing can draw."""

from __future__ import annotations

import sys

import pytest

from gridledger.host.errors import PrerequisiteMissing
from gridledger.host.svg import figure_as_svg, new_figure


def drawn() -> str:
    figure = new_figure(3, 2)
    figure.subplots().plot([1, 2], [3, 4], label="a line")
    figure.legend()
    return figure_as_svg(figure)


def test_same_figure_is_the_same_document_with_its_text() -> None:
    assert drawn() == drawn()
    assert "a line" in drawn()


def test_without_matplotlib_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(PrerequisiteMissing, match=r"gridledger\[plot\]"):
        new_figure(3, 2)
