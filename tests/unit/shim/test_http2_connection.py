"""A connection of the chaincode's HTTP/2 server: calls, flow control, and clients that break the rules."""

from __future__ import annotations

import asyncio

import pytest
from hpack import Encoder
from hypothesis import given
from tests.unit.shim.http2_kit import FakeTransport, any_bytes, data_frame, message

from gridledger.shim.http2 import GrpcCall, GrpcStatus, ServerConnection
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

PATH = "/protos.Chaincode/Connect"
LIMIT = 100_000


class Echo:
    """Answers each message with itself."""

    def __init__(self, call: GrpcCall) -> None:
        self.call = call
        self.has_ended = False

    def receive(self, message: bytes) -> None:
        self.call.send(message)

    def remote_done(self) -> None:
        self.call.finish(GrpcStatus.OK)

    def end(self) -> None:
        self.has_ended = True


class Client:
    """The other side: bytes in, frames out."""

    def __init__(self) -> None:
        self.transport = FakeTransport()
        self.handlers: list[Echo] = []
        self.connection = ServerConnection(
            {PATH: self._open}, max_message_bytes=LIMIT, max_calls=8, keepalive_s=3600.0
        )
        self.connection.connection_made(self.transport)
        self._encoder = Encoder()
        self._read = 0

    def _open(self, call: GrpcCall) -> Echo:
        self.handlers.append(Echo(call))
        return self.handlers[-1]

    def greet(self, settings: dict[Setting, int] | None = None) -> Client:
        self.send(PREFACE + write_settings(settings or {}))
        return self

    def send(self, data: bytes) -> None:
        self.connection.data_received(data)

    def headers(self, stream_id: int = 1, *, flags: int = Flag.END_HEADERS, **changed: str) -> bytes:
        fields = {":method": "POST", ":path": PATH, ":scheme": "https", "content-type": "application/grpc"}
        fields |= {name.replace("_", ":", 1): value for name, value in changed.items()}
        return write_frame(FrameType.HEADERS, flags, stream_id, self._encoder.encode(list(fields.items())))

    async def frames(self) -> list[Frame]:
        await asyncio.sleep(0)
        reader = FrameReader(has_preface=False)
        frames = reader.feed(self.transport.written)[self._read :]
        self._read += len(frames)
        return frames

    async def error_code(self) -> ErrorCode:
        frames = [frame for frame in await self.frames() if frame.kind == FrameType.GOAWAY]
        assert self.transport.is_closed
        return ErrorCode(int.from_bytes(frames[-1].payload[4:8], "big"))


async def test_message_in_pieces_is_answered_whole() -> None:
    client = Client().greet()
    whole = client.headers() + data_frame(message(b"hello")[:3]) + data_frame(message(b"hello")[3:])
    for position in range(len(whole)):
        client.send(whole[position : position + 1])
    answered = [f.payload for f in await client.frames() if f.kind == FrameType.DATA]
    assert answered == [message(b"hello")]


async def test_answer_waits_for_window() -> None:
    client = Client().greet({Setting.INITIAL_WINDOW_SIZE: 4})
    client.send(client.headers() + data_frame(message(b"0123456789")))
    assert [f.payload for f in await client.frames() if f.kind == FrameType.DATA] == [
        message(b"0123456789")[:4]
    ]
    client.send(write_frame(FrameType.WINDOW_UPDATE, 0, 1, (100).to_bytes(4, "big")))
    assert [f.payload for f in await client.frames() if f.kind == FrameType.DATA] == [
        message(b"0123456789")[4:]
    ]


async def test_client_that_ends_its_stream_gets_status() -> None:
    client = Client().greet()
    client.send(client.headers() + data_frame(message(b"x"), flags=Flag.END_STREAM))
    last = (await client.frames())[-1]
    assert last.kind == FrameType.HEADERS
    assert last.flags & Flag.END_STREAM
    assert client.handlers[0].has_ended


async def test_lost_connection_ends_the_call() -> None:
    client = Client().greet()
    client.send(client.headers())
    client.connection.connection_lost(None)
    assert client.handlers[0].has_ended
    client.handlers[0].call.send(b"late")


@pytest.mark.parametrize(
    ("prefix", "status"),
    [
        (b"\x01\x00\x00\x00\x01", GrpcStatus.UNIMPLEMENTED),
        (b"\x00" + (LIMIT + 1).to_bytes(4, "big"), GrpcStatus.RESOURCE_EXHAUSTED),
    ],
    ids=["compressed", "too-long"],
)
async def test_message_that_is_not_taken_ends_its_call_only(prefix: bytes, status: GrpcStatus) -> None:
    client = Client().greet()
    client.send(client.headers() + data_frame(prefix))
    trailers = [f for f in await client.frames() if f.kind == FrameType.HEADERS][-1]
    assert (
        b"grpc-status\x01%d" % status in trailers.payload or b"grpc-status\x02%d" % status in trailers.payload
    )
    assert not client.transport.is_closed
    client.send(client.headers(3) + data_frame(message(b"next"), 3))
    assert [f.payload for f in await client.frames() if f.kind == FrameType.DATA] == [message(b"next")]


