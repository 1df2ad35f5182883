"""A super node's copies: opened with its key of the round, handed to others sealed to theirs.

Contents stand in memory while they are needed, and in no file, queue or log.
"""

from __future__ import annotations

import asyncio
from typing import Final

from gridledger.council.review_copy import open_copy, seal_copy
from gridledger.council.review_ledger import ReviewLedger
from gridledger.council.round_key_store import RoundKeyStore
from gridledger.crypto.errors import WrappingBroken
from gridledger.model.council_refusals import NotASuperNode, ReviewOutOfTurn, RoundOutOfTurn
from gridledger.model.council_review import ReviewView, RoundView
from gridledger.model.errors import GatewayError
from gridledger.model.refusals import AlreadyExists, NotFound

__all__ = ["SECOND", "CopyDesk"]

SECOND: Final = (AlreadyExists, NotASuperNode, NotFound, ReviewOutOfTurn, RoundOutOfTurn)
"""Refusals that say: another was first, or the own peer was a block behind."""

_HANDING_S: Final = 2.0
"""How long the copies of a review are waited for together; who takes longer gets its own later."""


class CopyDesk:
    """Opens and hands out copies for one super node.

    Parameters
    ----------
    ledger : ReviewLedger
        Its agent's.
    node : str
        Its id.
    keys : RoundKeyStore
        Where its round keys stand.
    """

    def __init__(self, ledger: ReviewLedger, node: str, keys: RoundKeyStore) -> None:
        self._ledger = ledger
        self._node = node
        self._keys = keys
        self._organisations: dict[str, str] = {}
        self._handing: dict[tuple[str, str], asyncio.Task[bool]] = {}

    async def close(self) -> None:
        """Stop handing copies out."""
        tasks = list(self._handing.values())
        self._handing.clear()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def has(self, request: str) -> bool:
        """Tell whether this node's private data has a copy, open or not."""
        return bool(await self._own(request))

    async def content(self, view: RoundView, request: str) -> bytes | None:
        """Open this node's copy; None where it does not open, or is not there yet."""
        sealed = await self._own(request)
        if not sealed or not self._keys.has(view.round.number):
            return None
        try:
            secret = self._keys.draw(view.round.number)
            return open_copy(sealed, secret, request=request, node=self._node)
        except WrappingBroken:
            return None

    async def hand(self, view: RoundView, request: str, content: bytes, node: str) -> bool:
        """Hand a copy to another super node; tell whether its organisation's peer took it."""
        (key,) = (one.entry.key for one in view.entries if one.node == node)
        sealed = seal_copy(content, key, request=request, node=node)
        try:
            organisation = await self._organisation(node)
            await self._ledger.hand_copy(request, node, sealed, organisation=organisation)
        except (*SECOND, GatewayError):
            # Another was first, or the organisation's peer is down: whoever looks again tries again.
            return False
        return True

    async def hand_out(self, view: RoundView, about: ReviewView) -> None:
        """Hand copies to all who lack one, each organisation by itself, and record those that arrived."""
        name = about.request.signed.statement.id
        lacking = [
            one.node for one in view.entries if one.node != self._node and one.node not in about.copies
        ]
        if not lacking:
            return
        fresh = [one for one in lacking if (name, one) not in self._handing]
        content = await self.content(view, name) if fresh else None
        if content is not None:
            for one in fresh:
                self._handing[name, one] = asyncio.create_task(self.hand(view, name, content, one))
            await asyncio.wait([self._handing[name, one] for one in fresh], timeout=_HANDING_S)
        finished = [
            one for one in lacking if (name, one) in self._handing and self._handing[name, one].done()
        ]
        arrived = [one for one in finished if self._handing.pop((name, one)).result()]
        if arrived:
            await self._ledger.record_copies(name, arrived)

    async def _own(self, request: str) -> bytes:
        organisation = await self._organisation(self._node)
        return await self._ledger.copy(request, self._node, organisation=organisation)

    async def _organisation(self, node: str) -> str:
        if node not in self._organisations:
            self._organisations[node] = await self._ledger.organisation_of(node)
        return self._organisations[node]
