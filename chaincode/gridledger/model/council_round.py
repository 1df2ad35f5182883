"""Rounds of the council: who takes part under which key, who is its master, and what was deleted after it.

The master is entered[(height + requests + view) mod number of those who entered], by id: height is the
block height that the round began with, requests how many requests the rounds before had, and the view rises
by one whenever a silent master is replaced.

The height becomes known by checkpoints: everybody who enters deposits the height that its peer has committed.
The round takes the (f+1)-th highest of them, f = floor((n-1)/3): at least one honest super node has committed
it, and no f liars can raise it.

Source: Luo and Jin, double-link data storage and sharing model: 4.2, steps 1, 8, 9 and 10.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import Annotated, Final

from pydantic import Field

from gridledger.model.council import MAX_SEATS, CandidateId, ElectionNumber, survived_faults
from gridledger.model.digest import Digest
from gridledger.model.identifier import SystemIdentifier
from gridledger.model.record import ModelValue, Record, record, value

__all__ = [
    "MAX_PLACES",
    "DeletionReceipt",
    "EntryOfRound",
    "ReviewLimits",
    "ReviewRules",
    "Round",
    "RoundEntry",
    "RoundHead",
    "RoundNumber",
    "RoundState",
    "SignedDeletionReceipt",
    "height_of_round",
    "master_of",
]

MAX_PLACES: Final = 16
"""Requests of a round: what its end reads by key."""

RoundNumber = Annotated[int, Field(ge=1, le=10**10 - 1)]
RoundKey = Annotated[bytes, Field(min_length=32, max_length=32)]
_Count = Annotated[int, Field(ge=0)]
_Limit = Annotated[int, Field(ge=1_000, le=86_400_000)]
_Threshold = Annotated[int, Field(ge=1, le=1_000)]


def height_of_round(heights: Iterable[int], nodes: int) -> int:
    """Return the height that a round begins with: the (f+1)-th highest checkpoint of n super nodes.

    Examples
    --------
    >>> height_of_round([7, 9, 1000], 4)
    9
    """
    return sorted(heights, reverse=True)[survived_faults(nodes)]


def master_of(entered: Sequence[str], *, height: int, requests: int, view: int) -> str:
    """Return the master; the module says how.

    Examples
    --------
    >>> master_of(["a", "b", "c"], height=7, requests=3, view=0)
    'b'
    """
    return sorted(entered)[(height + requests + view) % len(entered)]


class RoundState(StrEnum):
    """The life of a round."""

    OPEN = "open"
    """Takes requests and reviews them."""
    ENDED = "ended"
    """All of its requests are decided; copies are deleted, and the next round may begin."""
    CLOSED = "closed"
    """The receipts are there, or their time is over: the closing names who gave none."""


@value
class ReviewLimits(ModelValue):
    """How long a round's steps may take, and what comes of misbehaviour."""

    places: Annotated[int, Field(ge=1, le=MAX_PLACES)]
    """Requests that a round takes."""
    master_ms: _Limit
    """After this a request that the master has not taken replaces it."""
    review_ms: _Limit
    """After this a request without a decision has failed, counted from when its review began."""
    receipt_ms: _Limit
    """After this a missing deletion receipt is named."""
    loses_credit_at: _Threshold
    """So many misbehaviours cost the system behind it a rating of 0; the first one is a warning."""
    suspended_at: _Threshold
    """So many: it takes part in no round that begins later."""
    removed_at: _Threshold
    """So many: it has no seat from the next election on."""

    def lapse_ms(self, filed_ms: int) -> int:
        """Return when a request that no master took has failed: time to take it and time to review it."""
        return filed_ms + self.master_ms + self.review_ms

    def broken_rules(self) -> Iterable[tuple[str, str]]:
        if not self.loses_credit_at <= self.suspended_at <= self.removed_at:
            yield "suspended_at", "want loses_credit_at <= suspended_at <= removed_at"


@record("review-rules/1")
class ReviewRules(Record):
    """How a root's council reviews; a round keeps those that it began under."""

    root: SystemIdentifier
    version: Annotated[int, Field(ge=1)]
    limits: ReviewLimits
    set_ms: int


@value
class EntryOfRound(ModelValue):
    """What a super node says when it enters a round."""

    key: RoundKey
    """X25519 public key that it drew for this round alone: copies are sealed to it."""
    height: _Count
    """Blocks that its peer has committed: its checkpoint."""
    block: Digest
    """Hash of the last one's header, so that a wrong height is found."""


@record("round-entry/1")
class RoundEntry(Record):
    """A super node takes part in a round; written once."""

    root: SystemIdentifier
    round: RoundNumber
    node: CandidateId
    entry: EntryOfRound
    entered_ms: int


@record("round-head/1")
class RoundHead(Record):
    """The newest round."""

    number: RoundNumber


@record("round/1")
class Round(Record):
    """A round of reviews."""

    root: SystemIdentifier
    number: RoundNumber
    election: ElectionNumber
    """Of the council that it is of."""
    nodes: tuple[CandidateId, ...]
    """All n super nodes that count in it, sorted: those of the council that are not suspended."""
    entered: tuple[CandidateId, ...]
    """Those of them that entered before it began, sorted: at least ceil((2n+1)/3)."""
    height: _Count
    requests: _Count
    """Requests of all rounds before."""
    view: _Count
    """How often its master was replaced."""
    master: CandidateId
    limits: ReviewLimits
    begun_ms: int
    view_ms: int
    """When its master became master."""
    state: RoundState
    filed: Annotated[int, Field(ge=0, le=MAX_PLACES)] | None = None
    """Its requests, once it has ended."""
    receipts_until_ms: int | None = None
    """When their time is over, once it has ended."""
    missing: tuple[CandidateId, ...] | None = None
    """Who gave no deletion receipt before it was closed."""
    silent: tuple[CandidateId, ...] | None = None
    """Masters that were replaced though they had the request, sorted."""

    def broken_rules(self) -> Iterable[tuple[str, str]]:
        nodes, entered = list(self.nodes), list(self.entered)
        if not 1 <= len(nodes) <= MAX_SEATS or nodes != sorted(set(nodes)):
            yield "nodes", f"want 1 to {MAX_SEATS}, sorted, each once"
        if not entered or entered != sorted(set(entered)) or not set(entered) <= set(nodes):
            yield "entered", "want some of its nodes, sorted, each once"
        elif self.master != master_of(entered, height=self.height, requests=self.requests, view=self.view):
            yield "master", "is not what the formula says"


@record("deletion-receipt/1")
class DeletionReceipt(Record):
    """What a super node says and signs once it has deleted its copies of a round."""

    root: SystemIdentifier
    round: RoundNumber
    node: CandidateId
    key: RoundKey
    """Its key of the round, whose secret it has destroyed."""
    copies: Annotated[int, Field(ge=0, le=MAX_PLACES)]
    """Copies that it had."""
    height: _Count
    """Blocks that its peer had committed when it looked and found none of them any more."""
    is_swept: bool
    """Its queue, log and temporary files hold nothing of them either."""
    made_ms: int


@record("signed-deletion-receipt/1")
class SignedDeletionReceipt(Record):
    """A deletion receipt with the signature of its super node."""

    receipt: DeletionReceipt
    signature: Annotated[bytes, Field(min_length=8, max_length=72)]
