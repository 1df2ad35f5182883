"""The contract `edge`: storage nodes, side devices and their membership keys, envelopes, shares.

Source: Zeng et al., edge layer: ring signature and CryptoNote between side devices and storage nodes.
"""

from __future__ import annotations

from gridledger.chaincode.envelope_transactions import EnvelopeTransactions
from gridledger.chaincode.membership_transactions import MembershipTransactions
from gridledger.chaincode.node_transactions import NodeTransactions
from gridledger.chaincode.share_transactions import ShareTransactions

__all__ = ["EdgeContract"]


class EdgeContract(NodeTransactions, MembershipTransactions, EnvelopeTransactions, ShareTransactions):
    """What side devices send without a name; its functions stand in one module a noun."""

    name = "edge"
