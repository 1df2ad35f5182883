"""The contract `council`: candidates, votes and elections of super nodes.

Source: Luo and Jin, double-link data storage and sharing model: section 3, consensus layer, and 4.2.
"""

from __future__ import annotations

from gridledger.chaincode.candidate_transactions import CandidateTransactions
from gridledger.chaincode.election_transactions import ElectionTransactions

__all__ = ["CouncilContract"]


class CouncilContract(CandidateTransactions, ElectionTransactions):
    """Who sits in the council; its functions stand in one module a noun."""

    name = "council"
