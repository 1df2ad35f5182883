"""A Fabric Gateway client: propose, endorse, submit, learn the outcome; events, identities, wallets.

    async with Gateway.connect(Connection.from_file("connection.json")) as gateway:
        contract = gateway.network("energy").contract("gridledger", "registry")
        system = await contract.evaluate("GetSystem", "88.1042.17")
        await contract.submit("RegisterSystem", application)

`gridledger.client.sync` has the same names without `await`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gridledger.client.block import Block, BlockTransaction, verify_chain
    from gridledger.client.block_events import (
        BlockAndPrivateDataEventsRequest,
        BlockEventsRequest,
        FilteredBlockEventsRequest,
    )
    from gridledger.client.ca_address import CaAddress
    from gridledger.client.chain_info import ChainInfo
    from gridledger.client.chaincode_events import ChaincodeEvent, ChaincodeEventsRequest
    from gridledger.client.checkpoint import Checkpoint, FileCheckpoint, InMemoryCheckpoint, Position
    from gridledger.client.collection import Collection, read_collections
    from gridledger.client.commit import Commit, CommitStatus
    from gridledger.client.connection import Connection
    from gridledger.client.contract import Committed, Contract
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
    from gridledger.client.events import Events
    from gridledger.client.filtered_block import FilteredBlock, FilteredTransaction
    from gridledger.client.gateway import Gateway
    from gridledger.client.hfc_wallet import HfcWallet
    from gridledger.client.identity import Identity
    from gridledger.client.lifecycle import ChaincodeDefinition, CommittedDefinition, Lifecycle
    from gridledger.client.msp_identity import MspIdentity
    from gridledger.client.network import Network
    from gridledger.client.peer import InstalledChaincode, Peer
    from gridledger.client.pem import Pem
    from gridledger.client.policy import EndorsementPolicy
    from gridledger.client.private_data import BlockAndPrivateData, PrivateWrite
    from gridledger.client.private_key import new_private_key, open_private_key
    from gridledger.client.profile import ConnectionProfile
    from gridledger.client.proposal import Proposal
    from gridledger.client.retry import Backoff, RetryPolicy
    from gridledger.client.signer import EcdsaSigner, Signer, low_s
    from gridledger.client.time_mark import TimeMarkAgent
    from gridledger.client.token_errors import PinRefused, TokenError, TokenKeyMissing, TokenMissing
    from gridledger.client.token_signer import TokenSigner
    from gridledger.client.token_uri import TokenUri
    from gridledger.client.transaction import Transaction
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

_MODULES = {
    "Backoff": "retry",
    "Block": "block",
    "BlockAndPrivateData": "private_data",
    "BlockAndPrivateDataEventsRequest": "block_events",
    "BlockEventsRequest": "block_events",
    "BlockTransaction": "block",
    "CaAddress": "ca_address",
    "ChainInfo": "chain_info",
    "ChaincodeDefinition": "lifecycle",
    "ChaincodeEvent": "chaincode_events",
    "ChaincodeEventsRequest": "chaincode_events",
    "Checkpoint": "checkpoint",
    "Collection": "collection",
    "Commit": "commit",
    "CommitConflict": "errors",
    "CommitError": "errors",
    "CommitStatus": "commit",
    "CommitStatusError": "errors",
    "Committed": "contract",
    "CommittedDefinition": "lifecycle",
    "Connection": "connection",
    "ConnectionProfile": "profile",
    "Contract": "contract",
    "Credentials": "credentials",
    "Deadlines": "deadlines",
    "EcdsaSigner": "signer",
    "EndorseError": "errors",
    "EndorsementPolicy": "policy",
    "EndorsementsDiffer": "errors",
    "EndpointDetail": "errors",
    "EvaluateError": "errors",
    "Events": "events",
    "EventsError": "errors",
    "FileCheckpoint": "checkpoint",
    "FilteredBlock": "filtered_block",
    "FilteredBlockEventsRequest": "block_events",
    "FilteredTransaction": "filtered_block",
    "Gateway": "gateway",
    "HfcWallet": "hfc_wallet",
    "Identity": "identity",
    "InMemoryCheckpoint": "checkpoint",
    "InstalledChaincode": "peer",
    "Lifecycle": "lifecycle",
    "MspIdentity": "msp_identity",
    "Network": "network",
    "OutcomeUnknown": "errors",
    "Peer": "peer",
    "PeerCallError": "errors",
    "Pem": "pem",
    "PinRefused": "token_errors",
    "Position": "checkpoint",
    "PrivateWrite": "private_data",
    "ProofRefused": "errors",
    "Proposal": "proposal",
    "RetryPolicy": "retry",
    "RpcError": "errors",
    "Signer": "signer",
    "SubmitError": "errors",
    "TimeMarkAgent": "time_mark",
    "TokenError": "token_errors",
    "TokenKeyMissing": "token_errors",
    "TokenMissing": "token_errors",
    "TokenSigner": "token_signer",
    "TokenUri": "token_uri",
    "Transaction": "transaction",
    "ValidationCode": "validation",
    "Wallet": "wallet",
    "low_s": "signer",
    "new_private_key": "private_key",
    "open_private_key": "private_key",
    "read_collections": "collection",
    "verify_chain": "block",
}


def __getattr__(name: str) -> object:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
