"""The functions of `lake` for indexes of lakes.

Source: Luo and Jin, section 4.1: the statistics by which requests are told to look in a cluster or nowhere.
"""

from __future__ import annotations

from gridledger.chaincode.lake_key import lake_index_key, lake_indexes_of
from gridledger.chaincode.permission import acting_system
from gridledger.model.events import Event
from gridledger.model.identifier import SystemIdentifier
from gridledger.model.lake_index import IndexName, IndexStatement, LakeIndex
from gridledger.model.lake_page import LakeIndexPage
from gridledger.model.lake_refusals import IndexOutOfTurn
from gridledger.model.roles import Role
from gridledger.model.system import SystemKind
from gridledger.shim import Context, Contract, query, transaction

__all__ = ["IndexTransactions"]

PAGE_SIZE = 100
"""Indexes a page: some 40 KB."""


class IndexTransactions(Contract):
    """Digests of indexes."""

    @transaction(roles=(Role.BUSINESS_SYSTEM,))
    async def deposit_index(self, ctx: Context, statement: IndexStatement) -> LakeIndex:
        """Deposit the digest of an index's newest generation; what it was before: history of the key."""
        await acting_system(ctx, statement.owner, SystemKind.BUSINESS_SYSTEM)
        key = lake_index_key(statement.owner, statement.name)
        before = await ctx.get(key)
        if before is not None and before.statement.generation >= statement.generation:
            raise IndexOutOfTurn(statement.name, before.statement.generation)
        deposited = LakeIndex(statement=statement, deposited_ms=await ctx.now_ms())
        await ctx.put(key, deposited)
        ctx.emit(Event.INDEX_DEPOSITED, deposited)
        return deposited

    @query
    async def get_index(self, ctx: Context, owner: SystemIdentifier, name: IndexName) -> LakeIndex:
        """Return what was deposited of an index."""
        return await ctx.require(lake_index_key(owner, name))

    @query
    async def list_indexes(self, ctx: Context, owner: SystemIdentifier, bookmark: str) -> LakeIndexPage:
        """Return a page of an owner's indexes, by name."""
        page = await ctx.page(lake_indexes_of(owner), size=PAGE_SIZE, bookmark=bookmark)
        return LakeIndexPage(indexes=tuple(row.record for row in page.rows), bookmark=page.bookmark)
