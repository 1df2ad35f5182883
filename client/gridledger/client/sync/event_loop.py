"""The one event loop behind all synchronous calls: a thread in the background."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from gridledger.model.errors import ConfigError

__all__ = ["call", "run"]

_Result = TypeVar("_Result")

_lock = threading.Lock()
_loop: asyncio.AbstractEventLoop | None = None
_process = 0


def run(coroutine: Coroutine[Any, Any, _Result]) -> _Result:
    """Run a coroutine on the background loop and wait for its result.

    Parameters
    ----------
    coroutine : coroutine
        It has a deadline of its own.

    Raises
    ------
    ConfigError
        When called from the loop's own thread, such as from a signer: it would wait for itself.

    Notes
    -----
    An interrupt from the keyboard cancels the coroutine.
    """
    loop = _running_loop()
    try:
        if asyncio.get_running_loop() is loop:
            coroutine.close()
            raise ConfigError(
                "synchronous calls cannot be made from the thread that serves them",
                key="thread",
                source="sync",
            )
    except RuntimeError:
        pass  # No loop runs in this thread: as it should be.
    future = asyncio.run_coroutine_threadsafe(coroutine, loop)
    try:
        return future.result()
    except BaseException:
        future.cancel()
        raise


def call(function: Callable[[], _Result]) -> _Result:
    """Call a plain function on the background thread: gRPC channels belong to the loop that opens them."""

    async def wrapped() -> _Result:
        return function()

    return run(wrapped())


def _running_loop() -> asyncio.AbstractEventLoop:
    global _loop, _process
    with _lock:
        # A child process has its parent's variables, but not its threads.
        if _loop is None or _process != os.getpid():
            _loop, _process = asyncio.new_event_loop(), os.getpid()
            threading.Thread(target=_loop.run_forever, name="gridledger client", daemon=True).start()
        return _loop
