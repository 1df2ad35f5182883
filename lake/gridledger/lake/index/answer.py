"""What a query asks, and what it was answered, step by step."""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass, field
from enum import StrEnum

from gridledger.lake.index.entry import Entry
from gridledger.lake.index.feature import FeatureSet
from gridledger.model.errors import ModelError

__all__ = ["MOST_MATCHES", "Answer", "Match", "Query", "Step", "StepName"]

MOST_MATCHES = 1_000
"""Matches of one answer: some 200 KB as JSON."""


@dataclass(frozen=True, kw_only=True)
class Query:
    """What to look for.

    Attributes
    ----------
    features : tuple of float, optional
        Values in the features' units. The nearest entries come first.
    tolerance : float, default 0
        How far from them an entry may be, in the distance of the features; infinite for the nearest at any
        distance.
    label : str, optional
        Of entries, or of a cluster; alone, or for those of the features' matches that have it.
    limit : int, default 1000
        The most matches: the nearest, or without features the earliest.
    datasets : collection of str, optional
        Only entries of these: what the asking party may see.
    """

    features: tuple[float, ...] | None = None
    tolerance: float = 0.0
    label: str | None = None
    limit: int = MOST_MATCHES
    datasets: Collection[str] | None = field(default=None, repr=False)

    def check(self, features: FeatureSet) -> None:
        """Refuse a query that the index does not understand; raises ModelError with all problems."""
        problems = {}
        if self.features is None and self.label is None:
            problems["features"] = "want features, or a label"
        if self.features is not None:
            if len(self.features) != len(features.features):
                problems["features"] = f"want {len(features.features)}: {', '.join(features.names)}"
            elif not all(map(math.isfinite, self.features)):
                problems["features"] = "must be finite"
        if not self.tolerance >= 0:
            problems["tolerance"] = "must not be below 0"
        if not 0 < self.limit <= MOST_MATCHES:
            problems["limit"] = f"must be from 1 to {MOST_MATCHES}"
        if problems:
            raise ModelError(problems, subject="query")


class StepName(StrEnum):
    """The layers, in the order in which a query meets them."""

    DISCRIMINATE = "discriminate"
    CLUSTER = "cluster"
    LOCATION = "location"
    DATA = "data"


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """What a layer did."""

    name: StepName
    nanoseconds: int
    considered: int
    """Clusters, runs, entries or matches that it was given."""
    kept: int
    """How many of them it passed on."""
    reads: int
    """Files that were read from the lake's store."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Match:
    """An entry that was found."""

    entry: Entry
    cluster: str
    """Label of its cluster."""
    distance: float
    """From the query's features; 0 for a query by label."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What was found, and how."""

    matches: tuple[Match, ...]
    steps: tuple[Step, ...]
    clusters: tuple[str, ...]
    """Labels of the clusters that the discriminant layer let the query into."""
    generation: int
    """Of the index that answered."""

    @property
    def is_rejected(self) -> bool:
        """Whether the discriminant layer alone told that there is no match."""
        return not self.clusters

    @property
    def reads(self) -> int:
        """Files that were read from the lake's store."""
        return sum(step.reads for step in self.steps)

    @property
    def nanoseconds(self) -> int:
        """How long it took."""
        return sum(step.nanoseconds for step in self.steps)
