"""Blocks for read models: those of a peer in memory, or made of records."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

from gridledger.client.write_set import KeyWrite
from gridledger.exchange.readmodel import LedgerBlock, LedgerTransaction, ReadModel
from gridledger.shim import Key
from gridledger.shim.testing import MemoryPeer

__all__ = ["Chain", "write"]


def write(key: Key[Any], record: Any) -> KeyWrite:
    """Return the write of a record, or of its deletion with None."""
    return KeyWrite(key=key.to_text(), value=None if record is None else record.to_bytes())


class Chain:
    """A chain that grows by a block a transaction."""

    def __init__(self) -> None:
        self.blocks: list[LedgerBlock] = []

    @classmethod
    def of(cls, peer: MemoryPeer) -> Chain:
        """Follow what a peer in memory commits."""
        chain, commit = cls(), peer.ledger.commit

        def committed(simulation: Any, tx_id: str, time_ms: int) -> None:
            commit(simulation, tx_id, time_ms)
            last = {key: value for collection, key, value in simulation.writes if not collection}
            writes = [KeyWrite(key=key, value=value or None) for key, value in sorted(last.items())]
            chain.add(writes, tx_id=tx_id, time_ms=time_ms)

        peer.ledger.commit = committed  # type: ignore[method-assign]
        return chain

    def add(self, writes: Sequence[KeyWrite], *, tx_id: str = "", time_ms: int = 0) -> LedgerBlock:
        """Add a block of one transaction."""
        number = len(self.blocks)
        transaction = LedgerTransaction(
            block=number,
            tx_id=tx_id or hashlib.sha256(str(number).encode()).hexdigest(),
            time_ms=time_ms,
            msp_id="Org1MSP",
            actor="tester",
            event="Tested",
            writes=tuple(writes),
        )
        block = LedgerBlock(
            number=number,
            hash=hashlib.sha256(f"header {number}".encode()).digest(),
            previous_hash=self.blocks[-1].hash if self.blocks else b"",
            transactions=(transaction,),
        )
        self.blocks.append(block)
        return block

    def feed(self, model: ReadModel) -> int:
        """Let a model take what it has not taken; return how many blocks."""
        return sum(model.take(block) for block in self.blocks[model.next_block :])
