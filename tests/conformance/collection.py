"""The private data collections of the script probe."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

BOTH_ARE_MEMBERS = "OR('Org1MSP.member','Org2MSP.member')"
ORG1_IS_MEMBER = "OR('Org1MSP.member')"


class Collection(StrEnum):
    """Names of collections; what each is for."""

    SHARED = "shared"
    """Both organisations."""

    ORG1 = "org1"
    """Organisation 1; only its members read and write."""

    ORG1_OPEN = "org1Open"
    """Organisation 1; whoever may call the chaincode reads and writes."""

    TWO_BLOCKS = "twoBlocks"
    """Both organisations; values live for two blocks."""

    ENDORSED_BY_ORG2 = "endorsedByOrg2"
    """Both organisations; organisation 2 alone endorses."""


def collection(
    name: str, policy: str, *, blocks: int = 0, member_only: bool = True, endorsement: str | None = None
) -> dict[str, Any]:
    """Describe a collection as Fabric's collections JSON does."""
    value: dict[str, Any] = {
        "name": name,
        "policy": policy,
        "requiredPeerCount": 0,
        "maxPeerCount": 1,
        "blockToLive": blocks,
        "memberOnlyRead": member_only,
        "memberOnlyWrite": member_only,
    }
    if endorsement is not None:
        value["endorsementPolicy"] = {"signaturePolicy": endorsement}
    return value


COLLECTIONS = [
    collection(Collection.SHARED, BOTH_ARE_MEMBERS),
    collection(Collection.ORG1, ORG1_IS_MEMBER),
    collection(Collection.ORG1_OPEN, ORG1_IS_MEMBER, member_only=False),
    collection(Collection.TWO_BLOCKS, BOTH_ARE_MEMBERS, blocks=2),
    collection(Collection.ENDORSED_BY_ORG2, BOTH_ARE_MEMBERS, endorsement="OR('Org2MSP.peer')"),
]
