"""Reviews of the council: requests, copies, verdicts, what deviating ones answer, and misbehaviour.

Source: Luo and Jin, double-link data storage and sharing model: 4.2, steps 2 to 7 and 9.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Annotated, Final

from pydantic import Field, StringConstraints

from gridledger.model.council import MAX_SEATS, CandidateId
from gridledger.model.council_round import (
    MAX_PLACES,
    Round,
    RoundEntry,
    RoundNumber,
    SignedDeletionReceipt,
)
from gridledger.model.dataset import DatasetIdentifier, VersionNumber
from gridledger.model.digest import Digest
from gridledger.model.identifier import SystemIdentifier
from gridledger.model.record import ModelValue, Record, record, value
from gridledger.model.sharing import AccessRequestId, Organisation
from gridledger.model.system import ShortText

__all__ = [
    "MAX_COPY_BYTES",
    "Authority",
    "Conduct",
    "HandedCopies",
    "Handling",
    "Misbehaviour",
    "MisbehaviourKind",
    "ReviewApproval",
    "ReviewCopy",
    "ReviewId",
    "ReviewProblem",
    "ReviewRequest",
    "ReviewResponse",
    "ReviewState",
    "ReviewStatement",
    "ReviewVerdict",
    "ReviewView",
    "RoundPlace",
    "RoundView",
    "SignedReviewStatement",
]

MAX_COPY_BYTES: Final = 65_536
"""Of a sealed copy: a description or a sample, not a payload."""

ReviewId = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
_Place = Annotated[int, Field(ge=0, lt=MAX_PLACES)]


class ReviewState(StrEnum):
    """The life of a request for review."""

    FILED = "filed"
    """It waits for the master."""
    REFUSED = "refused"
    """The user has no authority."""
    REVIEWED = "in-review"
    """Super nodes have copies, and give verdicts."""
    APPROVED = "approved"
    REJECTED = "rejected"
    FAILED = "failed"
    """Its time was over before enough super nodes agreed."""

    @property
    def is_decided(self) -> bool:
        """Whether nothing comes any more."""
        return self not in (ReviewState.FILED, ReviewState.REVIEWED)


class Authority(StrEnum):
    """What the contract finds of a user's authority, from the ledger."""

    GIVEN = "given"
    SYSTEM = "system"
    """The system is not in force any more."""
    SUBJECT = "subject"
    """There is no such access request, or no such version with this statement."""
    PARTY = "party"
    """It is of other systems: an access request is its application's and the dataset's owner's."""
    RIGHT = "right"
    """The access request was refused, or its time is over."""


class ReviewProblem(StrEnum):
    """What a super node finds against a request."""

    COPY = "copy"
    """The copy does not open, or is not what the request's digest says."""
    AUTHORITY = "authority"
    RULE = "rule"
    """A rule of the super node's own."""


class MisbehaviourKind(StrEnum):
    """What a super node did, each a fact that the contract checks."""

    DEVIATION = "deviation"
    """Its verdict is against the decision."""
    SILENCE = "silence"
    """It had a copy and gave no verdict, and the request failed."""
    SILENT_MASTER = "silent-master"
    """It was replaced as master."""
    NO_RECEIPT = "no-receipt"
    """It gave no deletion receipt in time."""


class Handling(StrEnum):
    """What comes of a super node's misbehaviour."""

    WARNED = "warned"
    CREDIT_LOST = "credit-lost"
    SUSPENDED = "suspended"
    REMOVED = "removed"


@record("review-statement/1")
class ReviewStatement(Record):
    """What a user asks the council to review: an access request or a version of a dataset."""

    root: SystemIdentifier
    round: RoundNumber
    system: SystemIdentifier
    """Whose agent asks."""
    access: AccessRequestId | None = None
    dataset: DatasetIdentifier | None = None
    number: VersionNumber | None = None
    proposal: Digest | None = None
    """Of the version's statement as it was proposed; a number alone may be proposed anew."""
    digest: Digest
    """SHA-256 of the content that is reviewed; it goes to super nodes sealed."""
    made_ms: int
    nonce: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_\-]{16,64}$")]

    def broken_rules(self) -> Iterable[tuple[str, str]]:
        version = self.dataset is not None, self.number is not None
        if version not in ((True, True), (False, False)) or version[0] is (self.access is not None):
            yield "", "want either an access request or a dataset with a number"
        if self.proposal is not None and self.dataset is None:
            yield "proposal", "belongs to a dataset with a number"

    @property
    def id(self) -> str:
        """SHA-256 of the bytes, in hexadecimal: the request's id."""
        return str(Digest.of(self.to_bytes()))

    @property
    def subject(self) -> str:
        """What an approval is of: the access request's id, or the digest of the version's statement."""
        return self.access or str(self.proposal or "")


