"""Results of queries as chaincode gets them, step by step, and what a range query saw on the way."""

from __future__ import annotations

from collections.abc import Iterator

from fabric_protos.ledger.queryresult import kv_query_result_pb2
from fabric_protos.ledger.rwset.kvrwset import kv_rwset_pb2

from gridledger.network.devnet.range_query import RangeResults
from gridledger.network.devnet.state import VersionedKey

__all__ = ["QueryResults", "RangeScan", "kv_of"]


class QueryResults:
    """The results of a query that is read step by step.

    Parameters
    ----------
    results : iterator of bytes
        Serialised results.
    """

    def __init__(self, results: Iterator[bytes]) -> None:
        self._results = results

    def next(self) -> bytes | None:
        """Return the next result, None after the last."""
        return next(self._results, None)

    def bookmark(self) -> str:
        """Return where a next page would begin; nothing for queries without pages."""
        return ""


class RangeScan(QueryResults):
    """A range query over public keys; what was seen is recorded for the search for phantoms.

    Parameters
    ----------
    namespace, start, end : str
        Where to look; empty bounds are open.
    keys : iterator of VersionedKey
        What is there.
    page_size : int
        At most so many results; 0 for all.
    """

    def __init__(
        self, namespace: str, start: str, end: str, keys: Iterator[VersionedKey], page_size: int
    ) -> None:
        super().__init__(iter(()))
        self.namespace = namespace
        self._end = end
        self._keys = keys
        self._page_size = page_size
        self._returned = 0
        self._seen = RangeResults()
        self._info = kv_rwset_pb2.RangeQueryInfo(start_key=start)

    def next(self) -> bytes | None:
        """Return the next key and value."""
        found = None if self._page_size and self._returned >= self._page_size else next(self._keys, None)
        if found is None:
            self._info.itr_exhausted = True
            self._info.end_key = self._end
            return None
        self._returned += 1
        self._seen.add(found.key, found.version)
        self._info.end_key = found.key
        return kv_of(self.namespace, found)

    def bookmark(self) -> str:
        """Return the key after the last one that was returned, empty at the end."""
        following = next(self._keys, None)
        return following.key if following is not None else ""

    @property
    def last_key(self) -> str:
        """The key that was returned last."""
        return str(self._info.end_key)

    def info(self) -> kv_rwset_pb2.RangeQueryInfo:
        """Return the record of what was seen."""
        self._seen.finish(self._info)
        return self._info


def kv_of(namespace: str, found: VersionedKey) -> bytes:
    """Return a key and its value as a serialised result."""
    message = kv_query_result_pb2.KV(namespace=namespace, key=found.key, value=found.value)
    return bytes(message.SerializeToString())
