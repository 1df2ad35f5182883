"""Entries of a lake's datasets."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from gridledger.lake.index.draft import Plan
from gridledger.lake.index.entry import Entry
from gridledger.lake.index.feature_sets import extractor
from gridledger.lake.lake import Lake
from gridledger.lake.listing import find_datasets

__all__ = ["Extraction", "extract", "planned"]


@dataclass(frozen=True, kw_only=True)
class Extraction:
    """What datasets gave."""

    entries: list[Entry]
    datasets: int
    left_out: int
    """Pieces without features: missing values, a last stretch that is not whole."""


def planned(name: str, features: str, *, datasets: str, declared: dict[str, str]) -> Plan:
    """Say what an index is about.

    Parameters
    ----------
    name : str
        Of the index.
    features : str
        Name and version of the features, such as ``series/1``.
    datasets : str
        Pattern of the names of datasets, as in `find_datasets`.
    declared : dict of str to str
        See `Extractor.declares`.

    Raises
    ------
    ModelError
        The features are unknown, or the declaration says too little or too much.
    """
    chosen = extractor(features)
    chosen.check(declared)
    return Plan(name=name, features=chosen.features, datasets=datasets, declared=declared)


def extract(
    lake: Lake, plan: Plan, pattern: str | None = None, *, progress: Callable[[str], None] | None = None
) -> Extraction:
    """Extract the features of the newest version of each dataset.

    Parameters
    ----------
    lake : Lake
    plan : Plan
    pattern : str, optional
        Of the datasets' names; the plan's by default.
    progress : callable, optional
        Is told the name of each dataset before it is read.

    Raises
    ------
    ModelError
        A dataset is of another type than the plan says.
    PayloadCorrupt, PayloadNotFound
        It cannot be read.
    """
    chosen = extractor(plan.features.name)
    entries: list[Entry] = []
    left_out = 0
    found = find_datasets(lake, plan.datasets if pattern is None else pattern)
    for one in found:
        if progress is not None:
            progress(one.name)
        reader = lake.reader(one.name, one.version)
        for entry in chosen.entries(reader, one.name, one.version, plan.declared):
            if entry is None:
                left_out += 1
            else:
                entries.append(entry)
    return Extraction(entries=entries, datasets=len(found), left_out=left_out)
