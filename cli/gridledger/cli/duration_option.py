"""Durations on the command line: `30m`, `12h`, `1d`, as milliseconds."""

from __future__ import annotations

import re
from typing import Final

import click

__all__ = ["Duration"]

_DURATION = re.compile(r"([1-9][0-9]{0,5})([mhd])")
_UNITS_MS: Final = {"m": 60_000, "h": 3_600_000, "d": 86_400_000}


class Duration(click.ParamType):  # type: ignore[type-arg] # generic in click's stubs only
    """A number of minutes, hours or days."""

    name = "DURATION"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int:
        match = _DURATION.fullmatch(str(value))
        if match is None:
            self.fail(f"{value!r} is no duration such as 30m, 12h, 1d", param, ctx)
        return int(match[1]) * _UNITS_MS[match[2]]
