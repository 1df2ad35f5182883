"""The contract `ledger` that every chaincode of ours has: time mark, call keys, bundles of calls."""

from __future__ import annotations

from collections.abc import Mapping

from gridledger.model.bundle import BundledCall, BundledOutcome
from gridledger.model.call import Call, CallKey
from gridledger.model.events import Event
from gridledger.model.refusals import Conflict
from gridledger.model.roles import Role
from gridledger.model.states import CallState
from gridledger.model.time_mark import TimeMark
from gridledger.shim.bundle import execute_bundle
from gridledger.shim.context import TIME_MARK, Context
from gridledger.shim.contract import Contract
from gridledger.shim.function import ContractFunction, Kind, call_row_key, query, transaction

__all__ = ["LedgerContract"]


class LedgerContract(Contract):
    """Time mark, call keys and bundles of calls.

    Notes
    -----
    A bundle gives its caller nothing that its calls would not: each wants the caller's role and its own
    arguments, and is refused without harm to the others. One call key stands for all of them.

    Threats. The claimed time is the client's word; peers check it to 15 minutes, at endorsement only, and
    an endorsed transaction can be held back. So what decides by time reads the mark, and a transaction that
    read an older mark is invalid. An agent that claims a time ahead moves the mark ahead, by at most the 15
    minutes that the endorsing peers allow: honest transactions are then refused (not decided wrongly) until
    the clock has caught up. Agents of all organisations renew it, and the record names the organisation
    that did. An agent that holds the mark back is overtaken by the next one, since the mark only moves
    forward; if no agent runs, what needs the time is refused.
    """

    name = "ledger"

    def __init__(self) -> None:
        self._functions: Mapping[bytes, ContractFunction] = {}

    def watch(self, functions: Mapping[bytes, ContractFunction]) -> None:
        """Take the functions that bundles may call, by full name."""
        self._functions = functions

    @transaction(roles=(Role.AGENT,))
    async def renew_time_mark(self, ctx: Context) -> TimeMark:
        """Set the time mark to the transaction's claimed time, which must be later than the mark."""
        mark = await ctx.get(TIME_MARK)
        renewed = TimeMark(time_ms=ctx.claimed_time_ms, msp_id=ctx.msp_id)
        if mark is not None and renewed.time_ms <= mark.time_ms:
            raise Conflict("the claimed time is not later than the time mark", mark_ms=mark.time_ms)
        await ctx.put(TIME_MARK, renewed)
        ctx.emit(Event.TIME_MARK_RENEWED, renewed)
        return renewed

    @query
    async def read_time_mark(self, ctx: Context) -> TimeMark | None:
        """Return the time mark; nothing before the first renewal."""
        return await ctx.get(TIME_MARK)

    @transaction
    async def cancel_call(self, ctx: Context, call_key: CallKey) -> Call:
        """Make sure that a call of the caller's organisation will not be done, unless it was done already.

        Returns what stands under the call key afterwards: the first ordered, call or cancellation, wins.
        """
        key = call_row_key(ctx.msp_id, call_key)
        row = await ctx.get(key)
        if row is None:
            row = Call(state=CallState.CANCELLED, tx_id=ctx.tx_id, function=ctx.function)
            await ctx.put(key, row)
        return row

    @query
    async def read_call(self, ctx: Context, call_key: CallKey) -> Call | None:
        """Return what stands under a call key of the caller's organisation; nothing if it was never used."""
        return await ctx.get(call_row_key(ctx.msp_id, call_key))

    @transaction(once=True)
    async def submit_bundle(self, ctx: Context, calls: tuple[BundledCall, ...]) -> tuple[BundledOutcome, ...]:
        """Execute up to 64 transactions of one caller, each as though alone; a refused one writes nothing."""
        return await execute_bundle(ctx, calls, self._functions, Kind.TRANSACTION)

    @query
    async def evaluate_bundle(
        self, ctx: Context, calls: tuple[BundledCall, ...]
    ) -> tuple[BundledOutcome, ...]:
        """Execute up to 64 queries of one caller."""
        return await execute_bundle(ctx, calls, self._functions, Kind.QUERY)
