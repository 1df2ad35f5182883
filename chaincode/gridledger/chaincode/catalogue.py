"""The contract `catalogue`: association catalogues of key devices, publication, rights, ownership.

Source: CN112508707B, [0075] to [0079], [0085], [0086].
"""

from __future__ import annotations

from gridledger.chaincode.associating import decide_candidate, deposit_associations, propose_candidate
from gridledger.chaincode.batch import check_batch
from gridledger.chaincode.ledger_key import (
    association_key,
    associations_of,
    candidates_of,
    common_identity_key,
    conflicts_of,
    device_key,
    field_key,
    field_request_key,
    field_requests_of,
    publication_key,
    publications_of,
    system_key,
)
from gridledger.chaincode.permission import acting_system
from gridledger.chaincode.publishing import answer_request, publish, request_fields, withdraw
from gridledger.chaincode.rights import roles_history, set_roles
from gridledger.chaincode.rivals import rivals_of
from gridledger.model.association import (
    AssociationCandidate,
    AssociationPage,
    CandidateEntry,
    CandidatePage,
    DevicePair,
)
from gridledger.model.catalogue import Association, Publication, PublicationEntry
from gridledger.model.device import CommonIdentity, DeclaredIdentity, ItemResult
from gridledger.model.events import Event
from gridledger.model.identifier import FieldIdentifier, SystemIdentifier
from gridledger.model.notice import AssociationsDeposited, Registered
from gridledger.model.ownership import ConflictPage, Ownership
from gridledger.model.refusals import NotFound, NoTimeMark
from gridledger.model.rights import (
    FieldRequest,
    FieldRequestAnswer,
    FieldRequestEntry,
    FieldRequestPage,
    FieldRights,
    PublicationPage,
    RightsEntry,
    Withdrawal,
)
from gridledger.model.roles import Role
from gridledger.model.system import SystemKind
from gridledger.shim import Context, Contract, query, transaction
from gridledger.shim.context import TIME_MARK

__all__ = ["Catalogue"]

MAX_ASSOCIATIONS = 500
"""Association catalogues a call: with 64 devices each they stay below what one transaction may hold."""

PAGE_SIZE = 50
"""Rows a page; an association catalogue of 64 devices with many fields has 100 KB."""


