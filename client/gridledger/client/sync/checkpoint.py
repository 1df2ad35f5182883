"""Checkpoints whose records are made without `await`."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from gridledger.client import checkpoint as asynchronous
from gridledger.client.checkpoint import Event, Position
from gridledger.client.sync.face import Face, awaited

__all__ = ["Checkpoint", "FileCheckpoint", "InMemoryCheckpoint"]


class Checkpoint(Protocol):
    """See `gridledger.client.Checkpoint`."""

    @property
    def position(self) -> Position | None:
        """How far it has come; none before the first record."""
        ...

    def record_block(self, block_number: int) -> None:
        """Say that all of a block is done."""
        ...

    def record_transaction(self, block_number: int, tx_id: str) -> None:
        """Say that one transaction is done."""
        ...

    def record_event(self, event: Event) -> None:
        """Say that an event is done."""
        ...


class InMemoryCheckpoint(Face[asynchronous.InMemoryCheckpoint]):
    """See `gridledger.client.InMemoryCheckpoint`."""

    def __init__(self, position: Position | None = None) -> None:
        super().__init__(asynchronous.InMemoryCheckpoint(position))

    @property
    def position(self) -> Position | None:
        """See `gridledger.client.Checkpoint.position`."""
        return self.asynchronous.position

    record_block = awaited(asynchronous.InMemoryCheckpoint.record_block)
    record_transaction = awaited(asynchronous.InMemoryCheckpoint.record_transaction)
    record_event = awaited(asynchronous.InMemoryCheckpoint.record_event)


class FileCheckpoint(Face[asynchronous.FileCheckpoint]):
    """See `gridledger.client.FileCheckpoint`."""

    def __init__(self, path: Path | str) -> None:
        super().__init__(asynchronous.FileCheckpoint(path))

    @property
    def position(self) -> Position | None:
        """See `gridledger.client.Checkpoint.position`."""
        return self.asynchronous.position

    record_block = awaited(asynchronous.FileCheckpoint.record_block)
    record_transaction = awaited(asynchronous.FileCheckpoint.record_transaction)
    record_event = awaited(asynchronous.FileCheckpoint.record_event)
