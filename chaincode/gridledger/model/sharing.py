"""Sharing of datasets: policies, access requests, decisions, grants, the access log.

Source: Zeng et al., power data storage and sharing method based on blockchain and data lake:
access control between marketing, distribution and dispatching by a contract; Luo and Jin, section 4.2.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from enum import StrEnum
from typing import Annotated

from pydantic import Field, StringConstraints

from gridledger.model.dataset import (
    Dataset,
    DatasetIdentifier,
    DatasetVersion,
    Epoch,
    SealedText,
    SealingKey,
    VersionNumber,
)
from gridledger.model.digest import Digest
from gridledger.model.identifier import SystemIdentifier
from gridledger.model.lifecycle import Validity
from gridledger.model.record import ModelValue, Record, record, value
from gridledger.model.system import ShortText, UserName, UserRole

__all__ = [
    "LEAST_ACCESS_MS",
    "MAX_GRANTS",
    "MAX_RULES",
    "MOST_ACCESS_MS",
    "REQUEST_AGE_MS",
    "WRAPPED_KEY_BYTES",
    "AccessDecision",
    "AccessLogEntry",
    "AccessMark",
    "AccessProblem",
    "AccessRequest",
    "AccessRequestId",
    "AccessStep",
    "Grant",
    "GrantEntry",
    "GrantMark",
    "OpenedVersion",
    "PlatformMembership",
    "PolicyRule",
    "PowerPlatform",
    "Purpose",
    "Reviewed",
    "SealedKey",
    "SharingPolicy",
]

MAX_RULES = 32
MAX_GRANTS = 100
"""Grants a transaction: some 60 KB."""

LEAST_ACCESS_MS = 60_000
MOST_ACCESS_MS = 366 * 24 * 3600 * 1000
"""A year: rights are asked for again."""

REQUEST_AGE_MS = 5 * 60_000
"""An older request is refused, so that none is kept for later."""

WRAPPED_KEY_BYTES = 80
"""HPKE: encapsulated key (32) and sealed key (48); `gridledger.crypto.wrapping`."""

AccessRequestId = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Purpose = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9\-]{0,31}$")]
Organisation = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9.\-_]{1,64}$")]
AccessMs = Annotated[int, Field(ge=LEAST_ACCESS_MS, le=MOST_ACCESS_MS)]


class PowerPlatform(StrEnum):
    """Platforms of a power company whose systems share data across them."""

    MARKETING = "marketing"
    DISTRIBUTION = "distribution"
    DISPATCHING = "dispatching"


class AccessProblem(StrEnum):
    """What stands against an access request."""

    NO_VERSION = "no-version"
    """No version is stored."""
    DATASET_WITHDRAWN = "dataset-withdrawn"
    OWNER_NOT_ACTIVE = "owner-not-active"
    NO_PLATFORM = "no-platform"
    """The application belongs to no power platform."""
    OTHER_ROOT = "other-root"
    """The application stands below another root than the dataset: whoever founds a root assigns there."""
    PLATFORM = "platform"
    """No rule of the policy is for the application's power platform."""
    ORGANISATION = "organisation"
    """None of those is for its organisation."""
    ROLE = "role"
    """None of those is for the user's role."""
    PURPOSE = "purpose"
    """None of those is for the purpose."""
    VALIDITY = "validity"
    """None of those holds now and for as long as is wanted."""


class Reviewed(StrEnum):
    """What of a dataset the council reviews before it counts."""

    ACCESS = "access"
    """Nothing is handed over for an admitted request before the council has approved it."""
    VERSIONS = "versions"
    """No version is stored before the council has approved its statement."""


class AccessStep(StrEnum):
    """What the access log says happened."""

    REFUSED = "refused"
    ADMITTED = "admitted"
    GRANTED = "granted"
    """The key was handed over, for the first time or in a later epoch."""
    REVOKED = "revoked"
    OPENED = "opened"


@record("platform-membership/1")
class PlatformMembership(Record):
    """Which power platform a system belongs to."""

    system: SystemIdentifier
    platform: PowerPlatform
    assigned_ms: int


@value
class PolicyRule(ModelValue):
    """Who may have a dataset, for what and for how long."""

    platform: PowerPlatform
    organisations: tuple[Organisation, ...] | None = None
    """MSPs whose applications it is for, sorted; those of every organisation by default."""
    roles: tuple[UserRole, ...]
    """User roles, sorted."""
    purposes: tuple[Purpose, ...]
    """Sorted."""
    longest_ms: AccessMs
    """For how long a grant holds at most."""
    validity: Validity | None = None
    """When the rule holds; no grant holds longer."""

    def broken_rules(self) -> Iterable[tuple[str, str]]:
        for name, words in (
            ("organisations", self.organisations),
            ("roles", self.roles),
            ("purposes", self.purposes),
        ):
            if words is not None and (not 1 <= len(words) <= 32 or list(words) != sorted(set(words))):
                yield name, "want 1 to 32, sorted, each once"


