"""The contract `integrity`: deposits of Merkle roots, and the comparison with actual roots.

Source: CN112508707B, [0100] to [0105].
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from gridledger.chaincode.batch import accepted, check_batch, refused
from gridledger.chaincode.ledger_key import deposit_key, device_key, field_key, verdict_key
from gridledger.chaincode.permission import acting_system
from gridledger.model.device import Device, ItemResult, RegisteredField
from gridledger.model.errors import ContractError
from gridledger.model.events import Event
from gridledger.model.exchange_refusals import NotTheAgent, RootDiffers
from gridledger.model.identifier import FieldIdentifier, SystemIdentifier
from gridledger.model.integrity import (
    MAX_DEPOSITS,
    MAX_SUPPLEMENTS,
    DepositedRoot,
    FieldCheck,
    PartRoot,
    PeriodRoot,
    Supplement,
    TamperCheck,
    Verdict,
)
from gridledger.model.integrity_refusals import DepositedBeforeMove, SupplementOutOfTurn
from gridledger.model.notice import Registered
from gridledger.model.period import Period
from gridledger.model.refusals import BadArgument, LimitExceeded, NotFound
from gridledger.model.registry_refusals import IdentifierMoved
from gridledger.model.roles import Role
from gridledger.model.states import Outcome
from gridledger.model.system import SystemKind
from gridledger.shim import Context, Contract, query, transaction

__all__ = ["DueCheck", "FieldPeriod", "Integrity", "compare", "former_names"]

FieldPeriod = tuple[FieldIdentifier, Period]


@dataclass(frozen=True, kw_only=True)
class DueCheck:
    """A field and period to compare."""

    field: FieldIdentifier
    period: Period
    former: tuple[FieldIdentifier, ...] = ()
    """What the field was called before, the newest name first."""


class Integrity(Contract):
    """Deposits of Merkle roots, and verdicts."""

    name = "integrity"

    @transaction(roles=(Role.BUSINESS_SYSTEM,))
    async def deposit_roots(
        self, ctx: Context, system: SystemIdentifier, roots: tuple[PeriodRoot, ...]
    ) -> tuple[ItemResult, ...]:
        """Deposit up to 1,000 roots, each once; a result per item.

        Rows that came after the deposit of their period are deposited as its supplements, numbered from 1.
        What was deposited before its field moved goes on under the former name, which its leaves hold, and
        nothing is deposited a second time under the new one. The same root again is accepted and changes
        nothing, so a call may be repeated after a lost answer.
        """
        check_batch(roots, limit=MAX_DEPOSITS, what="roots")
        await acting_system(ctx, system, SystemKind.BUSINESS_SYSTEM)
        fields = await ctx.get_many([field_key(root.field) for root in roots])
        present = await ctx.get_many([deposit_key(root.field, root.period) for root in roots])
        earlier = await _earlier_names(ctx, roots)
        now_ms = await ctx.now_ms()
        results: list[ItemResult] = []
        known = {
            (root.field, root.period): row
            for root, row in zip(roots, present, strict=True)
            if row is not None
        }
        changed: dict[FieldPeriod, DepositedRoot] = {}
        count = 0
        for root, field in zip(roots, fields, strict=True):
            name = (root.field, root.period)
            try:
                _check_field(system, root, field)
                _check_name(root, field, known.get(name), earlier.get(name))
                deposit = _with_part(known.get(name), root, now_ms, ctx.tx_id)
            except ContractError as error:
                results.append(refused(f"{root.field} {root.period}", error))
                continue
            results.append(accepted(f"{root.field} {root.period}"))
            if deposit is not None:
                known[name] = changed[name] = deposit
                count += 1
        for (of_field, period), deposit in changed.items():
            await ctx.put(deposit_key(of_field, period), deposit)
        ctx.emit(Event.ROOT_DEPOSITED, Registered(system=system, count=count))
        return tuple(results)

    @query
    async def get_deposit(self, ctx: Context, field: FieldIdentifier, period: Period) -> DepositedRoot:
        """Return the deposited root of a field and period, under the name that the field had then."""
        names = (field, *former_names(await ctx.get(device_key(field.device)), field.name))
        found = await ctx.get_many([deposit_key(name, period) for name in names])
        return next((one for one in found if one is not None), None) or await ctx.require(
            deposit_key(field, period)
        )

    @query
    async def get_verdict(self, ctx: Context, resolution: str) -> Verdict:
        """Return the verdict of a resolution."""
        return await ctx.require(verdict_key(resolution))


async def compare(
    ctx: Context, wanted: Sequence[DueCheck], actual: Mapping[FieldPeriod, tuple[PartRoot, ...]]
) -> list[TamperCheck]:
    """Compare actual roots with the deposited ones, one read for all.

    Parameters
    ----------
    wanted : sequence of DueCheck
        At most 1,000.
    actual : mapping
        What the owners signed: the roots of each deposit's rows, and of those beside them, under the name
        that the field had when the period was deposited.

    Raises
    ------
    LimitExceeded
        There are more.
    """
    if len(wanted) > MAX_DEPOSITS:
        raise LimitExceeded("fields and periods", limit=MAX_DEPOSITS, actual=len(wanted))
    names = [(name, one.period) for one in wanted for name in (one.field, *one.former)]
    rows = await ctx.get_many([deposit_key(name, period) for name, period in names])
    deposits = {name: row.parts() for name, row in zip(names, rows, strict=True) if row is not None}
    return [_compare_one(one, deposits, actual) for one in wanted]


def former_names(device: Device | None, name: str) -> tuple[FieldIdentifier, ...]:
    """Return what a device's field was called before, the newest name first."""
    former = () if device is None else device.former or ()
    return tuple(one.field(name) for one in reversed(former))


