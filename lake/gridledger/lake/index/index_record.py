"""What the discriminant layer says, as records (LAYOUT.md, 8.2)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

from pydantic import Field, StringConstraints

from gridledger.model.dataset import Label
from gridledger.model.digest import Digest
from gridledger.model.record import ModelValue, Record, record, value

__all__ = ["MICRO", "ClusterRow", "DiscriminantTable", "FileRow", "PartRow"]

MICRO = 1_000_000
"""Distances stand in the table in millionths."""

_Count = Annotated[int, Field(ge=0)]
_Positive = Annotated[int, Field(ge=1)]
_FileName = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]


@value
class FileRow(ModelValue):
    """A sealed file: its name, length and SHA-256."""

    name: _FileName
    size_bytes: _Positive
    digest: Digest


@value
class PartRow(ModelValue):
    """Entries of a cluster that lie in one file."""

    start: _Count
    """Where they begin in the cluster."""
    end: _Positive
    """Where they end."""
    newest: _Count
    """The greatest number of them."""
    file: FileRow

    def broken_rules(self) -> Iterable[tuple[str, str]]:
        if self.end <= self.start:
            yield "end", "is not behind start"

    @property
    def count(self) -> int:
        """How many entries."""
        return self.end - self.start


@value
class ClusterRow(ModelValue):
    """A cluster: the statistics by which queries are told to look there or not.

    Places and means are in last places of the features, distances in millionths.
    """

    label: Label
    description: Annotated[str, StringConstraints(max_length=2_000)]
    mode: tuple[int, ...]
    """Whose cluster an entry is of: that of the nearest mode, of those that were there when it came."""
    rivals: _Positive
    """How many modes, from the first, were there when the first entry came."""
    low: tuple[int, ...]
    high: tuple[int, ...]
    """Least and greatest features of its entries."""
    mean: tuple[int, ...]
    built_mean: tuple[int, ...]
    """The mean when the data were last clustered, or the cluster was opened."""
    built_count: _Count
    """Entries then; 0 for a cluster that was opened since."""
    reach_micro: _Positive
    """How far from the mode an entry belongs here; a farther one opens a cluster of its own."""
    far: _Count
    """Entries farther than the bandwidth from the mode."""
    built_far: _Count
    labels: dict[str, _Positive]
    """How many entries have each label."""
    all_labels: bool
    """False if there were too many labels to keep: the labels reject nothing then."""
    parts: tuple[PartRow, ...]

    def broken_rules(self) -> Iterable[tuple[str, str]]:
        sizes = {len(one) for one in (self.mode, self.low, self.high, self.mean, self.built_mean)}
        if sizes != {len(self.mode)} or not self.mode:
            yield "mode", "has other dimensions than the bounds"
        elif any(low > high for low, high in zip(self.low, self.high, strict=True)):
            yield "high", "is below low"
        ends = [0, *(part.end for part in self.parts)]
        if not self.parts or [part.start for part in self.parts] != ends[:-1]:
            yield "parts", "do not follow one another from 0"

    @property
    def count(self) -> int:
        """How many entries."""
        return self.parts[-1].end


@record("lake-index/1")
class DiscriminantTable(Record):
    """The discriminant layer of one generation of an index."""

    index: Annotated[str, StringConstraints(min_length=1, max_length=64)]
    features: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]*/[1-9][0-9]{0,3}$")]
    """Name and version of the feature set."""
    datasets: str
    """Pattern of the names of the datasets that are indexed."""
    declared: dict[str, str]
    """How features are extracted: names of columns and the like."""
    generation: _Positive
    clustering: _Positive
    """Counts clusterings; a cluster's label means the same within one."""
    bandwidth_micro: _Positive
    next_entry: _Count
    """Number of the entry that comes next."""
    layer: FileRow
    """The cluster index layer."""
    clusters: tuple[ClusterRow, ...]

    def broken_rules(self) -> Iterable[tuple[str, str]]:
        labels = {row.label for row in self.clusters}
        if len(labels) != len(self.clusters):
            yield "clusters", "share a label"
        if len({len(row.mode) for row in self.clusters}) > 1:
            yield "clusters", "differ in dimensions"
        if any(row.rivals > len(self.clusters) for row in self.clusters):
            yield "clusters", "have more rivals than there are clusters"
        if any(part.newest >= self.next_entry for row in self.clusters for part in row.parts):
            yield "next_entry", "is not behind all entries"

    @property
    def entries(self) -> int:
        """How many entries."""
        return sum(row.count for row in self.clusters)

    @property
    def bandwidth(self) -> float:
        """The radius of mean shift's ball."""
        return self.bandwidth_micro / MICRO
