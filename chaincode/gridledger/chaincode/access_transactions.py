"""The functions of `lake` for sharing: policies, requests with their decisions, grants, openings, the log.

Source: Zeng et al.: cross-platform sharing and access control by a contract; Luo and Jin, section 4.2.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from gridledger.chaincode.access_deciding import decide, keys_of_access
from gridledger.chaincode.batch import check_batch
from gridledger.chaincode.dataset_transactions import owned_dataset, require_kept
from gridledger.chaincode.lake_key import (
    access_key,
    access_log_key,
    access_log_of,
    accesses_by_application,
    accesses_by_dataset,
    application_access_key,
    dataset_access_key,
    dataset_head_key,
    dataset_key,
    dataset_version_key,
    grant_key,
    grant_mark_key,
    grants_of,
    membership_key,
    sharing_policy_key,
)
from gridledger.chaincode.ledger_key import system_key, user_key
from gridledger.chaincode.permission import acting_system, is_agent, require_platform
from gridledger.chaincode.review_gate import require_approved
from gridledger.model.dataset import DatasetIdentifier, VersionNumber
from gridledger.model.events import Event
from gridledger.model.exchange_refusals import Expired, NotTheAgent
from gridledger.model.identifier import SystemIdentifier
from gridledger.model.lake_page import Access, AccessLogPage, AccessPage
from gridledger.model.lake_refusals import AccessOver, KeyOutdated, NotHandedOver, VersionNotStored
from gridledger.model.refusals import AccessDenied, AlreadyExists, BadArgument, NotFound
from gridledger.model.roles import Role
from gridledger.model.sharing import (
    MAX_GRANTS,
    REQUEST_AGE_MS,
    AccessDecision,
    AccessLogEntry,
    AccessMark,
    AccessRequest,
    AccessRequestId,
    AccessStep,
    Grant,
    GrantEntry,
    GrantMark,
    OpenedVersion,
    PlatformMembership,
    PolicyRule,
    PowerPlatform,
    Reviewed,
    SharingPolicy,
)
from gridledger.model.states import IdentifierState
from gridledger.model.system import ShortText, SystemKind
from gridledger.shim import Context, Contract, Key, query, transaction
from gridledger.shim.context import TIME_MARK

__all__ = ["AccessTransactions"]

PAGE_SIZE = 100
"""Requests with their grants a page: some 200 KB."""

LOG_PAGE_SIZE = 500


class AccessTransactions(Contract):
    """Who may have which dataset, and who has."""

    @transaction(roles=(Role.PLATFORM_ADMINISTRATOR,))
    async def assign_platform(
        self, ctx: Context, identifier: SystemIdentifier, platform: PowerPlatform
    ) -> PlatformMembership:
        """Say which power platform a system below the caller's root belongs to."""
        system = await ctx.require(system_key(identifier))
        await require_platform(ctx, system.root)
        membership = PlatformMembership(system=identifier, platform=platform, assigned_ms=await ctx.now_ms())
        await ctx.put(membership_key(identifier), membership)
        ctx.emit(Event.PLATFORM_ASSIGNED, membership)
        return membership

    @transaction(roles=(Role.BUSINESS_SYSTEM,))
    async def set_sharing_policy(
        self,
        ctx: Context,
        dataset: DatasetIdentifier,
        rules: tuple[PolicyRule, ...],
        reviewed: tuple[Reviewed, ...] | None = None,
    ) -> SharingPolicy:
        """Set who may have a dataset, and what of it the council reviews: as before where it is left out.

        What was admitted before stands until it runs out or is revoked.
        """
        await owned_dataset(ctx, dataset)
        earlier = await ctx.get(sharing_policy_key(dataset))
        if reviewed is None and earlier is not None:
            reviewed = earlier.reviewed
        policy = SharingPolicy(
            dataset=dataset,
            version=1 + (earlier.version if earlier else 0),
            rules=rules,
            set_ms=await ctx.now_ms(),
            reviewed=reviewed or None,
        )
        await ctx.put(sharing_policy_key(dataset), policy)
        ctx.emit(Event.SHARING_POLICY_SET, policy)
        return policy

    @transaction(roles=(Role.DATA_APPLICATION,))
    async def request_access(self, ctx: Context, request: AccessRequest) -> AccessDecision:
        """Ask for a dataset; the decision is deposited whatever it is. One round trip to the peer."""
        await ctx.read_ahead(keys_of_access(request))
        await acting_system(ctx, request.application, SystemKind.DATA_APPLICATION)
        user = await ctx.require(user_key(request.application, request.user))
        if request.user_role not in user.roles:
            raise AccessDenied(f"user {request.user} has not the role {request.user_role}")
        if await ctx.get(access_key(request.id)) is not None:
            raise AlreadyExists("access request", request.id)
        now_ms = await ctx.now_ms()
        if abs(now_ms - request.made_ms) > REQUEST_AGE_MS:
            raise Expired("the access request is more than five minutes old, or of the future")
        decision = await decide(ctx, request)
        await ctx.put(access_key(decision.id), decision)
        mark = AccessMark(dataset=request.dataset, is_admitted=decision.is_admitted)
        await ctx.put(dataset_access_key(request.dataset, now_ms, decision.id), mark)
        await ctx.put(application_access_key(request.application, request.dataset, now_ms, decision.id), mark)
        step = AccessStep.ADMITTED if decision.is_admitted else AccessStep.REFUSED
        await _log(ctx, decision, step, now_ms)
        ctx.emit(Event.ACCESS_DECIDED, decision)
        return decision

    @transaction(roles=(Role.BUSINESS_SYSTEM,))
    async def deposit_grants(
        self, ctx: Context, dataset: DatasetIdentifier, grants: tuple[GrantEntry, ...]
    ) -> tuple[Grant, ...]:
        """Hand key and location over for admitted requests, first or in a later epoch; all or none."""
        check_batch(grants, limit=MAX_GRANTS, what="grants")
        if len({entry.request for entry in grants}) != len(grants):
            raise BadArgument({"grants": "a request stands twice"})
        owner = await acting_system(ctx, dataset.system, SystemKind.BUSINESS_SYSTEM)
        registered = await ctx.require(dataset_key(dataset))
        head = await ctx.require(dataset_head_key(dataset))
        now_ms = await ctx.now_ms()
        decisions = await ctx.get_many([access_key(entry.request) for entry in grants])
        earlier = await ctx.get_many([grant_key(entry.request) for entry in grants])
        await ctx.read_ahead([key for one in decisions if one is not None for key in _keys_of_user(one)])
        gated = [one.id for one in decisions if one is not None and one.needs_review]
        await require_approved(ctx, owner.root, gated)
        deposited: list[Grant] = []
        for place, (entry, decision, before) in enumerate(zip(grants, decisions, earlier, strict=True)):
            if decision is None or decision.request.dataset != dataset:
                raise NotFound("access request", entry.request)
            if before is None:
                require_kept(registered)
            if entry.sealed.epoch < head.least_epoch:
                raise KeyOutdated(entry.sealed.epoch, head.least_epoch)
            until_ms = _require_right(decision, before, now_ms)
            await _require_unchanged(ctx, decision)
            grant = Grant(
                request=entry.request,
                dataset=dataset,
                application=decision.request.application,
                valid_until_ms=until_ms,
                sealed=entry.sealed,
                granted_ms=now_ms,
            )
            await ctx.put(grant_key(entry.request), grant)
            mark = GrantMark(epoch=entry.sealed.epoch, valid_until_ms=until_ms)
            await ctx.put(grant_mark_key(dataset, entry.request), mark)
            await _log(ctx, decision, AccessStep.GRANTED, now_ms, place=place, epoch=entry.sealed.epoch)
            deposited.append(grant)
        ctx.emit(Event.ACCESS_GRANTED, AccessPage(accesses=_accesses(decisions, deposited), bookmark=""))
        return tuple(deposited)

    @transaction(roles=(Role.BUSINESS_SYSTEM,))
    async def revoke_access(
        self,
        ctx: Context,
        dataset: DatasetIdentifier,
        requests: tuple[AccessRequestId, ...],
        reason: ShortText,
    ) -> tuple[Grant, ...]:
        """Take rights back, granted or only admitted; nothing more is sealed with keys that were given."""
        check_batch(requests, limit=MAX_GRANTS, what="requests")
        if len(set(requests)) != len(requests):
            raise BadArgument({"requests": "one stands twice"})
        owner = await ctx.require(system_key(dataset.system))
        if not is_agent(ctx, owner.agent):  # One that is suspended may still take back.
            raise NotTheAgent(str(dataset.system))
        head = await ctx.require(dataset_head_key(dataset))
        now_ms = await ctx.now_ms()
        decisions = await ctx.get_many([access_key(request) for request in requests])
        earlier = await ctx.get_many([grant_key(request) for request in requests])
        revoked: list[Grant] = []
        least = head.least_epoch
        for place, (request, decision, before) in enumerate(zip(requests, decisions, earlier, strict=True)):
            if decision is None or decision.request.dataset != dataset:
                raise NotFound("access request", request)
            if before is not None and before.revoked_ms is not None:
                raise AccessOver(request, "was revoked before")
            grant = replace(before or _ungranted(decision), revoked_ms=now_ms, reason=reason)
            epoch = grant.sealed.epoch if grant.sealed else None
            least = max(least, epoch + 1 if epoch else 1)
            await ctx.put(grant_key(request), grant)
            await ctx.delete(grant_mark_key(dataset, request))
            await _log(ctx, decision, AccessStep.REVOKED, now_ms, place=place, epoch=epoch)
            revoked.append(grant)
        if least != head.least_epoch:
            await ctx.put(dataset_head_key(dataset), replace(head, least_epoch=least))
        ctx.emit(Event.ACCESS_REVOKED, AccessPage(accesses=_accesses(decisions, revoked), bookmark=""))
        return tuple(revoked)

    @transaction(roles=(Role.DATA_APPLICATION,))
    async def open_version(
        self, ctx: Context, request: AccessRequestId, number: VersionNumber | None
    ) -> OpenedVersion:
        """Say that a granted version is opened, the newest by default; return all that a reader compares."""
        await ctx.read_ahead([access_key(request), grant_key(request), TIME_MARK])
        decision = await ctx.require(access_key(request))
        asked, dataset = decision.request, decision.request.dataset
        await ctx.read_ahead(
            [
                *_keys_of_user(decision),
                dataset_key(dataset),
                dataset_head_key(dataset),
            ]
        )
        await acting_system(ctx, asked.application, SystemKind.DATA_APPLICATION)
        grant = await ctx.get(grant_key(request))
        now_ms = await ctx.now_ms()
        _require_right(decision, grant, now_ms)
        if grant is None:
            raise NotHandedOver(request)
        await _require_unchanged(ctx, decision)
        head = await ctx.require(dataset_head_key(dataset))
        chosen = head.number if number is None else number
        version = await ctx.require(dataset_version_key(dataset, chosen))
        if not version.is_stored:
            raise VersionNotStored(str(dataset), chosen)
        opened = OpenedVersion(
            dataset=await ctx.require(dataset_key(dataset)),
            version=version,
            newest=head.number,
            decision=decision,
            grant=grant,
        )
        entry = await _log(ctx, decision, AccessStep.OPENED, now_ms, number=chosen)
        ctx.emit(Event.VERSION_OPENED, entry)
        return opened

    @query
    async def get_platform(self, ctx: Context, system: SystemIdentifier) -> PlatformMembership:
        """Return which power platform a system belongs to."""
        return await ctx.require(membership_key(system))

    @query
    async def get_sharing_policy(self, ctx: Context, dataset: DatasetIdentifier) -> SharingPolicy:
        """Return a dataset's policy."""
        return await ctx.require(sharing_policy_key(dataset))

    @query
    async def get_access(self, ctx: Context, request: AccessRequestId) -> Access:
        """Return a request with its decision and what it was given."""
        decision = await ctx.require(access_key(request))
        return Access(decision=decision, grant=await ctx.get(grant_key(request)))

    @query
    async def list_accesses(self, ctx: Context, dataset: DatasetIdentifier, bookmark: str) -> AccessPage:
        """Return a page of the requests for a dataset, the earliest first."""
        return await _page(ctx, accesses_by_dataset(dataset), bookmark)

    @query
    async def list_accesses_of(
        self,
        ctx: Context,
        application: SystemIdentifier,
        dataset: DatasetIdentifier | None,
        bookmark: str,
    ) -> AccessPage:
        """Return a page of an application's requests, for one dataset (the earliest first) or for all."""
        return await _page(ctx, accesses_by_application(application, dataset), bookmark)

    @query
    async def list_grants(self, ctx: Context, dataset: DatasetIdentifier, bookmark: str) -> AccessPage:
        """Return a page of what was granted of a dataset and not revoked."""
        page = await ctx.page(grants_of(dataset), size=PAGE_SIZE, bookmark=bookmark)
        return await _read(ctx, [row.key.parts[-1] for row in page.rows], page.bookmark)

    @query
    async def list_access_log(self, ctx: Context, dataset: DatasetIdentifier, bookmark: str) -> AccessLogPage:
        """Return a page of a dataset's access log, the earliest first."""
        page = await ctx.page(access_log_of(dataset), size=LOG_PAGE_SIZE, bookmark=bookmark)
        return AccessLogPage(entries=tuple(row.record for row in page.rows), bookmark=page.bookmark)


