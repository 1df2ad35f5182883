"""Threads for calls that may never return: they are left behind when a deadline has passed."""

from __future__ import annotations

import atexit
import threading
from collections.abc import Callable
from concurrent.futures import Future, wait
from queue import SimpleQueue
from typing import Any, TypeVar

__all__ = ["DaemonThreads"]

_T = TypeVar("_T")
_ENDING_S = 5.0
_under_way: set[Future[Any]] = set()


class DaemonThreads:
    """Runs calls, each in a thread that does nothing else meanwhile.

    Parameters
    ----------
    name : str
        Names the threads.

    Notes
    -----
    There are as many threads as calls at once. The interpreter waits for them five seconds at its end, which
    executors of the standard library do without limit, and threads that end with it not at all: one that
    comes back from a library's own code into an interpreter that has ended brings the process down.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._idle: list[_Thread] = []
        self._lock = threading.Lock()
        self._closed = False

    def submit(self, work: Callable[[], _T]) -> Future[_T]:
        """Begin a call."""
        future: Future[_T] = Future()
        _under_way.add(future)
        future.add_done_callback(_under_way.discard)

        held = [work]

        def run() -> None:
            try:
                # Nothing of the call outlives it: what is freed later may call into a library once more.
                result = held.pop()()
            except BaseException as error:  # noqa: BLE001 - raised where the result is waited for
                future.set_exception(error)
            else:
                future.set_result(result)

        with self._lock:
            thread = self._idle.pop() if self._idle else None
        if thread is None:
            thread = _Thread(self._rest, name=self._name)
            thread.start()
        thread.calls.put(run)
        return future

    def _rest(self, thread: _Thread) -> bool:
        """Keep a thread for the next call; tell whether there will be one."""
        with self._lock:
            if not self._closed:
                self._idle.append(thread)
            return not self._closed

    def close(self) -> None:
        """End the threads that have no call; the others end with theirs."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
        for thread in idle:
            thread.calls.put(None)


class _Thread(threading.Thread):
    def __init__(self, rest: Callable[[_Thread], bool], *, name: str) -> None:
        super().__init__(name=name, daemon=True)
        self.calls: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._rest = rest

    def run(self) -> None:
        while (call := self.calls.get()) is not None:
            call()
            if not self._rest(self):
                return


@atexit.register
def _let_end() -> None:
    wait(tuple(_under_way), _ENDING_S)
