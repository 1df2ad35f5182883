"""The files of an index in its lake's store: names, seals, generations (LAYOUT.md, 8)."""

from __future__ import annotations

import hmac
import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass

from gridledger.crypto.errors import SealBroken
from gridledger.crypto.sealing import open_seal, seal
from gridledger.lake.errors import Malformed, PayloadCorrupt, PayloadNotFound
from gridledger.lake.frame import compress, expand
from gridledger.lake.index.cluster_layer import read_layer, write_layer
from gridledger.lake.index.index_record import DiscriminantTable, FileRow, PartRow
from gridledger.lake.index.runs import Runs
from gridledger.lake.lake import Lake
from gridledger.lake.paths import INDEX
from gridledger.lake.store import NewFile
from gridledger.model.digest import Digest
from gridledger.model.errors import ModelError

__all__ = ["IndexFiles", "SealedFile"]

_TABLE = b"GLITAB01"
_LAYER = b"GLILAY01"
_PART = b"GLIPAR01"
_MOST_BYTES = 1 << 28
"""No table and no layer is longer, so that a reader knows how much memory one takes."""
_GENERATION = re.compile(r"([1-9][0-9]{0,17})\.table")
_IN_PART = re.compile(r"(?:0|[1-9][0-9]{0,17})-[1-9][0-9]{0,17}\.([0-9a-f]{32})\.part")
_CLUSTERS = "clusters."


@dataclass(frozen=True, kw_only=True, slots=True)
class SealedFile:
    """A file of an index that was not written yet."""

    row: FileRow
    """What tables say of it."""
    path: str
    data: bytes


