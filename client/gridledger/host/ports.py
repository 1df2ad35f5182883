"""Free ports on the loopback interface."""

from __future__ import annotations

import secrets
import socket
from collections.abc import Iterator

from gridledger.model.errors import NetworkSetupError

__all__ = ["LOOPBACK", "free_ports", "is_listening"]

LOOPBACK = "127.0.0.1"
_RANGE = range(20_000, 32_000)
"""Below the range that systems take ports for outgoing connections from, so that a kept port stays free."""
_ATTEMPTS = 10_000


def free_ports() -> Iterator[int]:
    """Yield ports that nothing listens on, each once.

    Raises
    ------
    NetworkSetupError
        If none is found.
    """
    given: set[int] = set()
    for _ in range(_ATTEMPTS):
        port = _RANGE[secrets.randbelow(len(_RANGE))]
        if port in given:
            continue
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            # As servers bind: a port whose last connection is still fading out is free.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((LOOPBACK, port))
            except OSError:
                continue
        given.add(port)
        yield port
    raise NetworkSetupError(f"no free port between {_RANGE.start} and {_RANGE.stop}")


def is_listening(port: int) -> bool:
    """Tell whether a connection to `port` is accepted."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.settimeout(1)
        return probe.connect_ex((LOOPBACK, port)) == 0
