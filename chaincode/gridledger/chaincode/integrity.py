"""The contract `integrity`: deposits of Merkle roots, and the comparison with actual roots.

Source: CN112508707B, [0100] to [0105].
"""

from __future__ import annotations

from collections.abc import Mapping

from gridledger.chaincode.batch import accepted, check_batch, refused
from gridledger.chaincode.ledger_key import deposit_key, field_key, verdict_key
from gridledger.chaincode.permission import acting_system
from gridledger.model.device import ItemResult, RegisteredField
from gridledger.model.errors import ContractError
from gridledger.model.events import Event
from gridledger.model.exchange_refusals import NotTheAgent, RootDiffers
from gridledger.model.identifier import FieldIdentifier, SystemIdentifier
from gridledger.model.integrity import (
    MAX_DEPOSITS,
    DepositedRoot,
    FieldCheck,
    PeriodRoot,
    TamperCheck,
    Verdict,
)
from gridledger.model.notice import Registered
from gridledger.model.period import Period
from gridledger.model.refusals import BadArgument, LimitExceeded, NotFound
from gridledger.model.roles import Role
from gridledger.model.states import Outcome
from gridledger.model.system import SystemKind
from gridledger.shim import Context, Contract, query, transaction

__all__ = ["FieldPeriod", "Integrity", "compare"]

FieldPeriod = tuple[FieldIdentifier, Period]


class Integrity(Contract):
    """Deposits of Merkle roots, and verdicts."""

    name = "integrity"

    @transaction(roles=(Role.BUSINESS_SYSTEM,))
    async def deposit_roots(
        self, ctx: Context, system: SystemIdentifier, roots: tuple[PeriodRoot, ...]
    ) -> tuple[ItemResult, ...]:
        """Deposit up to 1,000 roots, each once; a result per item.

        The same root again is accepted and changes nothing, so a call may be repeated after a lost answer.
        """
        check_batch(roots, limit=MAX_DEPOSITS, what="roots")
        await acting_system(ctx, system, SystemKind.BUSINESS_SYSTEM)
        fields = await ctx.get_many([field_key(root.field) for root in roots])
        present = await ctx.get_many([deposit_key(root.field, root.period) for root in roots])
        now_ms = await ctx.now_ms()
        results: list[ItemResult] = []
        known: dict[FieldPeriod, PeriodRoot] = {}
        for root, field, row in zip(roots, fields, present, strict=True):
            item = f"{root.field} {root.period}"
            earlier = row.root if row is not None else known.get((root.field, root.period))
            try:
                _check_deposit(system, root, field, earlier)
            except ContractError as error:
                results.append(refused(item, error))
                continue
            results.append(accepted(item))
            if earlier is None:
                known[root.field, root.period] = root
                deposit = DepositedRoot(root=root, deposited_ms=now_ms, tx_id=ctx.tx_id)
                await ctx.put(deposit_key(root.field, root.period), deposit)
        ctx.emit(Event.ROOT_DEPOSITED, Registered(system=system, count=len(known)))
        return tuple(results)

    @query
    async def get_deposit(self, ctx: Context, field: FieldIdentifier, period: Period) -> DepositedRoot:
        """Return the deposited root of a field and period."""
        return await ctx.require(deposit_key(field, period))

    @query
    async def get_verdict(self, ctx: Context, resolution: str) -> Verdict:
        """Return the verdict of a resolution."""
        return await ctx.require(verdict_key(resolution))


async def compare(
    ctx: Context, wanted: list[FieldPeriod], actual: Mapping[FieldPeriod, PeriodRoot]
) -> list[TamperCheck]:
    """Compare actual roots with the deposited ones, one read for all.

    Parameters
    ----------
    wanted : list of field and period
        At most 1,000.
    actual : mapping
        What the owners signed.

    Raises
    ------
    LimitExceeded
        There are more.
    """
    if len(wanted) > MAX_DEPOSITS:
        raise LimitExceeded("fields and periods", limit=MAX_DEPOSITS, actual=len(wanted))
    deposits = await ctx.get_many([deposit_key(field, period) for field, period in wanted])
    return [
        _compare_one(field, period, deposit.root if deposit else None, actual.get((field, period)))
        for (field, period), deposit in zip(wanted, deposits, strict=True)
    ]


def _compare_one(
    field: FieldIdentifier, period: Period, deposited: PeriodRoot | None, actual: PeriodRoot | None
) -> TamperCheck:
    outcome = Outcome.ALTERED
    if deposited is None:
        outcome = Outcome.NOT_DEPOSITED
    elif actual is None:
        outcome = Outcome.UNANSWERED
    elif (actual.root, actual.rows) == (deposited.root, deposited.rows):
        outcome = Outcome.INTACT
    return TamperCheck(
        field=field,
        check=FieldCheck(
            period=period,
            outcome=outcome,
            root=deposited.root if deposited else None,
            rows=deposited.rows if deposited else None,
        ),
        actual=actual.root if actual else None,
    )


def _check_deposit(
    system: SystemIdentifier, root: PeriodRoot, field: RegisteredField | None, earlier: PeriodRoot | None
) -> None:
    if root.field.system != system:
        raise NotTheAgent(str(root.field.system))
    if field is None:
        raise NotFound("field", str(root.field))
    frequency = field.metadata.frequency
    if root.period.frequency is not frequency:
        raise BadArgument({"period": f"{root.period} is none of frequency {frequency.value}"})
    if earlier is not None and earlier != root:
        raise RootDiffers(f"another root of {root.field} for {root.period} was deposited")
