"""Durations on the command line."""

from __future__ import annotations

import click
import pytest

from gridledger.cli.duration_option import Duration


@pytest.mark.parametrize(
    ("text", "milliseconds"), [("30m", 1_800_000), ("12h", 43_200_000), ("1d", 86_400_000)]
)
def test_duration_is_milliseconds(text: str, milliseconds: int) -> None:
    assert Duration().convert(text, None, None) == milliseconds


@pytest.mark.parametrize("text", ["", "1", "0d", "1w", "1.5h", "-1d", "1d "])
def test_other_text_is_refused(text: str) -> None:
    with pytest.raises(click.BadParameter):
        Duration().convert(text, None, None)
