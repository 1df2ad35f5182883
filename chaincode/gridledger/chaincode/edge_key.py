"""The keys of the edge's records: the key tree of chaincode/LEDGER.md, section 2."""

from __future__ import annotations

from gridledger.model.account_entry import entry_time
from gridledger.model.dataset import DatasetIdentifier
from gridledger.model.edge import (
    Deposited,
    EdgeRegister,
    IssuedBatch,
    MembershipKey,
    MembershipPeriod,
    NodeMark,
    Receiver,
    SideDevice,
    StorageNode,
)
from gridledger.model.edge_sharing import NodePolicy, Share, ShareMark
from gridledger.model.envelope import EnvelopeDeposit, KeyImageUse, LakePassage, SignedEnvelopeReceipt
from gridledger.model.identifier import DeviceIdentifier, SystemIdentifier
from gridledger.model.keys import KeyPrefix
from gridledger.shim import Key

__all__ = [
    "batch_key",
    "batches_of",
    "deposit_mark_key",
    "deposits_of",
    "edge_register_key",
    "envelope_deposit_key",
    "envelope_receipt_key",
    "key_image_key",
    "membership_key_key",
    "membership_keys_of",
    "node_key",
    "node_mark_key",
    "node_policy_key",
    "nodes_of",
    "passage_key",
    "period_key",
    "receiver_key",
    "share_key",
    "share_mark_key",
    "shares_of",
    "side_device_key",
    "side_devices_of",
]


def node_key(node: str) -> Key[StorageNode]:
    return Key(StorageNode, KeyPrefix.STORAGE_NODE, node)


def node_mark_key(root: SystemIdentifier, node: str) -> Key[NodeMark]:
    return Key(NodeMark, KeyPrefix.NODE_BY_ROOT, str(root), node)


def nodes_of(root: SystemIdentifier) -> Key[NodeMark]:
    return Key(NodeMark, KeyPrefix.NODE_BY_ROOT, str(root))


def receiver_key(system: SystemIdentifier) -> Key[Receiver]:
    return Key(Receiver, KeyPrefix.EDGE_RECEIVER, str(system))


def edge_register_key(issuer: SystemIdentifier) -> Key[EdgeRegister]:
    return Key(EdgeRegister, KeyPrefix.EDGE_REGISTER, str(issuer))


def side_device_key(device: DeviceIdentifier) -> Key[SideDevice]:
    return Key(SideDevice, KeyPrefix.SIDE_DEVICE, str(device.system), device.own_code)


def side_devices_of(issuer: SystemIdentifier) -> Key[SideDevice]:
    return Key(SideDevice, KeyPrefix.SIDE_DEVICE, str(issuer))


def period_key(issuer: SystemIdentifier, period: int) -> Key[MembershipPeriod]:
    return Key(MembershipPeriod, KeyPrefix.MEMBERSHIP_PERIOD, str(issuer), _period(period))


def batch_key(issuer: SystemIdentifier, period: int, first: int) -> Key[IssuedBatch]:
    return Key(IssuedBatch, KeyPrefix.ISSUED_BATCH, str(issuer), _period(period), _place(first))


def batches_of(issuer: SystemIdentifier, period: int) -> Key[IssuedBatch]:
    return Key(IssuedBatch, KeyPrefix.ISSUED_BATCH, str(issuer), _period(period))


def membership_key_key(issuer: SystemIdentifier, period: int, place: int) -> Key[MembershipKey]:
    return Key(MembershipKey, KeyPrefix.MEMBERSHIP_KEY, str(issuer), _period(period), _place(place))


def membership_keys_of(issuer: SystemIdentifier, period: int) -> Key[MembershipKey]:
    return Key(MembershipKey, KeyPrefix.MEMBERSHIP_KEY, str(issuer), _period(period))


def key_image_key(image: bytes) -> Key[KeyImageUse]:
    return Key(KeyImageUse, KeyPrefix.KEY_IMAGE, image.hex())


def envelope_deposit_key(deposit: str) -> Key[EnvelopeDeposit]:
    return Key(EnvelopeDeposit, KeyPrefix.ENVELOPE_DEPOSIT, deposit)


def deposit_mark_key(
    issuer: SystemIdentifier, period: int, deposited_ms: int, deposit: str
) -> Key[Deposited]:
    parts = (str(issuer), _period(period), entry_time(deposited_ms), deposit)
    return Key(Deposited, KeyPrefix.DEPOSIT_BY_PERIOD, *parts)


def deposits_of(issuer: SystemIdentifier, period: int) -> Key[Deposited]:
    return Key(Deposited, KeyPrefix.DEPOSIT_BY_PERIOD, str(issuer), _period(period))


def envelope_receipt_key(deposit: str) -> Key[SignedEnvelopeReceipt]:
    return Key(SignedEnvelopeReceipt, KeyPrefix.ENVELOPE_RECEIPT, deposit)


def node_policy_key(node: str) -> Key[NodePolicy]:
    return Key(NodePolicy, KeyPrefix.NODE_POLICY, node)


def share_key(share: str) -> Key[Share]:
    return Key(Share, KeyPrefix.SHARE, share)


def share_mark_key(holder: str, decided_ms: int, share: str) -> Key[ShareMark]:
    return Key(ShareMark, KeyPrefix.SHARE_BY_HOLDER, holder, entry_time(decided_ms), share)


def shares_of(holder: str) -> Key[ShareMark]:
    return Key(ShareMark, KeyPrefix.SHARE_BY_HOLDER, holder)


def passage_key(dataset: DatasetIdentifier, number: int) -> Key[LakePassage]:
    return Key(LakePassage, KeyPrefix.LAKE_PASSAGE, str(dataset), f"{number:010}")


def _period(number: int) -> str:
    return f"{number:06}"


def _place(number: int) -> str:
    return f"{number:06}"
