"""Moments on the command line: days and times of UTC, as milliseconds since 1970."""

from __future__ import annotations

from datetime import UTC, datetime

import click

from gridledger.model.lifecycle import Validity

__all__ = ["milliseconds", "validity_of", "with_validity"]

_FORMATS = ["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"]


def with_validity(function: click.decorators.FC) -> click.decorators.FC:
    """Give a command the options `--from` and `--until`."""
    moment = click.DateTime(formats=_FORMATS)
    until = click.option("--until", type=moment, help="First moment at which it holds no more, UTC.")
    begin = click.option("--from", "begin", type=moment, help="First moment at which it holds, UTC.")
    return begin(until(function))


def milliseconds(moment: datetime | None) -> int | None:
    """Return a moment of UTC as milliseconds since 1970."""
    return None if moment is None else int(moment.replace(tzinfo=UTC).timestamp()) * 1000


def validity_of(begin: datetime | None, until: datetime | None) -> Validity:
    """Return the validity that the options say; open where one was not given."""
    return Validity(from_ms=milliseconds(begin), until_ms=milliseconds(until))
