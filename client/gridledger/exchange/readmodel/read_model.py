"""The read model: one SQLite file that follows a chain, for what keys of a ledger cannot answer."""

from __future__ import annotations

import logging
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from gridledger.exchange.readmodel.errors import ChainDiffers, ReadModelUnusable
from gridledger.exchange.readmodel.ledger_block import LedgerBlock
from gridledger.exchange.readmodel.projection import Projection
from gridledger.exchange.readmodel.schema import APPLICATION_ID, SCHEMA_VERSION, TABLES

__all__ = ["Progress", "ReadModel"]

_BUSY_S: Final = 10.0
_logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Progress:
    """How far a model has come, and what it holds."""

    channel: str
    chaincode: str
    next_block: int
    """The first block that it has not taken."""
    systems: int
    devices: int
    fields: int
    datasets: int
    entries: int
    """Lines of the metadata, registration and allocation logs."""
    resolutions: int
    unread: int
    """Records that it could not read; they are in no search."""


class ReadModel:
    """A read model; a context manager.

    Parameters
    ----------
    connection : sqlite3.Connection
        Closed with the model.

    Notes
    -----
    Made by `feed`, for the one process that fills it, or by `read`, for any number that ask. Calls block and
    may come from several threads. Writing ahead (WAL) lets readers go on while a block is taken; each sees
    the model between two blocks.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._lock = threading.Lock()

    @classmethod
    def feed(cls, path: Path, *, channel: str, chaincode: str) -> ReadModel:
        """Open a model to fill it; a new one, and one of another version, starts at block 0.

        Raises
        ------
        ReadModelUnusable
            It is something else, or follows another channel or chaincode.
        """
        with _usable(path):
            connection = sqlite3.connect(path, timeout=_BUSY_S, isolation_level=None, check_same_thread=False)
            try:
                _prepare(connection, path, channel, chaincode)
            except BaseException:
                connection.close()
                raise
        return cls(connection)

    @classmethod
    def read(cls, path: Path) -> ReadModel:
        """Open a model to ask it.

        Raises
        ------
        ReadModelUnusable
            There is none, or it is of another version.
        """
        with _usable(path):
            connection = sqlite3.connect(
                f"{path.absolute().as_uri()}?mode=ro",
                uri=True,
                timeout=_BUSY_S,
                isolation_level=None,
                check_same_thread=False,
            )
            try:
                _check_version(connection, path)
            except BaseException:
                connection.close()
                raise
        return cls(connection)

    @property
    def next_block(self) -> int:
        """The first block that the model has not taken."""
        with self.query() as connection:
            (number,) = connection.execute("SELECT next_block FROM progress").fetchone()
        return int(number)

    def progress(self) -> Progress:
        """Count what the model holds."""
        tables = ("system", "device", "field", "dataset", "entry", "resolution", "unread")
        with self.query() as connection:
            channel, chaincode, next_block = connection.execute(
                "SELECT channel, chaincode, next_block FROM progress"
            ).fetchone()
            counts = [connection.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in tables]  # noqa: S608
        systems, devices, fields, datasets, entries, resolutions, unread = counts
        return Progress(
            channel=channel,
            chaincode=chaincode,
            next_block=next_block,
            systems=systems,
            devices=devices,
            fields=fields,
            datasets=datasets,
            entries=entries,
            resolutions=resolutions,
            unread=unread,
        )

    def take(self, block: LedgerBlock) -> bool:
        """Take a block: its rows and the progress past it, in one transaction.

        Returns
        -------
        bool
            False for a block that was taken before, which changes nothing.

        Raises
        ------
        ChainDiffers
            The block does not follow the last one.
        ReadModelUnusable
            The file cannot be written.
        """
        with self._lock, _usable(Path("the read model")), _transaction(self._connection):
            next_block, last_hash = self._connection.execute(
                "SELECT next_block, hash FROM progress"
            ).fetchone()
            if block.number < next_block:
                return False
            if block.number > next_block or (block.number and block.previous_hash != last_hash):
                raise ChainDiffers(
                    f"block {block.number} does not follow what the model has; it follows another chain",
                    block=block.number,
                    next_block=next_block,
                )
            Projection(self._connection).take(block)
            self._connection.execute(
                "UPDATE progress SET next_block = ?, hash = ?", (block.number + 1, block.hash)
            )
        return True

    @contextmanager
    def query(self) -> Iterator[sqlite3.Connection]:
        """Give the connection for questions, one asker at a time; all see the model as of one block."""
        with self._lock, _usable(Path("the read model")):
            self._connection.execute("BEGIN")
            try:
                yield self._connection
            finally:
                self._connection.execute("ROLLBACK")

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


@contextmanager
def _usable(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise ReadModelUnusable(f"{path}: {error}") from error


@contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[None]:
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def _marks(connection: sqlite3.Connection) -> tuple[int, int]:
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    return application, version


def _check_version(connection: sqlite3.Connection, path: Path) -> None:
    if _marks(connection) != (APPLICATION_ID, SCHEMA_VERSION):
        raise ReadModelUnusable(f"{path} is no read model of this version")


def _prepare(connection: sqlite3.Connection, path: Path, channel: str, chaincode: str) -> None:
    """Make the tables where there are none of this version, and check whom the model follows."""
    application, version = _marks(connection)
    objects = _objects(connection)
    if objects and application != APPLICATION_ID:
        raise ReadModelUnusable(f"{path} is an SQLite file of something else")
    connection.execute("PRAGMA journal_mode = WAL")
    # A power cut may take the last blocks away, rows and progress alike; they are read again.
    connection.execute("PRAGMA synchronous = NORMAL")
    if version != SCHEMA_VERSION or not objects:
        if objects:
            _logger.warning("%s is of version %d: it is filled again from block 0", path, version)
        _fill_anew(connection, objects, channel, chaincode)
    followed = connection.execute("SELECT channel, chaincode FROM progress").fetchone()
    if followed != (channel, chaincode):
        raise ReadModelUnusable(f"{path} follows {'/'.join(followed)}, not {channel}/{chaincode}")


def _fill_anew(
    connection: sqlite3.Connection, objects: list[tuple[str, str]], channel: str, chaincode: str
) -> None:
    """Empty the file and make the tables, in one transaction."""
    with _transaction(connection):
        for kind, name in objects:
            if kind == "table":
                connection.execute(f'DROP TABLE IF EXISTS "{name}"')
        for statement in TABLES.split(";\n"):
            connection.execute(statement)
        connection.execute("INSERT INTO progress VALUES (1, ?, ?, 0, x'')", (channel, chaincode))
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")


def _objects(connection: sqlite3.Connection) -> list[tuple[str, str]]:
    """Return tables, virtual ones first: dropping one takes the tables below it along."""
    with closing(connection.cursor()) as cursor:
        found = cursor.execute(
            "SELECT type, name FROM sqlite_schema WHERE name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"
            " ORDER BY sql NOT LIKE 'CREATE VIRTUAL%', name"
        ).fetchall()
    return [(kind, name) for kind, name in found]
