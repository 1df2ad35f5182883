"""Indexes of made entries, and stores that say what was read."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
from tests.unit.lake.conftest import OWNER, small_lake

from gridledger.lake import Lake, LocalStore
from gridledger.lake.index import Entry, Feature, FeatureSet, Floats, Index, Location, Match, Plan, Query

DIMENSIONS = 3
FEATURES = FeatureSet(
    name="made/1",
    features=tuple(Feature(name=f"axis_{axis}", unit="m", decimals=2, one=1.0) for axis in range(DIMENSIONS)),
)
PLAN = Plan(name="made", features=FEATURES, datasets="*", declared={})
CENTRES = np.array([[0.0, 0.0, 0.0], [20.0, 0.0, 0.0], [0.0, 20.0, 0.0], [3.0, 2.0, 1.0]])
"""The first and the last overlap."""
BANDWIDTH = 2.0


class CountingStore(LocalStore):
    """Remembers which files were read or listed."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.reads: list[str] = []

    def read(self, path: str, offset: int = 0, length: int | None = None) -> bytes:
        self.reads.append(path)
        return super().read(path, offset, length)

    def entries(self, folder: str) -> list:  # type: ignore[type-arg]
        self.reads.append(folder)
        return super().entries(folder)


def entries(points: Floats, *, first: int = 0, labels: tuple[str, ...] = ()) -> list[Entry]:
    """Return an entry for each point, each with other data."""
    return [
        Entry(
            fixed=FEATURES.fixed(point),
            labels=tuple(sorted({*labels, f"group-{number % 3}"})),
            location=Location(dataset=f"set-{number % 2}", version=1, first=number, count=1),
            content=hashlib.sha256(number.to_bytes(8, "big")).digest(),
        )
        for number, point in enumerate(points.tolist(), first)
    ]


def blobs(count: int, *, draw: int = 5) -> Floats:
    """Return points around the centres."""
    random = np.random.default_rng(draw)
    return CENTRES[random.integers(0, len(CENTRES), count)] + random.normal(0, 0.9, (count, DIMENSIONS))


def built(folder: Path, points: Floats, *, cache: Path | None = None) -> Index:
    """Build an index of points in a new lake."""
    return Index.build(small_lake(folder), PLAN, entries(points), BANDWIDTH, cache=cache)


def opened(folder: Path, *, cache: Path | None = None) -> tuple[Index, CountingStore]:
    """Open the index of a lake, with a store that counts from now on."""
    store = CountingStore(folder)
    index = Index.open(Lake.open(store, OWNER), "made", features=FEATURES, cache=cache)
    store.reads.clear()
    return index, store


def scanned(held: list[Entry], query: Query) -> list[bytes]:
    """Return the contents that a query is to find, by looking at all entries."""
    found = []
    place = None
    if query.features is not None:
        place = FEATURES.coordinates(np.array(FEATURES.fixed(query.features)))
    for number, entry in enumerate(held):
        if query.label is not None and query.label not in entry.labels:
            continue
        if query.datasets is not None and entry.location.dataset not in query.datasets:
            continue
        square = 0.0
        if place is not None:
            coordinates = FEATURES.coordinates(np.array([entry.fixed]))
            square = float(np.square(coordinates - place).sum(axis=1)[0])
        if square <= query.tolerance**2 or place is None:
            found.append((square, number, entry.content))
    return [content for _, _, content in sorted(found)[: query.limit]]


def contents(matches: tuple[Match, ...]) -> list[bytes]:
    return [match.entry.content for match in matches]
