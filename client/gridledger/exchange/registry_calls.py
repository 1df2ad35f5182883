"""The registry's transactions and queries as typed calls."""

from __future__ import annotations

from collections.abc import Sequence

from gridledger.exchange.identifier_calls import IdentifierCalls
from gridledger.model.change import SystemChange
from gridledger.model.coding_rule import CodingRule, CodingRuleEntry
from gridledger.model.credit import CreditStanding, Rating, RatingKey, RatingPage
from gridledger.model.digest import Digest
from gridledger.model.history import SystemVersion
from gridledger.model.identifier import SystemIdentifier
from gridledger.model.person import Person, PersonPage, RegistrationPolicy
from gridledger.model.system import (
    ApplicationUser,
    System,
    SystemApplication,
    SystemCheck,
    SystemProfile,
)

__all__ = ["RegistryCalls"]


class RegistryCalls(IdentifierCalls):
    """The registry's transactions and queries as typed calls; see `ExchangeLedger`."""

    async def establish(self, root: SystemIdentifier, profile: SystemProfile) -> System:
        """Establish the caller as the aggregation system of a root."""
        return await self._submit(System, "registry", "Establish", root, profile)

    async def register_system(
        self, root: SystemIdentifier, profile: SystemProfile, *, call_key: str | None = None
    ) -> SystemApplication:
        """Apply for a system identifier."""
        return await self._once(
            SystemApplication, "registry", "RegisterSystem", root, profile, call_key=call_key
        )

    async def deposit_check(self, application: str, check: SystemCheck) -> SystemApplication:
        """Deposit what was found about an application."""
        return await self._submit(SystemApplication, "registry", "DepositCheck", application, check)

    async def approve_system(self, application: str) -> System:
        """Approve an application."""
        return await self._submit(System, "registry", "ApproveSystem", application)

    async def reject_system(self, application: str, reason: str) -> SystemApplication:
        """Reject an application."""
        return await self._submit(SystemApplication, "registry", "RejectSystem", application, reason)

    async def register_user(
        self, application: SystemIdentifier, name: str, roles: Sequence[str]
    ) -> ApplicationUser:
        """Register a user of a data application."""
        return await self._submit(ApplicationUser, "registry", "RegisterUser", application, name, list(roles))

    async def remove_user(self, application: SystemIdentifier, name: str) -> ApplicationUser:
        """Remove a user of a data application."""
        return await self._submit(ApplicationUser, "registry", "RemoveUser", application, name)

    async def system(self, system: SystemIdentifier) -> System:
        """Return a system."""
        return await self._ask(System, "registry", "GetSystem", system)

    async def application(self, application: str) -> SystemApplication:
        """Return an application for a system identifier."""
        return await self._ask(SystemApplication, "registry", "GetApplication", application)

    # --- prefixes

    async def change_system(self, system: SystemIdentifier, change: SystemChange) -> System:
        """Suspend a system, make it active again, revoke it, or set its validity, as an auditor."""
        return await self._submit(System, "registry", "ChangeSystem", system, change)

    async def change_prefix(self, system: SystemIdentifier) -> System:
        """Give a business system a new prefix, as an auditor."""
        return await self._submit(System, "registry", "ChangePrefix", system)

    async def lay_down_coding_rule(self, entry: CodingRuleEntry) -> CodingRule:
        """Lay down the coding rule of a system, as the aggregation system."""
        return await self._submit(CodingRule, "registry", "LayDownCodingRule", entry)

    async def coding_rule(self, system: SystemIdentifier) -> CodingRule:
        """Return the coding rule of a system."""
        return await self._ask(CodingRule, "registry", "GetCodingRule", system)

    async def system_history(self, system: SystemIdentifier) -> tuple[SystemVersion, ...]:
        """Return the versions of a system, under this prefix and those before."""
        return await self._ask(tuple[SystemVersion, ...], "registry", "GetSystemHistory", system)

    # --- credit

    async def rate_system(self, order: str, owner: SystemIdentifier, score: int) -> Rating:
        """Rate the other party of an order's line, 0 to 100."""
        return await self._submit(Rating, "registry", "RateSystem", order, owner, score)

    async def fold_ratings(self, system: SystemIdentifier, ratings: Sequence[RatingKey]) -> CreditStanding:
        """Count ratings into a system's credit, as the aggregation system."""
        return await self._submit(CreditStanding, "registry", "FoldRatings", system, list(ratings))

    async def deregister_system(self, system: SystemIdentifier, reason: str) -> System:
        """Suspend a system for low credit, as the aggregation system."""
        return await self._submit(System, "registry", "DeregisterSystem", system, reason)

    async def credit(self, system: SystemIdentifier) -> CreditStanding:
        """Return the credit of a system."""
        return await self._ask(CreditStanding, "registry", "GetCredit", system)

    async def ratings(self, system: SystemIdentifier, bookmark: str = "") -> RatingPage:
        """Return a page of a system's ratings that are not counted yet."""
        return await self._ask(RatingPage, "registry", "ListRatings", system, bookmark)

    # --- persons

    async def apply_person(
        self, root: SystemIdentifier, enterprise: str, name: str, evidence: Digest
    ) -> Person:
        """Apply for the review of the caller as one who acts for an enterprise."""
        return await self._submit(Person, "registry", "ApplyPerson", root, enterprise, name, evidence)

    async def approve_person(
        self, root: SystemIdentifier, enterprise: str, name: str, evidence: Digest
    ) -> Person:
        """Approve a person by the papers that were seen, as an auditor."""
        return await self._submit(Person, "registry", "ApprovePerson", root, enterprise, name, evidence)

    async def reject_person(self, root: SystemIdentifier, enterprise: str, name: str, reason: str) -> Person:
        """Reject a person, or withdraw an approval, as an auditor."""
        return await self._submit(Person, "registry", "RejectPerson", root, enterprise, name, reason)

    async def vouch_for_application(self, application: str, name: str) -> SystemApplication:
        """Vouch for an application as an approved person of the enterprise."""
        return await self._submit(SystemApplication, "registry", "VouchForApplication", application, name)

    async def set_registration_policy(
        self, root: SystemIdentifier, policy: RegistrationPolicy
    ) -> RegistrationPolicy:
        """Set what a root asks of applications, as a platform administrator."""
        return await self._submit(RegistrationPolicy, "registry", "SetRegistrationPolicy", root, policy)

    async def registration_policy(self, root: SystemIdentifier) -> RegistrationPolicy:
        """Return what a root asks of applications."""
        return await self._ask(RegistrationPolicy, "registry", "GetRegistrationPolicy", root)

    async def person(self, root: SystemIdentifier, enterprise: str, name: str) -> Person:
        """Return a person who acts for an enterprise."""
        return await self._ask(Person, "registry", "GetPerson", root, enterprise, name)

    async def persons(self, root: SystemIdentifier, enterprise: str, bookmark: str = "") -> PersonPage:
        """Return a page of the persons who act, or want to act, for an enterprise."""
        return await self._ask(PersonPage, "registry", "ListPersons", root, enterprise, bookmark)