def _require_right(decision: AccessDecision, grant: Grant | None, now_ms: int) -> int:
    """Return until when an admitted request gives a right; refuse one that gives none."""
    if decision.valid_until_ms is None:
        raise AccessOver(decision.id, "was refused")
    if grant is not None and grant.revoked_ms is not None:
        raise AccessOver(decision.id, "was revoked")
    if now_ms >= decision.valid_until_ms:
        raise AccessOver(decision.id, "has run out")
    return decision.valid_until_ms


def _keys_of_user(decision: AccessDecision) -> list[Key[Any]]:
    """Name what says whether user and application are still what the decision was for."""
    asked = decision.request
    return [
        system_key(asked.application),
        user_key(asked.application, asked.user),
        membership_key(asked.application),
    ]


async def _require_unchanged(ctx: Context, decision: AccessDecision) -> None:
    """Refuse an application that is not active or on another platform, and a user without the role."""
    request = decision.request
    application = await ctx.require(system_key(request.application))
    if application.state is not IdentifierState.ACTIVE:
        raise AccessOver(decision.id, f"was for an application that is {application.state.value}")
    user = await ctx.get(user_key(request.application, request.user))
    if user is None or request.user_role not in user.roles:
        raise AccessOver(decision.id, f"was for a user with the role {request.user_role}")
    membership = await ctx.get(membership_key(request.application))
    if membership is None or membership.platform is not decision.platform:
        raise AccessOver(decision.id, "was for an application of another power platform")


