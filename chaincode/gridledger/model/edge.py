"""The edge: storage nodes, receivers, side devices, and the membership keys of a period.

A side device is registered with a stealth address. For each period its issuer publishes one-time membership
keys at the addresses of all side devices, as many for each. Whoever has a membership key's secret is a side
device; which one, the issuer alone could say, and no message shows which key was used.

Source: Zeng et al., edge layer: ring signature and CryptoNote; figures 1 to 3.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

from pydantic import Field, StringConstraints

from gridledger.model.identifier import DeviceIdentifier, SystemIdentifier
from gridledger.model.record import ModelValue, Record, record, value
from gridledger.model.states import ApplicationState
from gridledger.model.system import Agent, ServerUrl, ShortText

__all__ = [
    "LEAST_RING",
    "MOST_ENVELOPE_BYTES",
    "MOST_KEYS",
    "MOST_RING",
    "POINT_BYTES",
    "Deposited",
    "EdgeRegister",
    "IssueEntry",
    "IssuedBatch",
    "MembershipKey",
    "MembershipPeriod",
    "NodeEntry",
    "NodeId",
    "NodeMark",
    "PeriodNumber",
    "Place",
    "Point",
    "PublishedAddress",
    "Receiver",
    "SideDevice",
    "SideDeviceEntry",
    "StorageNode",
]

POINT_BYTES = 32
"""A point of edwards25519, as CryptoNote writes it."""

LEAST_RING, MOST_RING = 3, 32
MOST_KEYS = 500_000
"""Keys of a period: a thousand batches, which its opening reads at once."""

MOST_ENVELOPE_BYTES = 65_536
"""What a server's body holds many times over, and a record never needs."""

Point = Annotated[bytes, Field(min_length=POINT_BYTES, max_length=POINT_BYTES)]
NodeId = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]
PeriodNumber = Annotated[int, Field(ge=1, le=10**6 - 1)]
Place = Annotated[int, Field(ge=0, lt=MOST_KEYS)]
Count = Annotated[int, Field(ge=0, le=MOST_KEYS)]


@value
class PublishedAddress(ModelValue):
    """A stealth address: what one-time keys are derived from, none of which shows the address."""

    view_key: Point
    spend_key: Point


@value
class NodeEntry(ModelValue):
    """What a storage node says of itself."""

    name: ShortText
    server: ServerUrl
    """Origin of its server."""


@record("storage-node/1")
class StorageNode(Record):
    """A server at the edge that keeps envelopes and submits their deposits."""

    id: NodeId
    """Name of its agent's key."""
    root: SystemIdentifier
    """Whose platform approves it."""
    entry: NodeEntry
    agent: Agent
    state: ApplicationState
    registered_ms: int
    decided_ms: int | None = None
    reason: ShortText | None = None
    """Why it was rejected or removed."""


@record("storage-node-mark/1")
class NodeMark(Record):
    """A storage node registered below a root."""

    name: ShortText


@record("edge-receiver/1")
class Receiver(Record):
    """A system that envelopes may be sealed to."""

    system: SystemIdentifier
    address: PublishedAddress
    registered_ms: int


@value
class SideDeviceEntry(ModelValue):
    """A device of the registry, and the stealth address at which it gets membership keys."""

    device: DeviceIdentifier
    address: PublishedAddress


@record("side-device/1")
class SideDevice(Record):
    """A device that is issued membership keys."""

    entry: SideDeviceEntry
    registered_ms: int


@record("edge-register/1")
class EdgeRegister(Record):
    """How many side devices an issuer has registered; written with their registration only."""

    issuer: SystemIdentifier
    devices: Count


@record("membership-period/1")
class MembershipPeriod(Record):
    """A period of an issuer: how many keys there are, and what every message of it has in common.

    All messages of a period look alike: rings of one size, envelopes of one length. The keys stand in rounds:
    as many places as there are side devices, with one key of each, in an order that is drawn. A ring is of
    one round. So even to who knows whose each key is, every key of a ring stands for another device.
    """

    issuer: SystemIdentifier
    number: PeriodNumber
    devices: Annotated[int, Field(ge=1, le=MOST_KEYS)]
    """Side devices when it was planned; each gets as many keys."""
    keys_per_device: Annotated[int, Field(ge=1, le=MOST_KEYS)]
    ring_size: Annotated[int, Field(ge=LEAST_RING, le=MOST_RING)]
    envelope_bytes: Annotated[int, Field(ge=64, le=MOST_ENVELOPE_BYTES)]
    starts_ms: int
    ends_ms: int
    """First moment at which nothing is deposited any more."""
    planned_ms: int
    opened_ms: int | None = None
    """When all keys stood on the ledger: no ring is drawn from a part of them."""

    def broken_rules(self) -> Iterable[tuple[str, str]]:
        if self.keys > MOST_KEYS:
            yield "keys_per_device", f"make more than {MOST_KEYS} keys"
        if self.devices < self.ring_size:
            yield "ring_size", "is more than there are side devices, and a ring has one key of each at most"
        if self.ends_ms <= self.starts_ms:
            yield "ends_ms", "is not after starts_ms"

    def round_of(self, place: int) -> int:
        """Return the round in which a place stands, from 0."""
        return place // self.devices

    @property
    def keys(self) -> int:
        """Number of keys: their places are 0 to one less."""
        return self.devices * self.keys_per_device


@value
class IssueEntry(ModelValue):
    """A batch of membership keys, as CryptoNote writes the outputs of one transaction."""

    first: Place
    """Place of the first key; batches follow each other without gaps."""
    origin: Point
    """The batch's transaction public key: with its view key a device finds its keys among them."""
    keys: tuple[Point, ...]
    """The one at position i is derived with output index i."""
    view_tags: bytes
    """A byte a key."""

    def broken_rules(self) -> Iterable[tuple[str, str]]:
        if len(self.view_tags) != len(self.keys):
            yield "view_tags", "want one a key"
        if len(set(self.keys)) != len(self.keys):
            yield "keys", "a key stands twice"


@record("issued-batch/1")
class IssuedBatch(Record):
    """A batch that was issued; its keys stand one by one under their places."""

    origin: Point
    count: Count
    view_tags: bytes


@record("membership-key/1")
class MembershipKey(Record):
    """A one-time key of a side device."""

    key: Point


@record("edge-deposited/1")
class Deposited(Record):
    """What the list of a period's deposits says of one: enough to find those that are for somebody."""

    one_time_key: Point
    origin: Point
    view_tag: Annotated[int, Field(ge=0, le=255)]
    node: NodeId
