"""Reading blocks from DataNodes: what is asked, what is taken, and what ends an attempt."""

from __future__ import annotations

import random
import socket
from collections.abc import Callable, Iterable
from typing import Self

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridledger.lake import block_client
from gridledger.lake.block_client import BlockClient
from gridledger.lake.block_places import ask_places
from gridledger.lake.errors import Malformed
from gridledger.lake.wire_fields import Fields, counted, number_field, take_number, text_field

DATA = random.Random(3).randbytes(5000)
CHUNK = 512
NAMENODE, NODE = ("namenode", 8020), ("10.0.0.1", 9866)


class Connection:
    """A connection whose other side is a function: it returns what it answers to all that was sent so far."""

    def __init__(self, answer: Callable[[bytes], bytes]) -> None:
        self._answer = answer
        self._waiting = b""
        self.sent = b""
        self.is_closed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def setsockopt(self, *_: object) -> None:
        pass

    def setblocking(self, _: bool) -> None:
        pass

    def sendall(self, data: bytes) -> None:
        self.sent += data
        self._waiting += self._answer(data)

    def recv_into(self, buffer: memoryview, _length: int = 0, _flags: int = 0) -> int:
        taken = self._waiting[: len(buffer)]
        buffer[: len(taken)] = taken
        self._waiting = self._waiting[len(taken) :]
        return len(taken)

    def close(self) -> None:
        self.is_closed = True


class Hdfs:
    """A NameNode and a DataNode of one file in blocks of some sizes."""

    def __init__(self, patch: pytest.MonkeyPatch, *sizes: int) -> None:
        self.connections: list[tuple[tuple[str, int], Connection]] = []
        self.located = located(sizes or (len(DATA),))
        self.send = packets
        self.opens = True
        patch.setattr(socket, "create_connection", self.connect)
        self.client = BlockClient(*NAMENODE, user="lake")

    def connect(self, address: tuple[str, int], _timeout: float) -> Connection:
        if not self.opens:
            raise ConnectionRefusedError
        answer = self.namenode if address == NAMENODE else self.datanode
        connection = Connection(answer)
        self.connections.append((address, connection))
        return connection

    def namenode(self, _asked: bytes) -> bytes:
        return self.located

    def datanode(self, asked: bytes) -> bytes:
        if asked == b"\x02\x08\x00":
            return b""  # It was told that all was received.
        assert asked[:3] == b"\x00\x1c\x51"
        size, place = take_number(asked, 3)
        fields = Fields(asked[place : place + size])
        base = Fields(Fields(fields.text(1)).text(1))
        assert (fields.number(4), base.text(2)) == (0, b"token")
        start = Fields(base.text(1)).number(2)
        return self.send(DATA[start:], fields.number(2), fields.number(3))

    def read(self, offset: int, length: int) -> bytes | None:
        buffer = bytearray(length)
        filled = self.client.read_into("/lake/pack", offset, memoryview(buffer))
        return None if filled is None else bytes(buffer[:filled])


def located(sizes: Iterable[int], *, more: bytes = b"") -> bytes:
    """Return a NameNode's answer; a block's number is where it begins in the file."""
    blocks, start = b"", 0
    node = text_field(1, text_field(1, NODE[0].encode()) + text_field(2, b"host") + number_field(4, NODE[1]))
    for size in sizes:
        named = text_field(1, b"pool") + number_field(2, start) + number_field(3, 7) + number_field(4, size)
        block = text_field(1, named) + number_field(2, start) + text_field(3, node) + number_field(4, 0)
        blocks += text_field(2, block + text_field(5, b"token"))
        start += size
    found = number_field(1, start) + blocks + number_field(3, 0) + more
    return framed(number_field(1, 0) + number_field(2, 0), text_field(1, found))


def framed(*messages: bytes) -> bytes:
    body = b"".join(map(counted, messages))
    return len(body).to_bytes(4, "big") + body


def packet(data: bytes, *, number: int = 0) -> bytes:
    header = b"\x09" + bytes(8) + b"\x11" + number.to_bytes(8, "little")
    return (len(data) + 4).to_bytes(4, "big") + len(header).to_bytes(2, "big") + header + data


def answered(start: int, *, status: int = 0, checksum: int = 0) -> bytes:
    info = text_field(1, number_field(1, checksum) + number_field(2, CHUNK)) + number_field(2, start)
    return counted(number_field(1, status) + text_field(4, info))


def packets(block: bytes, offset: int, length: int) -> bytes:
    """Answer as a DataNode does: from chunk to chunk, in packets of two chunks, the last one empty."""
    start, end = offset // CHUNK * CHUNK, -(-(offset + length) // CHUNK) * CHUNK
    sent = block[start:end]
    pieces = [sent[place : place + 2 * CHUNK] for place in range(0, len(sent), 2 * CHUNK)]
    return answered(start) + b"".join(map(packet, pieces)) + packet(b"")


@pytest.fixture
def hdfs(monkeypatch: pytest.MonkeyPatch) -> Hdfs:
    return Hdfs(monkeypatch)


