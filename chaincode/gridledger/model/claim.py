"""Claims: an owner that delivered, and got no receipt, claims its hold by two signed statements.

The request for a delivery is signed by the application, the statement about it by the owner and bound to that
request. The application's receipt is the transaction contract with its signature.

Source: CN112508707B, [0096] to [0099].
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

from gridledger.model.digest import Digest
from gridledger.model.identifier import SystemIdentifier
from gridledger.model.record import ModelValue, Record, record, value
from gridledger.model.system import ShortText
from gridledger.model.trade import OrderId

__all__ = [
    "ANSWER_MS",
    "DECIDE_MS",
    "Claim",
    "ClaimDecision",
    "ClaimEvidence",
    "DeliveryRequest",
    "DeliveryStatement",
    "SignedDeliveryRequest",
]

ANSWER_MS = 3 * 24 * 3600 * 1000
"""Time in which an application answers a claim: over a weekend."""

DECIDE_MS = 30 * 24 * 3600 * 1000
"""Time in which an auditor decides a claim that was denied; afterwards the hold may return."""

Signature = Annotated[bytes, Field(max_length=72)]


@record("delivery-request/1")
class DeliveryRequest(Record):
    """Asks an owner for what an order paid for; signed by the application's agent."""

    order: OrderId
    resolution: OrderId
    """Whose signed request says for whom, in which role, for what function and purpose."""
    application: SystemIdentifier
    owner: SystemIdentifier
    asked_ms: int
    nonce: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_\-]{16,64}$")]


@value
class SignedDeliveryRequest(ModelValue):
    """A request for a delivery and the application's signature over its bytes."""

    request: DeliveryRequest
    signature: Signature


@record("delivery-statement/1")
class DeliveryStatement(Record):
    """What an owner says to have delivered; signed by its agent."""

    request: Digest
    """SHA-256 of the bytes of the request that it answers."""
    order: OrderId
    owner: SystemIdentifier
    content: Digest
    """SHA-256 of the delivery's bytes."""
    rows: Annotated[int, Field(ge=0)]
    delivered_ms: int


@value
class ClaimEvidence(ModelValue):
    """Both sides' words: that it was asked for, and that it was delivered."""

    asked: SignedDeliveryRequest
    statement: DeliveryStatement
    signature: Signature
    """The owner's, over the statement's bytes."""


@value
class ClaimDecision(ModelValue):
    """An auditor's decision about a claim that was denied."""

    order: OrderId
    owner: SystemIdentifier
    delivered: bool
    """Whether the owner is paid; otherwise the hold returns."""
    reason: ShortText
    evidence: Digest
    """SHA-256 of what the auditor saw."""


@record("claim/1")
class Claim(Record):
    """An owner's claim for its hold, and what became of it."""

    evidence: ClaimEvidence
    claimed_ms: int
    answer_until_ms: int
    denied_ms: int | None = None
    denial: ShortText | None = None
    """What the application says against it."""
    decision: ClaimDecision | None = None
    """An auditor's, where the application denied it."""

    @property
    def decide_until_ms(self) -> int | None:
        """Last moment that an auditor has to itself; None while nobody denies the claim."""
        return None if self.denied_ms is None else self.denied_ms + DECIDE_MS

    def lapsed(self, now_ms: int) -> bool:
        """Tell whether the claim was denied, and no auditor decided it in time."""
        until_ms = self.decide_until_ms
        return until_ms is not None and self.decision is None and now_ms > until_ms
