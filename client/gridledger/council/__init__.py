"""The council: super nodes that are elected, and order and review.

gridledger.council.council_ledger   the contract `council` as typed calls
gridledger.council.recount          counts an election again from its votes

Source: Luo and Jin, double-link data storage and sharing model: section 3, consensus layer, and 4.2.
"""

from __future__ import annotations

from gridledger.council.council_ledger import CouncilLedger
from gridledger.council.recount import differences

__all__ = ["CouncilLedger", "differences"]
