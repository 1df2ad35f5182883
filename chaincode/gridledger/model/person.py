"""Persons who act for enterprises, reviewed by auditors; and what a root asks of applications.

A person stands here under a pseudonym; real name and papers are shown to the auditor, and only the digest of
what it saw comes to the ledger.

Source: CN112508707B, [0066], [0068].
"""

from __future__ import annotations

from typing import Annotated

from pydantic import StringConstraints

from gridledger.model.digest import Digest
from gridledger.model.identifier import SystemIdentifier
from gridledger.model.record import ModelValue, Record, record, value
from gridledger.model.states import ApplicationState
from gridledger.model.system import Agent, EnterpriseCode, ShortText

__all__ = ["Person", "PersonName", "PersonPage", "RegistrationPolicy"]

PersonName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._\-]{0,63}$")]
"""A pseudonym, unique within its enterprise."""


@record("person/1")
class Person(Record):
    """A person who acts for an enterprise."""

    root: SystemIdentifier
    enterprise: EnterpriseCode
    """Number of the enterprise in the register."""
    name: PersonName
    agent: Agent
    """The person's certificate."""
    evidence: Digest
    """SHA-256 of the papers that the auditor is shown."""
    state: ApplicationState
    applied_ms: int
    reason: ShortText | None = None
    """Why the review was not passed, or is not valid any more."""
    decided_ms: int | None = None


@value
class PersonPage(ModelValue):
    """Persons of an enterprise, by name."""

    persons: tuple[Person, ...]
    bookmark: str


@record("registration-policy/1")
class RegistrationPolicy(Record):
    """What the platform of a root asks of applications."""

    persons_required: bool
    """An approved person of the enterprise has to vouch for an application before it is approved."""