@pytest.mark.parametrize(
    ("offset", "length"), [(0, 5000), (0, 1), (511, 2), (512, 512), (1000, 3000), (4999, 1), (4000, 9000)]
)
@pytest.mark.parametrize("sizes", [(5000,), (2048, 2952), (1024, 1024, 1024, 1928)], ids=str)
def test_range_is_read_whatever_blocks_and_chunks_it_is_in(
    monkeypatch: pytest.MonkeyPatch, sizes: tuple[int, ...], offset: int, length: int
) -> None:
    assert Hdfs(monkeypatch, *sizes).read(offset, length) == DATA[offset : offset + length]


def test_range_behind_the_end_is_empty(hdfs: Hdfs) -> None:
    assert hdfs.read(5000, 10) == hdfs.read(9000, 10) == b""


def test_connection_and_places_are_used_again(hdfs: Hdfs) -> None:
    for offset in (0, 700, 4000):
        assert hdfs.read(offset, 500) == DATA[offset : offset + 500]
    assert [address for address, _ in hdfs.connections] == [NAMENODE, NODE]
    hdfs.client.close()
    assert all(connection.is_closed for _, connection in hdfs.connections)


def test_connection_that_the_datanode_closed_is_opened_again(hdfs: Hdfs) -> None:
    assert hdfs.read(0, 500) == DATA[:500]
    hdfs.connections[-1][1]._answer = lambda _: b""
    assert hdfs.read(600, 500) == DATA[600:1100]
    assert [address for address, _ in hdfs.connections] == [NAMENODE, NODE, NODE]
    assert hdfs.connections[1][1].is_closed


def test_connection_that_was_idle_for_long_is_not_used(hdfs: Hdfs, monkeypatch: pytest.MonkeyPatch) -> None:
    assert hdfs.read(0, 500) == DATA[:500]
    monkeypatch.setattr(block_client, "_IDLE_S", -1.0)
    assert hdfs.read(0, 500) == DATA[:500]
    assert [connection.is_closed for _, connection in hdfs.connections] == [True, True, False]


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        answered(0, status=1),
        answered(0, checksum=2) + packet(DATA) + packet(b""),
        answered(512) + packet(DATA) + packet(b""),
        answered(0) + packet(DATA[:100]) + packet(b""),
        answered(0) + packet(DATA[:100]),
        answered(0) + packet(DATA + bytes(1 << 17)) + packet(b""),
        answered(0) + bytes(6),
        answered(0) + b"\xff" * 40,
        b"\xff\xff\xff\xff" + bytes(40),
    ],
    ids=[
        "closed",
        "refused",
        "checksums",
        "behind",
        "short",
        "cut",
        "long",
        "no size",
        "no packet",
        "no answer",
    ],
)
def test_answer_that_is_wrong_is_nothing_and_ends_attempts_for_a_while(hdfs: Hdfs, sent: bytes) -> None:
    hdfs.send = lambda *_: sent
    assert hdfs.read(0, 5000) is None
    assert all(connection.is_closed for _, connection in hdfs.connections)
    made, hdfs.send = len(hdfs.connections), packets
    assert hdfs.read(0, 5000) is None
    assert len(hdfs.connections) == made
    hdfs.client._rest_until = 0.0
    assert hdfs.read(0, 5000) == DATA


def test_datanode_that_takes_too_long_is_nothing(hdfs: Hdfs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(block_client, "_READ_S", -1.0)
    assert hdfs.read(0, 100) is None


def test_hdfs_that_is_not_there_is_nothing(hdfs: Hdfs) -> None:
    hdfs.opens = False
    assert hdfs.read(0, 100) is None


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        framed(number_field(1, 0) + number_field(2, 1) + text_field(5, b"refused")),
        framed(number_field(2, 0), b""),
        located((5000,), more=number_field(3, 1)),
        located((5000,), more=text_field(6, b"encrypted")),
        located((5000,), more=text_field(7, b"striped")),
        b"\x7f\xff\xff\xff",
    ],
    ids=["closed", "refused", "no file", "written", "encrypted", "striped", "long"],
)
def test_file_that_is_not_read_block_by_block_is_nothing(hdfs: Hdfs, answer: bytes) -> None:
    hdfs.located = answer
    with pytest.raises(Malformed):
        ask_places(NAMENODE, "/lake/pack", user="lake", seconds=1, named=False)
    assert hdfs.read(0, 100) is None


def test_blocks_that_are_not_the_file_are_nothing(hdfs: Hdfs) -> None:
    hdfs.located = located((4000,), more=number_field(1, 5000))
    assert hdfs.read(0, 5000) is None


def test_datanodes_are_named_where_that_is_told(hdfs: Hdfs) -> None:
    for named, host in ((False, NODE[0]), (True, "host")):
        found = ask_places(NAMENODE, "/lake/pack", user="lake", seconds=1, named=named)
        assert found.blocks[0].nodes == ((host, NODE[1]),)
    assert "token" not in repr(found)


@given(st.binary(max_size=200))
def test_any_bytes_are_fields_or_refused(data: bytes) -> None:
    try:
        Fields(data)
    except Malformed:
        return


@given(st.binary(max_size=300), st.booleans())
def test_any_answer_of_either_is_read_or_nothing(data: bytes, of_namenode: bool) -> None:
    with pytest.MonkeyPatch.context() as patch:
        hdfs = Hdfs(patch)
        if of_namenode:
            hdfs.located = len(data).to_bytes(4, "big") + data
        else:
            hdfs.send = lambda *_: answered(0) + data
        found = hdfs.read(0, 100)
        assert found is None or len(found) <= 100
