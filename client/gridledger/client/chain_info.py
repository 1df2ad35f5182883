"""How far a copy of a channel goes."""

from __future__ import annotations

from dataclasses import dataclass

from fabric_protos.common import ledger_pb2
from google.protobuf.message import DecodeError

from gridledger.model.errors import ModelError

__all__ = ["ChainInfo"]


@dataclass(frozen=True, kw_only=True, slots=True)
class ChainInfo:
    """Height and last hashes of a peer's copy of a channel."""

    height: int
    """Number of blocks."""

    current_block_hash: bytes
    """Hash of the last block's header; 32 bytes."""

    previous_block_hash: bytes
    """Hash of the header before that; empty when there is only the genesis block."""

    @classmethod
    def from_bytes(cls, data: bytes) -> ChainInfo:
        """Build it from the bytes of a ``common.BlockchainInfo``; ModelError when they are none."""
        try:
            info = ledger_pb2.BlockchainInfo.FromString(data)
        except DecodeError as error:
            raise ModelError({"data": "is no chain information"}, subject="ChainInfo") from error
        return cls(
            height=info.height,
            current_block_hash=info.currentBlockHash,
            previous_block_hash=info.previousBlockHash,
        )
