"""What the peer knows of a transaction while a chaincode works on it."""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import dataclass, field

from fabric_protos.peer import chaincode_shim_pb2

from gridledger.network.devnet.errors import Refused
from gridledger.network.devnet.proposal import Proposal
from gridledger.network.devnet.query_results import QueryResults
from gridledger.network.devnet.simulator import Simulator

__all__ = ["TransactionContext"]

_BATCH = 100
"""Results that go to chaincode in one message."""
TOTAL_QUERY_LIMIT = 100_000
"""Results of one query at most, Fabric's default."""


@dataclass(slots=True)
class _Query:
    results: QueryResults
    pending: list[bytes] = field(default_factory=list)
    returned: int = 0


@dataclass(kw_only=True, eq=False)
class TransactionContext:
    """A transaction in one chaincode's hands.

    Parameters
    ----------
    namespace : str
        The chaincode's name: where its keys are.
    proposal : Proposal
        What the client asked for.
    simulator : Simulator
        The reads and writes; None for calls without a channel.
    is_init : bool
        Whether it is the chaincode's init call.
    completed : Future of ChaincodeMessage
        The chaincode's last message on it.
    """

    namespace: str
    proposal: Proposal
    simulator: Simulator
    is_init: bool
    completed: asyncio.Future[chaincode_shim_pb2.ChaincodeMessage]
    _queries: dict[str, _Query] = field(default_factory=dict)
    permissions: dict[str, tuple[bool, bool]] = field(default_factory=dict)

    def begin_query(
        self, results: QueryResults, *, paged: bool, limit: int
    ) -> chaincode_shim_pb2.QueryResponse:
        """Return the first results of a query."""
        name = secrets.token_hex(16)
        self._queries[name] = _Query(results)
        return self._respond(name, paged=paged, limit=limit)

    def next_results(self, name: str) -> chaincode_shim_pb2.QueryResponse:
        """Return the next results of a query.

        Raises
        ------
        Refused
            If there is no such query, or it has ended.
        """
        if name not in self._queries:
            raise Refused("query iterator not found")
        return self._respond(name, paged=False, limit=TOTAL_QUERY_LIMIT)

    def end_query(self, name: str) -> chaincode_shim_pb2.QueryResponse:
        """Forget a query."""
        self._queries.pop(name, None)
        return chaincode_shim_pb2.QueryResponse(has_more=False, id=name)

    def _respond(self, name: str, *, paged: bool, limit: int) -> chaincode_shim_pb2.QueryResponse:
        query = self._queries[name]
        while query.returned < limit:
            result = query.results.next()
            if result is None:
                break
            query.returned += 1
            if not paged and len(query.pending) == _BATCH:
                # One result ahead: only so is it known that there are more.
                batch, query.pending = query.pending, [result]
                return _response(name, batch, has_more=True)
            query.pending.append(result)
        del self._queries[name]
        response = _response(name, query.pending, has_more=False)
        if paged:
            response.metadata = chaincode_shim_pb2.QueryResponseMetadata(
                fetched_records_count=query.returned, bookmark=query.results.bookmark()
            ).SerializeToString()
        return response


def _response(name: str, batch: list[bytes], *, has_more: bool) -> chaincode_shim_pb2.QueryResponse:
    return chaincode_shim_pb2.QueryResponse(
        results=[chaincode_shim_pb2.QueryResultBytes(resultBytes=result) for result in batch],
        has_more=has_more,
        id=name,
    )
