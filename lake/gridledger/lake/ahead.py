"""Takes the items of an iterator in a thread of its own, some ahead of who uses them."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from queue import SimpleQueue
from types import TracebackType
from typing import Generic, Self, TypeVar

__all__ = ["Ahead"]

_T = TypeVar("_T")
_ENDING_S = 5.0
"""How long the thread is waited for that is not needed any more: it may be reading from a pipe."""


class Ahead(Generic[_T]):
    """Items of an iterable that are made while the ones before are used.

    Parameters
    ----------
    items : iterable
        Only the thread iterates over it. What it raises is raised to who iterates over this object, once.
    most : int
        How many items are made ahead at most.

    Examples
    --------
    >>> with Ahead(range(3), most=2) as numbers:
    ...     list(numbers)
    [0, 1, 2]
    """

    def __init__(self, items: Iterable[_T], *, most: int) -> None:
        self._items = items
        self._made: SimpleQueue[tuple[_T] | BaseException | None] = SimpleQueue()
        self._room = threading.Semaphore(most)
        self._is_dropped = False
        self._thread = threading.Thread(target=self._make, name="lake-ahead", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._is_dropped = True
        self._room.release()
        self._thread.join(_ENDING_S)

    def __iter__(self) -> Iterator[_T]:
        while (made := self._made.get()) is not None:
            if isinstance(made, BaseException):
                raise made
            yield made[0]
            self._room.release()

    def _make(self) -> None:
        try:
            self._room.acquire()
            for item in self._items:
                self._made.put((item,))
                self._room.acquire()
                if self._is_dropped:
                    return
        except BaseException as error:  # noqa: BLE001 - raised where the items are used
            self._made.put(error)
        else:
            self._made.put(None)
