"""Reads ranges of files from DataNodes over connections of its own, into memory that is at hand.

HDFS's own checksums are left out: whoever reads compares what is read with a digest of its own, and asks for
it again, by the store's other way, where it is wrong. A frame takes a third of the work so, and its reader
waits for one answer of one process, where a library's threads wake each other.
"""

from __future__ import annotations

import struct
import threading
import time
from collections import OrderedDict, deque
from typing import Final

from gridledger.lake.block_places import BlockPlace, FilePlaces, ask_places
from gridledger.lake.errors import Malformed
from gridledger.lake.timed_connection import TimedConnection
from gridledger.lake.wire_fields import Fields, counted, number_field, text_field

__all__ = ["BlockClient"]

_STEP_S: Final = 3.0
"""How long one step may take: a connection, an answer, a packet."""
_READ_S: Final = 10.0
"""How long a whole read may take."""
_REST_S: Final = 30.0
"""How long nothing is tried after something failed: HDFS gives a lost DataNode up within that."""
_IDLE_S: Final = 3.0
"""A DataNode closes a connection that was idle for four seconds."""
_FILES: Final = 64
_READ_BLOCK: Final = struct.pack(">HB", 28, 81)
"""Version 28 of the protocol, the operation that reads a block."""
_NAME: Final = b"gridledger"
_DONE: Final = counted(number_field(1, 0))
_ANSWER_LIMIT: Final = 1 << 16
_HEADER_LIMIT: Final = 256
_CHUNK_LIMIT: Final = 1 << 16
"""Ranges begin and end where chunks of HDFS's checksums do, which are shorter."""


class BlockClient:
    """Connections to the DataNodes of an HDFS that wants no Kerberos.

    Parameters
    ----------
    host, port
        The NameNode's.
    user : str
        Who reads, as far as HDFS believes names.
    named : bool, default False
        Whether DataNodes are reached by their names instead of their addresses.

    Notes
    -----
    May be used from several threads at once: each read has a connection for itself.
    """

    def __init__(self, host: str, port: int, *, user: str, named: bool = False) -> None:
        self._namenode = host, port
        self._user = user
        self._named = named
        self._files: OrderedDict[str, FilePlaces] = OrderedDict()
        self._idle: dict[tuple[str, int], deque[tuple[float, TimedConnection]]] = {}
        self._lock = threading.Lock()
        self._rest_until = 0.0

    def read_into(self, path: str, offset: int, buffer: memoryview) -> int | None:
        """Fill a buffer from a range; return how many bytes the file has of it.

        Parameters
        ----------
        path : str
            Absolute.
        offset : int
            Where the range begins.
        buffer : memoryview
            As long as the range.

        Returns
        -------
        int or None
            None where it was not read, or cannot be read so: another way to read it may say why.

        Notes
        -----
        After a failure nothing is tried for 30 s.
        """
        if time.monotonic() < self._rest_until:
            return None
        try:
            return self._filled(path, offset, buffer, time.monotonic() + _READ_S)
        except (OSError, Malformed):
            self._rest_until = time.monotonic() + _REST_S
            self.forget(path)
            return None

    def forget(self, path: str) -> None:
        """Forget where a file's blocks are."""
        with self._lock:
            self._files.pop(path, None)

    def close(self) -> None:
        """Close idle connections."""
        with self._lock:
            idle = [connection for each in self._idle.values() for _, connection in each]
            self._idle.clear()
        for connection in idle:
            connection.close()

    def _filled(self, path: str, offset: int, buffer: memoryview, deadline: float) -> int:
        places = self._places(path)
        end = min(places.size, offset + len(buffer))
        place = offset
        for block in places.blocks:
            stop = min(end, block.start + block.size)
            if block.start <= place < stop:
                wanted = buffer[place - offset : stop - offset]
                self._read(block, place - block.start, wanted, deadline)
                place = stop
        if place < end:
            raise Malformed("the blocks are not the file")
        return max(0, end - offset)

    def _places(self, path: str) -> FilePlaces:
        """Return where a file's blocks are; files never change."""
        with self._lock:
            found = self._files.get(path)
        if found is None:
            found = ask_places(self._namenode, path, user=self._user, seconds=_STEP_S, named=self._named)
            with self._lock:
                self._files[path] = found
                if len(self._files) > _FILES:
                    self._files.popitem(last=False)
        return found

    def _read(self, block: BlockPlace, offset: int, buffer: memoryview, deadline: float) -> None:
        if not block.nodes:
            raise Malformed("no DataNode has the block")
        node = block.nodes[0]
        request = _request(block, offset, len(buffer))
        connection, answer = self._take_idle(node), None
        if connection is not None:
            try:
                answer = _asked(connection, request)
            except (OSError, Malformed):
                connection = None  # The DataNode had closed it.
        if connection is None or answer is None:
            connection = TimedConnection(node, _STEP_S)
            answer = _asked(connection, request)
        try:
            _receive(connection, answer, offset, buffer, deadline)
            connection.send(_DONE)
        except BaseException:
            connection.close()
            raise
        with self._lock:
            self._idle.setdefault(node, deque()).append((time.monotonic(), connection))

    def _take_idle(self, node: tuple[str, int]) -> TimedConnection | None:
        """Return a connection that was used a moment ago; close those that were not."""
        old = []
        chosen = None
        with self._lock:
            idle = self._idle.get(node)
            while idle and chosen is None:
                since, connection = idle.pop()
                if time.monotonic() - since < _IDLE_S:
                    chosen = connection
                else:
                    old.append(connection)
        for connection in old:
            connection.close()
        return chosen


