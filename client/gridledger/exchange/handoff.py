"""Handing over between organisations: what one peer has committed, another has a moment later.

A party that is told of something (an order's id, a resolution) asks its own organisation's peer, which may be
a block behind. So it asks again for a while before it believes that there is no such thing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from gridledger.model.errors import ContractError
from gridledger.model.refusals import NotFound

__all__ = ["until_seen"]

T = TypeVar("T")

DEADLINE_S: Final = 3.0
"""Peers that follow the same orderers differ by tens of milliseconds; one further behind is in trouble."""

_FIRST_S: Final = 0.01
_LONGEST_S: Final = 0.2


async def until_seen(
    ask: Callable[[], Awaitable[T]],
    *,
    missing: type[ContractError] | tuple[type[ContractError], ...] = NotFound,
    deadline_s: float = DEADLINE_S,
) -> T:
    """Ask until the answer is there.

    Parameters
    ----------
    ask : callable
        A query.
    missing : ContractError class or tuple of them, default NotFound
        Refusals that a peer behind would give.
    deadline_s : float, default 3
        Seconds after which the refusal is believed, and raised.

    Returns
    -------
    T
        What the query returned.
    """
    clock = asyncio.get_running_loop().time
    until = clock() + deadline_s
    wait_s = _FIRST_S
    while True:
        try:
            return await ask()
        except missing:
            if clock() + wait_s > until:
                raise
        await asyncio.sleep(wait_s)
        wait_s = min(2 * wait_s, _LONGEST_S)
