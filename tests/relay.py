"""A way between two programs over TCP that a test cuts in the middle of a message, and restores."""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Self

__all__ = ["Relay"]

_CHUNK = 1 << 16


class Relay:
    """Carries the bytes of connections to a server on this machine; an async context manager.

    Parameters
    ----------
    target : int, default 0
        The server's port; it may be set later.
    """

    def __init__(self, target: int = 0) -> None:
        self.target = target
        self._left: dict[str, int | None] = {"up": None, "down": None}
        self._cut = False
        self._open: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self.port = 0
        self.cuts = 0

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._carry, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.close()
        self._abort()
        if self._tasks:
            await asyncio.wait(self._tasks)

    def cut_after(self, count: int, way: str, *, restore_s: float) -> None:
        """Cut all connections once so many further bytes have gone `up` to the server or `down` from it.

        New connections are broken, too, until `restore_s` later.
        """
        self._left[way] = count
        self._restore_s = restore_s

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        if self._cut:
            writer.transport.abort()
            return
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self.target)
        except OSError:
            writer.transport.abort()
            return
        self._open |= {writer, far_writer}
        try:
            await asyncio.gather(
                self._pass_on("up", reader, far_writer), self._pass_on("down", far_reader, writer)
            )
        finally:
            self._open -= {writer, far_writer}
            writer.close()
            far_writer.close()

    async def _pass_on(self, way: str, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        try:
            while data := await source.read(_CHUNK):
                left = self._left[way]
                if left is not None and len(data) >= left:
                    sink.write(data[:left])
                    await sink.drain()
                    self._break()
                    return
                if left is not None:
                    self._left[way] = left - len(data)
                sink.write(data)
                await sink.drain()
            if sink.can_write_eof():
                sink.write_eof()
        except OSError:
            return  # the other way has ended the connection

    def _break(self) -> None:
        self._left = {"up": None, "down": None}
        self._cut = True
        self.cuts += 1
        self._abort()
        asyncio.get_running_loop().call_later(self._restore_s, self._restore)

    def _abort(self) -> None:
        for writer in self._open:
            writer.transport.abort()
        self._open.clear()

    def _restore(self) -> None:
        self._cut = False