def _request(block: BlockPlace, offset: int, length: int) -> bytes:
    base = text_field(1, block.block) + text_field(2, block.token)
    header = text_field(1, base) + text_field(2, _NAME)
    # The fourth field: no checksums.
    asked = text_field(1, header) + number_field(2, offset) + number_field(3, length) + number_field(4, 0)
    return _READ_BLOCK + counted(asked)


def _asked(connection: TimedConnection, request: bytes) -> Fields:
    """Ask for a range; return what the DataNode says of it. A connection that fails is closed."""
    try:
        connection.send(request)
        return _answer(connection)
    except BaseException:
        connection.close()
        raise


def _answer(connection: TimedConnection) -> Fields:
    length = shift = 0
    while True:
        [byte] = connection.receive(1)
        length |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            break
        if shift > 14:
            raise Malformed("an answer is too long")
    if length > _ANSWER_LIMIT:
        raise Malformed("an answer is too long")
    answer = Fields(connection.receive(length))
    if answer.number(1) != 0:
        raise Malformed("the DataNode refuses")
    return Fields(answer.text(4))


def _receive(
    connection: TimedConnection, answer: Fields, offset: int, buffer: memoryview, deadline: float
) -> None:
    """Receive packets until the last, which is empty; keep what is of the range."""
    before = offset - answer.number(2)
    if Fields(answer.text(1)).number(1) != 0 or not 0 <= before < _CHUNK_LIMIT:
        raise Malformed("the DataNode sends something else")
    filled = 0
    while True:
        if time.monotonic() > deadline:
            raise Malformed("the DataNode takes too long")
        head = connection.receive(6)
        size, header = int.from_bytes(head[:4], "big") - 4, int.from_bytes(head[4:], "big")
        if header > _HEADER_LIMIT or size < 0:
            raise Malformed("a packet is none")
        connection.receive(header)
        if size == 0:
            break
        if before:
            skipped = len(connection.receive(min(before, size)))
            before, size = before - skipped, size - skipped
        kept = min(size, len(buffer) - filled)
        connection.fill(buffer[filled : filled + kept])
        filled, size = filled + kept, size - kept
        if not 0 <= size < _CHUNK_LIMIT:
            raise Malformed("a packet is longer than the range")
        connection.receive(size)
    if filled < len(buffer):
        raise Malformed("the range ends early")
