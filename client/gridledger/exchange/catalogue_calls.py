"""The catalogue's transactions and queries as typed calls."""

from __future__ import annotations

from collections.abc import Sequence

from gridledger.exchange.contract_calls import ContractCalls
from gridledger.model.association import (
    AssociationCandidate,
    AssociationPage,
    CandidateEntry,
    CandidatePage,
    DevicePair,
)
from gridledger.model.catalogue import Association, Publication, PublicationEntry
from gridledger.model.device import CommonIdentity, DeclaredIdentity, ItemResult
from gridledger.model.identifier import FieldIdentifier, SystemIdentifier
from gridledger.model.ownership import ConflictPage, Ownership
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

__all__ = ["CatalogueCalls"]

_CATALOGUE = "catalogue"
_ITEMS = tuple[ItemResult, ...]


class CatalogueCalls(ContractCalls):
    """The catalogue's transactions and queries as typed calls; see `ExchangeLedger`."""

    # --- association

    async def deposit_associations(
        self, root: SystemIdentifier, identities: Sequence[DeclaredIdentity]
    ) -> tuple[ItemResult, ...]:
        """Deposit association catalogues."""
        return await self._submit(_ITEMS, _CATALOGUE, "DepositAssociations", root, list(identities))

    async def propose_association(
        self, root: SystemIdentifier, by: SystemIdentifier, entry: CandidateEntry
    ) -> AssociationCandidate:
        """Propose that two devices are one, as the aggregation system or as an owner."""
        return await self._submit(AssociationCandidate, _CATALOGUE, "ProposeAssociation", root, by, entry)

    async def confirm_association(
        self, root: SystemIdentifier, by: SystemIdentifier, devices: DevicePair
    ) -> AssociationCandidate:
        """Confirm a candidate as an owner."""
        return await self._submit(AssociationCandidate, _CATALOGUE, "ConfirmAssociation", root, by, devices)

    async def reject_association(
        self, root: SystemIdentifier, by: SystemIdentifier, devices: DevicePair
    ) -> AssociationCandidate:
        """Reject a candidate as an owner."""
        return await self._submit(AssociationCandidate, _CATALOGUE, "RejectAssociation", root, by, devices)

    async def association(self, root: SystemIdentifier, identity: DeclaredIdentity) -> Association:
        """Return an association catalogue."""
        return await self._ask(Association, _CATALOGUE, "GetAssociation", root, identity)

    async def associations(self, root: SystemIdentifier, bookmark: str = "") -> AssociationPage:
        """Return a page of a root's association catalogues."""
        return await self._ask(AssociationPage, _CATALOGUE, "ListAssociations", root, bookmark)

    async def candidates(self, root: SystemIdentifier, bookmark: str = "") -> CandidatePage:
        """Return a page of a root's association candidates."""
        return await self._ask(CandidatePage, _CATALOGUE, "ListCandidates", root, bookmark)

    async def conflicts(self, root: SystemIdentifier, bookmark: str = "") -> ConflictPage:
        """Return a page of the fields that several systems claim."""
        return await self._ask(ConflictPage, _CATALOGUE, "ListConflicts", root, bookmark)

    async def common_identity(self, root: SystemIdentifier, identity: DeclaredIdentity) -> CommonIdentity:
        """Return the devices that declare a common identity."""
        return await self._ask(CommonIdentity, _CATALOGUE, "GetCommonIdentity", root, identity)

    # --- publication

    async def publish_fields(
        self, root: SystemIdentifier, entry: PublicationEntry
    ) -> tuple[Publication, ...]:
        """Publish fields to a data application."""
        return await self._submit(tuple[Publication, ...], _CATALOGUE, "PublishFields", root, entry)

    async def withdraw_fields(self, withdrawal: Withdrawal) -> Publication:
        """Take back fields from a data application, as their owner."""
        return await self._submit(Publication, _CATALOGUE, "WithdrawFields", withdrawal)

    async def request_fields(self, entry: FieldRequestEntry) -> FieldRequest:
        """Ask an owner for further fields, as a data application."""
        return await self._submit(FieldRequest, _CATALOGUE, "RequestFields", entry)

    async def answer_field_request(self, answer: FieldRequestAnswer) -> FieldRequest:
        """Grant or refuse what an application asked for, as the owner."""
        return await self._submit(FieldRequest, _CATALOGUE, "AnswerFieldRequest", answer)

    async def field_request(self, system: SystemIdentifier, application: SystemIdentifier) -> FieldRequest:
        """Return an application's last request to an owner."""
        return await self._ask(FieldRequest, _CATALOGUE, "GetFieldRequest", system, application)

    async def field_requests(self, system: SystemIdentifier, bookmark: str = "") -> FieldRequestPage:
        """Return a page of the requests to an owner."""
        return await self._ask(FieldRequestPage, _CATALOGUE, "ListFieldRequests", system, bookmark)

    async def publications(self, application: SystemIdentifier, bookmark: str = "") -> PublicationPage:
        """Return a page of what is published to a data application."""
        return await self._ask(PublicationPage, _CATALOGUE, "ListPublications", application, bookmark)

    # --- rights and ownership

    async def set_field_roles(
        self, system: SystemIdentifier, entries: Sequence[RightsEntry]
    ) -> tuple[ItemResult, ...]:
        """Set the user roles that may see fields, as their owner."""
        return await self._submit(_ITEMS, _CATALOGUE, "SetFieldRoles", system, list(entries))

    async def field_roles(self, field: FieldIdentifier) -> tuple[FieldRights, ...]:
        """Return all versions of a field's user roles, the newest first."""
        return await self._ask(tuple[FieldRights, ...], _CATALOGUE, "ListFieldRoles", field)

    async def ownership(self, field: FieldIdentifier) -> Ownership:
        """Return who answers for a field, and who else claims it."""
        return await self._ask(Ownership, _CATALOGUE, "GetOwnership", field)
