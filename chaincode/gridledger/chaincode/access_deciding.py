"""How an access request is decided: by the owner's policy alone, step by step, so that the reason is one.

Source: Zeng et al.: access control between platforms by a contract.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gridledger.chaincode.lake_key import (
    access_key,
    dataset_head_key,
    dataset_key,
    membership_key,
    sharing_policy_key,
)
from gridledger.chaincode.ledger_key import system_key, user_key
from gridledger.model.sharing import (
    AccessDecision,
    AccessProblem,
    AccessRequest,
    PolicyRule,
    PowerPlatform,
    Reviewed,
)
from gridledger.shim import Context, Key
from gridledger.shim.context import TIME_MARK

__all__ = ["decide", "judge", "keys_of_access"]


def keys_of_access(request: AccessRequest) -> list[Key[Any]]:
    """Name what the decision of a request reads, all known from the request."""
    return [
        TIME_MARK,
        system_key(request.application),
        user_key(request.application, request.user),
        access_key(request.id),
        dataset_key(request.dataset),
        system_key(request.dataset.system),
        dataset_head_key(request.dataset),
        sharing_policy_key(request.dataset),
        membership_key(request.application),
    ]


async def decide(ctx: Context, request: AccessRequest) -> AccessDecision:
    """Decide a request whose caller, user and role were checked.

    Raises
    ------
    NotFound
        There is no such dataset.

    Notes
    -----
    Reads keys of `keys_of_access` only. Writes nothing.
    """
    dataset = await ctx.require(dataset_key(request.dataset))
    owner = await ctx.require(system_key(request.dataset.system))
    application = await ctx.require(system_key(request.application))
    head = await ctx.get(dataset_head_key(request.dataset))
    policy = await ctx.get(sharing_policy_key(request.dataset))
    membership = await ctx.get(membership_key(request.application))
    now_ms = await ctx.now_ms()
    problems = [
        problem
        for problem, stands in (
            (AccessProblem.DATASET_WITHDRAWN, dataset.withdrawn_ms is not None),
            (AccessProblem.OWNER_NOT_ACTIVE, not owner.is_in_force(now_ms)),
            (AccessProblem.NO_VERSION, head is None),
            (AccessProblem.NO_PLATFORM, membership is None),
            (AccessProblem.OTHER_ROOT, application.root != owner.root),
        )
        if stands
    ]
    platform = membership.platform if membership is not None else None
    if platform is not None:
        against = judge(policy.rules if policy else (), request, platform, ctx.msp_id, now_ms)
        problems += [against] if against is not None else []
    return AccessDecision(
        id=request.id,
        request=request,
        organisation=ctx.msp_id,
        platform=platform,
        policy_version=policy.version if policy else 0,
        problems=tuple(problems),
        decided_ms=now_ms,
        valid_until_ms=None if problems else now_ms + request.wanted_ms,
        needs_review=True if policy is not None and policy.wants_review(Reviewed.ACCESS) else None,
    )


def judge(
    rules: Sequence[PolicyRule],
    request: AccessRequest,
    platform: PowerPlatform,
    organisation: str,
    now_ms: int,
) -> AccessProblem | None:
    """Return what stands against a request; None if one rule admits all of it."""
    left = [rule for rule in rules if rule.platform is platform]
    if not left:
        return AccessProblem.PLATFORM
    left = [rule for rule in left if rule.organisations is None or organisation in rule.organisations]
    if not left:
        return AccessProblem.ORGANISATION
    left = [rule for rule in left if request.user_role in rule.roles]
    if not left:
        return AccessProblem.ROLE
    left = [rule for rule in left if request.purpose in rule.purposes]
    if not left:
        return AccessProblem.PURPOSE
    until_ms = now_ms + request.wanted_ms
    if not any(_lasts(rule, request.wanted_ms, now_ms, until_ms) for rule in left):
        return AccessProblem.VALIDITY
    return None


def _lasts(rule: PolicyRule, wanted_ms: int, now_ms: int, until_ms: int) -> bool:
    if wanted_ms > rule.longest_ms:
        return False
    validity = rule.validity
    return validity is None or (validity.holds(now_ms) and validity.holds(until_ms - 1))
