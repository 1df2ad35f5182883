"""Blocks together with the private data that the reader's organisation may see."""

from __future__ import annotations

from dataclasses import dataclass, field

from fabric_protos.ledger.rwset.kvrwset import kv_rwset_pb2
from google.protobuf.message import DecodeError

from gridledger.client.block import Block
from gridledger.client.transport import Message
from gridledger.model.errors import ModelError

__all__ = ["BlockAndPrivateData", "PrivateWrite"]


@dataclass(frozen=True, kw_only=True, slots=True)
class PrivateWrite:
    """A key that a transaction wrote into, or deleted from, a collection."""

    chaincode: str
    """Name of the chaincode."""

    collection: str
    """Name of the collection."""

    key: str
    """The key."""

    value: bytes = field(repr=False)
    """What was written; empty when it was deleted."""

    is_delete: bool
    """Whether it was deleted."""


@dataclass(frozen=True, kw_only=True, slots=True)
class BlockAndPrivateData:
    """A block, and what its transactions wrote privately."""

    block: Block
    """The block."""

    private_writes: dict[int, tuple[PrivateWrite, ...]] = field(repr=False)
    """By place in `Block.transactions`; only collections that the reader's organisation is a member of."""

    @classmethod
    def from_message(cls, message: Message) -> BlockAndPrivateData:
        """Build it from a ``protos.BlockAndPrivateData``; ModelError when a write set cannot be read."""
        return cls(
            block=Block.from_message(message.block),
            private_writes={
                int(place): tuple(_read_writes(write_set))
                for place, write_set in sorted(message.private_data_map.items())
            },
        )


def _read_writes(write_set: Message) -> list[PrivateWrite]:
    writes = []
    for namespace in write_set.ns_pvt_rwset:
        for collection in namespace.collection_pvt_rwset:
            try:
                parsed = kv_rwset_pb2.KVRWSet.FromString(collection.rwset)
            except DecodeError as error:
                raise ModelError({"rwset": "is no write set"}, subject="BlockAndPrivateData") from error
            writes += [
                PrivateWrite(
                    chaincode=namespace.namespace,
                    collection=collection.collection_name,
                    key=write.key,
                    value=write.value,
                    is_delete=write.is_delete,
                )
                for write in parsed.writes
            ]
    return writes
