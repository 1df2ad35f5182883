"""The functions of `edge` for storage nodes: an agent registers one, the root's platform approves it."""

from __future__ import annotations

from dataclasses import replace

from gridledger.chaincode.edge_key import node_key, node_mark_key, nodes_of
from gridledger.chaincode.ledger_key import system_key
from gridledger.chaincode.permission import agent_of_caller, is_agent, require_platform
from gridledger.model.edge import NodeEntry, NodeId, NodeMark, StorageNode
from gridledger.model.edge_page import NodePage
from gridledger.model.edge_refusals import NotTheNode
from gridledger.model.events import Event
from gridledger.model.identifier import SystemIdentifier
from gridledger.model.refusals import AlreadyExists, Conflict
from gridledger.model.roles import Role
from gridledger.model.states import ApplicationState
from gridledger.model.system import ShortText
from gridledger.shim import Context, Contract, query, transaction

__all__ = ["NodeTransactions", "acting_node", "approved_node"]

PAGE_SIZE = 200


class NodeTransactions(Contract):
    """Storage nodes."""

    @transaction(roles=(Role.AGENT,))
    async def register_node(self, ctx: Context, root: SystemIdentifier, entry: NodeEntry) -> StorageNode:
        """Register the calling agent as a storage node; a platform administrator of the root approves it."""
        await ctx.require(system_key(root))
        agent = agent_of_caller(ctx)
        known = await ctx.get(node_key(agent.key_id))
        if known is not None and known.state is not ApplicationState.REJECTED:
            raise AlreadyExists("storage node", agent.key_id)
        if known is not None and known.root != root:
            raise Conflict(f"the storage node {agent.key_id} stands below {known.root}")
        node = StorageNode(
            id=agent.key_id,
            root=root,
            entry=entry,
            agent=agent,
            state=ApplicationState.APPLIED,
            registered_ms=await ctx.now_ms(),
        )
        await ctx.put(node_key(node.id), node)
        await ctx.put(node_mark_key(root, node.id), NodeMark(name=entry.name))
        ctx.emit(Event.NODE_REGISTERED, node)
        return node

    @transaction(roles=(Role.PLATFORM_ADMINISTRATOR,))
    async def approve_node(self, ctx: Context, node: NodeId) -> StorageNode:
        """Approve a storage node that registered below a root of the caller's organisation."""
        return await _decide(ctx, node, ApplicationState.APPROVED, None)

    @transaction(roles=(Role.PLATFORM_ADMINISTRATOR,))
    async def reject_node(self, ctx: Context, node: NodeId, reason: ShortText) -> StorageNode:
        """Reject a storage node, or remove an approved one that is lost; what it deposited stands."""
        return await _decide(ctx, node, ApplicationState.REJECTED, reason)

    @query
    async def get_node(self, ctx: Context, node: NodeId) -> StorageNode:
        """Return a storage node."""
        return await ctx.require(node_key(node))

    @query
    async def list_nodes(self, ctx: Context, root: SystemIdentifier, bookmark: str) -> NodePage:
        """Return a page of a root's storage nodes."""
        page = await ctx.page(nodes_of(root), size=PAGE_SIZE, bookmark=bookmark)
        found = await ctx.get_many([node_key(row.key.parts[-1]) for row in page.rows])
        return NodePage(nodes=tuple(one for one in found if one is not None), bookmark=page.bookmark)


async def approved_node(ctx: Context, node: str) -> StorageNode:
    """Return an approved storage node.

    Raises
    ------
    NotTheNode
        There is none, or it is not approved.
    """
    known = await ctx.get(node_key(node))
    if known is None or known.state is not ApplicationState.APPROVED:
        raise NotTheNode(node, "is not approved")
    return known


async def acting_node(ctx: Context, node: str) -> StorageNode:
    """Return an approved storage node whose agent calls.

    Raises
    ------
    NotTheNode
        It is not approved, or somebody else calls.
    """
    known = await approved_node(ctx, node)
    if not is_agent(ctx, known.agent):
        raise NotTheNode(node, "is not the caller")
    return known


async def _decide(ctx: Context, node: str, state: ApplicationState, reason: str | None) -> StorageNode:
    known = await ctx.require(node_key(node))
    await require_platform(ctx, known.root)
    decidable = (
        (ApplicationState.APPLIED,)
        if state is ApplicationState.APPROVED
        else (ApplicationState.APPLIED, ApplicationState.APPROVED)
    )
    if known.state not in decidable:
        raise Conflict(f"storage node {node} is {known.state.value}")
    decided = replace(known, state=state, decided_ms=await ctx.now_ms(), reason=reason)
    await ctx.put(node_key(node), decided)
    ctx.emit(Event.NODE_DECIDED, decided)
    return decided
