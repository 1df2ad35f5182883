"""One orderer, spoken to as a client: how far its chain goes, and configuration updates for it to order."""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from types import TracebackType
from typing import Any, Final, Self

import grpc.aio
from fabric_protos.common import common_pb2
from fabric_protos.orderer import ab_pb2, ab_pb2_grpc
from google.protobuf.timestamp_pb2 import Timestamp

from gridledger.client.block import Block
from gridledger.client.channel import open_channel
from gridledger.client.connection import Connection
from gridledger.client.pem import Pem
from gridledger.client.signing_identity import SigningIdentity
from gridledger.network.errors import OrdererCallError
from gridledger.network.ordering.channel_configuration import ChannelConfiguration, ChannelConsenter

__all__ = ["OrdererClient"]

# Messages of the official protos; their package has no type stubs.
Message = Any

_SECONDS: Final = 10.0
_NONCE_BYTES: Final = 24


class OrdererClient:
    """An orderer of a channel; made inside a running event loop.

    Parameters
    ----------
    consenter : ChannelConsenter
        The orderer.
    configuration : ChannelConfiguration
        The channel's, which says whose TLS certificates count.
    signing : SigningIdentity
        Who asks: a reader of the channel, and a writer for updates.
    seconds : float, default 10
        Deadline of each call.
    """

    def __init__(
        self,
        consenter: ChannelConsenter,
        configuration: ChannelConfiguration,
        signing: SigningIdentity,
        *,
        seconds: float = _SECONDS,
    ) -> None:
        self.address = consenter.address
        self._channel_name = configuration.channel
        self._signing = signing
        self._seconds = seconds
        roots = configuration.tls_roots(consenter.msp_id)
        identity = signing.identity
        self._channel = open_channel(
            Connection(
                endpoint=consenter.address,
                msp_id=identity.msp_id,
                certificate=Pem(identity.certificate),
                tls_root_cert=Pem(roots) if roots else None,
            )
        )
        self._service = ab_pb2_grpc.AtomicBroadcastStub(self._channel)

    async def head(self, number: int | None = None) -> Block:
        """Return a block's header and metadata: the newest's, or that of a number; without its entries.

        Raises
        ------
        OrdererCallError
            If the orderer does not answer or has no such block. One that only follows the channel answers
            nobody.
        """
        place = (
            ab_pb2.SeekPosition(newest=ab_pb2.SeekNewest())
            if number is None
            else ab_pb2.SeekPosition(specified=ab_pb2.SeekSpecified(number=number))
        )
        seek = ab_pb2.SeekInfo(
            start=place,
            stop=place,
            behavior=ab_pb2.SeekInfo.SeekBehavior.FAIL_IF_NOT_READY,
            content_type=ab_pb2.SeekInfo.SeekContentType.HEADER_WITH_SIG,
        )
        envelope = await self._envelope(
            common_pb2.HeaderType.DELIVER_SEEK_INFO, seek.SerializeToString(), nonce=b""
        )
        answer = await self._exchange(self._service.Deliver, envelope)
        if answer.WhichOneof("Type") != "block":
            raise OrdererCallError(self.address, reason=_status(answer.status))
        return Block.from_message(answer.block)

    async def submit(self, signed_update: bytes) -> None:
        """Have it order a signed configuration update.

        Parameters
        ----------
        signed_update : bytes
            A ``common.ConfigUpdateEnvelope``.

        Raises
        ------
        OrdererCallError
            If it does not take it; it may be ordered all the same.
        """
        envelope = await self._envelope(
            common_pb2.HeaderType.CONFIG_UPDATE, signed_update, nonce=secrets.token_bytes(_NONCE_BYTES)
        )
        answer = await self._exchange(self._service.Broadcast, envelope)
        if answer.status != common_pb2.Status.SUCCESS:
            raise OrdererCallError(self.address, reason=f"{_status(answer.status)}: {answer.info}")

    async def close(self) -> None:
        """Close the connection."""
        await self._channel.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def _exchange(self, method: Message, envelope: Message) -> Message:
        call = method(timeout=self._seconds)
        try:
            async with asyncio.timeout(self._seconds):
                await call.write(envelope)
                answer = await call.read()
        except grpc.aio.AioRpcError as error:
            raise OrdererCallError(
                self.address, reason=f"{error.code().name}: {error.details() or 'no message'}"
            ) from error
        except (TimeoutError, asyncio.InvalidStateError) as error:
            raise OrdererCallError(self.address, reason=f"no answer in {self._seconds:g} s") from error
        finally:
            call.cancel()
        if answer is grpc.aio.EOF:
            raise OrdererCallError(self.address, reason="ended the call without an answer")
        return answer

    async def _envelope(self, kind: int, data: bytes, *, nonce: bytes) -> Message:
        now = Timestamp()
        now.GetCurrentTime()
        channel = common_pb2.ChannelHeader(type=kind, channel_id=self._channel_name, timestamp=now)
        signature = common_pb2.SignatureHeader(creator=self._signing.creator, nonce=nonce)
        header = common_pb2.Header(
            channel_header=channel.SerializeToString(), signature_header=signature.SerializeToString()
        )
        payload = common_pb2.Payload(header=header, data=data).SerializeToString()
        return common_pb2.Envelope(
            payload=payload, signature=await self._signing.sign(hashlib.sha256(payload).digest())
        )


def _status(status: int) -> str:
    try:
        return str(common_pb2.Status.Name(status))
    except ValueError:
        return str(status)
