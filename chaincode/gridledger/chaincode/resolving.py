"""Resolutions and verdicts: made of a decision and the owners' actual roots.

Source: CN112508707B, [0089] to [0092], [0104].
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gridledger.chaincode.decision import DecidedField, DecidedSystem, Decision
from gridledger.chaincode.integrity import DueCheck, FieldPeriod, compare
from gridledger.model.agreement import Agreement
from gridledger.model.digest import Digest
from gridledger.model.errors import CryptoError
from gridledger.model.exchange_refusals import SignatureRefused
from gridledger.model.identifier import FieldIdentifier, SystemIdentifier
from gridledger.model.integrity import FieldCheck, PartRoot, SignedRoots, Verdict
from gridledger.model.period import periods_between
from gridledger.model.refusals import BadArgument, Conflict, LimitExceeded
from gridledger.model.resolution import (
    RESOLUTION_VALID_MS,
    Request,
    Resolution,
    SignedRequest,
    TargetField,
    TargetSystem,
)
from gridledger.model.signature import verify_signature
from gridledger.shim import Context

__all__ = ["actual_roots", "make_resolution"]

MAX_ANSWERS = 64


def actual_roots(
    request_id: str, decision: Decision, answers: Sequence[SignedRoots]
) -> dict[FieldPeriod, tuple[PartRoot, ...]]:
    """Check the owners' statements and return their roots.

    Raises
    ------
    LimitExceeded, Conflict, BadArgument
        There are too many, or one is of another request or system, or names a field twice.
    SignatureRefused
        One is not signed by its owner's agent.
    """
    if len(answers) > MAX_ANSWERS:
        raise LimitExceeded("answers", limit=MAX_ANSWERS, actual=len(answers))
    owners = {target.system.identifier: target.system for target in decision.targets}
    actual: dict[FieldPeriod, tuple[PartRoot, ...]] = {}
    for answer in answers:
        roots = answer.roots
        owner = owners.get(roots.system)
        if roots.request != request_id or owner is None:
            raise Conflict(f"the roots of {roots.system} are not of this request")
        try:
            verify_signature(owner.agent.public_key, roots.to_bytes(), answer.signature)
        except CryptoError as error:
            raise SignatureRefused("actual roots", str(roots.system)) from error
        for (field, period), parts in roots.by_period().items():
            if field.system not in (roots.system, *(owner.former or ())) or (field, period) in actual:
                raise BadArgument({"answers": f"{roots.system} names {field} twice or wrongly"})
            actual[field, period] = parts
    return actual


async def make_resolution(
    ctx: Context,
    signed: SignedRequest,
    decision: Decision,
    actual: Mapping[FieldPeriod, tuple[PartRoot, ...]],
    agreements: Mapping[SystemIdentifier, Agreement] | None = None,
) -> tuple[Resolution, Verdict]:
    """Compare the roots, and make the resolution with its verdict; nothing is written.

    Parameters
    ----------
    actual : mapping of field and period to roots
        What the owners signed.
    agreements : mapping of system to Agreement, optional
        Whose prices hold instead of the charging standards'; they cover the decision's fields.
    """
    request = signed.request
    lines = await compare(ctx, _wanted(request, decision), actual)
    now_ms = await ctx.now_ms()
    verdict = Verdict(resolution=request.id, checks=tuple(lines), decided_ms=now_ms)
    checks: dict[FieldIdentifier, list[FieldCheck]] = {}
    for line in lines:
        checks.setdefault(line.field, []).append(line.check)
    resolution = Resolution(
        id=request.id,
        request=request,
        rule_version=decision.rule.version,
        targets=tuple(
            _target(target, checks, (agreements or {}).get(target.system.identifier))
            for target in decision.targets
        ),
        verdict=Digest.of(verdict.to_bytes()),
        resolved_ms=now_ms,
        expires_ms=now_ms + RESOLUTION_VALID_MS,
        signature=signed.signature,
    )
    return resolution, verdict


def _wanted(request: Request, decision: Decision) -> list[DueCheck]:
    return [
        DueCheck(field=one.field.identifier, period=period, former=one.former)
        for target in decision.targets
        for one in target.fields
        for period in periods_between(one.field.metadata.frequency, request.first, request.last)
    ]


def _target(
    target: DecidedSystem, checks: dict[FieldIdentifier, list[FieldCheck]], agreement: Agreement | None
) -> TargetSystem:
    return TargetSystem(
        system=target.system.identifier,
        server=target.system.profile.server or "",
        fields=tuple(_target_field(one, checks, agreement) for one in target.fields),
        agreement=agreement.id if agreement is not None else None,
    )


def _target_field(
    one: DecidedField, checks: dict[FieldIdentifier, list[FieldCheck]], agreement: Agreement | None
) -> TargetField:
    identifier = one.field.identifier
    agreed = one.agreed(agreement.terms) if agreement is not None else None
    return TargetField(
        field=identifier,
        price_milliyuan=one.standard.price_milliyuan if agreed is None else agreed.price_milliyuan,
        standard_version=one.standard.version if agreed is None else agreed.standard_version,
        checks=tuple(checks[identifier]),
    )
