"""Parquet row groups taken apart into records and a form, and put together again (LAYOUT.md, 3.8)."""

from gridledger.lake.parquet.form import put_together
from gridledger.lake.parquet.pieces import Piece, find_pieces
from gridledger.lake.parquet.row_group import MOST_ROWS, ColumnChunk, take_apart

__all__ = ["MOST_ROWS", "ColumnChunk", "Piece", "find_pieces", "put_together", "take_apart"]
