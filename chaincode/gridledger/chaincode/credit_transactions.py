"""The registry's functions for credit: ratings, their folding, deregistration for low credit.

Source: CN112508707B, [0016], [0017], [0066].
"""

from __future__ import annotations

from dataclasses import replace

from gridledger.chaincode.ledger_key import (
    credit_key,
    order_key,
    rating_delta_key,
    rating_deltas_of,
    rating_key,
    rating_unpaid_key,
    settlement_key,
    system_key,
)
from gridledger.chaincode.permission import acting_system, is_agent, require_agent
from gridledger.chaincode.redirect import follow_system, put_system
from gridledger.chaincode.registration import PAGE_SIZE
from gridledger.model.credit import (
    MAX_FOLDED,
    CreditStanding,
    Rating,
    RatingDelta,
    RatingKey,
    RatingPage,
    UnpaidRating,
)
from gridledger.model.events import Event
from gridledger.model.exchange_refusals import NotActive
from gridledger.model.identifier import SystemIdentifier
from gridledger.model.lifecycle import Actor
from gridledger.model.notice import SystemRated
from gridledger.model.refusals import AccessDenied, AlreadyExists, BadArgument, LimitExceeded, NotFound
from gridledger.model.registry_refusals import CreditSuffices, IdentifierMoved
from gridledger.model.roles import Role
from gridledger.model.states import IdentifierState, OrderState
from gridledger.model.system import LEAST_CREDIT, Credit, ShortText, System, SystemKind
from gridledger.model.trade import OrderId
from gridledger.shim import Context, Contract, query, transaction

__all__ = ["CreditTransactions"]


