"""The registry's functions for persons who act for enterprises, and the policy of a root.

Source: CN112508707B, [0066], [0068].
"""

from __future__ import annotations

from dataclasses import replace

from gridledger.chaincode.ledger_key import (
    application_key,
    person_key,
    persons_of,
    policy_key,
    system_key,
)
from gridledger.chaincode.permission import agent_of_caller, is_agent, require_platform
from gridledger.chaincode.registration import PAGE_SIZE
from gridledger.chaincode.system_transactions import ApplicationId
from gridledger.model.digest import Digest
from gridledger.model.events import Event
from gridledger.model.exchange_refusals import NotTheAgent
from gridledger.model.identifier import SystemIdentifier
from gridledger.model.person import Person, PersonName, PersonPage, RegistrationPolicy
from gridledger.model.refusals import AccessDenied, AlreadyExists, Conflict
from gridledger.model.registry_refusals import PersonNotApproved
from gridledger.model.roles import Role
from gridledger.model.states import ApplicationState
from gridledger.model.system import EnterpriseCode, ShortText, SystemApplication, SystemKind
from gridledger.shim import Context, Contract, query, transaction

__all__ = ["PersonTransactions"]


class PersonTransactions(Contract):
    """Persons who act for enterprises, under pseudonyms; auditors review who they are."""

    @transaction(roles=(Role.ENTERPRISE_USER,))
    async def apply_person(
        self,
        ctx: Context,
        root: SystemIdentifier,
        enterprise: EnterpriseCode,
        name: PersonName,
        evidence: Digest,
    ) -> Person:
        """Apply for the review of the caller as one who acts for an enterprise; again after a rejection."""
        aggregation = await ctx.require(system_key(root))
        if aggregation.profile.kind is not SystemKind.AGGREGATION_SYSTEM:
            raise AccessDenied(f"{root} is no root")
        key = person_key(root, enterprise, name)
        earlier = await ctx.get(key)
        if earlier is not None:
            if not is_agent(ctx, earlier.agent):
                raise NotTheAgent(name)
            if earlier.state is not ApplicationState.REJECTED:
                raise AlreadyExists("person", f"{enterprise} {name}")
        person = Person(
            root=root,
            enterprise=enterprise,
            name=name,
            agent=agent_of_caller(ctx),
            evidence=evidence,
            state=ApplicationState.APPLIED,
            applied_ms=await ctx.now_ms(),
        )
        await ctx.put(key, person)
        ctx.emit(Event.PERSON_APPLIED, person)
        return person

    @transaction(roles=(Role.AUDITOR,))
    async def approve_person(
        self,
        ctx: Context,
        root: SystemIdentifier,
        enterprise: EnterpriseCode,
        name: PersonName,
        evidence: Digest,
    ) -> Person:
        """Approve a person whose papers, of this very digest, the auditor has seen."""
        await require_platform(ctx, root)
        person = await ctx.require(person_key(root, enterprise, name))
        if person.state is not ApplicationState.APPLIED:
            raise Conflict(f"the person is {person.state.value}")
        if person.evidence != evidence:
            raise Conflict("the papers are not those of the application")
        return await self._decide(ctx, person, ApplicationState.APPROVED, None)

    @transaction(roles=(Role.AUDITOR,))
    async def reject_person(
        self,
        ctx: Context,
        root: SystemIdentifier,
        enterprise: EnterpriseCode,
        name: PersonName,
        reason: ShortText,
    ) -> Person:
        """Reject a person, or withdraw an approval; the person may apply again."""
        await require_platform(ctx, root)
        person = await ctx.require(person_key(root, enterprise, name))
        if person.state is ApplicationState.REJECTED:
            raise Conflict(f"the person is {person.state.value}")
        return await self._decide(ctx, person, ApplicationState.REJECTED, reason)

    @transaction(roles=(Role.ENTERPRISE_USER,))
    async def vouch_for_application(
        self, ctx: Context, application_id: ApplicationId, name: PersonName
    ) -> SystemApplication:
        """Vouch, as an approved person of the enterprise, for its application for a system identifier."""
        application = await ctx.require(application_key(application_id))
        if application.state is not ApplicationState.APPLIED:
            raise Conflict(f"the application is {application.state.value}")
        person = await ctx.require(person_key(application.root, application.profile.enterprise.code, name))
        if not is_agent(ctx, person.agent):
            raise NotTheAgent(name)
        if person.state is not ApplicationState.APPROVED:
            raise PersonNotApproved(name, person.state.value)
        vouched = replace(application, person=name)
        await ctx.put(application_key(application_id), vouched)
        ctx.emit(Event.APPLICATION_VOUCHED, vouched)
        return vouched

    @transaction(roles=(Role.PLATFORM_ADMINISTRATOR,))
    async def set_registration_policy(
        self, ctx: Context, root: SystemIdentifier, policy: RegistrationPolicy
    ) -> RegistrationPolicy:
        """Set what the platform of a root asks of applications."""
        await require_platform(ctx, root)
        await ctx.put(policy_key(root), policy)
        ctx.emit(Event.REGISTRATION_POLICY_SET, policy)
        return policy

    @query
    async def get_person(
        self, ctx: Context, root: SystemIdentifier, enterprise: EnterpriseCode, name: PersonName
    ) -> Person:
        """Return a person who acts for an enterprise."""
        return await ctx.require(person_key(root, enterprise, name))

    @query
    async def list_persons(
        self, ctx: Context, root: SystemIdentifier, enterprise: EnterpriseCode, bookmark: str
    ) -> PersonPage:
        """Return a page of the persons who act, or want to act, for an enterprise."""
        page = await ctx.page(persons_of(root, enterprise), size=PAGE_SIZE, bookmark=bookmark)
        return PersonPage(persons=tuple(row.record for row in page.rows), bookmark=page.bookmark)

    @query
    async def get_registration_policy(self, ctx: Context, root: SystemIdentifier) -> RegistrationPolicy:
        """Return what the platform of a root asks of applications."""
        return await ctx.get(policy_key(root)) or RegistrationPolicy(persons_required=False)

    async def _decide(
        self, ctx: Context, person: Person, state: ApplicationState, reason: str | None
    ) -> Person:
        decided = replace(person, state=state, reason=reason, decided_ms=await ctx.now_ms())
        await ctx.put(person_key(person.root, person.enterprise, person.name), decided)
        ctx.emit(Event.PERSON_DECIDED, decided)
        return decided
