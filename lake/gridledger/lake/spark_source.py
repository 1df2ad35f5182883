"""A lake's datasets, or those granted, in Spark.

spark.dataSource.register(DatasetDataSource)
spark.read.format("gridledger").option("config", "lake.toml").load("gridledger://meters.parquet@2")

Executors read by the same file system as pandas does: every block is verified where it is read. The
configuration and its keys have to lie at the same path on all of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pyspark.sql.datasource import DataSource, DataSourceReader, InputPartition
from pyspark.sql.types import StructType

from gridledger.lake.dataset_path import SCHEME, DatasetPath
from gridledger.lake.file_system import LakeFileSystem
from gridledger.lake.manifest import PayloadFormat
from gridledger.lake.settings import chosen_file
from gridledger.model.errors import ConfigError

if TYPE_CHECKING:
    import pyarrow as pa

    from gridledger.lake.version_file import SharedVersionFile

__all__ = ["DatasetDataSource"]

_TASKS: Final = 8
"""How many partitions a Parquet dataset is read in by default; each opens the dataset."""


class DatasetDataSource(DataSource):
    """Spark's data source `gridledger`.

    Options: `path`, the dataset's URL (what `load` gets); `config`, the configuration, chosen as in
    `gridledger.lake.open` unless given; `partitions`, 8 by default: row groups of a Parquet dataset are read
    in so many. CSV and JSON lines are read in one.

    Raises
    ------
    ConfigError
        There is no path or configuration, or the dataset is neither Parquet, CSV nor JSON lines.

    Notes
    -----
    The newest version is looked up once, when the query is planned: all partitions read the same one.
    """

    @classmethod
    def name(cls) -> str:
        """Return the name that `format` takes."""
        return SCHEME

    def schema(self) -> StructType:
        """Read the columns from the dataset itself."""
        from pyspark.sql.pandas.types import from_arrow_schema

        return from_arrow_schema(self._dataset().arrow_schema())

    def reader(self, schema: StructType) -> DataSourceReader:
        """Return what reads the version that is the newest now."""
        partitions = self.options.get("partitions", str(_TASKS))
        if not partitions.isdecimal() or not int(partitions):
            raise ConfigError("is no number from 1", key="partitions", source="option", value=partitions)
        return _DatasetReader(self._dataset(), schema.names, int(partitions))

    def _dataset(self) -> _Dataset:
        path = self.options.get("path")
        if not path:
            raise ConfigError("want the URL of a dataset", key="path", source="load")
        given = self.options.get("config")
        config = str(chosen_file(Path(given) if given else None).absolute())
        info = LakeFileSystem(config=config).info(path)
        named = DatasetPath(DatasetPath.parse(path).name, info["version"])
        return _Dataset(named.url, config, PayloadFormat(info["format"]))


@dataclass(frozen=True)
class _Dataset:
    """A version of a dataset; it travels to executors."""

    url: str
    config: str
    format: PayloadFormat

    def arrow_schema(self) -> pa.Schema:
        import pyarrow.parquet as pq

        with self.open() as file:
            if self.format is PayloadFormat.PARQUET:
                return pq.read_schema(file)
            return self.lines(file).schema

    def open(self) -> SharedVersionFile:
        file: SharedVersionFile = LakeFileSystem(config=self.config).open(self.url)
        return file

    def lines(self, file: object) -> pa.RecordBatchReader:
        """Return the batches of CSV, whose first record names the columns, or of JSON lines."""
        import pyarrow.csv
        import pyarrow.json

        if self.format is PayloadFormat.CSV:
            return pyarrow.csv.open_csv(file)
        if self.format is PayloadFormat.JSON_LINES:
            return pyarrow.json.open_json(file)
        raise ConfigError("is neither Parquet, CSV nor JSON lines", key="path", source="load", value=self.url)


@dataclass
class _RowGroups(InputPartition):
    """Row groups of a Parquet dataset; none for all of another one."""

    numbers: tuple[int, ...] = ()


class _DatasetReader(DataSourceReader):
    def __init__(self, dataset: _Dataset, columns: Sequence[str], most: int) -> None:
        self._dataset = dataset
        self._columns = list(columns)
        self._most = most

    def partitions(self) -> Sequence[InputPartition]:
        if self._dataset.format is not PayloadFormat.PARQUET:
            return [_RowGroups()]
        import pyarrow.parquet as pq

        with self._dataset.open() as file:
            groups = pq.ParquetFile(file).num_row_groups
        most = min(self._most, max(1, groups))
        return [
            _RowGroups(tuple(range(groups * one // most, groups * (one + 1) // most))) for one in range(most)
        ]

    def read(self, partition: InputPartition) -> Iterator[pa.RecordBatch]:
        import pyarrow.parquet as pq

        numbers = partition.numbers if isinstance(partition, _RowGroups) else ()
        with self._dataset.open() as file:
            if self._dataset.format is not PayloadFormat.PARQUET:
                for batch in self._dataset.lines(file):
                    yield batch.select(self._columns)
            elif numbers:
                yield from pq.ParquetFile(file).iter_batches(row_groups=list(numbers), columns=self._columns)
