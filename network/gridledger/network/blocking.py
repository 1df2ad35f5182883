"""Coroutines from code that blocks."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, ParamSpec, TypeVar

__all__ = ["run_blocking"]

P = ParamSpec("P")
T = TypeVar("T")


def run_blocking(
    function: Callable[P, Coroutine[Any, Any, T]], /, *arguments: P.args, **keywords: P.kwargs
) -> T:
    """Call a coroutine function, run what it returns to its end, and return the result.

    Notes
    -----
    Where an event loop runs in this thread already, as in a test, the coroutine gets a thread and a loop of
    its own: the caller's loop stands still meanwhile, so callers who mind go through `asyncio.to_thread`.
    """
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(function(*arguments, **keywords))
    with ThreadPoolExecutor(max_workers=1) as executor:
        return executor.submit(lambda: asyncio.run(function(*arguments, **keywords))).result()
