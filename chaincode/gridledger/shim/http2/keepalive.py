"""Find out that the other side is gone."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

__all__ = ["Keepalive"]

_logger = logging.getLogger("gridledger.shim")


class Keepalive:
    """Ping a silent connection, and cut it if it stays silent.

    Parameters
    ----------
    period_s : float
        Silent for so long, it is pinged; silent for a third of it more, it is cut.
    ping, cut : callable
        Do so.

    Attributes
    ----------
    was_heard : bool
        The connection sets it whenever bytes arrive: one assignment, since a timer for each message would
        cost more than the message.
    """

    def __init__(self, period_s: float, ping: Callable[[], None], cut: Callable[[], None]) -> None:
        self.was_heard = False
        self._period_s = period_s
        self._ping = ping
        self._cut = cut
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Begin to listen."""
        self.was_heard = False
        self._timer = asyncio.get_running_loop().call_later(self._period_s, self._look)

    def stop(self) -> None:
        """Stop; nothing is called any more."""
        if self._timer is not None:
            self._timer.cancel()

    def _look(self) -> None:
        if self.was_heard:
            self.start()
            return
        self._ping()
        self._timer = asyncio.get_running_loop().call_later(self._period_s / 3, self._look_again)

    def _look_again(self) -> None:
        if self.was_heard:
            self.start()
        else:
            _logger.warning("cut a connection that did not answer a ping")
            self._cut()
