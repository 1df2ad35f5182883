"""The peer's side of the stream to a chaincode: dial, register, run transactions, dial again."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Final, TypeAlias

from fabric_protos.peer import chaincode_pb2, chaincode_shim_pb2
from google.protobuf.message import DecodeError

from gridledger.network.devnet.chaincode_link import ChaincodeLink
from gridledger.network.devnet.errors import (
    ChaincodeUnreachable,
    DevnetError,
    Malformed,
    Refused,
    StreamTerminated,
)
from gridledger.network.devnet.installed import ChaincodeAddress
from gridledger.network.devnet.shim_request import ShimRequests
from gridledger.network.devnet.transaction_context import TransactionContext

__all__ = ["ChaincodeStream"]

_log = logging.getLogger(__name__)
_Message: TypeAlias = chaincode_shim_pb2.ChaincodeMessage
_Type = _Message.Type
_KEEPALIVE: Final[int] = _Type.KEEPALIVE
_COMPLETED: Final[int] = _Type.COMPLETED
_ERROR: Final[int] = _Type.ERROR
_INVOKE_CHAINCODE: Final[int] = _Type.INVOKE_CHAINCODE
_RESPONSE: Final[int] = _Type.RESPONSE
_BATCH_LIMIT: Final = 1000
"""Keys or writes in one message, Fabric's default; announced to chaincode."""
EXECUTE_SECONDS: Final = 30.0
"""How long chaincode may work on a transaction, Fabric's default."""
_BACKOFF_SECONDS: Final = (0.05, 0.1, 0.2, 0.5, 1.0, 2.0)
_REGISTER_SECONDS: Final = 10.0

InvokeChaincode: TypeAlias = "Callable[[TransactionContext, bytes], Awaitable[_Message]]"
"""Answers a call of another chaincode: context and serialised ChaincodeSpec to the other's last message."""


