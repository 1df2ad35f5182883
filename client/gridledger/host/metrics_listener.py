"""Where Prometheus reads a process's metrics: a listener of its own, apart from what callers reach."""

from __future__ import annotations

import logging
import threading
from types import TracebackType
from typing import Final, Self
from wsgiref.simple_server import WSGIServer

from prometheus_client import start_http_server

from gridledger.host.metrics import REGISTRY
from gridledger.host.ports import LOOPBACK
from gridledger.model.errors import ConfigError

__all__ = ["MetricsListener", "read_address"]

_log: Final = logging.getLogger("gridledger.metrics")
_STOP_SECONDS: Final = 5.0
_MAX_PORT: Final = 65_535


def read_address(text: str) -> tuple[str, int]:
    """Read `PORT` or `HOST:PORT`; 127.0.0.1 where no host is named, port 0 for a free one.

    Raises
    ------
    ConfigError
        If it is neither.

    Examples
    --------
    >>> read_address("9464")
    ('127.0.0.1', 9464)
    """
    host, separator, port = text.rpartition(":")
    host = host.removeprefix("[").removesuffix("]") if separator else LOOPBACK
    if not host or not port.isascii() or not port.isdecimal() or len(port) > 5 or int(port) > _MAX_PORT:
        raise ConfigError("want PORT or HOST:PORT", key="metrics", source="--metrics", value=text[:100])
    return host, int(port)


class MetricsListener:
    """Answers `GET /metrics` in a thread of its own; a context manager.

    Parameters
    ----------
    address : str
        `PORT` or `HOST:PORT`. Whoever reaches it reads the metrics: it is plain HTTP and knows no callers.

    Raises
    ------
    ConfigError
        On entering, if the address cannot be listened on.
    """

    def __init__(self, address: str) -> None:
        self._address = read_address(address)
        self._server: WSGIServer | None = None
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        """Where metrics are read; empty before it was entered."""
        if self._server is None:
            return ""
        host = self._address[0]
        name = f"[{host}]" if ":" in host else host
        return f"http://{name}:{self._server.server_port}/metrics"

    def __enter__(self) -> Self:
        host, port = self._address
        try:
            self._server, self._thread = start_http_server(port, addr=host, registry=REGISTRY)
        except OSError as error:
            raise ConfigError(
                f"cannot listen: {error.strerror}", key="metrics", source="--metrics", value=f"{host}:{port}"
            ) from error
        _log.info("metrics are read at %s", self.url)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        server, thread = self._server, self._thread
        self._server = self._thread = None
        if server is not None and thread is not None:
            server.shutdown()
            thread.join(_STOP_SECONDS)
            server.server_close()
