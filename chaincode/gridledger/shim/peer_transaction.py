"""One transaction's conversation with its peer."""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import Callable
from typing import TypeAlias

from gridledger.model.errors import ModelError
from gridledger.shim import wire
from gridledger.shim.errors import PeerError, TransactionClosed
from gridledger.shim.wire import Announcement, Message, MessageType, WriteKind

__all__ = ["MAX_MESSAGE_BYTES", "PeerTransaction"]

MAX_MESSAGE_BYTES = 100 * 1024 * 1024
"""The peer's own limit for a message to or from a chaincode."""

_RESPONSE = MessageType.RESPONSE.value

_Answer: TypeAlias = "asyncio.Future[Message | None]"


class PeerTransaction:
    """Requests of one transaction, asked one after the other.

    Parameters
    ----------
    tx_id, channel_id : str
        What the peer knows the transaction by.
    send : callable
        Takes the bytes of a message for the peer.
    announcement : Announcement
        What the peer said it can do.
    loop : AbstractEventLoop
        The running loop.

    Attributes
    ----------
    task : Task, optional
        What executes the transaction.
    expires : float
        When it is given up, by the loop's clock.

    Notes
    -----
    A peer drops a request of a transaction while it works on another one of it, so requests queue here: a
    contract may ask 200 things at once and each gets its answer, in the order of asking. A request that
    nobody waits for any more is left out if it was not sent yet; if it was, its answer is awaited and
    dropped.
    """

    __slots__ = (
        "_asked",
        "_closed",
        "_loop",
        "_send",
        "_waiting",
        "announcement",
        "channel_id",
        "expires",
        "task",
        "tx_id",
    )

    def __init__(
        self,
        tx_id: str,
        channel_id: str,
        send: Callable[[bytes], None],
        announcement: Announcement,
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        self.tx_id = tx_id
        self.channel_id = channel_id
        self.announcement = announcement
        self.task: asyncio.Task[None] | None = None
        self.expires = math.inf
        self._send = send
        self._loop = loop
        self._asked: _Answer | None = None
        self._waiting: deque[tuple[_Answer, bytes]] | None = None  # made when something has to wait
        self._closed = False

    async def ask(self, kind: MessageType | WriteKind, payload: bytes) -> bytes:
        """Ask the peer and return the payload of its answer.

        Raises
        ------
        PeerError
            If the peer answers ERROR.
        TransactionClosed
            If the transaction has ended or its stream broke.
        ModelError
            If the message would be longer than a peer reads.
        """
        if self._closed:
            raise TransactionClosed(f"transaction {self.tx_id} has ended", tx_id=self.tx_id)
        data = wire.encode(kind, payload, self.tx_id, self.channel_id)
        if len(data) > MAX_MESSAGE_BYTES:
            raise ModelError({"": f"{len(data)} bytes, a peer reads {MAX_MESSAGE_BYTES}"}, subject=kind.name)
        answer: _Answer = self._loop.create_future()
        if self._asked is None:
            self._asked = answer
            self._send(data)
        else:
            if self._waiting is None:
                self._waiting = deque()
            self._waiting.append((answer, data))
        message = await answer
        if message is None:
            raise TransactionClosed(f"transaction {self.tx_id} has ended", tx_id=self.tx_id)
        if message.type != _RESPONSE:
            raise PeerError(message.payload.decode(errors="replace"), request=kind.name)
        return message.payload

    def answer(self, message: Message) -> None:
        """Take the peer's answer, a RESPONSE or ERROR; one that nobody asked for is dropped."""
        asked = self._asked
        if asked is None:
            return
        self._asked = None
        if not asked.done():
            asked.set_result(message)
        while self._waiting:
            asked, data = self._waiting.popleft()
            if not asked.done():
                self._asked = asked
                self._send(data)
                return

    @property
    def is_busy(self) -> bool:
        """Whether the peer works on something of this transaction."""
        return self._asked is not None

    @property
    def unanswered(self) -> int:
        """How many requests still have somebody waiting for an answer."""
        return sum(not asked.done() for asked in self._open())

    async def settle(self) -> None:
        """Wait until the peer works on nothing of this transaction."""
        while (asked := self._asked) is not None:
            if asked.done():
                # The waiter left; a new future in its place tells when the answer is there.
                asked = self._asked = self._loop.create_future()
            await asyncio.wait([asked])

    def close(self) -> None:
        """End the conversation: whoever waits or asks gets `TransactionClosed`."""
        self._closed = True
        if self._asked is None:
            return  # as nearly always: nothing waits where nothing was asked
        for asked in self._open():
            if not asked.done():
                asked.set_result(None)
        self._asked = self._waiting = None

    def _open(self) -> list[_Answer]:
        return [] if self._asked is None else [self._asked, *(asked for asked, _ in self._waiting or ())]
