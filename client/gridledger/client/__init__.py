"""A Fabric Gateway client: propose, endorse, submit, learn the outcome; events, identities, wallets.

    async with Gateway.connect(Connection.from_file("connection.json")) as gateway:
        contract = gateway.network("energy").contract("gridledger", "registry")
        system = await contract.evaluate("GetSystem", "88.1042.17")
        await contract.submit("RegisterSystem", application)

`gridledger.client.sync` has the same names without `await`.
"""

from gridledger.client.block import Block, BlockTransaction, verify_chain
from gridledger.client.collection import Collection, read_collections
from gridledger.client.commit import Commit, CommitStatus
from gridledger.client.connection import Connection
from gridledger.client.contract import Committed, Contract
from gridledger.client.deadlines import Deadlines
from gridledger.client.errors import (
    CommitConflict,
    CommitError,
    CommitStatusError,
    EndorseError,
    EndpointDetail,
    EvaluateError,
    EventsError,
    OutcomeUnknown,
    PeerCallError,
    RpcError,
    SubmitError,
)
from gridledger.client.gateway import Gateway
from gridledger.client.identity import Identity
from gridledger.client.lifecycle import ChaincodeDefinition, CommittedDefinition, Lifecycle
from gridledger.client.network import Network
from gridledger.client.peer import ChainInfo, InstalledChaincode, Peer
from gridledger.client.pem import Pem
from gridledger.client.policy import EndorsementPolicy
from gridledger.client.proposal import Proposal
from gridledger.client.retry import Backoff, RetryPolicy
from gridledger.client.signer import EcdsaSigner, Signer, low_s
from gridledger.client.transaction import Transaction
from gridledger.client.validation import ValidationCode

__all__ = [
    "Backoff",
    "Block",
    "BlockTransaction",
    "ChainInfo",
    "ChaincodeDefinition",
    "Collection",
    "Commit",
    "CommitConflict",
    "CommitError",
    "CommitStatus",
    "CommitStatusError",
    "Committed",
    "CommittedDefinition",
    "Connection",
    "Contract",
    "Deadlines",
    "EcdsaSigner",
    "EndorseError",
    "EndorsementPolicy",
    "EndpointDetail",
    "EvaluateError",
    "EventsError",
    "Gateway",
    "Identity",
    "InstalledChaincode",
    "Lifecycle",
    "Network",
    "OutcomeUnknown",
    "Peer",
    "PeerCallError",
    "Pem",
    "Proposal",
    "RetryPolicy",
    "RpcError",
    "Signer",
    "SubmitError",
    "Transaction",
    "ValidationCode",
    "low_s",
    "read_collections",
    "verify_chain",
]
