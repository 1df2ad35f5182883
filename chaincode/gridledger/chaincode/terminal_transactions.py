"""The functions of `response` for terminals: which there are, and whose key speaks for each.

Source: CN115334117A, claims 2 and 3.
"""

from __future__ import annotations

from dataclasses import replace

from gridledger.chaincode.permission import acting_system
from gridledger.chaincode.response_key import terminal_key, terminals_of
from gridledger.model.events import Event
from gridledger.model.identifier import SystemIdentifier
from gridledger.model.refusals import AlreadyExists, Conflict
from gridledger.model.response import Terminal, TerminalEntry, TerminalIdentifier, TerminalPage
from gridledger.model.roles import Role
from gridledger.model.system import ShortText, SystemKind
from gridledger.shim import Context, Contract, query, transaction

__all__ = ["TerminalTransactions"]

PAGE_SIZE = 200
"""Terminals a page: some 100 KB."""


class TerminalTransactions(Contract):
    """Terminals of a system's server."""

    @transaction(roles=(Role.BUSINESS_SYSTEM,))
    async def register_terminal(self, ctx: Context, entry: TerminalEntry) -> Terminal:
        """Register a terminal that reports to the caller's server; an identifier is used once."""
        await acting_system(ctx, entry.identifier.system, SystemKind.BUSINESS_SYSTEM)
        if await ctx.get(terminal_key(entry.identifier)) is not None:
            raise AlreadyExists("terminal", str(entry.identifier))
        terminal = Terminal(entry=entry, registered_ms=await ctx.now_ms())
        await ctx.put(terminal_key(entry.identifier), terminal)
        ctx.emit(Event.TERMINAL_REGISTERED, terminal)
        return terminal

    @transaction(roles=(Role.BUSINESS_SYSTEM,))
    async def end_terminal(self, ctx: Context, identifier: TerminalIdentifier, reason: ShortText) -> Terminal:
        """End a terminal: it anchors nothing more; its server still anchors what it sent before."""
        await acting_system(ctx, identifier.system, SystemKind.BUSINESS_SYSTEM)
        terminal = await ctx.require(terminal_key(identifier))
        if terminal.ended_ms is not None:
            raise Conflict(f"the terminal {identifier} is ended")
        ended = replace(terminal, ended_ms=await ctx.now_ms(), reason=reason)
        await ctx.put(terminal_key(identifier), ended)
        ctx.emit(Event.TERMINAL_ENDED, ended)
        return ended

    @query
    async def get_terminal(self, ctx: Context, identifier: TerminalIdentifier) -> Terminal:
        """Return a terminal."""
        return await ctx.require(terminal_key(identifier))

    @query
    async def list_terminals(self, ctx: Context, system: SystemIdentifier, bookmark: str) -> TerminalPage:
        """Return a page of a system's terminals, by name."""
        page = await ctx.page(terminals_of(system), size=PAGE_SIZE, bookmark=bookmark)
        return TerminalPage(terminals=tuple(row.record for row in page.rows), bookmark=page.bookmark)
