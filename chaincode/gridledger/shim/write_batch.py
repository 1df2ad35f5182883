"""Writes of a transaction that go to the peer in one message."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from gridledger.shim import wire

__all__ = ["MAX_BATCH_BYTES", "WriteBatch"]

MAX_BATCH_BYTES = 64 * 1024 * 1024
"""A batch is cut before it holds more, to stay clear of the peer's limit of 100 MiB a message."""


class WriteBatch:
    """Writes in the order of writing.

    Parameters
    ----------
    limit : int
        How many writes the peer takes in one message.
    """

    __slots__ = ("_limit", "_records")

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._records: list[Any] = []

    def add(self, record: Any) -> None:
        """Append a write; see `wire.write_record`."""
        self._records.append(record)

    def payloads(self) -> Iterator[bytes]:
        """Yield the payloads of WRITE_BATCH_STATE, each within the limits."""
        records = self._records
        if len(records) <= self._limit and sum(record.ByteSize() for record in records) <= MAX_BATCH_BYTES:
            if records:
                yield wire.write_batch(records)
            return
        part: list[Any] = []
        size = 0
        for record in records:
            length = record.ByteSize()
            if part and (len(part) == self._limit or size + length > MAX_BATCH_BYTES):
                yield wire.write_batch(part)
                part, size = [], 0
            part.append(record)
            size += length
        yield wire.write_batch(part)
