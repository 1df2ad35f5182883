"""What becomes of holds: paid to owners with their contracts, or returned to payers.

Source: CN112508707B, [0097] to [0099].
"""

from __future__ import annotations

from collections.abc import Sequence

from gridledger.chaincode.journal import Journal
from gridledger.chaincode.ledger_key import (
    contract_key,
    delta_key,
    hold_key,
    order_key,
    resolution_key,
    settlement_key,
    system_key,
)
from gridledger.chaincode.permission import require_agent
from gridledger.model.account_entry import EntryKind
from gridledger.model.digest import Digest
from gridledger.model.errors import CryptoError
from gridledger.model.exchange_refusals import ContractDiffers, NoHold, NotTheAgent, SignatureRefused
from gridledger.model.identifier import SystemIdentifier
from gridledger.model.notice import SettledLine
from gridledger.model.refusals import BadArgument, NotFound
from gridledger.model.resolution import Resolution
from gridledger.model.signature import verify_signature
from gridledger.model.states import OrderState
from gridledger.model.system import System
from gridledger.model.time_mark import MAX_DISTANCE_MS
from gridledger.model.trade import (
    CountersignedContract,
    Delta,
    Hold,
    MoneyKey,
    Order,
    Settlement,
    TransactionContract,
)
from gridledger.shim import Context
from gridledger.shim.context import TIME_MARK

__all__ = ["pay_owner", "return_hold", "settle_contracts"]


async def settle_contracts(ctx: Context, signed: Sequence[CountersignedContract]) -> tuple[SettledLine, ...]:
    """Deposit contracts and pay their owners; all of them, or none.

    Raises
    ------
    NotFound, NoHold, ContractDiffers, SignatureRefused, NotTheAgent
        One of them does not say what was ordered, is not signed by both, or the caller is no party to it.
    """
    contracts = [one.contract for one in signed]
    if len({(one.order, one.owner) for one in contracts}) != len(contracts):
        raise BadArgument({"contracts": "one line of an order stands twice"})
    await ctx.read_ahead(
        [
            TIME_MARK,
            *(order_key(one.order) for one in contracts),
            *(resolution_key(one.resolution) for one in contracts),
            *(system_key(name) for one in contracts for name in (one.application, one.owner)),
            *(hold_key(one.order, one.owner) for one in contracts),
        ]
    )
    orders = await _read_orders(ctx, contracts)
    resolutions = await _read_resolutions(ctx, orders)
    systems = await _read_systems(ctx, contracts)
    holds = await ctx.get_many([hold_key(one.order, one.owner) for one in contracts])
    now_ms = await ctx.now_ms()
    journal = Journal(ctx)
    lines: list[SettledLine] = []
    for number, (one, hold) in enumerate(zip(signed, holds, strict=True)):
        contract = one.contract
        order = orders[contract.order]
        if hold is None:
            raise NoHold(contract.order, str(contract.owner))
        _check_content(contract, order, resolutions[order.resolution], hold, now_ms)
        application, owner = systems[contract.application], systems[contract.owner]
        _require_party(ctx, application, owner)
        _check_signature(one.application_signature, contract, application)
        _check_signature(one.owner_signature, contract, owner)
        await ctx.put(contract_key(contract.order, contract.owner), one)
        digest = Digest.of(contract.to_bytes())
        paid = await pay_owner(
            ctx, journal, contract.order, contract.owner, hold, number=number, contract=digest
        )
        lines.append(paid)
    return tuple(lines)


