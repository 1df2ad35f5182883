"""The names of `gridledger.client` for programs without an event loop: calls wait for their end.

    with Gateway.connect(Connection.from_file("connection.json")) as gateway:
        contract = gateway.network("energy").contract("gridledger", "registry")
        system = contract.evaluate("GetSystem", "88.1042.17")

There is one implementation, the asynchronous one; one thread in the background runs it for the whole process.
"""

from gridledger.client.block import Block, BlockTransaction, verify_chain
from gridledger.client.ca_address import CaAddress
from gridledger.client.chain_info import ChainInfo
from gridledger.client.chaincode_events import ChaincodeEvent
from gridledger.client.checkpoint import Position
from gridledger.client.collection import Collection, read_collections
from gridledger.client.commit import CommitStatus
from gridledger.client.connection import Connection
from gridledger.client.contract import Committed
from gridledger.client.credentials import Credentials
from gridledger.client.deadlines import Deadlines
from gridledger.client.errors import (
    CommitConflict,
    CommitError,
    CommitStatusError,
    EndorseError,
    EndorsementsDiffer,
    EndpointDetail,
    EvaluateError,
    EventsError,
    OutcomeUnknown,
    PeerCallError,
    ProofRefused,
    RpcError,
    SubmitError,
)
from gridledger.client.filtered_block import FilteredBlock, FilteredTransaction
from gridledger.client.hfc_wallet import HfcWallet
from gridledger.client.identity import Identity
from gridledger.client.lifecycle import ChaincodeDefinition, CommittedDefinition
from gridledger.client.msp_identity import MspIdentity
from gridledger.client.peer import InstalledChaincode
from gridledger.client.pem import Pem
from gridledger.client.policy import EndorsementPolicy
from gridledger.client.private_data import BlockAndPrivateData, PrivateWrite
from gridledger.client.private_key import new_private_key, open_private_key
from gridledger.client.profile import ConnectionProfile
from gridledger.client.retry import Backoff, RetryPolicy
from gridledger.client.signer import EcdsaSigner, Signer, low_s
from gridledger.client.sync.checkpoint import Checkpoint, FileCheckpoint, InMemoryCheckpoint
from gridledger.client.sync.contract import Contract
from gridledger.client.sync.events import (
    BlockAndPrivateDataEventsRequest,
    BlockEventsRequest,
    ChaincodeEventsRequest,
    Events,
    FilteredBlockEventsRequest,
)
from gridledger.client.sync.gateway import Gateway
from gridledger.client.sync.lifecycle import Lifecycle
from gridledger.client.sync.network import Network
from gridledger.client.sync.peer import Peer
from gridledger.client.sync.steps import Commit, Proposal, Transaction
from gridledger.client.sync.time_mark import TimeMarkAgent
from gridledger.client.token_errors import PinRefused, TokenError, TokenKeyMissing, TokenMissing
from gridledger.client.token_signer import TokenSigner
from gridledger.client.token_uri import TokenUri
from gridledger.client.validation import ValidationCode
from gridledger.client.wallet import Wallet

__all__ = [
    "Backoff",
    "Block",
    "BlockAndPrivateData",
    "BlockAndPrivateDataEventsRequest",
    "BlockEventsRequest",
    "BlockTransaction",
    "CaAddress",
    "ChainInfo",
    "ChaincodeDefinition",
    "ChaincodeEvent",
    "ChaincodeEventsRequest",
    "Checkpoint",
    "Collection",
    "Commit",
    "CommitConflict",
    "CommitError",
    "CommitStatus",
    "CommitStatusError",
    "Committed",
    "CommittedDefinition",
    "Connection",
    "ConnectionProfile",
    "Contract",
    "Credentials",
    "Deadlines",
    "EcdsaSigner",
    "EndorseError",
    "EndorsementPolicy",
    "EndorsementsDiffer",
    "EndpointDetail",
    "EvaluateError",
    "Events",
    "EventsError",
    "FileCheckpoint",
    "FilteredBlock",
    "FilteredBlockEventsRequest",
    "FilteredTransaction",
    "Gateway",
    "HfcWallet",
    "Identity",
    "InMemoryCheckpoint",
    "InstalledChaincode",
    "Lifecycle",
    "MspIdentity",
    "Network",
    "OutcomeUnknown",
    "Peer",
    "PeerCallError",
    "Pem",
    "PinRefused",
    "Position",
    "PrivateWrite",
    "ProofRefused",
    "Proposal",
    "RetryPolicy",
    "RpcError",
    "Signer",
    "SubmitError",
    "TimeMarkAgent",
    "TokenError",
    "TokenKeyMissing",
    "TokenMissing",
    "TokenSigner",
    "TokenUri",
    "Transaction",
    "ValidationCode",
    "Wallet",
    "low_s",
    "new_private_key",
    "open_private_key",
    "read_collections",
    "verify_chain",
]
