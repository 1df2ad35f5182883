"""Pages of the contract council; the bookmark of the next page is empty at the end."""

from __future__ import annotations

from gridledger.model.council import Candidate, Election, Vote
from gridledger.model.record import ModelValue, value

__all__ = ["CandidacyPage", "ElectionPage", "VotePage"]


@value
class CandidacyPage(ModelValue):
    """Candidates of a root, whatever their state."""

    candidates: tuple[Candidate, ...]
    bookmark: str


@value
class ElectionPage(ModelValue):
    """Elections of a root, by number."""

    elections: tuple[Election, ...]
    bookmark: str


@value
class VotePage(ModelValue):
    """Votes of an election, by organisation."""

    votes: tuple[Vote, ...]
    bookmark: str
