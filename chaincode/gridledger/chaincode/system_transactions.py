"""The registry's functions for systems: they apply, are checked, approved or rejected; users of applications.

Source: CN112508707B, [0058] to [0062], [0066].
"""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

from pydantic import StringConstraints

from gridledger.chaincode.ledger_key import (
    account_key,
    application_key,
    credit_key,
    person_key,
    policy_key,
    sequence_key,
    system_key,
    user_key,
)
from gridledger.chaincode.numbering import check_root, take_number
from gridledger.chaincode.permission import acting_system, agent_of_caller, require_platform
from gridledger.chaincode.redirect import put_system
from gridledger.chaincode.registration import complete_registration
from gridledger.model.credit import CreditStanding
from gridledger.model.events import Event
from gridledger.model.exchange_refusals import CheckNotPassed
from gridledger.model.identifier import SystemIdentifier
from gridledger.model.refusals import AccessDenied, AlreadyExists, Conflict
from gridledger.model.registry_refusals import PersonNotApproved
from gridledger.model.roles import Role
from gridledger.model.states import ApplicationState, IdentifierState
from gridledger.model.system import (
    Account,
    ApplicationUser,
    Sequence,
    ShortText,
    System,
    SystemApplication,
    SystemCheck,
    SystemKind,
    SystemProfile,
    UserName,
    UserRole,
)
from gridledger.shim import Context, Contract, query, transaction

__all__ = ["ApplicationId", "SystemTransactions"]

FULL_CREDIT = 100

ApplicationId = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]


