"""A connection of the HTTP/2 client: calls, their ends, and servers that break the rules."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from tests.unit.shim.http2_kit import FakeTransport, any_bytes, data_frame, message

from gridledger.shim.http2 import ClientConnection, GrpcCall, GrpcStatus, ServerConnection
from gridledger.shim.http2.frame import (
    PREFACE,
    ErrorCode,
    Flag,
    Frame,
    FrameReader,
    FrameType,
    Setting,
    write_frame,
    write_settings,
)
from gridledger.shim.http2.header_block import grpc_headers, grpc_trailers

PATH = "/protos.Chaincode/Connect"
LIMIT = 100_000
LAST = Flag.END_HEADERS | Flag.END_STREAM


class Kept:
    """Keeps what comes on a call."""

    def __init__(self) -> None:
        self.messages: list[bytes] = []
        self.arrived: asyncio.Queue[bytes] = asyncio.Queue()
        self.ends = 0

    def receive(self, data: bytes) -> None:
        self.messages.append(data)
        self.arrived.put_nowait(data)

    def remote_done(self) -> None: ...

    def end(self) -> None:
        self.ends += 1


class Caller:
    """Our side with one call, over a transport in memory; the test is the server."""

    def __init__(self) -> None:
        self.transport = FakeTransport()
        self.connection = ClientConnection("peer:1", max_message_bytes=LIMIT, keepalive_s=3600.0)
        self.connection.connection_made(self.transport)
        self.kept = Kept()
        self.call = self.connection.open(PATH, self.kept)

    def take(self, data: bytes) -> None:
        self.connection.data_received(data)

    def answered(self) -> Caller:
        self.take(write_settings({}) + write_frame(FrameType.HEADERS, Flag.END_HEADERS, 1, grpc_headers()))
        return self

    async def frames(self) -> list[Frame]:
        await asyncio.sleep(0)
        assert self.transport.written.startswith(PREFACE)
        return FrameReader(has_preface=True).feed(self.transport.written)

    async def kinds(self) -> list[int]:
        return [frame.kind for frame in await self.frames()]


class Pipe(FakeTransport):
    """Hands what is written to another protocol, in the loop's next round."""

    def __init__(self, other: asyncio.Protocol) -> None:
        super().__init__()
        self._other = other

    def write(self, data: bytes) -> None:
        asyncio.get_running_loop().call_soon(self._other.data_received, bytes(data))


class Upper:
    """Answers in capitals, and ends the call on an empty message."""

    def __init__(self, call: GrpcCall) -> None:
        self._call = call

    def receive(self, data: bytes) -> None:
        if data:
            self._call.send(data.upper())
        else:
            self._call.finish(GrpcStatus.UNAVAILABLE, "enough – 够了")

    def remote_done(self) -> None: ...

    def end(self) -> None: ...


async def settled() -> None:
    for _ in range(100):
        await asyncio.sleep(0)


def joined() -> ClientConnection:
    """Return a client whose server is ours."""
    client = ClientConnection("peer:1", max_message_bytes=20_000_000, keepalive_s=3600.0)
    server = ServerConnection({PATH: Upper}, max_message_bytes=20_000_000, max_calls=2, keepalive_s=3600.0)
    server.connection_made(Pipe(client))
    client.connection_made(Pipe(server))
    return client


async def test_call_over_both_sides_carries_messages_and_the_status() -> None:
    kept = Kept()
    call = joined().open(PATH, kept)
    sent = [b"one", b"two", bytes(b"x" * 9_000_000), b"three"]
    for data in sent:
        call.send(data)
    assert [await kept.arrived.get() for _ in sent] == [data.upper() for data in sent]
    assert call.outcome == ""
    call.send(b"")
    await settled()
    assert call.outcome == "the server ended the call with status 14: enough – 够了"
    assert kept.ends == 1


async def test_method_that_is_not_there_ends_the_call_with_its_status() -> None:
    kept = Kept()
    call = joined().open("/other", kept)
    await settled()
    assert "status 12" in call.outcome
    assert kept.ends == 1


async def test_greeting_allows_no_push_and_names_the_method() -> None:
    caller = Caller()
    settings, _, headers = await caller.frames()
    assert bytes((0, Setting.ENABLE_PUSH, 0, 0, 0, 0)) in settings.payload
    assert headers.kind == FrameType.HEADERS
    assert PATH.encode() in headers.payload
    assert b"peer:1" in headers.payload