def _ungranted(decision: AccessDecision) -> Grant:
    if decision.valid_until_ms is None:
        raise AccessOver(decision.id, "was refused")
    return Grant(
        request=decision.id,
        dataset=decision.request.dataset,
        application=decision.request.application,
        valid_until_ms=decision.valid_until_ms,
    )


def _accesses(decisions: list[AccessDecision | None], grants: list[Grant]) -> tuple[Access, ...]:
    return tuple(
        Access(decision=decision, grant=grant)
        for decision, grant in zip(decisions, grants, strict=True)
        if decision is not None
    )


async def _page(ctx: Context, marks: Key[AccessMark], bookmark: str) -> AccessPage:
    page = await ctx.page(marks, size=PAGE_SIZE, bookmark=bookmark)
    return await _read(ctx, [row.key.parts[-1] for row in page.rows], page.bookmark)


async def _read(ctx: Context, requests: list[str], bookmark: str) -> AccessPage:
    decisions = await ctx.get_many([access_key(request) for request in requests])
    grants = await ctx.get_many([grant_key(request) for request in requests])
    accesses = tuple(
        Access(decision=decision, grant=grant)
        for decision, grant in zip(decisions, grants, strict=True)
        if decision is not None
    )
    return AccessPage(accesses=accesses, bookmark=bookmark)


async def _log(
    ctx: Context,
    decision: AccessDecision,
    step: AccessStep,
    now_ms: int,
    *,
    place: int = 0,
    number: int | None = None,
    epoch: int | None = None,
) -> AccessLogEntry:
    request = decision.request
    entry = AccessLogEntry(
        step=step,
        request=decision.id,
        application=request.application,
        user=request.user,
        at_ms=now_ms,
        number=number,
        epoch=epoch,
    )
    await ctx.put(access_log_key(request.dataset, now_ms, ctx.tx_id, place), entry)
    return entry
