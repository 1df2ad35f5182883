"""The functions of `edge` for sharing between storage nodes: policy, request, grant, receipt.

Source: Zeng et al.: data sharing between storage nodes by a contract.
"""

from __future__ import annotations

from dataclasses import replace

from gridledger.chaincode.edge_key import (
    node_key,
    node_policy_key,
    share_key,
    share_mark_key,
    shares_of,
)
from gridledger.chaincode.node_transactions import acting_node
from gridledger.model.edge import NodeId
from gridledger.model.edge_page import SharePage
from gridledger.model.edge_refusals import ShareDiffers, ShareOver
from gridledger.model.edge_sharing import (
    NodePolicy,
    NodeRule,
    Share,
    ShareContent,
    ShareId,
    ShareMark,
    ShareProblem,
    ShareRequest,
)
from gridledger.model.events import Event
from gridledger.model.exchange_refusals import Expired
from gridledger.model.refusals import AlreadyExists, Conflict
from gridledger.model.roles import Role
from gridledger.model.sharing import REQUEST_AGE_MS
from gridledger.model.states import ApplicationState
from gridledger.shim import Context, Contract, query, transaction

__all__ = ["ShareTransactions"]

PAGE_SIZE = 200


class ShareTransactions(Contract):
    """Who may have which envelopes of a storage node, and who has."""

    @transaction(roles=(Role.AGENT,))
    async def set_node_policy(self, ctx: Context, node: NodeId, rules: tuple[NodeRule, ...]) -> NodePolicy:
        """Set whose nodes may have the calling node's envelopes; what was admitted before stands."""
        await acting_node(ctx, node)
        earlier = await ctx.get(node_policy_key(node))
        policy = NodePolicy(
            node=node,
            version=1 + (earlier.version if earlier else 0),
            rules=rules,
            set_ms=await ctx.now_ms(),
        )
        await ctx.put(node_policy_key(node), policy)
        ctx.emit(Event.NODE_POLICY_SET, policy)
        return policy

    @transaction(roles=(Role.AGENT,))
    async def request_share(self, ctx: Context, request: ShareRequest) -> Share:
        """Ask another storage node for its envelopes of a period; a refusal is deposited, too."""
        await acting_node(ctx, request.asker)
        if await ctx.get(share_key(request.id)) is not None:
            raise AlreadyExists("share request", request.id)
        now_ms = await ctx.now_ms()
        if abs(now_ms - request.made_ms) > REQUEST_AGE_MS:
            raise Expired("the share request is more than five minutes old, or of the future")
        holder = await ctx.require(node_key(request.holder))
        policy = await ctx.get(node_policy_key(request.holder))
        against = (
            _judge(policy.rules if policy else (), request, ctx.msp_id)
            if holder.state is ApplicationState.APPROVED
            else ShareProblem.NODE
        )
        share = Share(
            request=request,
            organisation=ctx.msp_id,
            policy_version=policy.version if policy else 0,
            problems=() if against is None else (against,),
            decided_ms=now_ms,
            valid_until_ms=now_ms + request.wanted_ms if against is None else None,
        )
        await ctx.put(share_key(request.id), share)
        mark = ShareMark(asker=request.asker, is_admitted=share.is_admitted)
        await ctx.put(share_mark_key(request.holder, now_ms, request.id), mark)
        ctx.emit(Event.SHARE_DECIDED, share)
        return share

    @transaction(roles=(Role.AGENT,))
    async def grant_share(self, ctx: Context, share_id: ShareId, content: ShareContent) -> Share:
        """Say which envelopes are handed over for an admitted request, as the holder; once."""
        share = await ctx.require(share_key(share_id))
        await acting_node(ctx, share.request.holder)
        _require_right(share, await ctx.now_ms())
        if share.granted is not None:
            raise AlreadyExists("share grant", share_id)
        granted = replace(share, granted=content)
        await ctx.put(share_key(share_id), granted)
        ctx.emit(Event.SHARE_GRANTED, granted)
        return granted

    @transaction(roles=(Role.AGENT,))
    async def deposit_share_receipt(self, ctx: Context, share_id: ShareId, content: ShareContent) -> Share:
        """Say what was received, as the asker: the same as was granted; once."""
        share = await ctx.require(share_key(share_id))
        await acting_node(ctx, share.request.asker)
        if share.granted is None:
            raise Conflict(f"nothing was granted for the share request {share_id}")
        if share.received is not None:
            raise AlreadyExists("share receipt", share_id)
        if content != share.granted:
            raise ShareDiffers("what was received is not what was granted")
        received = replace(share, received=content)
        await ctx.put(share_key(share_id), received)
        ctx.emit(Event.SHARE_RECEIVED, received)
        return received

    @query
    async def get_node_policy(self, ctx: Context, node: NodeId) -> NodePolicy:
        """Return a storage node's policy."""
        return await ctx.require(node_policy_key(node))

    @query
    async def get_share(self, ctx: Context, share_id: ShareId) -> Share:
        """Return a share request with its decision, grant and receipt."""
        return await ctx.require(share_key(share_id))

    @query
    async def list_shares(self, ctx: Context, holder: NodeId, bookmark: str) -> SharePage:
        """Return a page of what a storage node was asked for, the earliest first."""
        page = await ctx.page(shares_of(holder), size=PAGE_SIZE, bookmark=bookmark)
        found = await ctx.get_many([share_key(row.key.parts[-1]) for row in page.rows])
        return SharePage(shares=tuple(one for one in found if one is not None), bookmark=page.bookmark)


def _judge(rules: tuple[NodeRule, ...], request: ShareRequest, organisation: str) -> ShareProblem | None:
    """Return what stands against a request; None if one rule admits all of it."""
    left = [rule for rule in rules if organisation in rule.organisations]
    if not left:
        return ShareProblem.ORGANISATION
    left = [rule for rule in left if request.purpose in rule.purposes]
    if not left:
        return ShareProblem.PURPOSE
    if not any(request.wanted_ms <= rule.longest_ms for rule in left):
        return ShareProblem.VALIDITY
    return None


def _require_right(share: Share, now_ms: int) -> None:
    if share.valid_until_ms is None:
        raise ShareOver(share.request.id, "was refused")
    if now_ms >= share.valid_until_ms:
        raise ShareOver(share.request.id, "has run out")
