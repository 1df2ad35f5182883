"""The server that peers dial: chaincode as a service."""

from __future__ import annotations

import asyncio
import logging
import signal
import ssl
from types import TracebackType
from typing import Self

from gridledger.model.errors import ConfigError
from gridledger.shim.chaincode import Chaincode
from gridledger.shim.http2 import GrpcCall, GrpcStatus, Listener, ServerConnection
from gridledger.shim.peer_stream import PeerStream
from gridledger.shim.peer_transaction import MAX_MESSAGE_BYTES
from gridledger.shim.settings import ServerSettings, TlsSettings

__all__ = ["ChaincodeServer"]

_logger = logging.getLogger("gridledger.shim")

_METHOD = "/protos.Chaincode/Connect"
_FRAME_BYTES = 4096  # room for what a peer adds to a value of the greatest length
_KEEPALIVE_S = 60.0
_FLUSH_S = 5.0
_MAX_CALLS = 8
"""A peer needs one; it may open the next before the last one's end has reached it."""


class ChaincodeServer:
    """Serve a chaincode to every peer that dials.

    Parameters
    ----------
    chaincode : Chaincode
        Answers the transactions.
    settings : ServerSettings
        Name, address, TLS, deadlines.

    Notes
    -----
    A peer that loses its stream dials again; the new stream works while the old one still ends, and several
    peers may use one server. Use it as an asynchronous context manager, or call `start` and `stop`; `serve`
    does both and returns after SIGTERM or SIGINT.
    """

    def __init__(self, chaincode: Chaincode, settings: ServerSettings) -> None:
        self._chaincode = chaincode
        self._settings = settings
        self._listener = Listener(self._connect)
        self._streams: set[PeerStream] = set()
        self._port = 0

    @property
    def port(self) -> int:
        """The port that it listens on, 0 before `start`."""
        return self._port

    async def start(self) -> None:
        """Listen.

        Raises
        ------
        ConfigError
            If the address cannot be listened on or the TLS files do not fit.
        """
        address = self._settings.address
        context = None if self._settings.tls is None else _tls_context(self._settings.tls)
        try:
            self._port = await self._listener.start(address, context)
        except (OSError, ValueError, OverflowError) as exc:
            raise ConfigError(
                f"is no host:port to listen on: {exc}",
                key="CHAINCODE_SERVER_ADDRESS",
                source="settings",
                value=address,
            ) from exc
        _logger.info("%s listens on port %d", self._settings.chaincode_id, self._port)

    async def stop(self, grace_s: float | None = None) -> None:
        """Stop listening, refuse new transactions, wait for the running ones, close the streams.

        Parameters
        ----------
        grace_s : float, optional
            How long to wait for running transactions; by default as the settings say.
        """
        if not self._listener.is_listening:
            return
        grace = self._settings.stop_grace_s if grace_s is None else grace_s
        self._listener.refuse()
        await asyncio.gather(*(stream.drain(grace) for stream in self._streams))
        await self._listener.finish("the chaincode is stopping", flush_s=_FLUSH_S)

    async def serve(self) -> None:
        """Start, wait for SIGTERM or SIGINT, stop."""
        loop = asyncio.get_running_loop()
        stopped = asyncio.Event()
        signals = (signal.SIGTERM, signal.SIGINT)
        for number in signals:
            loop.add_signal_handler(number, stopped.set)
        try:
            async with self:
                await stopped.wait()
        finally:
            for number in signals:
                loop.remove_signal_handler(number)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.stop()

    def _connect(self) -> ServerConnection:
        return ServerConnection(
            {_METHOD: self._open},
            max_message_bytes=MAX_MESSAGE_BYTES + _FRAME_BYTES,
            max_calls=_MAX_CALLS,
            keepalive_s=_KEEPALIVE_S,
        )

    def _open(self, call: GrpcCall) -> _PeerCall:
        stream = PeerStream(
            self._chaincode,
            self._settings.chaincode_id,
            send=call.send,
            transaction_deadline_s=self._settings.transaction_deadline_s,
        )
        self._streams.add(stream)
        stream.start()
        return _PeerCall(call, stream, self._streams)


class _PeerCall:
    """A peer's stream as the handler of a call."""

    def __init__(self, call: GrpcCall, stream: PeerStream, streams: set[PeerStream]) -> None:
        self.receive = stream.receive
        self._call = call
        self._stream = stream
        self._streams = streams

    def remote_done(self) -> None:
        self._call.finish(GrpcStatus.OK)

    def end(self) -> None:
        self._streams.discard(self._stream)
        self._stream.close()


def _tls_context(tls: TlsSettings) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["h2"])
    try:
        context.load_cert_chain(tls.certificate, tls.private_key)
        if tls.client_ca is not None:
            context.load_verify_locations(tls.client_ca)
            context.verify_mode = ssl.CERT_REQUIRED
    except (OSError, ssl.SSLError) as exc:
        raise ConfigError(
            f"the TLS files cannot be used: {exc}",
            key="CHAINCODE_TLS_CERT",
            source="settings",
            value=str(tls.certificate),
        ) from exc
    return context