async def _earlier_names(ctx: Context, roots: Sequence[PeriodRoot]) -> dict[FieldPeriod, FieldIdentifier]:
    """Return under which former name periods were deposited.

    Notes
    -----
    One read for the devices, and one for the deposits of those that have moved.
    """
    identifiers = list(dict.fromkeys(root.field.device for root in roots))
    devices = dict(
        zip(identifiers, await ctx.get_many([device_key(one) for one in identifiers]), strict=True)
    )
    wanted = [
        (root.field, root.period, former)
        for root in roots
        for former in former_names(devices[root.field.device], root.field.name)
    ]
    rows = await ctx.get_many([deposit_key(former, period) for _, period, former in wanted])
    return {
        (field, period): former
        for (field, period, former), row in zip(wanted, rows, strict=True)
        if row is not None
    }


def _compare_one(
    one: DueCheck,
    deposits: Mapping[FieldPeriod, tuple[PartRoot, ...]],
    answers: Mapping[FieldPeriod, tuple[PartRoot, ...]],
) -> TamperCheck:
    """Compare; late rows need every deposit unchanged, and the owner's signed root over them besides."""
    period = one.period
    name = next((former for former in one.former if (former, period) in deposits), one.field)
    deposited, actual = deposits.get((name, period), ()), answers.get((name, period), ())
    late = actual[len(deposited) :]
    outcome = Outcome.ALTERED
    if not deposited:
        outcome = Outcome.NOT_DEPOSITED
    elif not actual:
        outcome = Outcome.UNANSWERED
    elif actual[: len(deposited)] == deposited:
        if not late:
            outcome = Outcome.INTACT
        elif len(late) == 1 and late[0].rows:
            outcome = Outcome.LATE_ROWS
    return TamperCheck(
        field=one.field,
        check=FieldCheck(
            period=period,
            outcome=outcome,
            root=deposited[0].root if deposited else None,
            rows=deposited[0].rows if deposited else None,
            supplements=deposited[1:],
            late_rows=late[0].rows if outcome is Outcome.LATE_ROWS else None,
            deposited_as=None if name == one.field else name,
        ),
        actual=actual,
    )


def _check_field(system: SystemIdentifier, root: PeriodRoot, field: RegisteredField | None) -> None:
    if root.field.system != system:
        raise NotTheAgent(str(root.field.system))
    if field is None:
        raise NotFound("field", str(root.field))
    frequency = field.metadata.frequency
    if root.period.frequency is not frequency:
        raise BadArgument({"period": f"{root.period} is none of frequency {frequency.value}"})


def _check_name(
    root: PeriodRoot,
    field: RegisteredField | None,
    deposited: DepositedRoot | None,
    earlier: FieldIdentifier | None,
) -> None:
    """Refuse a second deposit of a period under another name of its field."""
    if earlier is not None:
        raise DepositedBeforeMove(str(root.field), str(root.period), deposited_as=str(earlier))
    if deposited is None and field is not None and field.moved_to is not None:
        raise IdentifierMoved(str(root.field), str(field.moved_to))


def _with_part(
    earlier: DepositedRoot | None, root: PeriodRoot, now_ms: int, tx_id: str
) -> DepositedRoot | None:
    """Return the deposit with a root added in its turn; None if the root stands there."""
    parts = earlier.parts() if earlier is not None else ()
    if root.supplement < len(parts):
        if parts[root.supplement] != root.part():
            raise RootDiffers(f"another root of {root.field} for {root.period} was deposited")
        return None
    if root.supplement > len(parts):
        raise SupplementOutOfTurn(f"{root.field} {root.period}", number=root.supplement, following=len(parts))
    if earlier is None:
        return DepositedRoot(root=root, deposited_ms=now_ms, tx_id=tx_id)
    if root.supplement > MAX_SUPPLEMENTS:
        raise LimitExceeded("supplements", limit=MAX_SUPPLEMENTS, actual=root.supplement)
    if not root.rows:
        raise BadArgument({"rows": "a supplement has some"})
    added = Supplement(root=root.part(), deposited_ms=now_ms, tx_id=tx_id)
    return replace(earlier, supplements=(*earlier.supplements, added))
