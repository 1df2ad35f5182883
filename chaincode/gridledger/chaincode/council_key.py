"""The keys of the council's records: the key tree of chaincode/LEDGER.md, section 2."""

from __future__ import annotations

from gridledger.model.council import Candidate, CandidateMark, Council, CouncilRules, Election, Vote
from gridledger.model.identifier import SystemIdentifier
from gridledger.model.keys import KeyPrefix
from gridledger.shim import Key

__all__ = [
    "candidate_key",
    "candidate_mark_key",
    "candidates_of",
    "council_key",
    "council_rules_key",
    "election_key",
    "elections_of",
    "vote_key",
    "votes_of",
]


def council_key(root: SystemIdentifier) -> Key[Council]:
    return Key(Council, KeyPrefix.COUNCIL, str(root))


def council_rules_key(root: SystemIdentifier) -> Key[CouncilRules]:
    return Key(CouncilRules, KeyPrefix.COUNCIL_RULES, str(root))


def candidate_key(candidate: str) -> Key[Candidate]:
    return Key(Candidate, KeyPrefix.CANDIDATE, candidate)


def candidate_mark_key(root: SystemIdentifier, candidate: str) -> Key[CandidateMark]:
    return Key(CandidateMark, KeyPrefix.CANDIDATE_BY_ROOT, str(root), candidate)


def candidates_of(root: SystemIdentifier) -> Key[CandidateMark]:
    return Key(CandidateMark, KeyPrefix.CANDIDATE_BY_ROOT, str(root))


def election_key(root: SystemIdentifier, number: int) -> Key[Election]:
    return Key(Election, KeyPrefix.ELECTION, str(root), _number(number))


def elections_of(root: SystemIdentifier) -> Key[Election]:
    return Key(Election, KeyPrefix.ELECTION, str(root))


def vote_key(root: SystemIdentifier, election: int, organisation: str) -> Key[Vote]:
    return Key(Vote, KeyPrefix.VOTE, str(root), _number(election), organisation)


def votes_of(root: SystemIdentifier, election: int) -> Key[Vote]:
    return Key(Vote, KeyPrefix.VOTE, str(root), _number(election))


def _number(number: int) -> str:
    return f"{number:06}"