class IndexFiles:
    """The files of one index.

    Parameters
    ----------
    lake : Lake
    name : str
        Of the index.
    """

    def __init__(self, lake: Lake, name: str) -> None:
        self.lake = lake
        self.name = name
        self._key = lake.keys.index
        identifier = hmac.digest(lake.keys.index_names, name.encode(), "sha256")[:16]
        self.folder = f"{INDEX}/{identifier.hex()}"

    # --- the discriminant layer

    def generations(self) -> list[int]:
        """List the generations whose tables stand there, the oldest first."""
        found = [_GENERATION.fullmatch(entry.name) for entry in self.lake.store.entries(self._tables)]
        return sorted(int(match[1]) for match in found if match)

    def table(self, generation: int) -> DiscriminantTable:
        """Read a generation's table.

        Raises
        ------
        PayloadNotFound
            There is none.
        PayloadCorrupt
            It does not open, or is another one's.
        """
        path = self._table_path(generation)
        packed = self._opened(path, _TABLE, self.lake.store.read(path))
        try:
            table = DiscriminantTable.from_bytes(expand(packed, limit=_MOST_BYTES))
        except (Malformed, ModelError) as error:
            raise PayloadCorrupt(path, error.message) from error
        if (table.index, table.generation) != (self.name, generation):
            raise PayloadCorrupt(path, "the table is of another index or generation")
        return table

    def begin(self, table: DiscriminantTable) -> NewFile:
        """Begin to write a generation's table.

        Queries see it once it is committed, which raises NameTaken if another writer was first.
        """
        path = self._table_path(table.generation)
        file = self.lake.store.begin(path)
        try:
            file.write(self._sealed(path, _TABLE, compress(table.to_bytes())))
        except BaseException:
            file.abandon()
            raise
        return file

    # --- files that a table names

    def publish(self, file: SealedFile) -> None:
        """Write a file that a table is going to name."""
        self.lake.store.publish(file.path, file.data)

    # --- the cluster index layer

    def sealed_layer(self, runs: dict[str, Runs], dimensions: int) -> SealedFile:
        """Seal the runs of all parts."""
        name = secrets.token_hex(16)
        path = self._layer_path(name)
        return self._named(path, name, _LAYER, compress(write_layer(runs, dimensions)))

    def layer(self, table: DiscriminantTable) -> dict[str, Runs]:
        """Read the runs of a table's parts.

        Raises
        ------
        PayloadNotFound
            It is gone: a newer generation stands there.
        PayloadCorrupt
            It does not open, or does not fit the table.
        """
        path = self._layer_path(table.layer.name)
        try:
            runs = read_layer(expand(self._read(path, _LAYER, table.layer), limit=_MOST_BYTES))
        except Malformed as error:
            raise PayloadCorrupt(path, error.message) from error
        for row in table.clusters:
            for part in row.parts:
                held = runs.get(part.file.name)
                if held is None or held.rows != part.count or held.low.shape[1] != len(row.mode):
                    raise PayloadCorrupt(path, "the runs are not those of the table's parts")
        return runs

    # --- the data index layer

    def sealed_part(
        self, clustering: int, label: str, start: int, end: int, name: str, data: bytes
    ) -> SealedFile:
        """Seal entries of a cluster under a name of 32 hexadecimal digits, drawn at random."""
        return self._named(self.part_path(clustering, label, start, end, name), name, _PART, data)

    def part(self, clustering: int, label: str, part: PartRow) -> bytes:
        """Read entries of a cluster; raises as `layer` does."""
        path = self.part_path(clustering, label, part.start, part.end, part.file.name)
        return self._read(path, _PART, part.file)

    def part_path(self, clustering: int, label: str, start: int, end: int, name: str) -> str:
        """Return where a part lies: its cluster's label and its place in it stand in the name."""
        return f"{self._cluster_folder(clustering, label)}/{start}-{end}.{name}.part"

    # --- what nothing names any more

    def tidy(self, *, grace_s: float, now_ms: int) -> int:
        """Delete what the newest table does not name and was not written within the grace period.

        Returns
        -------
        int
            How many files were deleted.

        Notes
        -----
        A reader may have an older generation open, and a writer's parts lie there before its table: both end
        within the grace period.
        """
        generations = self.generations()
        if not generations:
            return 0
        table = self.table(generations[-1])
        kept = {part.file.name for row in table.clusters for part in row.parts} | {table.layer.name}
        until_ms = now_ms - grace_s * 1000
        old = [
            f"{folder}/{entry.name}"
            for folder in self._folders()
            for entry in self.lake.store.entries(folder)
            if entry.modified_ms <= until_ms and not _is_kept(entry.name, kept, generations[-1])
        ]
        for path in old:
            self.lake.store.delete(path)
        return len(old)

    def _folders(self) -> Iterator[str]:
        yield self._tables
        yield f"{self.folder}/layers"
        for clustering in self.lake.store.folders(self.folder):
            if clustering.startswith(_CLUSTERS):
                for label in self.lake.store.folders(f"{self.folder}/{clustering}"):
                    yield f"{self.folder}/{clustering}/{label}"

    # --- seals

    @property
    def _tables(self) -> str:
        return f"{self.folder}/tables"

    def _table_path(self, generation: int) -> str:
        return f"{self._tables}/{generation}.table"

    def _layer_path(self, name: str) -> str:
        return f"{self.folder}/layers/{name}.layer"

    def _cluster_folder(self, clustering: int, label: str) -> str:
        return f"{self.folder}/{_CLUSTERS}{clustering}/{label}"

    def _sealed(self, path: str, magic: bytes, data: bytes) -> bytes:
        return magic + seal(self._key, data, magic + path.encode())

    def _opened(self, path: str, magic: bytes, data: bytes) -> bytes:
        if not data.startswith(magic):
            raise PayloadCorrupt(path, "the file is of another kind")
        try:
            return open_seal(self._key, data[len(magic) :], magic + path.encode())
        except SealBroken as error:
            raise PayloadCorrupt(path, error.message) from error

    def _named(self, path: str, name: str, magic: bytes, data: bytes) -> SealedFile:
        sealed = self._sealed(path, magic, data)
        row = FileRow(name=name, size_bytes=len(sealed), digest=Digest.of(sealed))
        return SealedFile(row=row, path=path, data=sealed)

    def _read(self, path: str, magic: bytes, file: FileRow) -> bytes:
        data = self.lake.store.read(path)
        if len(data) != file.size_bytes or Digest.of(data) != file.digest:
            raise PayloadCorrupt(
                path, "the file is another one", expected=str(file.digest), actual=str(Digest.of(data))
            )
        return self._opened(path, magic, data)

    def newest(self) -> DiscriminantTable:
        """Read the newest generation's table; raises PayloadNotFound where there is no index."""
        generations = self.generations()
        if not generations:
            raise PayloadNotFound(f"index {self.name}")
        return self.table(generations[-1])


def _is_kept(file: str, kept: set[str], newest: int) -> bool:
    if generation := _GENERATION.fullmatch(file):
        return int(generation[1]) >= newest
    part = _IN_PART.fullmatch(file)
    return (part[1] if part else file.removesuffix(".layer")) in kept
