"""Chaincode as a service for Hyperledger Fabric: server, stub and contract layer."""

from __future__ import annotations

from gridledger.shim.chaincode import Chaincode
from gridledger.shim.composite_key import create_composite_key, split_composite_key
from gridledger.shim.creator import Creator
from gridledger.shim.endorsement_policy import KeyEndorsementPolicy, RoleType
from gridledger.shim.errors import PeerError, ProtocolError, TransactionClosed
from gridledger.shim.proposal import SignedProposal, Timestamp
from gridledger.shim.response import Response, Status, error, success
from gridledger.shim.results import (
    HistoryIterator,
    KeyModification,
    KeyValue,
    QueryResponseMetadata,
    StateIterator,
)
from gridledger.shim.server import ChaincodeServer
from gridledger.shim.settings import ServerSettings, TlsSettings
from gridledger.shim.stub import ChaincodeStub

__all__ = [
    "Chaincode",
    "ChaincodeServer",
    "ChaincodeStub",
    "Creator",
    "HistoryIterator",
    "KeyEndorsementPolicy",
    "KeyModification",
    "KeyValue",
    "PeerError",
    "ProtocolError",
    "QueryResponseMetadata",
    "Response",
    "RoleType",
    "ServerSettings",
    "SignedProposal",
    "StateIterator",
    "Status",
    "Timestamp",
    "TlsSettings",
    "TransactionClosed",
    "create_composite_key",
    "error",
    "split_composite_key",
    "success",
]
