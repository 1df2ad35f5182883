"""Where the blocks of a file lie: asked of the NameNode by its own protocol, without Kerberos."""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass
from typing import Final

from gridledger.lake.errors import Malformed
from gridledger.lake.timed_connection import TimedConnection
from gridledger.lake.wire_fields import Fields, counted, number_field, take_number, text_field

__all__ = ["BlockPlace", "FilePlaces", "ask_places"]

_HELLO: Final = b"hrpc" + bytes((9, 0, 0))
"""Version 9 of the protocol, the usual class of service, no authentication but a name."""
_PROTOCOL: Final = b"org.apache.hadoop.hdfs.protocol.ClientProtocol"
_PROTOCOL_BUFFERS: Final = 2
_CONTEXT_CALL: Final = 5
"""-3 in zigzag: what follows says who calls."""
_FIRST_RETRY: Final = 1
"""-1 in zigzag: retries are not counted."""
_WHOLE: Final = 2**63 - 1
_ANSWER_LIMIT: Final = 1 << 20
"""A file of a lake has a few blocks."""


@dataclass(frozen=True, slots=True)
class BlockPlace:
    """A block of a file."""

    start: int
    """Where in the file it begins."""
    size: int
    block: bytes
    """What HDFS calls it: a message that goes to a DataNode as it came."""
    token: bytes
    """The right to read it, for some hours: another such message."""
    nodes: tuple[tuple[str, int], ...]
    """Host and port of the DataNodes that have it, the best first."""

    def __repr__(self) -> str:
        return f"BlockPlace(start={self.start}, size={self.size})"


@dataclass(frozen=True, slots=True)
class FilePlaces:
    """The blocks of a file, in order."""

    size: int
    """Length of the file in bytes."""
    blocks: tuple[BlockPlace, ...]


def ask_places(namenode: tuple[str, int], path: str, *, user: str, seconds: float, named: bool) -> FilePlaces:
    """Ask a NameNode where a file's blocks lie.

    Parameters
    ----------
    namenode : tuple of str and int
        Host and port.
    path : str
        Absolute.
    user : str
        Who asks, as far as HDFS believes names.
    seconds : float
        How long each step of it may take.
    named : bool
        Whether DataNodes are reached by their names instead of their addresses.

    Raises
    ------
    Malformed
        It answers with something else: it wants Kerberos, does not have the file, or the file is one that
        is not read block by block: encrypted, striped, or being written.
    OSError
        It cannot be reached.
    """
    with TimedConnection(namenode, seconds) as connection:
        header = number_field(1, _PROTOCOL_BUFFERS) + number_field(2, 0)
        client = text_field(4, secrets.token_bytes(16)) + number_field(5, _FIRST_RETRY)
        context = text_field(2, text_field(1, user.encode())) + text_field(3, _PROTOCOL)
        asked = text_field(1, path.encode()) + number_field(2, 0) + number_field(3, _WHOLE)
        method = text_field(1, b"getBlockLocations") + text_field(2, _PROTOCOL) + number_field(3, 1)
        connection.send(
            _HELLO
            + _frame(header + number_field(3, _CONTEXT_CALL) + client, context)
            + _frame(header + number_field(3, 0) + client, method, asked)
        )
        length = int.from_bytes(connection.receive(4), "big")
        if length > _ANSWER_LIMIT:
            raise Malformed("the NameNode's answer is too long")
        answer = connection.receive(length)
    return _places(answer, named=named)


def _frame(*messages: bytes) -> bytes:
    body = b"".join(map(counted, messages))
    return len(body).to_bytes(4, "big") + body


def _places(answer: bytes, *, named: bool) -> FilePlaces:
    size, place = take_number(answer, 0)
    header = Fields(answer[place : place + size])
    if header.number(2) != 0:
        raise Malformed("the NameNode refuses")
    size, place = take_number(answer, place + size)
    found = Fields(Fields(answer[place : place + size]).text(1))
    is_written, encryption, striping = found.number(3), 6 in found, 7 in found
    if is_written or encryption or striping:
        raise Malformed("the file is not read block by block")
    return FilePlaces(found.number(1), tuple(_block(text, named=named) for text in found.texts(2)))


def _block(text: bytes, *, named: bool) -> BlockPlace:
    fields = Fields(text)
    if fields.number(4, 0):
        raise Malformed("all copies of a block are broken")
    nodes = []
    for one in fields.texts(3):
        node = Fields(Fields(one).text(1))
        nodes.append((os.fsdecode(node.text(2 if named else 1)), node.number(4)))
    block = fields.text(1)
    return BlockPlace(fields.number(2), Fields(block).number(4, 0), block, fields.text(5), tuple(nodes))
