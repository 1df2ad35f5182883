"""The council: super nodes that are elected, and order and review.

gridledger.council.council_ledger   the contract `council` as typed calls
gridledger.council.recount          counts an election again from its votes
gridledger.council.review_ledger    the same contract: rounds, reviews and deletion as typed calls
gridledger.council.super_node       a super node's part in rounds
gridledger.council.review_rule      the rules that a super node reviews by
gridledger.council.review_copy      a user's request, and how its content is sealed
gridledger.council.copy_desk        a super node's copies: opened, handed to others
gridledger.council.copy_audit       looks for the copies and keys of a round that should be gone

Source: Luo and Jin, double-link data storage and sharing model: section 3, consensus layer, and 4.2.
"""

from __future__ import annotations

from gridledger.council.council_ledger import CouncilLedger
from gridledger.council.recount import differences
from gridledger.council.review_copy import bring_to_master, file_request
from gridledger.council.review_ledger import ReviewLedger
from gridledger.council.round_key_store import RoundKeyStore
from gridledger.council.super_node import SuperNode

__all__ = [
    "CouncilLedger",
    "ReviewLedger",
    "RoundKeyStore",
    "SuperNode",
    "bring_to_master",
    "differences",
    "file_request",
]
