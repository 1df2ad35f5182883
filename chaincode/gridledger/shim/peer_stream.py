"""One stream between a peer and this chaincode."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable

from gridledger.host.metrics import CHAINCODE
from gridledger.model.errors import ContractError, ModelError
from gridledger.model.refusals import BadArgument
from gridledger.shim import wire
from gridledger.shim.chaincode import Chaincode
from gridledger.shim.errors import ProtocolError
from gridledger.shim.peer_transaction import MAX_MESSAGE_BYTES, PeerTransaction
from gridledger.shim.response import refusal
from gridledger.shim.stub import ChaincodeStub
from gridledger.shim.wire import Announcement, Message, MessageType

__all__ = ["PeerStream"]

_logger = logging.getLogger("gridledger.shim")

_RESPONSE = MessageType.RESPONSE.value
_ERROR = MessageType.ERROR.value
_TRANSACTION = MessageType.TRANSACTION.value
_INIT = MessageType.INIT.value
_COMPLETED = MessageType.COMPLETED.value

_SWEEP_PERIOD_S = 1.0


class PeerStream:
    """Serve one peer over one stream; knows messages, not how they travel.

    Parameters
    ----------
    chaincode : Chaincode
        Answers the transactions.
    chaincode_id : str
        The package id under which the chaincode registers.
    send : callable
        Takes the bytes of a message for the peer; messages leave in the order of these calls.
    transaction_deadline_s : float
        A transaction that runs longer is cancelled and answered with ERROR. A peer gives up earlier by
        default (``chaincode.executetimeout``, 30 s); this bounds what it left behind.

    Notes
    -----
    Each transaction runs in a task of its own and ends with exactly one COMPLETED or ERROR as long as the
    stream stands.
    """

    def __init__(
        self,
        chaincode: Chaincode,
        chaincode_id: str,
        *,
        send: Callable[[bytes], None],
        transaction_deadline_s: float,
    ) -> None:
        self._chaincode = chaincode
        self._chaincode_id = chaincode_id
        self._send = send
        self._deadline_s = transaction_deadline_s
        self._loop = asyncio.get_running_loop()
        self._running: dict[tuple[str, str], PeerTransaction] = {}
        self._idle: asyncio.Future[None] | None = None
        self._announcement: Announcement | None = None
        self._draining = False
        self._closed = False
        self._sweeper: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Register with the peer."""
        self._sweeper = self._loop.call_later(_SWEEP_PERIOD_S, self._sweep)
        self._send(wire.encode(MessageType.REGISTER, wire.register(self._chaincode_id)))

    def receive(self, data: bytes) -> None:
        """Take a message of the peer.

        Raises
        ------
        ProtocolError
            If these bytes are no message, or the peer did not take the registration: end the stream.
        """
        message = wire.decode(data)
        kind = message.type
        if kind in (_RESPONSE, _ERROR):
            transaction = self._running.get((message.channel_id, message.tx_id))
            if transaction is not None:
                transaction.answer(message)
            elif kind == _ERROR and self._announcement is None:
                raise ProtocolError(
                    f"the peer did not take the registration: {message.payload.decode(errors='replace')}"
                )
        elif kind in (_TRANSACTION, _INIT):
            self._start(message)
        elif kind == MessageType.KEEPALIVE:
            self._send(wire.encode(MessageType.KEEPALIVE))
        elif kind == MessageType.READY:
            self._announcement = wire.read_announcement(message.payload)
            _logger.info("%s is ready", self._chaincode_id)
        elif kind != MessageType.REGISTERED:
            _logger.warning("dropped a message of type %d that a chaincode does not take", kind)

    async def drain(self, timeout_s: float) -> None:
        """Refuse new transactions and wait at most `timeout_s` for the running ones."""
        self._draining = True
        if self._running:
            self._idle = self._loop.create_future()
            await asyncio.wait([self._idle], timeout=timeout_s)

    def close(self) -> None:
        """Cancel what runs; nothing is sent any more."""
        self._closed = True
        if self._sweeper is not None:
            self._sweeper.cancel()
        for transaction in self._running.values():
            if transaction.task is not None:
                transaction.task.cancel()

    async def wait_closed(self) -> None:
        """Wait until all tasks have ended after `close`."""
        tasks = [one.task for one in self._running.values() if one.task is not None]
        await asyncio.gather(*tasks, return_exceptions=True)

    def _start(self, message: Message) -> None:
        key = (message.channel_id, message.tx_id)
        problem = None
        if self._announcement is None:
            problem = "the chaincode is not registered yet"
        elif self._draining:
            problem = "the chaincode is stopping"
        elif key in self._running:
            # The peer has given the earlier one up; what that one still asks must not mix with this one.
            problem = f"transaction {message.tx_id} is still running"
        if problem is not None or self._announcement is None:
            self._refuse(message, problem or "")
            return
        transaction = PeerTransaction(
            message.tx_id, message.channel_id, self._send, self._announcement, self._loop
        )
        transaction.expires = self._loop.time() + self._deadline_s
        self._running[key] = transaction
        transaction.task = self._loop.create_task(self._execute(key, transaction, message))

    def _refuse(self, message: Message, problem: str) -> None:
        self._send(wire.encode(MessageType.ERROR, problem.encode(), message.tx_id, message.channel_id))

    def _sweep(self) -> None:
        now = self._loop.time()
        # They stand in the order of starting, so the first that has time left ends the search.
        for transaction in self._running.values():
            if transaction.expires > now:
                break
            if transaction.task is not None:
                transaction.task.cancel()
        self._sweeper = self._loop.call_later(_SWEEP_PERIOD_S, self._sweep)

    # --- a transaction

    async def _execute(self, key: tuple[str, str], transaction: PeerTransaction, message: Message) -> None:
        answer, outcome, begun = b"", "answered", time.perf_counter()
        CHAINCODE.running += 1
        try:
            answer, is_endorsable = await self._answer(transaction, message)
            outcome = "answered" if is_endorsable else "refused"
        except asyncio.CancelledError:
            outcome = "cancelled"
            answer = self._error(transaction, "the transaction was cancelled or ran out of time")
            raise
        except (Exception, SystemExit) as exc:
            outcome = "failed"
            _logger.exception(
                "transaction %s of channel %s failed", transaction.tx_id, transaction.channel_id
            )
            answer = self._error(transaction, f"{type(exc).__name__}: {exc}")
        finally:
            CHAINCODE.running -= 1
            CHAINCODE.ended(outcome, time.perf_counter() - begun)
            del self._running[key]
            transaction.close()
            if not self._closed:
                self._send(answer)
            if self._idle is not None and not self._running and not self._idle.done():
                self._idle.set_result(None)

    async def _answer(self, transaction: PeerTransaction, message: Message) -> tuple[bytes, bool]:
        event = None
        try:
            stub = ChaincodeStub(transaction, message)
            response = await self._chaincode.invoke(stub)
            if response.endorsable:
                if transaction.is_busy:
                    await _settle_all(transaction)
                await stub.finish_write_batch()
                event = stub.event
        except ContractError as exc:
            response = refusal(exc)
        except ModelError as exc:
            response = refusal(BadArgument.from_model_error(exc))
        except Exception:
            await transaction.settle()
            raise
        if transaction.is_busy:
            await transaction.settle()
        answer = wire.response(response)
        data = wire.encode(_COMPLETED, answer, transaction.tx_id, transaction.channel_id, event)
        if len(data) > MAX_MESSAGE_BYTES:
            text = f"the answer has {len(data)} bytes, a peer reads {MAX_MESSAGE_BYTES}"
            return self._error(transaction, text), False
        return data, response.endorsable

    @staticmethod
    def _error(transaction: PeerTransaction, text: str) -> bytes:
        return wire.encode(
            MessageType.ERROR, text.encode(errors="replace"), transaction.tx_id, transaction.channel_id
        )


async def _settle_all(transaction: PeerTransaction) -> None:
    """Wait for what the chaincode asked and left; a success must not hide that it did."""
    unanswered = transaction.unanswered
    await transaction.settle()
    if unanswered:
        raise RuntimeError(f"invoke returned while {unanswered} requests were unanswered")
