"""Connections that are kept: used again, replaced when the server closes, closed after half an answer."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import httpx
import pytest

from gridledger.web.connections import KeptConnections

_OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"


@dataclass
class _Server:
    """Answers each request by what the test says, and counts connections."""

    answers: list[bytes] = field(default_factory=list)
    connections: int = 0
    url: str = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = next(
                    (
                        int(line.split(b":")[1])
                        for line in head.split(b"\r\n")
                        if b"content-length" in line.lower()
                    ),
                    0,
                )
                await reader.readexactly(length)
                answer = self.answers.pop(0) if self.answers else _OK
                writer.write(answer)
                await writer.drain()
                if not answer.endswith(b"ok"):
                    return
        except asyncio.IncompleteReadError:
            return
        finally:
            writer.close()


@asynccontextmanager
async def _serving(*answers: bytes) -> AsyncIterator[tuple[_Server, httpx.AsyncClient]]:
    server = _Server(list(answers))
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    server.url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/"
    async with httpx.AsyncClient(transport=KeptConnections(ssl.create_default_context()), timeout=5) as http:
        yield server, http
    listening.close()
    await listening.wait_closed()


async def test_requests_one_after_the_other_share_a_connection() -> None:
    async with _serving() as (server, http):
        for _ in range(3):
            reply = await http.post(server.url, content=b"question")
            assert (reply.status_code, reply.content) == (200, b"ok")
    assert server.connections == 1


async def test_requests_at_the_same_time_have_connections_of_their_own() -> None:
    async with _serving() as (server, http):
        replies = await asyncio.gather(*(http.get(server.url) for _ in range(5)))
    assert [reply.content for reply in replies] == [b"ok"] * 5
    assert server.connections == 5


async def test_connection_that_the_server_closed_is_replaced() -> None:
    closing = b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\nconnection: close\r\n\r\nbye"
    async with _serving(closing) as (server, http):
        assert (await http.get(server.url)).content == b"bye"
        assert (await http.get(server.url)).content == b"ok"
    assert server.connections == 2


async def test_chunked_answer_after_an_interim_one_is_whole() -> None:
    chunked = (
        b"HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
        b"1\r\na\r\n1\r\nb\r\n0\r\n\r\n"
    )
    async with _serving(chunked) as (server, http):
        assert (await http.get(server.url)).content == b"ab"


@pytest.mark.parametrize(
    "answer",
    [b"", b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nshort", b"\x16\x03\x01 no HTTP\r\n\r\n"],
    ids=["none", "cut", "other"],
)
async def test_broken_answer_is_an_error_and_ends_its_connection(answer: bytes) -> None:
    async with _serving(answer) as (server, http):
        with pytest.raises(httpx.RemoteProtocolError):
            await http.get(server.url)
        assert (await http.get(server.url)).content == b"ok"
    assert server.connections == 2


async def test_answer_that_is_not_read_to_its_end_ends_its_connection() -> None:
    async with _serving() as (server, http):
        async with http.stream("GET", server.url):
            pass
        assert (await http.get(server.url)).content == b"ok"
    assert server.connections == 2


async def _unreachable(http: httpx.AsyncClient) -> None:
    listening = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    listening.close()
    await listening.wait_closed()
    await http.get(f"http://127.0.0.1:{port}/")


async def test_server_that_is_not_there_is_a_connect_error() -> None:
    async with httpx.AsyncClient(transport=KeptConnections(ssl.create_default_context())) as http:
        with pytest.raises(httpx.ConnectError):
            await _unreachable(http)


async def test_header_with_a_line_break_is_never_sent() -> None:
    async with _serving() as (server, http):
        with pytest.raises(httpx.LocalProtocolError):
            await http.get(server.url, headers={"x-note": "one\r\nx-other: two"})
        assert (await http.get(server.url)).content == b"ok"
