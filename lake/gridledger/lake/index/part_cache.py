"""Parts of the data index layer, opened once and mapped into memory (LAYOUT.md, 8.5)."""

from __future__ import annotations

import os
import secrets
import threading
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from gridledger.lake.errors import LakeUnavailable
from gridledger.lake.index.entry import Entry, Location, columns, fixed_rows
from gridledger.lake.index.feature import FeatureSet
from gridledger.lake.index.kd_tree import mapped
from gridledger.lake.index.points import Floats, Integers

__all__ = ["OpenPart", "PartCache"]


@dataclass(frozen=True, eq=False)
class OpenPart:
    """Entries of a part: where they stand, and everything else as columns."""

    coordinates: Floats
    """Of shape (n, dimensions), an axis after the other."""
    rows: pa.Table
    features: FeatureSet

    @cached_property
    def numbers(self) -> Integers:
        """The entries' numbers."""
        numbers: Integers = self._column("number").to_numpy()
        return numbers

    @cached_property
    def contents(self) -> pa.Array:
        """SHA-256 of each entry's data."""
        return self._column("content")

    @cached_property
    def _datasets(self) -> pa.Array:
        return self._column("dataset")

    @cached_property
    def _labels(self) -> pa.Array:
        return self._column("labels")

    @cached_property
    def _places(self) -> tuple[Integers, ...]:
        return tuple(self._column(name).to_numpy() for name in ("version", "first", "count"))

    def entry(self, row: int) -> Entry:
        """Return an entry."""
        version, first, count = (int(column[row]) for column in self._places)
        fixed = self.features.fixed_of(self.coordinates[row])
        return Entry(
            fixed=tuple(fixed.tolist()),
            labels=tuple(self._labels[row].as_py()),
            location=Location(dataset=self._datasets[row].as_py(), version=version, first=first, count=count),
            content=self.contents[row].as_py(),
        )

    def whole(self) -> pa.Table:
        """Return all columns, as they lie in the store."""
        fixed = self.features.fixed_of(np.asarray(self.coordinates))
        held = {name: self.rows[name] for name in self.rows.column_names}
        names = [name for name in columns(fixed.shape[1]).names if name not in held]
        held |= {name: pa.array(fixed[:, place]) for place, name in enumerate(names)}
        return pa.table(held, schema=columns(fixed.shape[1]))

    def is_of(self, rows: Integers, names: Collection[str]) -> npt.NDArray[np.bool_]:
        """Return for each row whether its data lie in one of the named datasets."""
        held = self._datasets.take(pa.array(rows))
        return np.array(pc.is_in(held, pa.array(sorted(names), pa.string())).to_pylist(), dtype=np.bool_)

    def has_label(self, rows: Integers, label: str) -> npt.NDArray[np.bool_]:
        """Return for each row whether it has a label."""
        held = self._labels.take(pa.array(rows))
        named = pc.equal(pc.list_flatten(held), label).to_numpy(zero_copy_only=False).astype(np.bool_)
        has = np.zeros(len(rows), np.bool_)
        has[pc.list_parent_indices(held).to_numpy()[named]] = True
        return has

    def _column(self, name: str) -> pa.Array:
        return self.rows.column(name).combine_chunks()


class PartCache:
    """Opened parts.

    Parameters
    ----------
    features : FeatureSet
    folder : Path, optional
        Where parts lie in the clear, mapped into memory, readable by this user only; every process that names
        it shares them. They are held in memory unless given.

    Notes
    -----
    Files of an index never change, so a part that is there is right: its name is drawn at random when it is
    written.
    """

    def __init__(self, features: FeatureSet, folder: Path | None = None) -> None:
        self._features = features
        self._folder = folder
        self._open: dict[str, OpenPart] = {}
        self._lock = threading.Lock()
        self.fetched = 0
        """How many parts were read from the store."""

    def part(self, name: str, fetch: Callable[[], pa.Table]) -> OpenPart:
        """Return a part, fetched where it was not before."""
        found = self._open.get(name)
        if found is not None:
            return found
        with self._lock:
            found = self._open.get(name)
            if found is None:
                found = self._mapped(name)
                if found is None:
                    found = self._kept(name, fetch())
                    self.fetched += 1
                self._open[name] = found
        return found

    def put(self, name: str, rows: pa.Table) -> None:
        """Keep a part that was written here, as if it had been fetched."""
        with self._lock:
            if name not in self._open:
                self._open[name] = self._kept(name, rows)

    def keep(self, names: Collection[str]) -> None:
        """Forget all other parts, and delete their files; who has one open keeps it."""
        with self._lock:
            for name in [name for name in self._open if name not in names]:
                del self._open[name]
            if self._folder is not None and self._folder.is_dir():
                for path in self._folder.iterdir():
                    if path.stem not in names:
                        path.unlink(missing_ok=True)

    def _kept(self, name: str, rows: pa.Table) -> OpenPart:
        coordinates = np.asfortranarray(self._features.coordinates(fixed_rows(rows)))
        others = rows.select(columns(0).names)
        if self._folder is None:
            return OpenPart(coordinates, others, self._features)
        with _translated(self._folder):
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            # The coordinates come last: where they are, both are.
            _write(self._folder / f"{name}.arrow", lambda path: _write_rows(path, others))
            _write(self._folder / f"{name}.npy", lambda path: _write_array(path, coordinates))
        mapped = self._mapped(name)
        return mapped if mapped is not None else OpenPart(coordinates, others, self._features)

    def _mapped(self, name: str) -> OpenPart | None:
        if self._folder is None:
            return None
        array, others = self._folder / f"{name}.npy", self._folder / f"{name}.arrow"
        try:
            coordinates = mapped(array)
            rows = pa.ipc.open_file(pa.memory_map(str(others))).read_all()
        except (OSError, ValueError, pa.ArrowException):
            # It is not there, or was not written to its end by a process that is gone: it is fetched.
            return None
        wanted = (len(rows), len(self._features.features))
        if coordinates.shape != wanted or not coordinates.flags.f_contiguous:
            return None
        return OpenPart(coordinates, rows, self._features)


def _write(path: Path, write: Callable[[Path], None]) -> None:
    temporary = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    os.close(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    try:
        write(temporary)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _write_array(path: Path, coordinates: Floats) -> None:
    with path.open("wb") as file:
        np.save(file, coordinates, allow_pickle=False)


def _write_rows(path: Path, rows: pa.Table) -> None:
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, rows.schema) as writer:
        writer.write_table(rows.combine_chunks())


@contextmanager
def _translated(folder: Path) -> Iterator[None]:
    """Raise what the operating system says of the cache's folder as the lake's error."""
    try:
        yield
    except OSError as error:
        raise LakeUnavailable(
            f"the index cannot be kept in {folder}: {error.strerror}", path=str(folder)
        ) from error
