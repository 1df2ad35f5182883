"""Indexes of an owner's lake on the ledger: deposited, compared, and asked for others within their rights."""

from __future__ import annotations

import asyncio
import time
from enum import StrEnum

from gridledger.lake.errors import LakeError
from gridledger.lake.index.answer import Answer, Query
from gridledger.lake.index.index import Index
from gridledger.lake.ledger.lake_ledger import LakeLedger
from gridledger.model.digest import Digest
from gridledger.model.identifier import SystemIdentifier
from gridledger.model.lake_index import IndexStatement, LakeIndex
from gridledger.model.record import ModelValue, value

__all__ = ["IndexCheck", "IndexState", "answer_for", "check_index", "deposit_index", "granted_names"]


class IndexState(StrEnum):
    """What became of an index since its owner deposited it."""

    INTACT = "intact"
    """The store has the deposited generation as the newest."""
    GROWN = "grown"
    """The store has the deposited generation and newer ones."""
    NEWER = "newer"
    """The store has newer generations; the deposited one was tidied away."""
    CHANGED = "changed"
    """The store has another table under the deposited generation."""
    ROLLED_BACK = "rolled-back"
    """The store's newest generation is older than the deposited one."""

    @property
    def is_wrong(self) -> bool:
        """Whether the store lacks what the ledger has."""
        return self in (IndexState.CHANGED, IndexState.ROLLED_BACK)


@value
class IndexCheck(ModelValue):
    """An index, in the store and on the ledger."""

    state: IndexState
    deposited: int
    """Generation on the ledger."""
    newest: int
    """Generation in the store."""


async def deposit_index(ledger: LakeLedger, owner: SystemIdentifier, index: Index) -> LakeIndex:
    """Deposit the digest of the generation that is open.

    Parameters
    ----------
    ledger : LakeLedger
        As the lake's owner.
    owner : SystemIdentifier
    index : Index

    Raises
    ------
    IndexOutOfTurn
        This generation or a later one is deposited.
    """
    table = index.table
    statement = IndexStatement(
        owner=owner,
        name=index.plan.name,
        generation=table.generation,
        features=table.features,
        table=Digest.of(table.to_bytes()),
    )
    return await ledger.deposit_index(statement)


async def check_index(ledger: LakeLedger, owner: SystemIdentifier, index: Index) -> IndexCheck:
    """Compare what is open with what the ledger says.

    Raises
    ------
    NotFound
        Nothing was deposited.
    """
    statement = (await ledger.index(owner, index.plan.name)).statement
    newest = index.table.generation
    if newest < statement.generation:
        state = IndexState.ROLLED_BACK
    elif newest == statement.generation:
        same = Digest.of(index.table.to_bytes()) == statement.table
        state = IndexState.INTACT if same else IndexState.CHANGED
    else:
        state = await asyncio.to_thread(_older, index, statement)
    return IndexCheck(state=state, deposited=statement.generation, newest=newest)


def _older(index: Index, statement: IndexStatement) -> IndexState:
    if statement.generation not in index.files.generations():
        return IndexState.NEWER
    try:
        table = index.files.table(statement.generation)
    except LakeError:
        return IndexState.CHANGED
    return IndexState.GROWN if Digest.of(table.to_bytes()) == statement.table else IndexState.CHANGED


async def granted_names(
    ledger: LakeLedger, owner: SystemIdentifier, application: SystemIdentifier, *, now_ms: int | None = None
) -> frozenset[str]:
    """Return the names of an owner's datasets that an application has a grant of."""
    moment = time.time_ns() // 1_000_000 if now_ms is None else now_ms
    names: set[str] = set()
    bookmark = ""
    while True:
        page = await ledger.accesses_of(application, None, bookmark)
        names |= {
            one.grant.dataset.name
            for one in page.accesses
            if one.grant is not None and one.grant.dataset.system == owner and one.grant.holds(moment)
        }
        bookmark = page.bookmark
        if not bookmark:
            return frozenset(names)


async def answer_for(
    ledger: LakeLedger,
    owner: SystemIdentifier,
    application: SystemIdentifier,
    index: Index,
    query: Query,
    *,
    now_ms: int | None = None,
) -> Answer:
    """Answer a query for an application: with entries of datasets that it has grants of, and no others.

    Notes
    -----
    The ledger is asked each time, so that a right that was revoked or has run out counts at once. Data are
    read by the application itself, with its own grant.
    """
    names = await granted_names(ledger, owner, application, now_ms=now_ms)
    restricted = Query(
        features=query.features,
        tolerance=query.tolerance,
        label=query.label,
        limit=query.limit,
        datasets=names if query.datasets is None else names & frozenset(query.datasets),
    )
    return await asyncio.to_thread(index.query, restricted)
