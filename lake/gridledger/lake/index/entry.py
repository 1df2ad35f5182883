"""Entries of an index, one by one and as the columns in which they lie."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gridledger.lake.errors import Malformed
from gridledger.lake.index.feature import FeatureSet
from gridledger.lake.index.points import Integers

__all__ = ["CONTENT_BYTES", "Entry", "Location", "checked_rows", "columns", "fixed_rows", "rows_of"]

CONTENT_BYTES = 32
_FEATURE = "feature_"


@dataclass(frozen=True, kw_only=True, slots=True)
class Location:
    """Where an entry's data lie in the lake."""

    dataset: str
    version: int
    first: int = 0
    """The first of its records, from 0."""
    count: int = 0
    """How many records; 0 for the whole payload."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """What an index holds of a piece of data.

    Attributes
    ----------
    fixed : tuple of int
        Its features in last places.
    labels : tuple of str
        Words of lower-case letters, digits and hyphens: sorted, each once.
    location : Location
    content : bytes of length 32
        SHA-256 of its data: the same data make one entry.
    """

    fixed: tuple[int, ...]
    labels: tuple[str, ...]
    location: Location
    content: bytes


def columns(dimensions: int) -> pa.Schema:
    """Return the columns of entries with so many features."""
    return pa.schema(
        [
            ("number", pa.int64()),
            ("content", pa.binary(CONTENT_BYTES)),
            ("dataset", pa.string()),
            ("version", pa.int64()),
            ("first", pa.int64()),
            ("count", pa.int64()),
            ("labels", pa.list_(pa.string())),
            *((f"{_FEATURE}{place}", pa.int64()) for place in range(dimensions)),
        ]
    )


def rows_of(entries: Sequence[Entry], features: FeatureSet, *, first_number: int = 0) -> pa.Table:
    """Write entries as columns, numbered from `first_number`."""
    fixed = np.array([entry.fixed for entry in entries], dtype=np.int64).reshape(
        len(entries), len(features.features)
    )
    held = {
        "number": np.arange(first_number, first_number + len(entries)),
        "content": pa.array([entry.content for entry in entries], pa.binary(CONTENT_BYTES)),
        "dataset": [entry.location.dataset for entry in entries],
        "version": [entry.location.version for entry in entries],
        "first": [entry.location.first for entry in entries],
        "count": [entry.location.count for entry in entries],
        "labels": pa.array([list(entry.labels) for entry in entries], pa.list_(pa.string())),
    }
    held |= {f"{_FEATURE}{place}": fixed[:, place] for place in range(fixed.shape[1])}
    return pa.table(held, schema=columns(fixed.shape[1]))


def fixed_rows(rows: pa.Table) -> Integers:
    """Return the features of entries, shape (n, dimensions), in last places."""
    names = [name for name in rows.column_names if name.startswith(_FEATURE)]
    return np.column_stack([rows.column(name).to_numpy() for name in names])


def checked_rows(rows: pa.Table, dimensions: int) -> pa.Table:
    """Return rows that were read, as they are to be.

    Raises
    ------
    Malformed
        Other columns, missing values, or numbers below zero where none can be.
    """
    wanted = columns(dimensions)
    if not rows.schema.equals(wanted):
        raise Malformed("the columns are not those of this index")
    if any(column.null_count for column in rows.columns) or pc.list_flatten(rows["labels"]).null_count:
        raise Malformed("a value is missing")
    if len(rows) and min(pc.min(rows[name]).as_py() for name in ("number", "version", "first", "count")) < 0:
        raise Malformed("a number is below zero")
    return rows