@pytest.mark.parametrize("changed", [{"_path": "/other"}, {"_method": "GET"}], ids=["path", "method"])
async def test_other_request_is_refused(changed: dict[str, str]) -> None:
    client = Client().greet()
    client.send(client.headers(**changed))
    kinds = [frame.kind for frame in await client.frames()]
    assert FrameType.RST_STREAM in kinds
    assert client.handlers == []
    assert not client.transport.is_closed


BROKEN = {
    "frame-too-long": (b"\xff\xff\xff\x00\x00\x00\x00\x00\x01", ErrorCode.FRAME_SIZE_ERROR),
    "data-on-idle-stream": (data_frame(b"x", 5), ErrorCode.PROTOCOL_ERROR),
    "even-stream": (write_frame(FrameType.HEADERS, Flag.END_HEADERS, 2, b""), ErrorCode.PROTOCOL_ERROR),
    "garbage-headers": (
        write_frame(FrameType.HEADERS, Flag.END_HEADERS, 1, b"\xff" * 9),
        ErrorCode.COMPRESSION_ERROR,
    ),
    "block-interrupted": (
        write_frame(FrameType.HEADERS, 0, 1, b"") + write_frame(FrameType.PING, 0, 0, bytes(8)),
        ErrorCode.PROTOCOL_ERROR,
    ),
    "continuation-of-nothing": (write_frame(FrameType.CONTINUATION, 0, 1, b""), ErrorCode.PROTOCOL_ERROR),
    "block-without-end": (
        write_frame(FrameType.HEADERS, 0, 1, bytes(16_000))
        + write_frame(FrameType.CONTINUATION, 0, 1, bytes(16_000)),
        ErrorCode.ENHANCE_YOUR_CALM,
    ),
    "short-ping": (write_frame(FrameType.PING, 0, 0, b"x"), ErrorCode.FRAME_SIZE_ERROR),
    "odd-settings": (write_frame(FrameType.SETTINGS, 0, 0, b"x"), ErrorCode.FRAME_SIZE_ERROR),
    "impossible-window": (write_settings({Setting.INITIAL_WINDOW_SIZE: 2**31}), ErrorCode.FLOW_CONTROL_ERROR),
    "window-of-nothing": (write_frame(FrameType.WINDOW_UPDATE, 0, 0, bytes(4)), ErrorCode.FLOW_CONTROL_ERROR),
    "reset-of-idle-stream": (write_frame(FrameType.RST_STREAM, 0, 9, bytes(4)), ErrorCode.PROTOCOL_ERROR),
    "push": (write_frame(FrameType.PUSH_PROMISE, 0, 1, bytes(4)), ErrorCode.PROTOCOL_ERROR),
}


@pytest.mark.parametrize("name", BROKEN)
async def test_broken_client_is_told_and_cut(name: str) -> None:
    data, code = BROKEN[name]
    client = Client().greet()
    client.send(data)
    assert await client.error_code() is code


async def test_padding_over_payload_is_refused() -> None:
    client = Client().greet()
    client.send(client.headers() + data_frame(b"\x09x", flags=Flag.PADDED))
    assert await client.error_code() is ErrorCode.PROTOCOL_ERROR


async def test_no_preface_is_refused() -> None:
    client = Client()
    client.send(b"GET / HTTP/1.1\r\n\r\n")
    assert await client.error_code() is ErrorCode.PROTOCOL_ERROR


async def test_ninth_call_at_once_is_refused() -> None:
    client = Client().greet()
    for number in range(9):
        client.send(client.headers(2 * number + 1))
    resets = [frame.stream_id for frame in await client.frames() if frame.kind == FrameType.RST_STREAM]
    assert resets == [17]
    assert len(client.handlers) == 8


@given(any_bytes())
def test_any_bytes_leave_the_server_alive(parts: list[bytes]) -> None:
    async def feed() -> None:
        client = Client().greet()
        client.send(client.headers())
        for part in parts:
            if not client.transport.is_closed:
                client.send(part)
        await asyncio.sleep(0)
        client.connection.connection_lost(None)
        assert all(handler.has_ended for handler in client.handlers)

    asyncio.run(feed())


async def test_one_answer_and_its_status_are_one_write() -> None:
    client = Client().greet()
    client.send(client.headers())
    await asyncio.sleep(0)
    client.transport.writes.clear()
    client.handlers[0].call.reply(b"answer")
    await asyncio.sleep(0)
    (written,) = client.transport.writes
    frames = FrameReader(has_preface=False).feed(written)
    assert [frame.kind for frame in frames] == [
        FrameType.HEADERS,
        FrameType.DATA,
        FrameType.HEADERS,
        FrameType.RST_STREAM,
    ]
    assert frames[1].payload == message(b"answer")
    assert frames[2].flags & Flag.END_STREAM
    assert client.handlers[0].has_ended


