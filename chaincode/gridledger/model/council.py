"""The council: rules, candidates, votes and elections, and who sits in it.

With n super nodes ceil((2n+1)/3) approvals decide, and floor((n-1)/3) faulty ones are survived: two decisions
have an honest super node in common, and the faulty ones can stop none.

Source: Luo and Jin, double-link data storage and sharing model: 4.2, election of super nodes (DPOS).
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Annotated, Final

from pydantic import Field, StringConstraints

from gridledger.model.digest import Digest
from gridledger.model.identifier import SystemIdentifier
from gridledger.model.record import ModelValue, Record, record, value
from gridledger.model.sharing import Organisation
from gridledger.model.system import Agent, Credit, ShortText

__all__ = [
    "LONGEST_TERM_MS",
    "MAX_ELECTORS",
    "MAX_SEATS",
    "Candidacy",
    "CandidacyEntry",
    "Candidate",
    "CandidateId",
    "CandidateMark",
    "Council",
    "CouncilMember",
    "CouncilRules",
    "Election",
    "ElectionNumber",
    "ElectionResult",
    "ElectionRules",
    "ElectionState",
    "Elector",
    "Hindrance",
    "Tally",
    "Vote",
    "VoteEntry",
    "quorum",
    "survived_faults",
]

MAX_SEATS: Final = 40
"""Super nodes of a council: PBFT's messages grow with their square."""

MAX_ELECTORS: Final = 128
"""Organisations with a vote: a count reads all their votes by key in one round trip."""

LONGEST_TERM_MS: Final = 5 * 366 * 86_400_000

CandidateId = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]
"""Name of the key of the super node's agent."""
ElectionNumber = Annotated[int, Field(ge=1, le=999_999)]
Weight = Annotated[int, Field(ge=1, le=10**9)]
OrdererAddress = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9.\-]{1,253}:[1-9][0-9]{0,4}$")]

_Count = Annotated[int, Field(ge=0)]


