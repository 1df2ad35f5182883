"""Rules, requests and resolutions.

Source: CN112508707B, [0079], [0083] to [0092].
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Annotated

from pydantic import Field, StringConstraints

from gridledger.model.catalogue import MAX_SELECTORS, Selector
from gridledger.model.digest import Digest
from gridledger.model.identifier import DeviceIdentifier, FieldIdentifier, SystemIdentifier
from gridledger.model.integrity import FieldCheck
from gridledger.model.period import Day
from gridledger.model.record import ModelValue, Record, record, value
from gridledger.model.system import ShortText, UserName, UserRole

__all__ = [
    "MAX_REQUEST_DAYS",
    "REQUEST_VALID_MS",
    "RESOLUTION_VALID_MS",
    "FunctionName",
    "Request",
    "Resolution",
    "Rule",
    "RuleEntry",
    "RuleHistory",
    "SignedRequest",
    "TargetField",
    "TargetSystem",
]

MAX_REQUEST_DAYS = 400
"""A year and a month."""

REQUEST_VALID_MS = 300_000
"""A request is resolved within five minutes of its making, by the clock of the chain."""

RESOLUTION_VALID_MS = 600_000
"""A resolution is ordered within ten minutes; its prices hold so long."""

FunctionName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9\-]{0,31}$")]


@value
class RuleEntry(ModelValue):
    """A function of a data application and the fields that it needs."""

    application: SystemIdentifier
    function: FunctionName
    selectors: tuple[Selector, ...]
    roles: tuple[UserRole, ...] | None = None
    """User roles that may use the function, sorted; left out, all that the owners admit."""

    def broken_rules(self) -> Iterable[tuple[str, str]]:
        if not 1 <= len(self.selectors) <= MAX_SELECTORS:
            yield "selectors", f"want 1 to {MAX_SELECTORS}"
        if len({str(selector) for selector in self.selectors}) != len(self.selectors):
            yield "selectors", "one stands twice"
        if self.roles is not None and (
            not 1 <= len(self.roles) <= 32 or list(self.roles) != sorted(set(self.roles))
        ):
            yield "roles", "want 1 to 32, sorted, each once"


@record("rule/1")
class Rule(Record):
    """A resolution rule."""

    application: SystemIdentifier
    function: FunctionName
    version: int
    selectors: tuple[Selector, ...]
    set_ms: int
    roles: tuple[UserRole, ...] | None = None
    """User roles that may use the function; left out, all that the owners admit."""


@value
class RuleHistory(ModelValue):
    """All versions of a rule, the newest first."""

    versions: tuple[Rule, ...]


@record("request/1")
class Request(Record):
    """What a data application asks, signed by its agent."""

    application: SystemIdentifier
    user: UserName
    user_role: UserRole
    function: FunctionName
    purpose: ShortText
    device: DeviceIdentifier
    """The scanned one; any member of the association."""
    wanted: tuple[Selector, ...] = ()
    """Fields of the function's rule; none means all."""
    first: Day
    last: Day
    made_ms: int
    nonce: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_\-]{16,64}$")]

    def broken_rules(self) -> Iterable[tuple[str, str]]:
        if not 1 <= self.first.days_until(self.last) <= MAX_REQUEST_DAYS:
            yield "last", f"want 1 to {MAX_REQUEST_DAYS} days"
        if len(self.wanted) > MAX_SELECTORS:
            yield "wanted", f"are more than {MAX_SELECTORS}"
        if len({str(selector) for selector in self.wanted}) != len(self.wanted):
            yield "wanted", "one stands twice"

    @property
    def id(self) -> str:
        """SHA-256 of its bytes, in hexadecimal: the resolution's id."""
        return hashlib.sha256(self.to_bytes()).hexdigest()


@value
class SignedRequest(ModelValue):
    """A request and its agent's signature over its bytes."""

    request: Request
    signature: bytes


@value
class TargetField(ModelValue):
    """A field that a resolution names."""

    field: FieldIdentifier
    price_milliyuan: Annotated[int, Field(ge=0)]
    standard_version: int
    """Of the charging standard that gave the price."""
    checks: tuple[FieldCheck, ...]
    """One a period from the request's first to its last day."""

    @property
    def withheld(self) -> bool:
        """Whether nothing of it is forwarded."""
        return any(check.outcome.withholds for check in self.checks) or not self.intact()

    def intact(self) -> tuple[FieldCheck, ...]:
        """Return the periods whose deposited rows are intact: those that are delivered."""
        return tuple(check for check in self.checks if check.outcome.forwards)


@value
class TargetSystem(ModelValue):
    """A system that a resolution names."""

    system: SystemIdentifier
    server: str
    """Origin of the owner's server."""
    fields: tuple[TargetField, ...]
    agreement: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")] | None = None
    """The agreement that gave the prices; none where the charging standards did."""

    def forwarded(self) -> tuple[TargetField, ...]:
        """Return the fields that are not withheld."""
        return tuple(field for field in self.fields if not field.withheld)

    def amount_milliyuan(self) -> int:
        """Return the price of one query of all forwarded fields."""
        return sum(field.price_milliyuan for field in self.forwarded())


@record("resolution/1")
class Resolution(Record):
    """What the contract decided about a request, with the charging standards and the verdict."""

    id: str
    request: Request
    rule_version: int
    targets: tuple[TargetSystem, ...]
    verdict: Digest
    """SHA-256 of the verdict's bytes."""
    resolved_ms: int
    expires_ms: int
    signature: bytes | None = None
    """The application's over the request, so that every owner has the same signed context."""
    fee_milliyuan: Annotated[int, Field(gt=0)] | None = None
    """The platform's fee, which the order pays."""

    def target(self, system: SystemIdentifier) -> TargetSystem | None:
        """Return the target of a system, if it is one."""
        return next((target for target in self.targets if target.system == system), None)

    def intact_rows(self, system: SystemIdentifier) -> int:
        """Return how many rows a system delivers: those of the intact periods that are forwarded."""
        target = self.target(system)
        fields = target.forwarded() if target is not None else ()
        return sum(check.deposited_rows() for field in fields for check in field.intact())