class Catalogue(Contract):
    """Association catalogues of key devices, publication, rights, ownership."""

    name = "catalogue"

    # --- association

    @transaction(roles=(Role.AGGREGATION_SYSTEM,))
    async def deposit_associations(
        self, ctx: Context, root: SystemIdentifier, identities: tuple[DeclaredIdentity, ...]
    ) -> tuple[ItemResult, ...]:
        """Deposit the association catalogues of key devices as their systems have registered them.

        A result per identity; one whose catalogue has not changed is accepted and stays as it is. Devices in
        doubt are left out and become candidates; fields that several systems claim are recorded as conflicts.
        """
        check_batch(identities, limit=MAX_ASSOCIATIONS, what="identities")
        await acting_system(ctx, root, SystemKind.AGGREGATION_SYSTEM)
        results, changed = await deposit_associations(ctx, root, identities)
        ctx.emit(Event.ASSOCIATION_DEPOSITED, AssociationsDeposited(root=root, identities=changed))
        return results

    @transaction(roles=(Role.AGGREGATION_SYSTEM, Role.BUSINESS_SYSTEM))
    async def propose_association(
        self, ctx: Context, root: SystemIdentifier, by: SystemIdentifier, entry: CandidateEntry
    ) -> AssociationCandidate:
        """Propose that two devices are one, as the aggregation system or as an owner, who confirms by it."""
        await acting_system(ctx, by)
        candidate = await propose_candidate(ctx, root, by, entry)
        ctx.emit(Event.ASSOCIATION_PROPOSED, candidate)
        return candidate

    @transaction(roles=(Role.BUSINESS_SYSTEM,))
    async def confirm_association(
        self, ctx: Context, root: SystemIdentifier, by: SystemIdentifier, devices: DevicePair
    ) -> AssociationCandidate:
        """Confirm a candidate as an owner; with both owners' word the devices are associated."""
        await acting_system(ctx, by, SystemKind.BUSINESS_SYSTEM)
        candidate = await decide_candidate(ctx, root, by, devices, confirm=True)
        ctx.emit(Event.ASSOCIATION_DECIDED, candidate)
        return candidate

    @transaction(roles=(Role.BUSINESS_SYSTEM,))
    async def reject_association(
        self, ctx: Context, root: SystemIdentifier, by: SystemIdentifier, devices: DevicePair
    ) -> AssociationCandidate:
        """Reject a candidate as an owner; one owner's word ends it."""
        await acting_system(ctx, by, SystemKind.BUSINESS_SYSTEM)
        candidate = await decide_candidate(ctx, root, by, devices, confirm=False)
        ctx.emit(Event.ASSOCIATION_DECIDED, candidate)
        return candidate

    # --- publication

    @transaction(roles=(Role.AGGREGATION_SYSTEM,))
    async def publish_fields(
        self, ctx: Context, root: SystemIdentifier, entry: PublicationEntry
    ) -> tuple[Publication, ...]:
        """Publish fields of a key device to a data application; what was published before stays."""
        await acting_system(ctx, root, SystemKind.AGGREGATION_SYSTEM)
        publications = await publish(ctx, root, entry)
        ctx.emit(Event.FIELDS_PUBLISHED, entry)
        return publications

    @transaction(roles=(Role.BUSINESS_SYSTEM,))
    async def withdraw_fields(self, ctx: Context, withdrawal: Withdrawal) -> Publication:
        """Take back fields from a data application, as their owner: no rule resolves them any more."""
        publication = await withdraw(ctx, withdrawal)
        ctx.emit(Event.FIELDS_WITHDRAWN, withdrawal)
        return publication

    @transaction(roles=(Role.DATA_APPLICATION,))
    async def request_fields(self, ctx: Context, entry: FieldRequestEntry) -> FieldRequest:
        """Ask an owner for further fields, as a data application."""
        request = await request_fields(ctx, entry)
        ctx.emit(Event.FIELDS_REQUESTED, request)
        return request

    @transaction(roles=(Role.BUSINESS_SYSTEM,))
    async def answer_field_request(self, ctx: Context, answer: FieldRequestAnswer) -> FieldRequest:
        """Grant fields that an application asked for, or refuse them, as their owner."""
        request = await answer_request(ctx, answer)
        ctx.emit(Event.FIELD_REQUEST_DECIDED, request)
        return request

    # --- rights

    @transaction(roles=(Role.BUSINESS_SYSTEM,))
    async def set_field_roles(
        self, ctx: Context, system: SystemIdentifier, entries: tuple[RightsEntry, ...]
    ) -> tuple[ItemResult, ...]:
        """Set the user roles that may see fields, as their owner; a result per item."""
        check_batch(entries, what="fields")
        await acting_system(ctx, system, SystemKind.BUSINESS_SYSTEM)
        results = await set_roles(ctx, system, entries)
        count = sum(result.accepted for result in results)
        ctx.emit(Event.FIELD_ROLES_SET, Registered(system=system, count=count))
        return results

    # --- queries

    @query
    async def get_association(
        self, ctx: Context, root: SystemIdentifier, identity: DeclaredIdentity
    ) -> Association:
        """Return the association catalogue of a key device."""
        return await ctx.require(association_key(root, identity))

    @query
    async def list_associations(self, ctx: Context, root: SystemIdentifier, bookmark: str) -> AssociationPage:
        """Return a page of a root's association catalogues."""
        page = await ctx.page(associations_of(root), size=PAGE_SIZE, bookmark=bookmark)
        return AssociationPage(associations=tuple(row.record for row in page.rows), bookmark=page.bookmark)

    @query
    async def list_candidates(self, ctx: Context, root: SystemIdentifier, bookmark: str) -> CandidatePage:
        """Return a page of a root's association candidates."""
        page = await ctx.page(candidates_of(root), size=PAGE_SIZE, bookmark=bookmark)
        return CandidatePage(candidates=tuple(row.record for row in page.rows), bookmark=page.bookmark)

    @query
    async def list_conflicts(self, ctx: Context, root: SystemIdentifier, bookmark: str) -> ConflictPage:
        """Return a page of the fields below a root that several systems claim."""
        page = await ctx.page(conflicts_of(root), size=PAGE_SIZE, bookmark=bookmark)
        return ConflictPage(conflicts=tuple(row.record for row in page.rows), bookmark=page.bookmark)

    @query
    async def get_common_identity(
        self, ctx: Context, root: SystemIdentifier, identity: DeclaredIdentity
    ) -> CommonIdentity:
        """Return the devices that declare a common identity."""
        return await ctx.require(common_identity_key(root, identity))

    @query
    async def get_publication(
        self, ctx: Context, application: SystemIdentifier, system: SystemIdentifier
    ) -> Publication:
        """Return what of a system is published to a data application."""
        return await ctx.require(publication_key(application, system))

    @query
    async def list_publications(
        self, ctx: Context, application: SystemIdentifier, bookmark: str
    ) -> PublicationPage:
        """Return a page of what is published to a data application, by system."""
        page = await ctx.page(publications_of(application), size=PAGE_SIZE, bookmark=bookmark)
        return PublicationPage(publications=tuple(row.record for row in page.rows), bookmark=page.bookmark)

    @query
    async def get_field_request(
        self, ctx: Context, system: SystemIdentifier, application: SystemIdentifier
    ) -> FieldRequest:
        """Return an application's last request to an owner, with the answer."""
        return await ctx.require(field_request_key(system, application))

    @query
    async def list_field_requests(
        self, ctx: Context, system: SystemIdentifier, bookmark: str
    ) -> FieldRequestPage:
        """Return a page of the requests to an owner."""
        page = await ctx.page(field_requests_of(system), size=PAGE_SIZE, bookmark=bookmark)
        return FieldRequestPage(requests=tuple(row.record for row in page.rows), bookmark=page.bookmark)

    @query
    async def list_field_roles(self, ctx: Context, field: FieldIdentifier) -> tuple[FieldRights, ...]:
        """Return all versions of a field's user roles, the newest first."""
        return await roles_history(ctx, field)

    @query
    async def get_ownership(self, ctx: Context, field: FieldIdentifier) -> Ownership:
        """Return who answers for a field, which transaction registered it, and who else claims it."""
        row = await ctx.require(field_key(field))
        device = await ctx.require(device_key(field.device))
        owner = await ctx.require(system_key(field.system))
        mark = await ctx.get(TIME_MARK)
        if mark is None:
            raise NoTimeMark
        registered = ""
        for version in await ctx.history(field_key(field)):
            if version.record is None:
                break
            registered = version.tx_id
        if not registered:
            raise NotFound("history of field", str(field))
        return Ownership(
            field=row,
            device=device,
            owner=owner,
            registered_tx=registered,
            rivals=await rivals_of(ctx, owner.root, device, row),
            mark_ms=mark.time_ms,
        )
