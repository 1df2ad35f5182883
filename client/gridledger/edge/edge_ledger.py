"""The contract `edge` as typed calls."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Final

import gridledger.model.edge_refusals
import gridledger.model.exchange_refusals
import gridledger.model.lake_refusals  # noqa: F401 - refusals come back as classes that are imported
from gridledger.client import Deadlines, Network
from gridledger.client.bundler import Bundler
from gridledger.client.typed_calls import TypedCalls
from gridledger.model.argument import decode_argument
from gridledger.model.dataset import DatasetIdentifier
from gridledger.model.edge import (
    EdgeRegister,
    IssuedBatch,
    IssueEntry,
    MembershipPeriod,
    NodeEntry,
    PublishedAddress,
    Receiver,
    SideDevice,
    SideDeviceEntry,
    StorageNode,
)
from gridledger.model.edge_page import (
    BatchPage,
    DepositedAt,
    DepositedPage,
    KeyPage,
    NodePage,
    SharePage,
    SideDevicePage,
)
from gridledger.model.edge_sharing import NodePolicy, NodeRule, Share, ShareContent, ShareRequest
from gridledger.model.envelope import (
    EnvelopeDeposit,
    KeyImageUse,
    LakePassage,
    PassageEntry,
    SignedEnvelope,
    SignedEnvelopeReceipt,
)
from gridledger.model.identifier import DeviceIdentifier, SystemIdentifier

__all__ = ["EdgeLedger"]

_EDGE: Final = "edge"
_ENDORSE_S: Final = 60.0
"""A bundle of 64 rings keeps a core busy for up to a second, and for several where it is shared."""


class EdgeLedger(TypedCalls):
    """One identity's calls to the contract `edge`.

    Parameters
    ----------
    network : Network
        The channel.
    chaincode : str, optional
        The chaincode's name; the connection's by default.

    Notes
    -----
    The only module that knows the names of the contract's transactions. Every call raises what
    `Contract.evaluate` or `Contract.submit` of the client raises: ContractError where the contract refused,
    GatewayError where a step failed. No transaction needs a call key: a second one finds the first's record.
    Envelopes that are deposited at the same time go together (`client.bundler`).
    """

    contract_name = _EDGE

    def __init__(self, network: Network, chaincode: str | None = None) -> None:
        super().__init__(network, chaincode)
        self._bundler = Bundler(
            lambda name: network.contract(chaincode, name), deadlines=Deadlines(endorse=_ENDORSE_S)
        )

    # --- storage nodes and receivers

    async def register_node(self, root: SystemIdentifier, entry: NodeEntry) -> StorageNode:
        """Register the calling agent as a storage node below a root."""
        return await self._submit(StorageNode, "RegisterNode", root, entry)

    async def approve_node(self, node: str) -> StorageNode:
        """Approve a storage node, as the root's platform administrator."""
        return await self._submit(StorageNode, "ApproveNode", node)

    async def reject_node(self, node: str, reason: str) -> StorageNode:
        """Reject or remove a storage node, as the root's platform administrator."""
        return await self._submit(StorageNode, "RejectNode", node, reason)

    async def node(self, node: str) -> StorageNode:
        """Return a storage node."""
        return await self._ask(StorageNode, "GetNode", node)

    async def nodes(self, root: SystemIdentifier) -> list[StorageNode]:
        """Return all storage nodes that registered below a root, whatever their state."""
        pages = self._pages(NodePage, "ListNodes", root)
        return [one async for page in pages for one in page.nodes]

    async def set_receiver(self, system: SystemIdentifier, address: PublishedAddress) -> Receiver:
        """Publish the stealth address of a system, as its agent."""
        return await self._submit(Receiver, "SetReceiver", system, address)

    async def receiver(self, system: SystemIdentifier) -> Receiver:
        """Return a system's stealth address."""
        return await self._ask(Receiver, "GetReceiver", system)

    # --- side devices and their keys

    async def register_side_devices(
        self, issuer: SystemIdentifier, entries: Sequence[SideDeviceEntry]
    ) -> EdgeRegister:
        """Register devices of the issuer's own with their stealth addresses, at most 500."""
        return await self._submit(EdgeRegister, "RegisterSideDevices", issuer, list(entries))

    async def edge_register(self, issuer: SystemIdentifier) -> EdgeRegister:
        """Return how many side devices an issuer has."""
        return await self._ask(EdgeRegister, "GetEdgeRegister", issuer)

    async def side_device(self, device: DeviceIdentifier) -> SideDevice:
        """Return a side device."""
        return await self._ask(SideDevice, "GetSideDevice", device)

    async def side_devices(self, issuer: SystemIdentifier) -> list[SideDevice]:
        """Return all side devices of an issuer."""
        pages = self._pages(SideDevicePage, "ListSideDevices", issuer)
        return [one async for page in pages for one in page.devices]

    async def plan_period(self, period: MembershipPeriod) -> MembershipPeriod:
        """Plan a period, as the issuer."""
        return await self._submit(MembershipPeriod, "PlanPeriod", period)

    async def issue_keys(self, issuer: SystemIdentifier, period: int, entry: IssueEntry) -> IssuedBatch:
        """Issue a batch of keys, as the issuer."""
        return await self._submit(IssuedBatch, "IssueKeys", issuer, period, entry)

    async def open_period(self, issuer: SystemIdentifier, period: int) -> MembershipPeriod:
        """Open a period whose keys were all issued, as the issuer."""
        return await self._submit(MembershipPeriod, "OpenPeriod", issuer, period)

    async def period(self, issuer: SystemIdentifier, period: int) -> MembershipPeriod:
        """Return a period."""
        return await self._ask(MembershipPeriod, "GetMembershipPeriod", issuer, period)

    async def keys(self, issuer: SystemIdentifier, period: int, bookmark: str = "") -> KeyPage:
        """Return a page of a period's keys, by place."""
        return await self._ask(KeyPage, "ListMembershipKeys", issuer, period, bookmark)

    async def batches(self, issuer: SystemIdentifier, period: int, bookmark: str = "") -> BatchPage:
        """Return a page of a period's batches, by place."""
        return await self._ask(BatchPage, "ListIssuedBatches", issuer, period, bookmark)

    # --- envelopes

    async def deposit_envelope(self, signed: SignedEnvelope) -> EnvelopeDeposit:
        """Deposit an envelope, as the storage node that its statement names; those that wait go together."""
        committed = await self._bundler.submit(_EDGE, "DepositEnvelope", signed, once=False)
        return decode_argument(EnvelopeDeposit, committed.result)

    async def deposit(self, deposit: str) -> EnvelopeDeposit:
        """Return a deposit."""
        return await self._ask(EnvelopeDeposit, "GetEnvelopeDeposit", deposit)

    async def key_image(self, image: bytes) -> KeyImageUse:
        """Return which message a key image stands under."""
        return await self._ask(KeyImageUse, "GetKeyImage", image)

    def deposits(self, issuer: SystemIdentifier, period: int) -> AsyncIterator[DepositedAt]:
        """Iterate over a period's deposits, the earliest first."""
        return self._deposits(issuer, period)

    async def _deposits(self, issuer: SystemIdentifier, period: int) -> AsyncIterator[DepositedAt]:
        pages = self._pages(DepositedPage, "ListEnvelopeDeposits", issuer, period)
        async for page in pages:
            for one in page.deposits:
                yield one

    async def deposit_receipt(self, signed: SignedEnvelopeReceipt) -> SignedEnvelopeReceipt:
        """Deposit a receiver's receipt, as any storage node."""
        return await self._submit(SignedEnvelopeReceipt, "DepositEnvelopeReceipt", signed)

    async def receipt(self, deposit: str) -> SignedEnvelopeReceipt:
        """Return the receipt for an envelope."""
        return await self._ask(SignedEnvelopeReceipt, "GetEnvelopeReceipt", deposit)

    async def pass_on(self, entry: PassageEntry) -> LakePassage:
        """Say which envelopes a stored version holds, as the dataset's owner."""
        return await self._submit(LakePassage, "PassOn", entry)

    async def passage(self, dataset: DatasetIdentifier, number: int) -> LakePassage:
        """Return which envelopes a version of a dataset holds."""
        return await self._ask(LakePassage, "GetLakePassage", dataset, number)

    # --- sharing

    async def set_node_policy(self, node: str, rules: Sequence[NodeRule]) -> NodePolicy:
        """Set whose nodes may have the calling node's envelopes."""
        return await self._submit(NodePolicy, "SetNodePolicy", node, list(rules))

    async def node_policy(self, node: str) -> NodePolicy:
        """Return a storage node's policy."""
        return await self._ask(NodePolicy, "GetNodePolicy", node)

    async def request_share(self, request: ShareRequest) -> Share:
        """Ask another storage node for envelopes; the decision may be a refusal."""
        return await self._submit(Share, "RequestShare", request)

    async def grant_share(self, share: str, content: ShareContent) -> Share:
        """Say which envelopes are handed over, as the holder."""
        return await self._submit(Share, "GrantShare", share, content)

    async def deposit_share_receipt(self, share: str, content: ShareContent) -> Share:
        """Say what was received, as the asker."""
        return await self._submit(Share, "DepositShareReceipt", share, content)

    async def share(self, share: str) -> Share:
        """Return a share request with its decision, grant and receipt."""
        return await self._ask(Share, "GetShare", share)

    async def shares(self, holder: str, bookmark: str = "") -> SharePage:
        """Return a page of what a storage node was asked for."""
        return await self._ask(SharePage, "ListShares", holder, bookmark)
