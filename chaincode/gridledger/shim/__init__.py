"""Chaincode as a service for Hyperledger Fabric: server, stub and contract layer."""

from __future__ import annotations

from gridledger.shim.chaincode import Chaincode
from gridledger.shim.composite_key import create_composite_key, split_composite_key
from gridledger.shim.context import Context, Page, Row, Version
from gridledger.shim.contract import Contract, ContractChaincode
from gridledger.shim.creator import Creator
from gridledger.shim.endorsement_policy import KeyEndorsementPolicy, RoleType
from gridledger.shim.errors import PeerError, ProtocolError, TransactionClosed
from gridledger.shim.function import query, transaction
from gridledger.shim.key import Key
from gridledger.shim.proposal import SignedProposal, Timestamp
from gridledger.shim.response import Response, Status, error, refusal, success
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
    "Context",
    "Contract",
    "ContractChaincode",
    "Creator",
    "HistoryIterator",
    "Key",
    "KeyEndorsementPolicy",
    "KeyModification",
    "KeyValue",
    "Page",
    "PeerError",
    "ProtocolError",
    "QueryResponseMetadata",
    "Response",
    "RoleType",
    "Row",
    "ServerSettings",
    "SignedProposal",
    "StateIterator",
    "Status",
    "Timestamp",
    "TlsSettings",
    "TransactionClosed",
    "Version",
    "create_composite_key",
    "error",
    "query",
    "refusal",
    "split_composite_key",
    "success",
    "transaction",
]
