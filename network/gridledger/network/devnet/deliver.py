"""Delivery of blocks: whole, filtered, or with the private data that an organisation holds."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Final, TypeAlias

from fabric_protos.common import common_pb2
from fabric_protos.ledger.rwset import rwset_pb2
from fabric_protos.orderer import ab_pb2
from fabric_protos.peer import chaincode_event_pb2, events_pb2
from google.protobuf.message import DecodeError

from gridledger.network.devnet.channel import READERS, Channel
from gridledger.network.devnet.definition import Definitions
from gridledger.network.devnet.errors import Refused
from gridledger.network.devnet.identity import SignedData
from gridledger.network.devnet.ledger import Ledger
from gridledger.network.devnet.transaction import Transaction

__all__ = ["DeliverService", "Render"]

Status = common_pb2.Status
_TIME_WINDOW_SECONDS: Final = 15 * 60
_LAST: Final = (1 << 64) - 1
_FAIL_IF_NOT_READY: Final[int] = ab_pb2.SeekInfo.SeekBehavior.FAIL_IF_NOT_READY


@dataclass(frozen=True, kw_only=True)
class _Request:
    channel_id: str
    signed: SignedData
    seek: ab_pb2.SeekInfo


class _Stopped(Refused):
    """A delivery ends with a status."""

    code = "GL-NET-040"
    exit_code = 80

    def __init__(self, status: int) -> None:
        super().__init__(f"delivery ends with status {status}")
        self.status = status


Render: TypeAlias = "Callable[[DeliverService, common_pb2.Block, SignedData], events_pb2.DeliverResponse]"
"""Makes a response of a block."""


class DeliverService:
    """What one organisation's peer delivers.

    Parameters
    ----------
    msp_id : str
        The organisation: its private data is delivered.
    channel : Channel
        Who may read.
    ledger : Ledger
        The blocks.
    definitions : Definitions
        Whose private data is for members only.
    """

    def __init__(self, *, msp_id: str, channel: Channel, ledger: Ledger, definitions: Definitions) -> None:
        self._msp_id = msp_id
        self._channel = channel
        self._ledger = ledger
        self._definitions = definitions

    async def deliver(self, envelope: bytes, render: Render) -> AsyncIterator[events_pb2.DeliverResponse]:
        """Yield the blocks that a signed request asks for, then a status.

        Parameters
        ----------
        envelope : bytes
            Serialised envelope with a `SeekInfo`.
        render : callable
            `block`, `filtered_block` or `block_and_private_data`.
        """
        try:
            request = self._read(envelope)
            self._check(request)
            start, stop = self._bounds(request.seek)
            number = start
            while number <= stop:
                block = await self._next(number, request.seek)
                self._check_expiry(request)
                yield render(self, _attested(block, request.seek), request.signed)
                number += 1
        except _Stopped as stopped:
            yield events_pb2.DeliverResponse(status=stopped.status)
        else:
            yield events_pb2.DeliverResponse(status=Status.SUCCESS)

    async def _next(self, number: int, seek: ab_pb2.SeekInfo) -> common_pb2.Block:
        """Return a block, once it is there; end the delivery if it is not and nobody wants to wait."""
        if seek.behavior != _FAIL_IF_NOT_READY:
            await self._ledger.wait_for(number)
        block = self._ledger.block(number)
        if block is None:
            raise _Stopped(Status.NOT_FOUND)
        return block

    def _read(self, data: bytes) -> _Request:
        try:
            envelope = common_pb2.Envelope.FromString(data)
            payload = common_pb2.Payload.FromString(envelope.payload)
            header = common_pb2.ChannelHeader.FromString(payload.header.channel_header)
            signature_header = common_pb2.SignatureHeader.FromString(payload.header.signature_header)
        except DecodeError as error:
            raise _Stopped(Status.BAD_REQUEST) from error
        claimed = header.timestamp
        if not payload.HasField("header") or not header.HasField("timestamp"):
            raise _Stopped(Status.BAD_REQUEST)
        if abs(claimed.seconds + claimed.nanos / 1e9 - time.time()) > _TIME_WINDOW_SECONDS:
            raise _Stopped(Status.BAD_REQUEST)
        if header.channel_id != self._channel.channel_id:
            raise _Stopped(Status.NOT_FOUND)
        try:
            seek = ab_pb2.SeekInfo.FromString(payload.data)
        except DecodeError as error:
            raise _Stopped(Status.BAD_REQUEST) from error
        signed = SignedData(envelope.payload, signature_header.creator, envelope.signature)
        return _Request(channel_id=header.channel_id, signed=signed, seek=seek)

    def _check(self, request: _Request) -> None:
        self._check_expiry(request)
        try:
            self._channel.check_access(READERS, request.signed)
        except Refused as refusal:
            raise _Stopped(Status.FORBIDDEN) from refusal
        if not request.seek.HasField("start") or not request.seek.HasField("stop"):
            raise _Stopped(Status.BAD_REQUEST)

    def _check_expiry(self, request: _Request) -> None:
        """End the delivery when the client's certificate does."""
        try:
            expires_at = self._channel.msps.deserialize(request.signed.identity).expires_at
        except Refused as refusal:
            raise _Stopped(Status.FORBIDDEN) from refusal
        if time.time() > expires_at:
            raise _Stopped(Status.FORBIDDEN)

    def _bounds(self, seek: ab_pb2.SeekInfo) -> tuple[int, int]:
        newest = self._ledger.height - 1
        kind = seek.start.WhichOneof("Type")
        if kind == "specified":
            start = seek.start.specified.number
        else:
            start = {"oldest": 0, "newest": newest, "next_commit": newest + 1}.get(kind or "", -1)
        if start < 0:
            raise _Stopped(Status.NOT_FOUND)
        kind = seek.stop.WhichOneof("Type")
        if kind == "specified":
            stop = seek.stop.specified.number
            if stop < start:
                raise _Stopped(Status.BAD_REQUEST)
            return start, stop
        if kind == "newest":
            return start, start if seek.start == seek.stop else max(newest, start)
        if kind == "oldest":
            return start, start
        return start, _LAST

    def _may_see(self, namespace: str, name: str, signed: SignedData) -> bool:
        """Tell whether a client may see a collection's private data."""
        with self._ledger.snapshot() as snapshot:
            collection = (self._definitions.collections(snapshot, namespace) or {}).get(name)
        if collection is None:
            return False
        if not collection.member_only_read:
            return True
        return self._channel.member(self._channel.msps.deserialize(signed.identity), collection.members)

    def block(self, block: common_pb2.Block, signed: SignedData) -> events_pb2.DeliverResponse:
        """Return the block as it is."""
        del signed
        return events_pb2.DeliverResponse(block=block)

    def filtered_block(self, block: common_pb2.Block, signed: SignedData) -> events_pb2.DeliverResponse:
        """Return the transactions' ids, codes and the names of their events."""
        del signed
        filtered = events_pb2.FilteredBlock(channel_id=self._channel.channel_id, number=block.header.number)
        flags = block.metadata.metadata[common_pb2.BlockMetadataIndex.TRANSACTIONS_FILTER]
        for data, code in zip(block.data.data, flags, strict=False):
            transaction = Transaction.parse(data)
            header = transaction.channel_header
            entry = filtered.filtered_transactions.add(
                txid=header.tx_id, type=header.type, tx_validation_code=code
            )
            if header.type == common_pb2.HeaderType.ENDORSER_TRANSACTION:
                entry.transaction_actions.SetInParent()
                event = transaction.action.event if transaction.action is not None else None
                if event is not None and event.chaincode_id:
                    entry.transaction_actions.chaincode_actions.add(
                        chaincode_event=chaincode_event_pb2.ChaincodeEvent(
                            tx_id=event.tx_id, chaincode_id=event.chaincode_id, event_name=event.event_name
                        )
                    )
        return events_pb2.DeliverResponse(filtered_block=filtered)

    def block_and_private_data(
        self, block: common_pb2.Block, signed: SignedData
    ) -> events_pb2.DeliverResponse:
        """Return the block with the private data that this organisation holds and the client may see."""
        response = events_pb2.DeliverResponse()
        response.block_and_private_data.block.CopyFrom(block)
        sets = response.block_and_private_data.private_data_map
        with self._ledger.snapshot() as snapshot:
            writes = snapshot.private_writes(self._msp_id, block.header.number)
        for version, namespace, collection, data in writes:
            if not self._may_see(namespace, collection, signed):
                continue
            private = sets[version.transaction]
            if not private.ns_pvt_rwset or private.ns_pvt_rwset[-1].namespace != namespace:
                private.ns_pvt_rwset.add(namespace=namespace)
            private.ns_pvt_rwset[-1].collection_pvt_rwset.append(
                rwset_pb2.CollectionPvtReadWriteSet(collection_name=collection, rwset=data)
            )
        return response


def _attested(block: common_pb2.Block, seek: ab_pb2.SeekInfo) -> common_pb2.Block:
    """Leave the transactions out where only header and signatures are asked for."""
    if seek.content_type != ab_pb2.SeekInfo.SeekContentType.HEADER_WITH_SIG or block.header.number == 0:
        return block
    return common_pb2.Block(header=block.header, metadata=block.metadata)
