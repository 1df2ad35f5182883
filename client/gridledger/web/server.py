"""Serve a Service: within this process, or as a process of its own."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import socket
import sys
import tempfile
from collections.abc import Callable, Coroutine, Generator, Sequence
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import uvicorn

from gridledger.model.errors import ConfigError
from gridledger.web.errors import ServiceUnavailable
from gridledger.web.service import Service

__all__ = ["LocalServer", "ServerTLS", "relax_collector", "run"]

_START_S: Final = 10.0
_STOP_S: Final = 10
_POLL_S: Final = 0.01
_BACKLOG: Final = 512
_COLLECT_AFTER: Final = 50_000
"""New containers between two looks of the garbage collector; requests leave next to no circles."""


@dataclass(frozen=True, kw_only=True)
class ServerTLS:
    """Files of a server's TLS certificate, such as a peer's `tls/server.crt` and `tls/server.key`."""

    certificate: Path
    private_key: Path


class LocalServer:
    """A service on a port of this machine, in this process and event loop: an async context manager.

    Parameters
    ----------
    service : Service
    host : str, default "127.0.0.1"
    port : int, default 0
        0 takes a free one.
    origins : sequence of str, default ()
        Further addresses under which callers know it, such as a proxy's; its own is always one.
    tls : ServerTLS, optional
        Without it, plain HTTP.
    stop_s : int, default 10
        Seconds that requests under way get to end when it stops.

    Raises
    ------
    ConfigError
        On entering, if the address is taken or the TLS files cannot be read.
    ServiceUnavailable
        On entering, if the server is not ready in 10 seconds.
    """

    def __init__(
        self,
        service: Service,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        origins: Sequence[str] = (),
        tls: ServerTLS | None = None,
        stop_s: int = _STOP_S,
    ) -> None:
        self._service = service
        self._address = (host, port)
        self._origins = tuple(origins)
        self._tls = tls
        self._stop_s = stop_s
        self._url = ""
        self._server: _Server | None = None
        self._stack = AsyncExitStack()

    @property
    def url(self) -> str:
        """The server's own origin; empty before it was entered."""
        return self._url

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            listener = stack.enter_context(_listen(*self._address))
            host, port = listener.getsockname()[:2]
            name = f"[{host}]" if ":" in host else host
            self._url = f"{'https' if self._tls else 'http'}://{name}:{port}"
            await stack.enter_async_context(self._service.lifespan())
            self._server = _Server(self._config())
            task = asyncio.create_task(self._server.serve(sockets=[listener]), name=f"serve {self._url}")
            stack.push_async_callback(self._stop, self._server, task)
            await self._until_started(self._server, task)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    def stop(self) -> None:
        """Let requests under way end, then stop; `wait` returns once that is done."""
        if self._server is not None:
            self._server.should_exit = True

    async def wait(self) -> None:
        """Wait until the server has stopped."""
        if self._server is not None:
            await self._server.stopped.wait()

    def _config(self) -> uvicorn.Config:
        tls = self._tls
        try:
            config = uvicorn.Config(
                self._service.app([self._url, *self._origins]),
                lifespan="off",  # Entered above, so that a failure reaches the caller as it is.
                access_log=False,
                log_config=None,
                server_header=False,
                proxy_headers=False,
                ws="none",
                backlog=_BACKLOG,
                timeout_graceful_shutdown=self._stop_s,
                ssl_certfile=tls.certificate if tls else None,
                ssl_keyfile=tls.private_key if tls else None,
            )
            config.load()
        except OSError as error:
            source = str(tls.certificate.parent) if tls else "LocalServer"
            raise ConfigError(
                "the certificate or its key cannot be read", key="tls", source=source
            ) from error
        return config

    async def _until_started(self, server: _Server, task: asyncio.Task[None]) -> None:
        try:
            async with asyncio.timeout(_START_S):
                while not server.started:
                    if task.done():
                        task.result()
                        raise ServiceUnavailable(f"{self._service.title} stopped while it started")
                    await asyncio.sleep(_POLL_S)
        except TimeoutError as error:
            raise ServiceUnavailable(f"{self._service.title} was not ready in {_START_S:.0f} s") from error

    async def _stop(self, server: _Server, task: asyncio.Task[None]) -> None:
        server.should_exit = True
        await asyncio.wait([task], timeout=self._stop_s + _START_S)
        if not task.done():
            task.cancel()
            await asyncio.wait([task], timeout=_START_S)


def run(
    build: Callable[[], Service],
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    origins: Sequence[str] = (),
    tls: ServerTLS | None = None,
    port_file: Path | None = None,
) -> None:
    """Serve until SIGTERM or SIGINT: the body of a process's main.

    Parameters
    ----------
    build : callable
        Makes the service, inside the event loop.
    host, port, origins, tls
        As for LocalServer.
    port_file : Path, optional
        Gets the port as text once the server answers; written whole or not at all.

    Notes
    -----
    Writes one line `ready <url>` to standard output once the server answers.
    """

    async def serve() -> None:
        async with LocalServer(build(), host=host, port=port, origins=origins, tls=tls) as server:
            loop = asyncio.get_running_loop()
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, lambda *_: loop.call_soon_threadsafe(server.stop))
            if port_file is not None:
                _write_whole(port_file, server.url.rpartition(":")[2])
            sys.stdout.write(f"ready {server.url}\n")
            sys.stdout.flush()
            await server.wait()

    relax_collector()
    _run(serve())


def relax_collector() -> None:
    """Let the garbage collector leave alone what was imported, and look seldom: for a program that stays.

    Notes
    -----
    Its looks at all that lives are a fifth of the processor time of a server that takes thousands of records
    a second.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_COLLECT_AFTER)


def _run(serving: Coroutine[Any, Any, None]) -> None:
    try:
        import uvloop
    except ImportError:  # the extra "server" brings it; without it everything works, a little slower
        asyncio.run(serving)
    else:
        uvloop.run(serving)


class _Server(uvicorn.Server):
    """uvicorn's server that leaves the signals of its process alone and tells when it has stopped."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.stopped = asyncio.Event()

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        try:
            await super().serve(sockets)
        finally:
            self.stopped.set()

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # With the protocol named, asyncio sets TCP_NODELAY on what is accepted; without it replies wait 40 ms.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        raise ConfigError(
            f"cannot listen: {error.strerror}", key="address", source="LocalServer", value=f"{host}:{port}"
        ) from error
    return listener


def _write_whole(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    try:
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
