"""Writes of a transaction that go to the peer in one message."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from gridledger.shim import wire
from gridledger.shim.wire import Write

__all__ = ["MAX_BATCH_BYTES", "batch_payloads"]

MAX_BATCH_BYTES = 64 * 1024 * 1024
"""A batch is cut before it holds more, to stay clear of the peer's limit of 100 MiB a message."""


def batch_payloads(writes: Sequence[Write], limit: int) -> Iterator[bytes]:
    """Yield payloads of WRITE_BATCH_STATE for writes in their order, none for no writes.

    Parameters
    ----------
    writes : sequence of Write
        In the order of writing.
    limit : int
        How many writes the peer takes in one message.
    """
    start = size = 0
    for index, (_, _, key, value, _) in enumerate(writes):
        more = len(key) + len(value)
        size += more
        if index > start and (index - start == limit or size > MAX_BATCH_BYTES):
            yield wire.write_batch(writes[start:index])
            start, size = index, more
    if writes:
        yield wire.write_batch(writes[start:])
