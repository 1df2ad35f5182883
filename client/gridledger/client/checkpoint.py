"""How far a reader of events has come, kept in memory or in a file that cannot tear."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from gridledger.host.durable_file import write_file
from gridledger.model.canonical import MAX_INTEGER, Value, canonical_bytes, parse_canonical
from gridledger.model.errors import ConfigError, ModelError

__all__ = ["Checkpoint", "FileCheckpoint", "InMemoryCheckpoint", "Position"]

_VERSION = 1
# A block of 100,000 transactions, 67 bytes for each id.
_MAX_FILE_BYTES = 8 << 20


@dataclass(frozen=True, slots=True)
class Position:
    """Everything before `block_number` is done, and of that block the transactions that are named."""

    block_number: int
    """Block to go on with."""

    transactions: frozenset[str] = frozenset()
    """Ids of the transactions in it that are done."""

    def covers(self, block_number: int, tx_id: str) -> bool:
        """Tell whether a transaction is done."""
        return block_number < self.block_number or (
            block_number == self.block_number and tx_id in self.transactions
        )

    def after_block(self, block_number: int) -> Position:
        """Return the position after a block."""
        return (
            Position(max(self.block_number, block_number + 1)) if block_number >= self.block_number else self
        )

    def after_transaction(self, block_number: int, tx_id: str) -> Position:
        """Return the position after one more transaction; a later block says that those before are done."""
        if self.covers(block_number, tx_id):
            return self
        same = block_number == self.block_number
        return Position(block_number, self.transactions | {tx_id} if same else frozenset({tx_id}))


class Event(Protocol):
    """Whatever a transaction in a block caused."""

    @property
    def block_number(self) -> int:
        """Block of the transaction."""
        ...

    @property
    def tx_id(self) -> str:
        """Its id."""
        ...


class Checkpoint(Protocol):
    """Where a reader of events goes on after it stopped."""

    @property
    def position(self) -> Position | None:
        """How far it has come; none before the first record."""
        ...

    async def record_block(self, block_number: int) -> None:
        """Say that all of a block is done."""
        ...

    async def record_transaction(self, block_number: int, tx_id: str) -> None:
        """Say that one transaction is done."""
        ...

    async def record_event(self, event: Event) -> None:
        """Say that an event is done, and so its transaction: a transaction has at most one event."""
        ...


class InMemoryCheckpoint:
    """A checkpoint that ends with the process.

    Examples
    --------
    >>> import asyncio
    >>> checkpoint = InMemoryCheckpoint()
    >>> asyncio.run(checkpoint.record_block(7))
    >>> checkpoint.position
    Position(block_number=8, transactions=frozenset())
    """

    def __init__(self, position: Position | None = None) -> None:
        self._position = position
        self._lock = asyncio.Lock()

    @property
    def position(self) -> Position | None:
        """See `Checkpoint.position`."""
        return self._position

    async def record_block(self, block_number: int) -> None:
        """See `Checkpoint.record_block`; ModelError when it is no block number."""
        _check(block_number)
        async with self._lock:
            await self._keep((self._position or Position(0)).after_block(block_number))

    async def record_transaction(self, block_number: int, tx_id: str) -> None:
        """See `Checkpoint.record_transaction`; ModelError when it is no block number or no id."""
        _check(block_number, tx_id)
        async with self._lock:
            await self._keep((self._position or Position(0)).after_transaction(block_number, tx_id))

    async def record_event(self, event: Event) -> None:
        """See `Checkpoint.record_event`."""
        await self.record_transaction(event.block_number, event.tx_id)

    async def _keep(self, position: Position) -> None:
        self._position = position


class FileCheckpoint(InMemoryCheckpoint):
    """A checkpoint in a file of its own, for one reader at a time.

    Parameters
    ----------
    path : Path or str
        The file; it is created with the first record, in a folder that exists.

    Raises
    ------
    ConfigError
        When there is something else in the file. A checkpoint that cannot be read is not taken for the
        beginning.

    Notes
    -----
    Each record replaces the file as `write_file` does: after a crash at any moment it holds the position
    before or after the record. A record costs two fsyncs and grows with the transactions done in its block,
    so that whoever can records blocks.
    """

    def __init__(self, path: Path | str) -> None:
        self._path = Path(path)
        super().__init__(_read(self._path))

    async def _keep(self, position: Position) -> None:
        if position == self._position:
            return
        write = asyncio.ensure_future(asyncio.to_thread(self._write, position))
        try:
            await asyncio.shield(write)
        except asyncio.CancelledError:
            # The thread cannot be stopped, and the next record must not overtake it.
            await write
            self._position = position
            raise
        self._position = position

    def _write(self, position: Position) -> None:
        value: dict[str, Value] = {
            "block_number": position.block_number,
            "transactions": [*sorted(position.transactions)],
            "version": _VERSION,
        }
        try:
            write_file(self._path, canonical_bytes(value, max_bytes=_MAX_FILE_BYTES), mode=0o600)
        except OSError as error:
            raise ConfigError(
                f"cannot be written: {error.strerror}", key="checkpoint", source=str(self._path)
            ) from error


def _read(path: Path) -> Position | None:
    try:
        with path.open("rb") as file:
            data = file.read(_MAX_FILE_BYTES + 1)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ConfigError(f"cannot be read: {error.strerror}", key="checkpoint", source=str(path)) from error
    try:
        value = parse_canonical(data, max_bytes=_MAX_FILE_BYTES)
    except ModelError as error:
        raise ConfigError(f"is no checkpoint: {error.message}", key="checkpoint", source=str(path)) from error
    if not isinstance(value, dict) or value.keys() != {"block_number", "transactions", "version"}:
        raise ConfigError("is no checkpoint", key="checkpoint", source=str(path))
    number, tx_ids = value["block_number"], value["transactions"]
    if value["version"] != _VERSION or not isinstance(number, int) or not isinstance(tx_ids, list):
        raise ConfigError("is no checkpoint of this version", key="checkpoint", source=str(path))
    texts = [tx_id for tx_id in tx_ids if isinstance(tx_id, str) and tx_id]
    if number < 0 or isinstance(number, bool) or len(texts) != len(tx_ids):
        raise ConfigError("is no checkpoint", key="checkpoint", source=str(path))
    return Position(number, frozenset(texts))


def _check(block_number: int, tx_id: str = "-") -> None:
    if (
        isinstance(block_number, bool)
        or not isinstance(block_number, int)
        or not 0 <= block_number < MAX_INTEGER
    ):
        raise ModelError({"block_number": "want a number from 0"}, subject="Checkpoint")
    if not isinstance(tx_id, str) or not tx_id:
        raise ModelError({"tx_id": "want a transaction id"}, subject="Checkpoint")
