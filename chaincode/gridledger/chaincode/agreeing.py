"""What agreements want when they are concluded, and what they give when a query is made under them.

Source: CN112508707B, [0098], [0099].
"""

from __future__ import annotations

from collections.abc import Sequence

from gridledger.chaincode.decision import DecidedSystem, Decision
from gridledger.chaincode.ledger_key import agreement_key, agreement_use_key, standard_key
from gridledger.model.agreement import AgreedField, Agreement, AgreementTerms, AgreementUse
from gridledger.model.device import ChargingStandard
from gridledger.model.identifier import SystemIdentifier
from gridledger.model.refusals import AccessDenied, Conflict, NotFound
from gridledger.model.resolution import Request
from gridledger.model.trade_refusals import AgreementOver, AgreementUsedUp, NotAgreed, TermsRefused
from gridledger.shim import Context

__all__ = ["check_terms", "take_agreements"]


async def check_terms(ctx: Context, terms: AgreementTerms) -> None:
    """Check terms against the charging standards that hold now.

    Raises
    ------
    TermsRefused
        With every problem: a field without a standard, another version of it, a price above it, a validity
        that is over or longer than the standard's.
    """
    standards = await ctx.get_many([standard_key(one.field) for one in terms.fields])
    now_ms = await ctx.now_ms()
    problems = [
        problem
        for one, standard in zip(terms.fields, standards, strict=True)
        for problem in _problems(terms, one, standard, now_ms)
    ]
    if terms.valid_until_ms <= now_ms:
        problems.append("the agreement would be over")
    if problems:
        raise TermsRefused(tuple(problems))


def _problems(
    terms: AgreementTerms, one: AgreedField, written: ChargingStandard | None, now_ms: int
) -> list[str]:
    standard = written.at(now_ms) if written is not None else None
    if written is None or standard is None:
        return [f"{one.field} has no charging standard now"]
    problems: list[str] = []
    if one.standard_version != standard.version:
        problems.append(f"the charging standard of {one.field} is version {standard.version}")
    if one.price_milliyuan > standard.price_milliyuan:
        problems.append(f"the price of {one.field} is above its charging standard")
    ends = [standard.valid_until_ms, written.valid_from_ms if written.version != standard.version else None]
    if any(end is not None and terms.valid_until_ms > end for end in ends):
        problems.append(f"the charging standard of {one.field} ends before the agreement")
    return problems


async def take_agreements(
    ctx: Context, request: Request, decision: Decision, uses: Sequence[AgreementUse]
) -> dict[SystemIdentifier, Agreement]:
    """Return the agreements of a query by owner; they cover all that was decided. Nothing is written.

    Raises
    ------
    NotFound
        There is no such agreement.
    AccessDenied
        One is another application's, or of another function: nobody uses up what is not its own.
    Conflict
        Two are of one owner.
    AgreementOver
        One has not begun, has run out, or was ended.
    AgreementUsedUp
        The number was used, or is beyond the limit.
    NotAgreed
        Fields of the decision stand in none of them, with this application and function.

    Notes
    -----
    Two reads. Each query has a number of its own, so queries at the same time do not wait for each other,
    and the limit holds without a counter. An agreement follows its owner to another prefix and its fields to
    other names, since the ledger itself says who was called what.
    """
    rows = await ctx.get_many([agreement_key(use.agreement) for use in uses])
    used = await ctx.get_many([agreement_use_key(use) for use in uses])
    now_ms = await ctx.now_ms()
    present = {
        prefix: target.system.identifier for target in decision.targets for prefix in target.system.prefixes
    }
    by_owner: dict[SystemIdentifier, Agreement] = {}
    for use, agreement, earlier in zip(uses, rows, used, strict=True):
        if agreement is None:
            raise NotFound("agreement", use.agreement)
        _check_valid(agreement, now_ms)
        if earlier is not None or use.number > agreement.queries:
            raise AgreementUsedUp(use.agreement, use.number)
        terms = agreement.terms
        if (terms.application, terms.function) != (request.application, request.function):
            raise AccessDenied(
                f"the agreement {agreement.id} is not of {request.application} for {request.function}"
            )
        owner = present.get(terms.owner, terms.owner)
        if owner in by_owner:
            raise Conflict(f"two agreements of {owner}")
        by_owner[owner] = agreement
    missing = tuple(
        field
        for target in decision.targets
        for field in _uncovered(target, by_owner.get(target.system.identifier))
    )
    if missing:
        raise NotAgreed(missing)
    owners = {target.system.identifier for target in decision.targets}
    return {owner: agreement for owner, agreement in by_owner.items() if owner in owners}


def _check_valid(agreement: Agreement, now_ms: int) -> None:
    terms = agreement.terms
    if agreement.ended_ms is not None:
        raise AgreementOver(agreement.id, f"was ended by {agreement.ended_by}")
    if now_ms < terms.valid_from_ms:
        raise AgreementOver(agreement.id, "has not begun")
    if now_ms >= terms.valid_until_ms:
        raise AgreementOver(agreement.id, "has run out")


def _uncovered(target: DecidedSystem, agreement: Agreement | None) -> list[str]:
    return [
        str(one.field.identifier)
        for one in target.fields
        if agreement is None or one.agreed(agreement.terms) is None
    ]
