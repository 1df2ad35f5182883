"""What is said of a module that has ended by itself: it never should."""

from __future__ import annotations

import asyncio
import logging
from typing import Any, Final

__all__ = ["tell_end"]

_log: Final = logging.getLogger("gridledger.response")


def tell_end(task: asyncio.Task[Any]) -> None:
    """Log that a module has stopped by a defect; for `Task.add_done_callback`."""
    if not task.cancelled() and task.exception() is not None:
        _log.critical("%s has stopped", task.get_name(), exc_info=task.exception())
