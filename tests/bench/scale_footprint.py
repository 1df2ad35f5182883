"""What a network of Fabric keeps and has used: CPU by kind of process, bytes of a peer's stores, blocks."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.bench.ground import Ground
from tests.bench.machine import cpu_seconds

from gridledger.client import Network as Channel
from gridledger.client.write_set import read_writes

__all__ = ["Blocks", "Footprint", "Groups", "blocks_between", "commit_ms"]

_PEER = "peer0.org1"
_STORES = {
    "chain": "chains/chains",
    "index": "chains/index",
    "state": "stateLeveldb",
    "history": "historyLeveldb",
}
_COMMITTED = re.compile(r"Committed block \[(\d+)\] with (\d+) transaction\(s\) in (\d+)ms")


@dataclass(frozen=True, kw_only=True)
class Groups:
    """Processes by kind."""

    client: tuple[int, ...]
    chaincode: tuple[int, ...]
    peers: tuple[int, ...]
    orderers: tuple[int, ...]

    @classmethod
    def of(cls, ground: Ground, chaincode: str, *, servers: Sequence[int] = ()) -> Groups:
        """Find them; a client's are this process and servers that it has started."""
        wanted = {
            ground.network.chaincode_component(chaincode, one.name) for one in ground.network.organisations
        }
        running = {one.name: one.pid for one in ground.network.status().components if one.pid is not None}
        return cls(
            client=(os.getpid(), *servers),
            chaincode=tuple(pid for name, pid in running.items() if name in wanted),
            peers=tuple(pid for name, pid in running.items() if name.startswith("peer")),
            orderers=tuple(pid for name, pid in running.items() if name.startswith("orderer")),
        )

    def cpu_ms(self) -> tuple[float, float, float, float]:
        """Return what client, chaincode, peers and orderers have used so far, milliseconds."""
        kinds = (self.client, self.chaincode, self.peers, self.orderers)
        client, chaincode, peers, orderers = (1e3 * sum(map(cpu_seconds, pids)) for pids in kinds)
        return client, chaincode, peers, orderers


@dataclass(frozen=True, kw_only=True)
class Footprint:
    """Bytes on one peer's disk."""

    chain: int
    index: int
    state: int
    history: int

    @classmethod
    def of(cls, ground: Ground) -> Footprint:
        """Measure them."""
        ledger = next((ground.folder / "network").glob(f"data/{_PEER}/**/ledgersData"))
        return cls(**{name: _bytes(ledger / part) for name, part in _STORES.items()})


@dataclass(frozen=True, kw_only=True)
class Blocks:
    """What stands in some blocks."""

    transactions: int
    envelope_bytes: int
    writes: int
    write_bytes: int


async def blocks_between(channel: Channel, first: int, last: int, chaincode: str) -> Blocks:
    """Read blocks from `first` to `last`."""
    transactions = size = writes = write_bytes = 0
    for number in range(first, last + 1):
        block = await channel.block(number)
        transactions += len(block.transactions)
        for one in block.transactions:
            size += len(one.envelope)
            if one.is_call and one.validation_code == 0:
                found = read_writes(one.read_write_set, chaincode)
                writes += len(found)
                write_bytes += sum(len(write.key.encode()) + len(write.value or b"") for write in found)
    return Blocks(transactions=transactions, envelope_bytes=size, writes=writes, write_bytes=write_bytes)


def commit_ms(ground: Ground, first: int, last: int) -> float:
    """Return how long a peer took for blocks from `first` to `last`, by its own log, milliseconds.

    Notes
    -----
    Of the clock, which counts what else ran on the machine: a block counts as long as the fastest of those
    that have as many transactions or more.
    """
    found = _COMMITTED.findall(ground.network.log_file(_PEER).read_text())
    blocks = [(int(size), int(taken)) for number, size, taken in found if first <= int(number) <= last]
    return float(sum(min(taken for size, taken in blocks if size >= own) for own, _ in blocks))


def _bytes(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
