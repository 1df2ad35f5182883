"""The private data collections of the script probe."""

from __future__ import annotations

from enum import StrEnum

from gridledger.client import Collection as Definition
from gridledger.client import EndorsementPolicy

BOTH = EndorsementPolicy("OR('Org1MSP.member','Org2MSP.member')")
ORG1_ALONE = EndorsementPolicy("OR('Org1MSP.member')")


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


COLLECTIONS = [
    Definition(name=Collection.SHARED, policy=BOTH, member_only_read=True, member_only_write=True),
    Definition(name=Collection.ORG1, policy=ORG1_ALONE, member_only_read=True, member_only_write=True),
    Definition(name=Collection.ORG1_OPEN, policy=ORG1_ALONE),
    Definition(name=Collection.TWO_BLOCKS, policy=BOTH, block_to_live=2),
    Definition(
        name=Collection.ENDORSED_BY_ORG2,
        policy=BOTH,
        endorsement_policy=EndorsementPolicy("OR('Org2MSP.peer')"),
    ),
]
