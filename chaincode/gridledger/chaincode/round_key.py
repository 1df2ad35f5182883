"""The keys of rounds and reviews: the key tree of chaincode/LEDGER.md, section 2; and where copies stand."""

from __future__ import annotations

from gridledger.model.council_review import (
    Conduct,
    Misbehaviour,
    ReviewApproval,
    ReviewCopy,
    ReviewRequest,
    ReviewResponse,
    ReviewVerdict,
    RoundPlace,
)
from gridledger.model.council_round import (
    ReviewRules,
    Round,
    RoundEntry,
    RoundHead,
    SignedDeletionReceipt,
)
from gridledger.model.identifier import SystemIdentifier
from gridledger.model.keys import KeyPrefix
from gridledger.shim import Key

__all__ = [
    "approval_key",
    "collection_of",
    "conduct_key",
    "copy_key",
    "deletion_receipt_key",
    "misbehaviour_key",
    "place_key",
    "request_key",
    "response_key",
    "review_rules_key",
    "round_entry_key",
    "round_head_key",
    "round_key",
    "verdict_key",
]


def review_rules_key(root: SystemIdentifier) -> Key[ReviewRules]:
    return Key(ReviewRules, KeyPrefix.REVIEW_RULES, str(root))


def round_head_key(root: SystemIdentifier) -> Key[RoundHead]:
    return Key(RoundHead, KeyPrefix.ROUND_HEAD, str(root))


def round_key(root: SystemIdentifier, number: int) -> Key[Round]:
    return Key(Round, KeyPrefix.ROUND, str(root), _round(number))


def round_entry_key(root: SystemIdentifier, number: int, node: str) -> Key[RoundEntry]:
    return Key(RoundEntry, KeyPrefix.ROUND_ENTRY, str(root), _round(number), node)


def place_key(root: SystemIdentifier, number: int, place: int) -> Key[RoundPlace]:
    return Key(RoundPlace, KeyPrefix.ROUND_PLACE, str(root), _round(number), f"{place:02}")


def request_key(request: str) -> Key[ReviewRequest]:
    return Key(ReviewRequest, KeyPrefix.REVIEW_REQUEST, request)


def copy_key(request: str, node: str) -> Key[ReviewCopy]:
    """Return the key of a copy: the copy itself stands under it in the organisation's collection."""
    return Key(ReviewCopy, KeyPrefix.REVIEW_COPY, request, node)


def verdict_key(request: str, node: str) -> Key[ReviewVerdict]:
    return Key(ReviewVerdict, KeyPrefix.REVIEW_VERDICT, request, node)


def approval_key(root: SystemIdentifier, subject: str) -> Key[ReviewApproval]:
    """Return the key of an approval; a subject is `ReviewStatement.subject`."""
    return Key(ReviewApproval, KeyPrefix.REVIEW_APPROVAL, str(root), subject)


def response_key(request: str, node: str) -> Key[ReviewResponse]:
    return Key(ReviewResponse, KeyPrefix.REVIEW_RESPONSE, request, node)


def misbehaviour_key(root: SystemIdentifier, node: str, cause: str, kind: str) -> Key[Misbehaviour]:
    return Key(Misbehaviour, KeyPrefix.MISBEHAVIOUR, str(root), node, cause, kind)


def conduct_key(root: SystemIdentifier, node: str) -> Key[Conduct]:
    return Key(Conduct, KeyPrefix.CONDUCT, str(root), node)


def deletion_receipt_key(root: SystemIdentifier, number: int, node: str) -> Key[SignedDeletionReceipt]:
    return Key(SignedDeletionReceipt, KeyPrefix.DELETION_RECEIPT, str(root), _round(number), node)


def collection_of(organisation: str) -> str:
    """Return the private collection that every organisation has by itself."""
    return f"_implicit_org_{organisation}"


def _round(number: int) -> str:
    return f"{number:010}"
