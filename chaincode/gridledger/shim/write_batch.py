"""Writes of a transaction that go to the peer in one message."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["MAX_BATCH_BYTES", "batch_payloads"]

MAX_BATCH_BYTES = 64 * 1024 * 1024
"""A batch is cut before it holds more, to stay clear of the peer's limit of 100 MiB a message."""


def batch_payloads(records: Sequence[bytes], limit: int) -> list[bytes]:
    """Return payloads of WRITE_BATCH_STATE for writes in their order, none for no writes.

    Parameters
    ----------
    records : sequence of bytes
        In the order of writing, each as `wire.write_record` makes it.
    limit : int
        How many writes the peer takes in one message.
    """
    if 0 < len(records) <= limit:
        whole = b"".join(records)
        if len(whole) <= MAX_BATCH_BYTES:
            return [whole]  # as nearly always
    payloads: list[bytes] = []
    start = size = 0
    for index, record in enumerate(records):
        size += len(record)
        if index > start and (index - start == limit or size > MAX_BATCH_BYTES):
            payloads.append(b"".join(records[start:index]))
            start, size = index, len(record)
    if records:
        payloads.append(b"".join(records[start:]))
    return payloads
