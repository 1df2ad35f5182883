"""What a range query saw, in the form that finds phantoms: the keys, or a tree of hashes over many."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from fabric_protos.ledger.rwset.kvrwset import kv_rwset_pb2

from gridledger.network.devnet.state import Version

__all__ = ["MAX_DEGREE", "RangeResults", "read_of"]

MAX_DEGREE = 50
"""Results that are listed one by one; above that they are hashed in groups of one more."""


def read_of(key: str, version: Version | None) -> kv_rwset_pb2.KVRead:
    """Return the read of a key at a version (None: it was not there)."""
    if version is None:
        return kv_rwset_pb2.KVRead(key=key)
    return kv_rwset_pb2.KVRead(
        key=key, version=kv_rwset_pb2.Version(block_num=version.block, tx_num=version.transaction)
    )


class RangeResults:
    """The results of one range query, in order.

    Parameters
    ----------
    max_degree : int
        How many are kept one by one; at least 2.

    Notes
    -----
    Groups of `max_degree` + 1 results are hashed to one leaf each, groups of as many hashes to one hash of
    the next level, until at most `max_degree` hashes are left. Memory is O(max_degree * log n).
    """

    def __init__(self, max_degree: int = MAX_DEGREE) -> None:
        self._max_degree = max_degree
        self._pending: list[kv_rwset_pb2.KVRead] = []
        self._levels: dict[int, list[bytes]] = {}
        self._top = 1

    def add(self, key: str, version: Version) -> None:
        """Take the next result."""
        self._pending.append(read_of(key, version))
        if len(self._pending) > self._max_degree:
            self._fold_pending()

    def _fold_pending(self) -> None:
        leaf = kv_rwset_pb2.QueryReads(kv_reads=self._pending).SerializeToString()
        self._pending = []
        level = 1
        self._levels.setdefault(level, []).append(hashlib.sha256(leaf).digest())
        while len(self._levels[level]) > self._max_degree:
            parent = _combine(self._levels.pop(level))
            level += 1
            self._levels.setdefault(level, []).append(parent)
            self._top = max(self._top, level)

    def finish(self, info: kv_rwset_pb2.RangeQueryInfo) -> None:
        """Put the results into a range query's record."""
        if not self._levels:
            if self._pending:
                info.raw_reads.kv_reads.extend(self._pending)
            return
        if self._pending:
            self._fold_pending()
        for level in range(1, self._top):
            hashes = self._levels.pop(level, [])
            if hashes:
                parent = hashes[0] if len(hashes) == 1 else _combine(hashes)
                self._levels.setdefault(level + 1, []).append(parent)
        if len(self._levels[self._top]) > self._max_degree:
            parent = _combine(self._levels.pop(self._top))
            self._top += 1
            self._levels[self._top] = [parent]
        summary = info.reads_merkle_hashes
        summary.max_degree = self._max_degree
        summary.max_level = self._top
        summary.max_level_hashes.extend(self._levels[self._top])


def _combine(hashes: Iterable[bytes]) -> bytes:
    return hashlib.sha256(b"".join(hashes)).digest()