class ChaincodeStream:
    """The connection to one chaincode's server, kept up for as long as it is wanted.

    Parameters
    ----------
    package_id : str
        The package that the chaincode must register as.
    address : ChaincodeAddress
        Where its server is.
    requests : ShimRequests
        Answers chaincode's requests.
    invoke_chaincode : InvokeChaincode
        Answers its calls of other chaincodes.
    """

    def __init__(
        self,
        package_id: str,
        address: ChaincodeAddress,
        requests: ShimRequests,
        invoke_chaincode: InvokeChaincode,
    ) -> None:
        self._package_id = package_id
        self._address = address
        self._requests = requests
        self._invoke_chaincode = invoke_chaincode
        self._contexts: dict[str, TransactionContext] = {}
        self._send: Callable[[bytes], None] = _nowhere
        self._ready = asyncio.Event()
        self._wanted = asyncio.Event()
        self._failure = "not dialled yet"
        self._calls: set[asyncio.Task[None]] = set()
        self._task: asyncio.Task[None] | None = None
        self._retired = False

    @property
    def ended(self) -> bool:
        """Whether nobody dials any more."""
        return self._retired and self._task is not None and self._task.done()

    def start(self) -> None:
        """Begin to dial; a second call does nothing."""
        if self._task is None:
            self._task = asyncio.create_task(self._keep_up(), name=f"chaincode {self._package_id}")

    def retire(self) -> None:
        """Do not dial again once the stream ends: another package runs the chaincode now."""
        self._retired = True

    async def close(self) -> None:
        """Hang up."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        self._fail_contexts()

    async def execute(self, context: TransactionContext, message: bytes) -> _Message:
        """Hand a transaction to the chaincode and return its last message.

        Parameters
        ----------
        context : TransactionContext
            The transaction.
        message : bytes
            The serialised message that starts the work.

        Raises
        ------
        ChaincodeUnreachable
            If the chaincode cannot be reached in time.
        StreamTerminated
            If the stream ends before the answer.
        Refused
            If the chaincode works on the same transaction already, or does not answer within 30 s.
        """
        await self._wait_ready()
        transaction_id = context.proposal.transaction_id
        if transaction_id in self._contexts:
            raise Refused(f"error sending: txid: {transaction_id}({context.proposal.channel_id}) exists")
        self._contexts[transaction_id] = context
        # One timer on the future itself: asyncio.timeout costs a transaction more than the rest of this.
        timer = asyncio.get_running_loop().call_later(EXECUTE_SECONDS, _expire, context)
        try:
            self._send(message)
            return await context.completed
        finally:
            timer.cancel()
            del self._contexts[transaction_id]

    async def _wait_ready(self) -> None:
        if self._ready.is_set():
            return
        self.start()
        self._wanted.set()
        try:
            async with asyncio.timeout(self._address.dial_seconds):
                await self._ready.wait()
        except TimeoutError as error:
            raise ChaincodeUnreachable(
                f"could not launch chaincode {self._package_id}: connection to {self._package_id} failed: "
                "error cannot "
                f"create connection for {self._package_id}: error creating grpc connection to "
                f"{self._address.address}: "
                f"{self._failure}"
            ) from error

    async def _keep_up(self) -> None:
        attempts = 0
        while not self._retired:
            self._wanted.clear()
            try:
                self._failure = await self._run()
            except (DevnetError, OSError, ValueError) as error:
                self._failure = str(error)
            except TimeoutError:
                self._failure = f"it did not register within {_REGISTER_SECONDS:g} s"
            if self._ready.is_set():
                attempts = 0
                _log.warning("chaincode %s: stream ended: %s", self._package_id, self._failure)
            self._ready.clear()
            self._fail_contexts()
            pause = _BACKOFF_SECONDS[min(attempts, len(_BACKOFF_SECONDS) - 1)]
            attempts += 1
            try:
                # A transaction that waits for the chaincode ends a long pause.
                async with asyncio.timeout(pause):
                    await self._wanted.wait()
                await asyncio.sleep(_BACKOFF_SECONDS[0])
            except TimeoutError:
                continue

    async def _run(self) -> str:
        """Keep a stream until it ends, and return why it did."""
        async with asyncio.timeout(_REGISTER_SECONDS):
            link = await ChaincodeLink.dial(self._address)
        try:
            async with asyncio.timeout(_REGISTER_SECONDS):
                self._register(link, await link.first())
            self._send = link.send
            self._ready.set()
            link.listen(self._receive)
            _log.info("chaincode %s registered", self._package_id)
            await link.ended()
        finally:
            link.close()
        return link.outcome

    def _register(self, link: ChaincodeLink, data: bytes) -> None:
        try:
            message = _Message.FromString(data)
            name = chaincode_pb2.ChaincodeID.FromString(message.payload).name
        except DecodeError as error:
            raise Malformed("could not unmarshal registration info") from error
        if message.type != _Type.REGISTER:
            raise Malformed(f"cannot handle message ({message.type}) while in created state")
        if name != self._package_id:
            raise Refused(f"the chaincode registered as {name!r}, not as {self._package_id!r}")
        link.send(_Message(type=_Type.REGISTERED).SerializeToString())
        parameters = chaincode_pb2.ChaincodeAdditionalParams(
            use_write_batch=True,
            max_size_write_batch=_BATCH_LIMIT,
            use_get_multiple_keys=True,
            max_size_get_multiple_keys=_BATCH_LIMIT,
        )
        link.send(_Message(type=_Type.READY, payload=parameters.SerializeToString()).SerializeToString())

    def _receive(self, data: bytes) -> None:
        try:
            message = _Message.FromString(data)
        except DecodeError as error:
            raise Malformed("the chaincode sent what is no message") from error
        kind = message.type
        if kind == _KEEPALIVE:
            return
        context = self._contexts.get(message.txid)
        if kind in (_COMPLETED, _ERROR):
            if context is not None and not context.completed.done():
                context.completed.set_result(message)
        elif kind == _INVOKE_CHAINCODE:
            task = asyncio.create_task(self._invoke(context, message))
            self._calls.add(task)
            task.add_done_callback(self._calls.discard)
        elif self._requests.knows(kind):
            self._send(self._answer(context, message))
        else:
            raise Malformed(
                f"[{message.txid}] Fabric side handler cannot handle message ({kind}) while in ready state"
            )

    def _answer(self, context: TransactionContext | None, message: _Message) -> bytes:
        try:
            if context is None:
                raise Refused("no ledger context")
            payload = self._requests.answer(context, message.type, message.payload)
        except DevnetError as error:
            return _error(message, error.message)
        return _response(message, payload)

    async def _invoke(self, context: TransactionContext | None, message: _Message) -> None:
        send = self._send
        try:
            if context is None:
                raise Refused("could not get valid transaction")
            answer = await self._invoke_chaincode(context, message.payload)
        except DevnetError as error:
            send(_error(message, error.message))
        else:
            send(_response(message, answer.SerializeToString()))

    def _fail_contexts(self) -> None:
        for context in self._contexts.values():
            if not context.completed.done():
                context.completed.set_exception(
                    StreamTerminated("error sending: chaincode stream terminated")
                )


def _expire(context: TransactionContext) -> None:
    if not context.completed.done():
        context.completed.set_exception(Refused("error sending: timeout expired while executing transaction"))


def _nowhere(message: bytes) -> None:
    """Take a message while there is no stream: its transaction ends with the stream that it came by."""
    del message


def _response(request: _Message, payload: bytes) -> bytes:
    message = _Message()  # set one by one: four times as fast as by keywords
    message.type = _RESPONSE
    message.payload = payload
    message.txid = request.txid
    message.channel_id = request.channel_id
    return bytes(message.SerializeToString())


def _error(request: _Message, text: str) -> bytes:
    reason = f"{_Type.Name(request.type)} failed: transaction ID: {request.txid}: {text}"
    message = _Message(type=_ERROR, payload=reason.encode(), txid=request.txid, channel_id=request.channel_id)
    return bytes(message.SerializeToString())
