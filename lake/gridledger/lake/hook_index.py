"""Which blocks have a hook, in 12 bytes a hook."""

from __future__ import annotations

from collections import Counter
from itertools import chain

import numpy as np
import numpy.typing as npt

__all__ = ["HookIndex"]

_NEW = 1 << 16
_SEGMENTS = 8


class HookIndex:
    """Hooks of numbered blocks.

    Notes
    -----
    New hooks stand in a dictionary; 65,536 of them become a sorted array, and 8 arrays are merged into one.
    Memory is 12 bytes a hook, and a look-up is a binary search in each array.
    """

    __slots__ = ("_new", "_others", "_segments")

    def __init__(self) -> None:
        self._new: dict[int, int] = {}
        """The first block of each; most hooks have one."""
        self._others: dict[int, list[int]] = {}
        self._segments: list[tuple[npt.NDArray[np.uint64], npt.NDArray[np.uint32]]] = []

    def add(self, hooks: bytes, number: int) -> None:
        """Let a block be found by its hooks."""
        for hook in np.frombuffer(hooks, "<u8").tolist():
            if self._new.setdefault(hook, number) != number:
                self._others.setdefault(hook, []).append(number)
        if len(self._new) >= _NEW:
            self._store()

    def hits(self, hooks: bytes) -> Counter[int]:
        """Count for each block how many of these hooks are its own."""
        counted: Counter[int] = Counter()
        wanted = np.unique(np.frombuffer(hooks, "<u8"))
        # Most hooks of new data are in none: nothing is done for each of those.
        for hook in sorted(self._new.keys() & wanted.tolist()):
            counted.update((self._new[hook], *self._others.get(hook, ())))
        for known, numbers in self._segments:
            first, last = np.searchsorted(known, wanted), np.searchsorted(known, wanted, side="right")
            found = first < last
            for start, end in zip(first[found].tolist(), last[found].tolist(), strict=True):
                counted.update(numbers[start:end].tolist())
        return counted

    def _store(self) -> None:
        others = [(hook, number) for hook, found in self._others.items() for number in found]
        hooks = np.fromiter(chain(self._new, (hook for hook, _ in others)), np.uint64)
        numbers = np.fromiter(chain(self._new.values(), (number for _, number in others)), np.uint32)
        self._new, self._others = {}, {}
        self._segments.append((hooks, numbers))
        if len(self._segments) > _SEGMENTS:
            hooks = np.concatenate([known for known, _ in self._segments])
            numbers = np.concatenate([found for _, found in self._segments])
            self._segments = [(hooks, numbers)]
        order = np.argsort(hooks, kind="stable")
        self._segments[-1] = (hooks[order], numbers[order])
