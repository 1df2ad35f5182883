"""Who may see what: an owner's roles for its fields, and what applications ask owners for.

Source: CN112508707B, [0085], [0086].
"""

from __future__ import annotations

from collections.abc import Iterable

from gridledger.model.catalogue import MAX_SELECTORS, Publication
from gridledger.model.device import FieldName
from gridledger.model.identifier import FieldIdentifier, SystemIdentifier
from gridledger.model.record import ModelValue, Record, record, value
from gridledger.model.system import ShortText, UserRole

__all__ = [
    "FieldRequest",
    "FieldRequestAnswer",
    "FieldRequestEntry",
    "FieldRequestPage",
    "FieldRights",
    "PublicationPage",
    "RightsEntry",
    "Withdrawal",
]


@value
class RightsEntry(ModelValue):
    """The user roles that an owner admits to a field from now on."""

    field: FieldIdentifier
    roles: tuple[UserRole, ...]

    def broken_rules(self) -> Iterable[tuple[str, str]]:
        if not 1 <= len(self.roles) <= 32 or list(self.roles) != sorted(set(self.roles)):
            yield "roles", "want 1 to 32, sorted, each once"


@value
class FieldRights(ModelValue):
    """One version of a field's roles."""

    version: int
    """From 1, the roles at the registration."""
    roles: tuple[UserRole, ...]
    tx_id: str
    """The transaction that set them."""


def _check_names(names: tuple[str, ...], *, least: int = 1) -> Iterable[tuple[str, str]]:
    if not least <= len(names) <= MAX_SELECTORS or list(names) != sorted(set(names)):
        yield "names", f"want {least} to {MAX_SELECTORS}, sorted, each once"


@value
class FieldRequestEntry(ModelValue):
    """Fields of a system that an application asks its owner for."""

    application: SystemIdentifier
    system: SystemIdentifier
    names: tuple[FieldName, ...]
    purpose: ShortText

    def broken_rules(self) -> Iterable[tuple[str, str]]:
        yield from _check_names(self.names)


@value
class FieldRequestAnswer(ModelValue):
    """What an owner grants of a request; what is left out is refused."""

    application: SystemIdentifier
    system: SystemIdentifier
    granted: tuple[FieldName, ...]
    reason: ShortText

    def broken_rules(self) -> Iterable[tuple[str, str]]:
        yield from _check_names(self.granted, least=0)


@record("field-request/1")
class FieldRequest(Record):
    """An application's last request to an owner; earlier ones stand in the key's history."""

    application: SystemIdentifier
    system: SystemIdentifier
    names: tuple[FieldName, ...]
    purpose: ShortText
    requested_ms: int
    granted: tuple[FieldName, ...] | None = None
    """Left out until the owner has answered."""
    reason: ShortText | None = None
    answered_ms: int | None = None


@value
class FieldRequestPage(ModelValue):
    """Requests to an owner, by application."""

    requests: tuple[FieldRequest, ...]
    bookmark: str


@value
class Withdrawal(ModelValue):
    """Fields that an owner no longer publishes to an application."""

    application: SystemIdentifier
    system: SystemIdentifier
    names: tuple[FieldName, ...]

    def broken_rules(self) -> Iterable[tuple[str, str]]:
        yield from _check_names(self.names)


@value
class PublicationPage(ModelValue):
    """What is published to an application, by system."""

    publications: tuple[Publication, ...]
    bookmark: str