def quorum(nodes: int) -> int:
    """Return how many approvals decide: ceil((2n+1)/3).

    Examples
    --------
    >>> [quorum(n) for n in (1, 4, 5, 7)]
    [1, 3, 4, 5]
    """
    return -(-(2 * nodes + 1) // 3)


def survived_faults(nodes: int) -> int:
    """Return how many faulty super nodes are survived: floor((n-1)/3).

    Examples
    --------
    >>> [survived_faults(n) for n in (1, 4, 5, 7)]
    [0, 1, 1, 2]
    """
    return (nodes - 1) // 3


class Candidacy(StrEnum):
    """The life of a candidacy."""

    PROPOSED = "proposed"
    """The super node has registered; its system has not said that it is its own."""
    STANDING = "standing"
    WITHDRAWN = "withdrawn"


class ElectionState(StrEnum):
    """The life of an election."""

    OPEN = "open"
    DECIDED = "decided"
    """It was counted, and its council took office."""
    VOID = "void"
    """It was counted, and fewer could be elected than there are seats: the earlier council stays."""


class Hindrance(StrEnum):
    """Why somebody who got votes has no seat."""

    CANDIDACY = "candidacy"
    """The candidacy was withdrawn, or stands below another root."""
    SYSTEM = "system"
    """The system behind it is not in force."""
    CREDIT = "credit"
    """The system's credit is less than the least."""
    REMOVED = "removed"
    """It was removed for its conduct."""
    ORGANISATION = "organisation"
    """Its organisation has as many seats as the rules allow."""
    SEATS = "seats"
    """Others had more weight."""


@value
class Elector(ModelValue):
    """An organisation with a vote, and what its vote weighs."""

    organisation: Organisation
    weight: Weight


@value
class ElectionRules(ModelValue):
    """How a council is elected."""

    seats: Annotated[int, Field(ge=1, le=MAX_SEATS)]
    seats_per_organisation: Annotated[int, Field(ge=1, le=MAX_SEATS)]
    """Super nodes of one organisation fail together."""
    term_ms: Annotated[int, Field(ge=60_000, le=LONGEST_TERM_MS)]
    electors: tuple[Elector, ...]
    """By organisation, sorted."""

    def broken_rules(self) -> Iterable[tuple[str, str]]:
        names = [one.organisation for one in self.electors]
        if not 1 <= len(names) <= MAX_ELECTORS or names != sorted(set(names)):
            yield "electors", f"want 1 to {MAX_ELECTORS}, sorted by organisation, each once"


@record("council-rules/1")
class CouncilRules(Record):
    """How a root's council is elected; a change counts for elections that are opened later."""

    root: SystemIdentifier
    version: Annotated[int, Field(ge=1)]
    election: ElectionRules
    set_ms: int


@value
class CandidacyEntry(ModelValue):
    """What a super node says of itself."""

    name: ShortText
    system: SystemIdentifier
    """The system whose credit is its standing, of the same organisation."""
    orderer: OrdererAddress | None = None
    """Address of the organisation's orderer, which becomes a consenter."""


@record("council-candidate/1")
class Candidate(Record):
    """A super node that stands for election below a root."""

    id: CandidateId
    root: SystemIdentifier
    entry: CandidacyEntry
    agent: Agent
    """Acts for it and signs for it."""
    state: Candidacy
    registered_ms: int
    changed_ms: int | None = None

    @property
    def organisation(self) -> str:
        """The MSP of its agent."""
        return self.agent.msp_id


@record("council-candidate-mark/1")
class CandidateMark(Record):
    """A candidate registered below a root."""

    name: ShortText


@value
class VoteEntry(ModelValue):
    """For whom an organisation votes, or to whom it delegates its vote."""

    candidates: tuple[CandidateId, ...] = ()
    """Each gets the whole weight; sorted, at most as many as there are seats."""
    delegate: Organisation | None = None
    """Another elector, whose vote counts with this weight, too."""

    def broken_rules(self) -> Iterable[tuple[str, str]]:
        if len(self.candidates) > MAX_SEATS or list(self.candidates) != sorted(set(self.candidates)):
            yield "candidates", f"want at most {MAX_SEATS}, sorted, each once"
        if bool(self.candidates) is (self.delegate is not None):
            yield "", "want either candidates or a delegate"


@record("council-vote/1")
class Vote(Record):
    """An organisation's vote in an election."""

    root: SystemIdentifier
    election: ElectionNumber
    organisation: Organisation
    entry: VoteEntry
    cast_ms: int


@value
class Tally(ModelValue):
    """What a candidate got."""

    candidate: CandidateId
    organisation: Organisation | None = None
    """None where there is no such candidate any more."""
    weight: Weight
    votes: Annotated[int, Field(ge=1)]
    """Organisations whose weight it is."""
    credit: Credit
    since_ms: int
    """When it registered."""
    hindrance: Hindrance | None = None
    """Why it has no seat; None where it has one."""


@value
class ElectionResult(ModelValue):
    """An election's count: who looks at the votes comes to the same."""

    counted_ms: int
    votes: _Count
    """Votes that stood when it was counted."""
    weight_cast: _Count
    weight_total: _Count
    vote_digest: Digest
    """SHA-256 of the votes' bytes, one after another in the order of their organisations."""
    tallies: tuple[Tally, ...]
    """In the order of the count; those with a seat are the council."""

    @property
    def elected(self) -> tuple[str, ...]:
        """Who has a seat, in the order of the count."""
        return tuple(one.candidate for one in self.tallies if one.hindrance is None)


@record("council-election/1")
class Election(Record):
    """An election, with the rules that it was opened under; its result, once it is counted."""

    root: SystemIdentifier
    number: ElectionNumber
    rules: ElectionRules
    rules_version: Annotated[int, Field(ge=1)]
    opened_ms: int
    closes_ms: int
    """First moment at which no vote counts any more."""
    state: ElectionState
    result: ElectionResult | None = None

    def broken_rules(self) -> Iterable[tuple[str, str]]:
        if (self.state is ElectionState.OPEN) is not (self.result is None):
            yield "result", "stands there once it is counted"


@value
class CouncilMember(ModelValue):
    """A super node of the council."""

    id: CandidateId
    name: ShortText
    system: SystemIdentifier
    agent: Agent
    orderer: OrdererAddress | None = None

    @property
    def organisation(self) -> str:
        """The MSP of its agent."""
        return self.agent.msp_id


@record("council/1")
class Council(Record):
    """Who sits in a root's council; earlier ones stand in the history of the key."""

    root: SystemIdentifier
    election: ElectionNumber
    members: tuple[CouncilMember, ...]
    """By id, sorted."""
    starts_ms: int
    ends_ms: int

    def broken_rules(self) -> Iterable[tuple[str, str]]:
        ids = [one.id for one in self.members]
        if not 1 <= len(ids) <= MAX_SEATS or ids != sorted(set(ids)):
            yield "members", f"want 1 to {MAX_SEATS}, sorted by id, each once"

    def member(self, node: str) -> CouncilMember | None:
        """Return one of its super nodes."""
        return next((one for one in self.members if one.id == node), None)