class SystemTransactions(Contract):
    """Systems, their applications, users of data applications."""

    @transaction(roles=(Role.AGGREGATION_SYSTEM,))
    async def establish(self, ctx: Context, root: SystemIdentifier, profile: SystemProfile) -> System:
        """Establish the caller as the aggregation system of a root that nobody has."""
        if profile.kind is not SystemKind.AGGREGATION_SYSTEM:
            raise AccessDenied("only an aggregation system is established under a root")
        if await ctx.get(system_key(root)) is not None:
            raise AlreadyExists("system", str(root))
        await check_root(ctx, root)
        system = System(
            identifier=root,
            root=root,
            profile=profile,
            agent=agent_of_caller(ctx),
            credit=FULL_CREDIT,
            state=IdentifierState.ACTIVE,
            registered_ms=await ctx.now_ms(),
        )
        await ctx.put(system_key(root), system)
        await ctx.put(sequence_key(root), Sequence(last=0))
        await ctx.put(account_key(root), Account(system=root, root=root, opened_ms=system.registered_ms))
        ctx.emit(Event.AGGREGATION_ESTABLISHED, system)
        return system

    @transaction(roles=(Role.BUSINESS_SYSTEM, Role.DATA_APPLICATION), once=True)
    async def register_system(
        self, ctx: Context, root: SystemIdentifier, profile: SystemProfile
    ) -> SystemApplication:
        """Apply for a system identifier below a root; the caller becomes the system's agent.

        The agent of a suspended system applies for its registration again: it keeps its identifier.
        """
        if profile.kind is SystemKind.AGGREGATION_SYSTEM:
            raise AccessDenied("an aggregation system is established under a root of its own")
        ctx.require_role(Role(profile.kind.value))
        agent = agent_of_caller(ctx)
        key = application_key(agent.key_id)
        aggregation, earlier = await ctx.require(system_key(root)), await ctx.get(key)
        if aggregation.profile.kind is not SystemKind.AGGREGATION_SYSTEM:
            raise AccessDenied(f"{root} is no root")
        application = SystemApplication(
            id=agent.key_id,
            root=root,
            profile=profile,
            agent=agent,
            state=ApplicationState.APPLIED,
            applied_ms=await ctx.now_ms(),
            system=await self._to_register_again(ctx, earlier, root, profile),
        )
        await ctx.put(key, application)
        ctx.emit(Event.SYSTEM_APPLIED, application)
        return application

    @transaction(roles=(Role.AGGREGATION_SYSTEM,))
    async def deposit_check(
        self, ctx: Context, application_id: ApplicationId, check: SystemCheck
    ) -> SystemApplication:
        """Deposit what the aggregation system found about an application."""
        application = await self._open_application(ctx, application_id)
        await acting_system(ctx, application.root, SystemKind.AGGREGATION_SYSTEM)
        checked = replace(application, check=check)
        await ctx.put(application_key(application_id), checked)
        ctx.emit(Event.SYSTEM_CHECKED, checked)
        return checked

    @transaction(roles=(Role.AUDITOR,))
    async def approve_system(self, ctx: Context, application_id: ApplicationId) -> System:
        """Approve an application whose check passed: give the next identifier, open the account.

        A suspended system that applied again is active again, with the credit that was found now.
        """
        application = await self._open_application(ctx, application_id)
        await require_platform(ctx, application.root)
        if application.check is None:
            raise CheckNotPassed(("the application was not checked",))
        if problems := application.check.problems():
            raise CheckNotPassed(problems)
        await self._check_person(ctx, application)
        now_ms = await ctx.now_ms()
        if application.system is None:
            system = await self._new_system(ctx, application, application.check.credit, now_ms)
        else:
            present = await ctx.require(system_key(application.system))
            if present.state is not IdentifierState.SUSPENDED:
                raise Conflict(f"{present.identifier} is {present.state.value}, not suspended")
            system = replace(
                present,
                profile=application.profile,
                credit=application.check.credit,
                state=IdentifierState.ACTIVE,
                suspended_by=None,
                reason=None,
            )
        identifier = system.identifier
        await put_system(ctx, system)
        standing = CreditStanding.of(identifier, first=system.credit, since_ms=now_ms)
        await ctx.put(credit_key(identifier), standing)
        approved = replace(application, state=ApplicationState.APPROVED, system=identifier, decided_ms=now_ms)
        await ctx.put(application_key(application_id), approved)
        await complete_registration(ctx, identifier, Event.SYSTEM_REGISTERED, approved)
        return system

    @transaction(roles=(Role.AUDITOR,))
    async def reject_system(
        self, ctx: Context, application_id: ApplicationId, reason: ShortText
    ) -> SystemApplication:
        """Reject an application; the system may apply again."""
        application = await self._open_application(ctx, application_id)
        await require_platform(ctx, application.root)
        rejected = replace(
            application, state=ApplicationState.REJECTED, reason=reason, decided_ms=await ctx.now_ms()
        )
        await ctx.put(application_key(application_id), rejected)
        ctx.emit(Event.SYSTEM_REJECTED, rejected)
        return rejected

    @transaction(roles=(Role.DATA_APPLICATION,))
    async def register_user(
        self, ctx: Context, application: SystemIdentifier, name: UserName, roles: tuple[UserRole, ...]
    ) -> ApplicationUser:
        """Register a user of a data application, or give a known one other roles."""
        await acting_system(ctx, application, SystemKind.DATA_APPLICATION)
        user = ApplicationUser(
            application=application, name=name, roles=roles, registered_ms=await ctx.now_ms()
        )
        await ctx.put(user_key(application, name), user)
        ctx.emit(Event.USER_REGISTERED, user)
        return user

    @transaction(roles=(Role.DATA_APPLICATION,))
    async def remove_user(
        self, ctx: Context, application: SystemIdentifier, name: UserName
    ) -> ApplicationUser:
        """Remove a user of a data application: from now on nothing is resolved or found for it."""
        await acting_system(ctx, application, SystemKind.DATA_APPLICATION)
        key = user_key(application, name)
        user = await ctx.require(key)
        await ctx.delete(key)
        ctx.emit(Event.USER_REMOVED, user)
        return user

    @query
    async def get_system(self, ctx: Context, system: SystemIdentifier) -> System:
        """Return a system."""
        return await ctx.require(system_key(system))

    @query
    async def get_application(self, ctx: Context, application_id: ApplicationId) -> SystemApplication:
        """Return an application for a system identifier."""
        return await ctx.require(application_key(application_id))

    @query
    async def get_user(self, ctx: Context, application: SystemIdentifier, name: UserName) -> ApplicationUser:
        """Return a user of a data application."""
        return await ctx.require(user_key(application, name))

    async def _open_application(self, ctx: Context, application_id: str) -> SystemApplication:
        application = await ctx.require(application_key(application_id))
        if application.state is not ApplicationState.APPLIED:
            raise Conflict(f"the application is {application.state.value}")
        return application

    async def _to_register_again(
        self,
        ctx: Context,
        earlier: SystemApplication | None,
        root: SystemIdentifier,
        profile: SystemProfile,
    ) -> SystemIdentifier | None:
        """Return the suspended system of an earlier application; refuse where another one is open or good."""
        if earlier is None or (earlier.state is ApplicationState.REJECTED and earlier.system is None):
            return None
        system = None if earlier.system is None else await ctx.require(system_key(earlier.system))
        if (
            system is None
            or earlier.state is ApplicationState.APPLIED
            or system.state is not IdentifierState.SUSPENDED
        ):
            raise AlreadyExists("application", earlier.id)
        if system.root != root or system.profile.kind is not profile.kind:
            raise AccessDenied(
                f"{system.identifier} stands below {system.root} as {system.profile.kind.value}"
            )
        return system.identifier

    async def _check_person(self, ctx: Context, application: SystemApplication) -> None:
        """Refuse an application for which nobody vouches where the root wants it, or somebody rejected."""
        policy = await ctx.get(policy_key(application.root))
        if application.person is None:
            if policy is not None and policy.persons_required:
                raise CheckNotPassed(("no approved person of the enterprise vouches for it",))
            return
        enterprise = application.profile.enterprise.code
        person = await ctx.require(person_key(application.root, enterprise, application.person))
        if person.state is not ApplicationState.APPROVED:
            raise PersonNotApproved(person.name, person.state.value)

    async def _new_system(
        self, ctx: Context, application: SystemApplication, credit: int, now_ms: int
    ) -> System:
        """Give the next identifier below the root, and open its account."""
        root = application.root
        identifier = await take_number(ctx, root)
        await ctx.put(account_key(identifier), Account(system=identifier, root=root, opened_ms=now_ms))
        return System(
            identifier=identifier,
            root=root,
            profile=application.profile,
            agent=application.agent,
            credit=credit,
            state=IdentifierState.ACTIVE,
            registered_ms=now_ms,
        )