class CreditTransactions(Contract):
    """Credit of systems, from what their counterparties say of them."""

    @transaction(roles=(Role.BUSINESS_SYSTEM, Role.DATA_APPLICATION))
    async def rate_system(
        self, ctx: Context, order: OrderId, owner: SystemIdentifier, score: Credit
    ) -> Rating:
        """Rate the other party of one line of an order, 0 to 100, once; the line is settled or returned.

        The data application rates the owner, the owner the data application. A line that nobody was paid
        for costs nothing, so that of all such lines one counts between the same two.
        """
        placed = await ctx.require(order_key(order))
        if placed.line(owner) is None:
            raise NotFound("line", f"{order} {owner}")
        settlement = await ctx.require(settlement_key(order, owner))
        parties = await ctx.get_many([system_key(placed.application), system_key(owner)])
        application, provider = (_known(party) for party in parties)
        rater, rated = application, provider
        if not is_agent(ctx, application.agent):
            rater, rated = provider, application
        require_agent(ctx, rater)
        key = rating_key(order, owner, rater.identifier)
        if await ctx.get(key) is not None:
            raise AlreadyExists("rating", f"{order} {owner}")
        now_ms = await ctx.now_ms()
        # What moved is rated under the prefix that it has now.
        name = (await follow_system(ctx, rated.identifier)).identifier
        if settlement.state is OrderState.RETURNED or not settlement.amount_milliyuan:
            unpaid = rating_unpaid_key(name, rater.identifier)
            if (earlier := await ctx.get(unpaid)) is not None:
                raise AlreadyExists("rating without payment", earlier.order)
            await ctx.put(unpaid, UnpaidRating(order=order))
        rating = Rating(rated=name, score=score, made_ms=now_ms)
        await ctx.put(key, rating)
        delta = RatingDelta(score=score, made_ms=now_ms)
        await ctx.put(rating_delta_key(name, order, rater.identifier), delta)
        notice = SystemRated(rated=name, rater=rater.identifier, order=order, score=score)
        ctx.emit(Event.SYSTEM_RATED, notice)
        return rating

    @transaction(roles=(Role.AGGREGATION_SYSTEM,))
    async def fold_ratings(
        self, ctx: Context, system: SystemIdentifier, ratings: tuple[RatingKey, ...]
    ) -> CreditStanding:
        """Count up to 500 ratings of a system into its credit, of its former prefixes, too; each once."""
        if not ratings:
            raise BadArgument({"ratings": "there are none"})
        if len(ratings) > MAX_FOLDED:
            raise LimitExceeded("ratings", limit=MAX_FOLDED, actual=len(ratings))
        if len({(one.order, one.rater) for one in ratings}) != len(ratings):
            raise BadArgument({"ratings": "one stands twice"})
        present = await self._below(ctx, system)
        prefixes = (system, *(present.former or ()))
        named = [rating_delta_key(one, name.order, name.rater) for name in ratings for one in prefixes]
        found = dict(zip(named, await ctx.get_many(named), strict=True))
        keys = [
            next(
                (key for key in named[start : start + len(prefixes)] if found[key] is not None), named[start]
            )
            for start in range(0, len(named), len(prefixes))
        ]
        rows = [found[key] for key in keys]
        standing = await self._standing(ctx, present)
        count, total = standing.ratings, standing.total
        for name, key, row in zip(ratings, keys, rows, strict=True):
            if row is None:
                raise NotFound("rating", f"{name.order} {name.rater}")
            if row.made_ms >= standing.since_ms:
                count, total = count + 1, total + row.score
            await ctx.delete(key)
        folded = CreditStanding.of(
            system, first=standing.first, since_ms=standing.since_ms, ratings=count, total=total
        )
        await ctx.put(credit_key(system), folded)
        ctx.emit(Event.RATINGS_FOLDED, folded)
        return folded

    @transaction(roles=(Role.AGGREGATION_SYSTEM,))
    async def deregister_system(self, ctx: Context, system: SystemIdentifier, reason: ShortText) -> System:
        """Suspend a system whose credit is less than 60: it resolves no more until it is registered again."""
        present = await self._below(ctx, system)
        standing = await self._standing(ctx, present)
        if standing.credit >= LEAST_CREDIT:
            raise CreditSuffices(str(system), credit=standing.credit, least=LEAST_CREDIT)
        if present.state is not IdentifierState.ACTIVE:
            raise NotActive(str(system), present.state.value)
        suspended = replace(
            present, state=IdentifierState.SUSPENDED, suspended_by=Actor.PLATFORM, reason=reason
        )
        await put_system(ctx, suspended)
        ctx.emit(Event.SYSTEM_DEREGISTERED, suspended)
        return suspended

    @query
    async def get_credit(self, ctx: Context, system: SystemIdentifier) -> CreditStanding:
        """Return the credit of a system, as far as its ratings are counted."""
        return await self._standing(ctx, await ctx.require(system_key(system)))

    @query
    async def list_ratings(self, ctx: Context, system: SystemIdentifier, bookmark: str) -> RatingPage:
        """Return a page of the names of a system's ratings that are not counted yet."""
        page = await ctx.page(rating_deltas_of(system), size=PAGE_SIZE, bookmark=bookmark)
        names = tuple(
            RatingKey(order=row.key.parts[1], rater=SystemIdentifier(row.key.parts[2])) for row in page.rows
        )
        return RatingPage(ratings=names, bookmark=page.bookmark)

    async def _below(self, ctx: Context, system: SystemIdentifier) -> System:
        """Return a system below the caller's root."""
        present = await ctx.require(system_key(system))
        await acting_system(ctx, present.root, SystemKind.AGGREGATION_SYSTEM)
        if present.identifier == present.root:
            raise AccessDenied(f"{system} is a root")
        if present.moved_to is not None:
            raise IdentifierMoved(str(system), str(present.moved_to))
        return present

    async def _standing(self, ctx: Context, system: System) -> CreditStanding:
        """Return a system's credit; before the first rating it is that of its registration."""
        standing = await ctx.get(credit_key(system.identifier))
        return standing or CreditStanding.of(
            system.identifier, first=system.credit, since_ms=system.registered_ms
        )


def _known(party: System | None) -> System:
    if party is None:
        raise NotFound("system", "of the order")
    return party