@value
class SignedReviewStatement(ModelValue):
    """A statement with the signature of the system's agent."""

    statement: ReviewStatement
    signature: Annotated[bytes, Field(min_length=8, max_length=72)]


@record("review-request/1")
class ReviewRequest(Record):
    """A request for review, where it is, and what was decided."""

    signed: SignedReviewStatement
    organisation: Organisation
    place: _Place
    path: Annotated[tuple[CandidateId, ...], Field(min_length=1, max_length=2 * MAX_SEATS)]
    """Super nodes that it came to, in their order; the last one has it."""
    state: ReviewState
    filed_ms: int
    authority: Authority | None = None
    review_until_ms: int | None = None
    """First moment at which verdicts count no more."""
    decided_ms: int | None = None
    approvals: tuple[CandidateId, ...] | None = None
    rejections: tuple[CandidateId, ...] | None = None

    @property
    def holder(self) -> str:
        """The super node that has it."""
        return self.path[-1]


@record("round-place/1")
class RoundPlace(Record):
    """A place of a round is taken by a request; written once, so a round's requests need no counter."""

    request: ReviewId


@record("review-copy/1")
class ReviewCopy(Record):
    """A copy was handed to a super node; the copy itself is private data of its organisation."""

    sealed: Digest
    """SHA-256 of what was sealed."""
    handed_ms: int


@value
class HandedCopies(ModelValue):
    """Who was handed copies of a request."""

    request: ReviewId
    nodes: tuple[CandidateId, ...]


@record("review-approval/1")
class ReviewApproval(Record):
    """The council approved something; written once, under what it is of, for contracts that ask."""

    request: ReviewId
    """The first request for review of it that was approved."""
    approved_ms: int


@record("review-verdict/1")
class ReviewVerdict(Record):
    """A super node's verdict; written once."""

    node: CandidateId
    problems: tuple[ReviewProblem, ...] = ()
    """Sorted; empty: it approves."""
    deposited_ms: int

    def broken_rules(self) -> Iterable[tuple[str, str]]:
        if list(self.problems) != sorted(set(self.problems)):
            yield "problems", "want them sorted, each once"

    @property
    def approves(self) -> bool:
        """Whether it found nothing."""
        return not self.problems


@record("review-response/1")
class ReviewResponse(Record):
    """What a super node answers the master where others reviewed otherwise."""

    node: CandidateId
    approves: bool
    differing: tuple[CandidateId, ...]
    """Whose verdicts differ from its own, sorted."""
    analysis: ShortText
    deposited_ms: int


@record("misbehaviour/1")
class Misbehaviour(Record):
    """What the master named, with the fact that the contract checked; written once."""

    node: CandidateId
    round: RoundNumber
    kind: MisbehaviourKind
    request: ReviewId | None = None
    reason: ShortText
    named_by: CandidateId
    named_ms: int


@record("conduct/1")
class Conduct(Record):
    """What a super node has been named for so far, and what came of it."""

    root: SystemIdentifier
    node: CandidateId
    misbehaviours: Annotated[int, Field(ge=1)]
    handling: Handling


@value
class ReviewView(ModelValue):
    """A request with all that super nodes said about it."""

    request: ReviewRequest
    copies: tuple[CandidateId, ...]
    """Who was handed one."""
    verdicts: tuple[ReviewVerdict, ...]
    responses: tuple[ReviewResponse, ...]


@value
class RoundView(ModelValue):
    """A round with its entries, requests and deletion receipts."""

    round: Round
    entries: tuple[RoundEntry, ...]
    requests: tuple[ReviewRequest, ...]
    receipts: tuple[SignedDeletionReceipt, ...]
