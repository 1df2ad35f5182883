"""The council: super nodes that are elected, and order and review.

gridledger.council.council_ledger   the contract `council` as typed calls
gridledger.council.recount          counts an election again from its votes
gridledger.council.review_ledger    the same contract: rounds, reviews and deletion as typed calls
gridledger.council.super_node       a super node's part in rounds
gridledger.council.review_copy      a user's request, and the copies that are handed out

Source: Luo and Jin, double-link data storage and sharing model: section 3, consensus layer, and 4.2.
"""

from __future__ import annotations

from gridledger.council.council_ledger import CouncilLedger
from gridledger.council.recount import differences
from gridledger.council.review_copy import file_request
from gridledger.council.review_ledger import ReviewLedger
from gridledger.council.round_key_store import RoundKeyStore
from gridledger.council.super_node import SuperNode

__all__ = [
    "CouncilLedger",
    "ReviewLedger",
    "RoundKeyStore",
    "SuperNode",
    "differences",
    "file_request",
]
