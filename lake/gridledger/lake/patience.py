"""How long a call is tried again."""

from __future__ import annotations

import time

__all__ = ["Patience"]

_FIRST_PAUSE_S = 0.02
_LONGEST_PAUSE_S = 1.0


class Patience:
    """Pauses that grow, until a deadline.

    Parameters
    ----------
    deadline_s : float
        From now on, in seconds.
    """

    def __init__(self, deadline_s: float) -> None:
        self._end = time.monotonic() + deadline_s
        self._pause_s = _FIRST_PAUSE_S

    @property
    def left_s(self) -> float:
        """How much of it is left, in seconds; never less than 0."""
        return max(0.0, self._end - time.monotonic())

    def pause(self) -> bool:
        """Wait, and tell whether to try again; do not wait if the deadline would pass."""
        if self.left_s <= self._pause_s:
            return False
        time.sleep(self._pause_s)
        self._pause_s = min(2 * self._pause_s, _LONGEST_PAUSE_S)
        return True
