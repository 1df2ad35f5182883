"""Pages of the contract edge; the bookmark of the next page is empty at the end."""

from __future__ import annotations

from gridledger.model.edge import Deposited, IssuedBatch, Place, Point, SideDevice, StorageNode
from gridledger.model.edge_sharing import Share
from gridledger.model.envelope import DepositId
from gridledger.model.record import ModelValue, value

__all__ = [
    "BatchAt",
    "BatchPage",
    "DepositedAt",
    "DepositedPage",
    "KeyPage",
    "NodePage",
    "SharePage",
    "SideDevicePage",
]


@value
class NodePage(ModelValue):
    """Storage nodes of a root."""

    nodes: tuple[StorageNode, ...]
    bookmark: str


@value
class SideDevicePage(ModelValue):
    """Side devices of an issuer, by own code."""

    devices: tuple[SideDevice, ...]
    bookmark: str


@value
class KeyPage(ModelValue):
    """Membership keys of a period, by place."""

    first: Place
    keys: tuple[Point, ...]
    bookmark: str


@value
class BatchAt(ModelValue):
    """A batch, and the place of its first key."""

    first: Place
    batch: IssuedBatch


@value
class BatchPage(ModelValue):
    """Batches of a period, by place."""

    batches: tuple[BatchAt, ...]
    bookmark: str


@value
class DepositedAt(ModelValue):
    """A deposit's entry in the list of its period."""

    deposit: DepositId
    deposited_ms: int
    entry: Deposited


@value
class DepositedPage(ModelValue):
    """Deposits of a period, the earliest first."""

    deposits: tuple[DepositedAt, ...]
    bookmark: str


@value
class SharePage(ModelValue):
    """Shares of a storage node that was asked, the earliest first."""

    shares: tuple[Share, ...]
    bookmark: str