async def test_answer_without_window_ends_with_its_status_later() -> None:
    client = Client().greet({Setting.INITIAL_WINDOW_SIZE: 4})
    client.send(client.headers())
    client.handlers[0].call.reply(b"answer")
    kinds = [frame.kind for frame in await client.frames()]
    assert kinds[-2:] == [FrameType.HEADERS, FrameType.DATA]
    client.send(write_frame(FrameType.WINDOW_UPDATE, 0, 1, (100).to_bytes(4, "big")))
    frames = await client.frames()
    assert [frame.kind for frame in frames][:2] == [FrameType.DATA, FrameType.HEADERS]


async def test_call_without_answer_ends_with_one_block_of_headers() -> None:
    client = Client().greet()
    client.send(client.headers(flags=Flag.END_HEADERS | Flag.END_STREAM))
    blocks = [frame for frame in await client.frames() if frame.kind == FrameType.HEADERS]
    assert len(blocks) == 1
    assert blocks[0].flags & Flag.END_STREAM
    assert b"grpc-status" in blocks[0].payload


async def test_details_of_a_status_travel_as_base64() -> None:
    client = Client().greet()
    client.send(client.headers())
    client.handlers[0].call.finish(GrpcStatus.UNKNOWN, "no", b"\x08\x02")
    blocks = [frame for frame in await client.frames() if frame.kind == FrameType.HEADERS]
    assert b"grpc-status-details-bin\x03CAI" in blocks[-1].payload


async def test_data_after_the_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Echo, "remote_done", lambda echo: None)
    client = Client().greet()
    client.send(client.headers() + data_frame(message(b"x"), flags=Flag.END_STREAM))
    assert not client.transport.is_closed
    client.send(data_frame(message(b"y")))
    assert await client.error_code() is ErrorCode.STREAM_CLOSED


async def test_same_header_blocks_are_the_same_headers() -> None:
    client = Client().greet()
    for number in (1, 3, 5):
        client.send(client.headers(number))
    client.send(client.headers(7, _path="/other"))
    for number in (9, 11):
        client.send(client.headers(number))
    assert len(client.handlers) == 5


def pings(frames: list[Frame]) -> list[bytes]:
    return [frame.payload for frame in frames if frame.kind == FrameType.PING and frame.flags & Flag.ACK]


async def test_pings_are_answered_together_and_later(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gridledger.shim.http2.connection._PING_ANSWERED_AFTER_S", 0.01)
    client = Client().greet()
    sent = [bytes([number]) * 8 for number in range(3)]
    for payload in sent:
        client.send(write_frame(FrameType.PING, 0, 0, payload))
    answered = pings(await client.frames())
    assert answered == []
    async with asyncio.timeout(60):
        while not answered:
            await asyncio.sleep(0.01)
            answered = pings(await client.frames())
    assert answered == sent


async def test_pings_wait_for_a_client_that_does_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gridledger.shim.http2.connection._PING_ANSWERED_AFTER_S", 0.01)
    client = Client().greet()
    client.connection.pause_writing()
    client.send(write_frame(FrameType.PING, 0, 0, bytes(8)))
    await asyncio.sleep(0.05)
    assert pings(await client.frames()) == []
    client.connection.resume_writing()
    async with asyncio.timeout(60):
        while not pings(await client.frames()):  # noqa: ASYNC110 - nothing tells it
            await asyncio.sleep(0.01)


async def test_pings_without_end_are_refused() -> None:
    client = Client().greet()
    client.send(write_frame(FrameType.PING, 0, 0, bytes(8)) * 1_001)
    assert await client.error_code() is ErrorCode.ENHANCE_YOUR_CALM


async def test_what_a_message_wakes_is_answered_in_the_same_round() -> None:
    client = Client().greet()
    client.send(client.headers())
    await client.frames()
    call = client.handlers[0].call
    woken = asyncio.get_running_loop().create_future()

    async def answer() -> None:
        await woken
        call.send(b"answer")

    task = asyncio.create_task(answer())
    await asyncio.sleep(0)
    client.handlers[0].receive = lambda _: woken.set_result(None)  # type: ignore[method-assign]
    before = len(client.transport.writes)
    client.send(data_frame(message(b"x")))
    await asyncio.sleep(0)
    assert len(client.transport.writes) == before + 1
    await task


async def test_sender_waits_for_a_client_that_does_not_read() -> None:
    client = Client().greet({Setting.INITIAL_WINDOW_SIZE: 4})
    client.send(client.headers())
    call = client.handlers[0].call
    call.send(bytes(2 * 1024 * 1024))
    waiting = asyncio.create_task(call.drain())
    await asyncio.sleep(0)
    assert not waiting.done()
    client.connection.connection_lost(None)
    await waiting