async def pay_owner(
    ctx: Context,
    journal: Journal,
    order: str,
    owner: SystemIdentifier,
    hold: Hold,
    *,
    number: int,
    contract: Digest | None = None,
    statement: Digest | None = None,
) -> SettledLine:
    """Turn a hold into a delta row of its owner.

    Parameters
    ----------
    number : int
        Of the delta row, counted in this transaction.
    contract, statement : Digest, optional
        What the settlement rests on: one of both.
    """
    now_ms = await ctx.now_ms()
    amount = hold.amount_milliyuan
    await ctx.delete(hold_key(order, owner))
    settlement = Settlement(
        state=OrderState.SETTLED,
        account=owner,
        amount_milliyuan=amount,
        settled_ms=now_ms,
        tx_id=ctx.tx_id,
        contract=contract,
        statement=statement,
    )
    await ctx.put(settlement_key(order, owner), settlement)
    if amount:
        delta = Delta(amount_milliyuan=amount, order=order, payer=hold.payer, made_ms=now_ms)
        await ctx.put(delta_key(owner, MoneyKey(tx_id=ctx.call_id, number=number)), delta)
    await journal.enter(hold.payer, EntryKind.PAID, amount, cause=order, other=owner)
    await journal.enter(owner, EntryKind.RECEIVED, amount, cause=order, other=hold.payer)
    return SettledLine(order=order, owner=owner, amount_milliyuan=amount)


async def return_hold(
    ctx: Context, journal: Journal, order: str, owner: SystemIdentifier, hold: Hold
) -> None:
    """Delete a hold and say that it returned; the caller makes the payer's note."""
    await ctx.delete(hold_key(order, owner))
    settlement = Settlement(
        state=OrderState.RETURNED,
        account=hold.payer,
        amount_milliyuan=hold.amount_milliyuan,
        settled_ms=await ctx.now_ms(),
        tx_id=ctx.tx_id,
    )
    await ctx.put(settlement_key(order, owner), settlement)
    await journal.enter(hold.payer, EntryKind.RETURNED, hold.amount_milliyuan, cause=order, other=owner)


async def _read_orders(ctx: Context, contracts: list[TransactionContract]) -> dict[str, Order]:
    names = list(dict.fromkeys(contract.order for contract in contracts))
    rows = await ctx.get_many([order_key(name) for name in names])
    orders: dict[str, Order] = {}
    for name, row in zip(names, rows, strict=True):
        if row is None:
            raise NotFound("order", name)
        orders[name] = row
    return orders


async def _read_resolutions(ctx: Context, orders: dict[str, Order]) -> dict[str, Resolution]:
    names = list(dict.fromkeys(order.resolution for order in orders.values()))
    rows = await ctx.get_many([resolution_key(name) for name in names])
    return {name: row for name, row in zip(names, rows, strict=True) if row is not None}


async def _read_systems(ctx: Context, contracts: list[TransactionContract]) -> dict[SystemIdentifier, System]:
    names = list(
        dict.fromkeys(one for contract in contracts for one in (contract.application, contract.owner))
    )
    rows = await ctx.get_many([system_key(name) for name in names])
    systems: dict[SystemIdentifier, System] = {}
    for name, row in zip(names, rows, strict=True):
        if row is None:
            raise NotFound("system", str(name))
        systems[name] = row
    return systems


def _check_content(
    contract: TransactionContract, order: Order, resolution: Resolution, hold: Hold, now_ms: int
) -> None:
    """Refuse a contract that says anything else than what was resolved, ordered and held."""
    line = order.line(contract.owner)
    if line is None:
        raise NoHold(contract.order, str(contract.owner))
    request = resolution.request
    expected: dict[str, bool] = {
        "the application": contract.application == order.application,
        "the resolution": contract.resolution == order.resolution,
        "the fields": contract.fields == line.fields,
        "the days": (contract.first, contract.last) == (request.first, request.last),
        "the number of rows": contract.rows == resolution.intact_rows(contract.owner),
        "the amount": contract.amount_milliyuan == hold.amount_milliyuan,
        "the time": order.placed_ms - MAX_DISTANCE_MS <= contract.concluded_ms <= now_ms + MAX_DISTANCE_MS,
    }
    differing = [what for what, holds in expected.items() if not holds]
    if differing:
        raise ContractDiffers(f"not as ordered: {', '.join(differing)}")


def _require_party(ctx: Context, application: System, owner: System) -> None:
    try:
        require_agent(ctx, application, winding_up=True)
    except NotTheAgent:
        require_agent(ctx, owner, winding_up=True)


def _check_signature(signature: bytes, contract: TransactionContract, signer: System) -> None:
    try:
        verify_signature(signer.agent.public_key, contract.to_bytes(), signature)
    except CryptoError as error:
        raise SignatureRefused("transaction contract", str(signer.identifier)) from error