@record("sharing-policy/1")
class SharingPolicy(Record):
    """What a dataset's owner admits; without rules it admits nobody."""

    dataset: DatasetIdentifier
    version: int
    rules: tuple[PolicyRule, ...]
    set_ms: int
    reviewed: tuple[Reviewed, ...] | None = None
    """What the council reviews, sorted; None: nothing."""

    def broken_rules(self) -> Iterable[tuple[str, str]]:
        if len(self.rules) > MAX_RULES:
            yield "rules", f"are more than {MAX_RULES}"
        if self.reviewed is not None and (
            not self.reviewed or list(self.reviewed) != sorted(set(self.reviewed))
        ):
            yield "reviewed", "want some, sorted, each once, or None"

    def wants_review(self, subject: Reviewed) -> bool:
        """Tell whether the council reviews such a thing before it counts."""
        return self.reviewed is not None and subject in self.reviewed


@record("access-request/1")
class AccessRequest(Record):
    """What an application asks for; its transaction is signed by the application's agent."""

    dataset: DatasetIdentifier
    application: SystemIdentifier
    user: UserName
    user_role: UserRole
    purpose: Purpose
    wanted_ms: AccessMs
    """For how long."""
    recipient: SealingKey
    """X25519: whom key and location are sealed to."""
    made_ms: int
    nonce: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_\-]{16,64}$")]

    @property
    def id(self) -> str:
        """SHA-256 of the bytes, in hexadecimal: the request's id."""
        return hashlib.sha256(self.to_bytes()).hexdigest()


@record("access-decision/1")
class AccessDecision(Record):
    """A request and what the contract decided; written once."""

    id: AccessRequestId
    request: AccessRequest
    organisation: Organisation
    """MSP of the application's agent."""
    platform: PowerPlatform | None = None
    policy_version: int
    """0 where the dataset has no policy."""
    problems: tuple[AccessProblem, ...] = ()
    """Empty: admitted."""
    decided_ms: int
    valid_until_ms: int | None = None
    """First moment at which an admitted request gives no right any more."""
    needs_review: bool | None = None
    """True: the policy wanted it reviewed, and nothing is handed over before the council has approved it."""

    @property
    def is_admitted(self) -> bool:
        """Whether nothing stands against it."""
        return not self.problems

    @property
    def digest(self) -> Digest:
        """SHA-256 of the bytes: what key and location are bound to."""
        return Digest.of(self.to_bytes())


@value
class SealedKey(ModelValue):
    """A dataset key and the dataset's location, sealed to a recipient."""

    epoch: Epoch
    """Of the dataset key."""
    wrapped_key: Annotated[bytes, Field(min_length=WRAPPED_KEY_BYTES, max_length=WRAPPED_KEY_BYTES)]
    location: SealedText


@value
class GrantEntry(ModelValue):
    """What an owner hands over for one admitted request."""

    request: AccessRequestId
    sealed: SealedKey


@record("grant/1")
class Grant(Record):
    """What an admitted request was given; earlier epochs' keys: history of the key."""

    request: AccessRequestId
    dataset: DatasetIdentifier
    application: SystemIdentifier
    valid_until_ms: int
    sealed: SealedKey | None = None
    """None where it was revoked before anything was handed over."""
    granted_ms: int | None = None
    """When the key of this epoch was handed over."""
    revoked_ms: int | None = None
    reason: ShortText | None = None

    def holds(self, now_ms: int) -> bool:
        """Tell whether it gives a right at a moment."""
        return self.sealed is not None and self.revoked_ms is None and now_ms < self.valid_until_ms


@record("grant-mark/1")
class GrantMark(Record):
    """A grant of a dataset that was not revoked."""

    epoch: Epoch
    valid_until_ms: int


@record("access-mark/1")
class AccessMark(Record):
    """A request concerns this dataset or application."""

    dataset: DatasetIdentifier
    is_admitted: bool


@record("access-log-entry/1")
class AccessLogEntry(Record):
    """One thing that happened to a dataset's access."""

    step: AccessStep
    request: AccessRequestId
    application: SystemIdentifier
    user: UserName
    at_ms: int
    number: VersionNumber | None = None
    """The version that was opened."""
    epoch: Epoch | None = None
    """Of the key that was handed over or lost."""


@value
class OpenedVersion(ModelValue):
    """What a reader gets to know when it opens a version."""

    dataset: Dataset
    version: DatasetVersion
    newest: VersionNumber
    """The dataset's newest stored version."""
    decision: AccessDecision
    grant: Grant
