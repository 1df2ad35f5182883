"""The gRPC server that peers dial: chaincode as a service."""

from __future__ import annotations

import asyncio
import logging
import signal
from types import TracebackType
from typing import Any, Self

import grpc

from gridledger.model.errors import ConfigError
from gridledger.shim.chaincode import Chaincode
from gridledger.shim.errors import ProtocolError
from gridledger.shim.peer_stream import PeerStream
from gridledger.shim.peer_transaction import MAX_MESSAGE_BYTES
from gridledger.shim.settings import ServerSettings

__all__ = ["ChaincodeServer"]

_logger = logging.getLogger("gridledger.shim")

_SERVICE = "protos.Chaincode"
_FRAME_BYTES = 4096  # room for what gRPC adds to a message of the greatest length

_OPTIONS = (
    ("grpc.max_send_message_length", MAX_MESSAGE_BYTES + _FRAME_BYTES),
    ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES + _FRAME_BYTES),
    # A peer pings every minute by default, and may do so faster and between transactions.
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.min_recv_ping_interval_without_data_ms", 5_000),
    ("grpc.http2.max_ping_strikes", 0),
    # The server pings, too, so that the stream of a peer that vanished ends.
    ("grpc.keepalive_time_ms", 60_000),
    ("grpc.keepalive_timeout_ms", 20_000),
    ("grpc.http2.max_pings_without_data", 0),
    # A second server on the same port is an error, not a share of the connections.
    ("grpc.so_reuseport", 0),
)


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
        self._server: Any = None
        self._streams: dict[PeerStream, asyncio.Task[Any]] = {}
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
        server = grpc.aio.server(options=_OPTIONS)
        handler = grpc.stream_stream_rpc_method_handler(self._connect)
        server.add_generic_rpc_handlers(
            (grpc.method_handlers_generic_handler(_SERVICE, {"Connect": handler}),)
        )
        address, tls = self._settings.address, self._settings.tls
        try:
            if tls is None:
                self._port = server.add_insecure_port(address)
            else:
                credentials = grpc.ssl_server_credentials(
                    [(tls.private_key, tls.certificate)],
                    root_certificates=tls.client_ca,
                    require_client_auth=tls.client_ca is not None,
                )
                self._port = server.add_secure_port(address, credentials)
        except RuntimeError as exc:
            raise ConfigError(
                "cannot be listened on, or the TLS files do not fit",
                key="CHAINCODE_SERVER_ADDRESS",
                source="settings",
                value=address,
            ) from exc
        self._server = server
        await server.start()
        _logger.info("%s listens on port %d", self._settings.chaincode_id, self._port)

    async def stop(self, grace_s: float | None = None) -> None:
        """Stop listening, refuse new transactions, wait for the running ones, close the streams.

        Parameters
        ----------
        grace_s : float, optional
            How long to wait for running transactions; by default as the settings say.
        """
        if self._server is None:
            return
        server, self._server = self._server, None
        grace = self._settings.stop_grace_s if grace_s is None else grace_s
        stopping = asyncio.create_task(server.stop(grace + 1))
        await asyncio.gather(*(stream.drain(grace) for stream in self._streams))
        for task in self._streams.values():
            task.cancel()
        await stopping

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

    async def _connect(self, _requests: Any, context: Any) -> None:
        async def read() -> bytes | None:
            data = await context.read()
            return None if data is grpc.aio.EOF else data

        stream = PeerStream(
            self._chaincode,
            self._settings.chaincode_id,
            read=read,
            write=context.write,
            transaction_deadline_s=self._settings.transaction_deadline_s,
        )
        # Cancelled when the server stops; the handler's own task is gRPC's to cancel.
        task = asyncio.create_task(stream.run())
        self._streams[stream] = task
        try:
            await asyncio.wait([task])
            if not task.cancelled():
                task.result()
        except ProtocolError as exc:
            _logger.warning("closed the stream of %s: %s", context.peer(), exc)
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(exc))
        finally:
            del self._streams[stream]
            task.cancel()
