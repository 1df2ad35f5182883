"""A file of the data index layer: features and locations of entries, as Parquet (LAYOUT.md, 8.4)."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.parquet as pq

from gridledger.lake.errors import Malformed
from gridledger.lake.index.entry import checked_rows

__all__ = ["PART_ROWS", "read_part", "write_part"]

PART_ROWS = 1 << 18
"""The most entries of a file: it is sealed, and read, as one."""


def write_part(rows: pa.Table) -> bytes:
    """Write entries, in the order of their runs."""
    sink = pa.BufferOutputStream()
    pq.write_table(rows, sink, compression="zstd", use_dictionary=["dataset"], store_schema=True)
    written: bytes = sink.getvalue().to_pybytes()
    return written


def read_part(data: bytes, *, dimensions: int, count: int) -> pa.Table:
    """Read entries.

    Raises
    ------
    Malformed
        It is no Parquet, or holds other columns or another number of entries than it is to.
    """
    try:
        file = pq.ParquetFile(pa.BufferReader(data))
        if file.metadata.num_rows != count:
            raise Malformed(f"{file.metadata.num_rows} entries where {count} are announced")
        rows = file.read(use_threads=False)
        rows.validate(full=True)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise Malformed("the Parquet is broken") from error
    return checked_rows(rows.replace_schema_metadata(None), dimensions)
