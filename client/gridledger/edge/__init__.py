"""The edge: side devices that send without a name, storage nodes that keep what they send, receivers.

gridledger.edge.side_device      a side device: draws a ring, seals, signs, sends
gridledger.edge.storage_node     a storage node's server: deposits, copies, repair
gridledger.edge.receiver         a receiver: scans, fetches, opens, signs
gridledger.edge.collecting       all that a receiver gets in a period
gridledger.edge.issuer           an issuer: gives side devices their membership keys
gridledger.edge.edge_ledger      the contract `edge` as typed calls

Source: Zeng et al., power data storage and sharing method based on blockchain and data lake: edge layer.
"""

from __future__ import annotations

from gridledger.edge.collecting import collect_period
from gridledger.edge.edge_ledger import EdgeLedger
from gridledger.edge.envelope_store import EnvelopeStore
from gridledger.edge.issuer import issue_period
from gridledger.edge.membership_wallet import MembershipWallet
from gridledger.edge.receiver import Receiver, scan
from gridledger.edge.side_device import SideDevice
from gridledger.edge.storage_node import StorageNodeServer

__all__ = [
    "EdgeLedger",
    "EnvelopeStore",
    "MembershipWallet",
    "Receiver",
    "SideDevice",
    "StorageNodeServer",
    "collect_period",
    "issue_period",
    "scan",
]
