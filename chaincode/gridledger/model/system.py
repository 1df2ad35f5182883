"""Systems: who takes part in the exchange, how it applied, and its account.

Source: CN112508707B, [0058] to [0066].
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Annotated

from pydantic import Field, StringConstraints

from gridledger.model.identifier import SystemIdentifier
from gridledger.model.lifecycle import Actor, Validity
from gridledger.model.record import ModelValue, Record, record, value
from gridledger.model.signature import KEY_BYTES, key_id
from gridledger.model.states import ApplicationState, IdentifierState

__all__ = [
    "LEAST_CREDIT",
    "Account",
    "Agent",
    "ApplicationUser",
    "Enterprise",
    "Sequence",
    "System",
    "SystemApplication",
    "SystemCheck",
    "SystemKind",
    "SystemProfile",
]

LEAST_CREDIT = 60
"""Credit, of 100, that an application needs."""

ShortText = Annotated[str, StringConstraints(min_length=1, max_length=200)]
LongText = Annotated[str, StringConstraints(max_length=2000)]
ServerUrl = Annotated[
    str,
    StringConstraints(pattern=r"^https?://[A-Za-z0-9.\-\[\]:]{1,253}(/[A-Za-z0-9._~/\-]*)?$", max_length=300),
]
UserName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._\-]{0,63}$")]
UserRole = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9\-]{0,31}$")]
Credit = Annotated[int, Field(ge=0, le=100)]
EnterpriseCode = Annotated[str, StringConstraints(pattern=r"^[0-9A-Z]{8,32}$")]


class SystemKind(StrEnum):
    """What a system is in the exchange."""

    BUSINESS_SYSTEM = "business-system"
    DATA_APPLICATION = "data-application"
    AGGREGATION_SYSTEM = "aggregation-system"


@value
class Agent(ModelValue):
    """The identity that acts for a system on chain and signs for it."""

    msp_id: str
    """The organisation that issued its certificate."""
    subject: ShortText
    """Common name of its certificate."""
    public_key: bytes
    """Its P-256 key, a compressed point."""

    def broken_rules(self) -> Iterable[tuple[str, str]]:
        if len(self.public_key) != KEY_BYTES:
            yield "public_key", f"has {len(self.public_key)} bytes, not {KEY_BYTES}"

    @property
    def key_id(self) -> str:
        """Name of its key."""
        return key_id(self.public_key)


@value
class Enterprise(ModelValue):
    """Who stands behind a system."""

    name: ShortText
    code: EnterpriseCode
    """Its number in the enterprise register; in China the unified social credit code of 18 characters."""
    region: ShortText


@value
class SystemProfile(ModelValue):
    """What an applicant says of its system."""

    kind: SystemKind
    enterprise: Enterprise
    name: ShortText
    introduction: LongText
    server: ServerUrl | None = None
    """Origin of its server; a business system has one, a data application need not."""

    def broken_rules(self) -> Iterable[tuple[str, str]]:
        if self.kind is SystemKind.BUSINESS_SYSTEM and self.server is None:
            yield "server", "a business system has one"


@value
class SystemCheck(ModelValue):
    """What the aggregation system found about an application."""

    enterprise_found: bool
    """The register knows the enterprise by this name and code."""
    server_answered: bool
    """The server answered with the key of the applying agent; true where there is no server."""
    credit: Credit
    """First credit, of 100."""

    def problems(self) -> tuple[str, ...]:
        """Return what stands against an approval."""
        found = {
            "the enterprise is not in the register": not self.enterprise_found,
            "the server did not answer with the agent's key": not self.server_answered,
            f"credit {self.credit} is less than {LEAST_CREDIT}": self.credit < LEAST_CREDIT,
        }
        return tuple(text for text, holds in found.items() if holds)


@record("system-application/1")
class SystemApplication(Record):
    """A system's application for its identifier below a root."""

    id: str
    """Name of the agent's key: one application a key."""
    root: SystemIdentifier
    profile: SystemProfile
    agent: Agent
    state: ApplicationState
    applied_ms: int
    check: SystemCheck | None = None
    reason: ShortText | None = None
    """Why it was rejected."""
    system: SystemIdentifier | None = None
    """What it was given; of an open application, the suspended system that is to be registered again."""
    decided_ms: int | None = None
    person: str | None = None
    """Pseudonym of the approved person of the enterprise who vouches for it."""


@record("system/1")
class System(Record):
    """A registered system."""

    identifier: SystemIdentifier
    root: SystemIdentifier
    """The root below which it stands; its own identifier for an aggregation system."""
    profile: SystemProfile
    agent: Agent
    credit: Credit
    """Credit when it was registered; what it is now stands in its `CreditStanding`."""
    state: IdentifierState
    registered_ms: int
    validity: Validity | None = None
    suspended_by: Actor | None = None
    limited_by: Actor | None = None
    """Who set its validity: what the platform set its owner cannot change."""
    reason: ShortText | None = None
    """Why its state was changed last."""
    former: tuple[SystemIdentifier, ...] | None = None
    """Its prefixes before, the oldest first."""
    moved_to: SystemIdentifier | None = None
    """The prefix that it has now: new devices are registered there, those below move there."""

    @property
    def prefixes(self) -> tuple[SystemIdentifier, ...]:
        """Its identifier, and its prefixes before, the oldest first."""
        return (self.identifier, *(self.former or ()))

    def is_in_force(self, now_ms: int) -> bool:
        """Tell whether it is active and valid at a moment: only then it resolves."""
        return self.state is IdentifierState.ACTIVE and (self.validity is None or self.validity.holds(now_ms))


@record("account/1")
class Account(Record):
    """An account is open; its money stands in notes and delta rows."""

    system: SystemIdentifier
    root: SystemIdentifier
    opened_ms: int


@record("sequence/1")
class Sequence(Record):
    """The last number given below a root."""

    last: int


@record("application-user/1")
class ApplicationUser(Record):
    """A user of a data application, with its roles there."""

    application: SystemIdentifier
    name: UserName
    """As the application calls it: a pseudonym."""
    roles: tuple[UserRole, ...]
    registered_ms: int

    def broken_rules(self) -> Iterable[tuple[str, str]]:
        if not 1 <= len(self.roles) <= 32 or list(self.roles) != sorted(set(self.roles)):
            yield "roles", "want 1 to 32, sorted, each once"
