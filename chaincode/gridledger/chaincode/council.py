"""The contract `council`: elections of super nodes, and what they review in rounds.

Source: Luo and Jin, double-link data storage and sharing model: section 3, consensus layer, and 4.2.
"""

from __future__ import annotations

from gridledger.chaincode.candidate_transactions import CandidateTransactions
from gridledger.chaincode.election_transactions import ElectionTransactions
from gridledger.chaincode.review_transactions import ReviewTransactions
from gridledger.chaincode.round_transactions import RoundTransactions
from gridledger.chaincode.verdict_transactions import VerdictTransactions

__all__ = ["CouncilContract"]


class CouncilContract(
    CandidateTransactions, ElectionTransactions, RoundTransactions, ReviewTransactions, VerdictTransactions
):
    """Who sits in the council, and what it reviews; its functions stand in one module a noun."""

    name = "council"
