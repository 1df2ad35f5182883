"""What commands of an index take: a query, Spark's address, the folder of the cache."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import click

from gridledger.lake.index import Clusterer, FeatureSet, Floats, Query, Seeding, Threads, Walkers, mean_shift
from gridledger.lake.index.answer import MOST_MATCHES

__all__ = [
    "asked_query",
    "cache_option",
    "clusterer_of",
    "declared_values",
    "master_option",
    "seeds_option",
    "with_query",
]

F = TypeVar("F", bound=Callable[..., object])

cache_option = click.option(
    "--cache",
    type=click.Path(path_type=Path, file_okay=False),
    envvar="GRIDLEDGER_INDEX_CACHE",
    show_envvar=True,
    help="Folder that keeps opened parts of one index, in the clear; none by default.",
)

master_option = click.option(
    "--master", help="Spark that clusters, such as local[2] or spark://host:7077; this process by default."
)


seeds_option = click.option(
    "--seeds",
    type=click.Choice([one.value for one in Seeding]),
    help="Where mean shift starts; at all points of up to 65,536, and as a sample says of more, by default.",
)


def with_query(function: F) -> F:
    """Give a command the options of a query; `asked_query` makes it of them."""
    for add in (
        click.option(
            "--limit",
            type=click.IntRange(1, MOST_MATCHES),
            default=20,
            show_default=True,
            help="The most matches.",
        ),
        click.option(
            "--tolerance",
            type=click.FloatRange(0),
            help="How far from the features an entry may be; 0 by default.",
        ),
        click.option("--nearest", is_flag=True, help="The nearest entries, however far they are."),
        click.option("--label", help="Of entries, or of a cluster."),
        click.option(
            "--at",
            "values",
            multiple=True,
            metavar="FEATURE=VALUE",
            help="All features of the index, one each.",
        ),
    ):
        function = add(function)
    return function


def asked_query(
    features: FeatureSet,
    *,
    values: Sequence[str],
    label: str | None,
    nearest: bool,
    tolerance: float | None,
    limit: int,
) -> Query:
    """Return the query that a command was told."""
    if nearest and tolerance is not None:
        raise click.UsageError("--nearest and --tolerance are two ways to say how far")
    if not values:
        return Query(label=label, limit=limit)
    given = declared_values(values)
    if {*given} != {*features.names}:
        raise click.UsageError(f"want --at for each of {', '.join(features.names)}")
    try:
        place = tuple(float(given[name]) for name in features.names)
    except ValueError as error:
        raise click.UsageError(f"a feature is a number: {error}") from error
    return Query(
        features=place, tolerance=math.inf if nearest else tolerance or 0.0, label=label, limit=limit
    )


def declared_values(pairs: Sequence[str]) -> dict[str, str]:
    """Read NAME=VALUE, each name once."""
    found: dict[str, str] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not name or name in found:
            raise click.UsageError(f"{pair!r} is no NAME=VALUE, or its name stands there twice")
        found[name] = value
    return found


@contextmanager
def clusterer_of(master: str | None, seeds: str | None = None) -> Iterator[Clusterer]:
    """Return what finds modes while the body runs: Spark at an address, else this process."""
    seeding = None if seeds is None else Seeding(seeds)
    with _walkers(master) as walkers:

        def modes(points: Floats, bandwidth: float) -> Floats:
            return mean_shift(points, bandwidth, seeding=seeding, walkers=walkers).modes

        yield modes


@contextmanager
def _walkers(master: str | None) -> Iterator[Walkers]:
    if master is None:
        yield Threads()
        return
    # Imported here: Spark is an extra of its own, and slow to import.
    from gridledger.lake.index.spark import SparkWalkers, running_spark

    with running_spark(master) as session, SparkWalkers.open(session) as walkers:
        yield walkers