async def test_messages_reach_the_handler() -> None:
    caller = Caller().answered()
    caller.take(data_frame(message(b"a") + message(b"b")) + data_frame(message(b"c")))
    assert caller.kept.messages == [b"a", b"b", b"c"]
    caller.call.send(b"mine")
    assert (await caller.frames())[-1].payload == message(b"mine")


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (write_frame(FrameType.HEADERS, LAST, 1, grpc_trailers(13, "a b")), "status 13: a b"),
        (data_frame(message(b"x"), flags=Flag.END_STREAM), "without a status"),
        (write_frame(FrameType.HEADERS, Flag.END_HEADERS, 1, b"\x8d"), "HTTP status 404"),
        (write_frame(FrameType.RST_STREAM, 0, 1, bytes(4)), ""),
        (write_frame(FrameType.GOAWAY, 0, 0, bytes(8)), "stopping"),
        (data_frame(b"\x01\x00\x00\x00\x01"), "compression"),
        (data_frame(b"\x00" + (LIMIT + 1).to_bytes(4, "big")), "longer than"),
    ],
    ids=["trailers", "no-trailers", "http-status", "reset", "goaway", "compressed", "too-long"],
)
async def test_end_of_a_call_is_told_once(data: bytes, words: str) -> None:
    caller = Caller().answered()
    caller.take(data)
    caller.take(data_frame(message(b"late")))
    assert caller.kept.ends == 1
    assert words in caller.call.outcome
    assert b"late" not in caller.kept.messages
    caller.call.cancel()
    assert caller.kept.ends == 1


async def test_goaway_leaves_the_calls_that_the_server_took() -> None:
    caller = Caller().answered()
    caller.take(write_frame(FrameType.GOAWAY, 0, 0, (1).to_bytes(4, "big") + bytes(4)))
    caller.take(data_frame(message(b"still")))
    assert caller.kept.messages == [b"still"]
    assert caller.kept.ends == 0
    late = Kept()
    assert caller.connection.open(PATH, late).outcome == "the connection is closed"
    assert late.ends == 1


async def test_cancelled_call_is_reset() -> None:
    caller = Caller().answered()
    caller.call.cancel()
    assert (await caller.kinds())[-1] == FrameType.RST_STREAM
    assert caller.kept.ends == 1
    caller.take(data_frame(message(b"late")))
    assert caller.kept.messages == []


async def test_lost_connection_ends_the_call() -> None:
    caller = Caller().answered()
    caller.connection.connection_lost(None)
    assert caller.kept.ends == 1
    caller.call.send(b"late")


BROKEN = {
    "preface": (PREFACE, ErrorCode.FRAME_SIZE_ERROR),
    "headers-of-an-unopened-stream": (
        write_frame(FrameType.HEADERS, Flag.END_HEADERS, 3, grpc_headers()),
        ErrorCode.PROTOCOL_ERROR,
    ),
    "data-of-an-unopened-stream": (data_frame(b"x", 3), ErrorCode.PROTOCOL_ERROR),
    "push": (write_frame(FrameType.PUSH_PROMISE, 0, 1, bytes(4)), ErrorCode.PROTOCOL_ERROR),
    "garbage-headers": (
        write_frame(FrameType.HEADERS, Flag.END_HEADERS, 1, b"\xff" * 9),
        ErrorCode.COMPRESSION_ERROR,
    ),
    "too-much-window": (
        write_frame(FrameType.WINDOW_UPDATE, 0, 1, (2**31 - 1).to_bytes(4, "big")),
        ErrorCode.FLOW_CONTROL_ERROR,
    ),
}


@pytest.mark.parametrize("name", BROKEN)
async def test_broken_server_is_told_and_left(name: str) -> None:
    data, code = BROKEN[name]
    caller = Caller()
    caller.take(data)
    goaway = (await caller.frames())[-1]
    assert goaway.kind == FrameType.GOAWAY
    assert int.from_bytes(goaway.payload[4:8], "big") == code
    assert caller.transport.is_closed


@given(any_bytes())
def test_any_bytes_leave_the_client_alive(parts: list[bytes]) -> None:
    async def feed() -> None:
        caller = Caller().answered()
        for part in parts:
            if not caller.transport.is_closed:
                caller.take(part)
        caller.connection.connection_lost(None)
        assert caller.kept.ends == 1

    asyncio.run(feed())
