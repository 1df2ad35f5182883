"""Datasets of the lake: who owns one, its versions, and what a custodian says of each.

Source: Luo and Jin, double-link data storage and sharing model, sections 3 and 4.2: data lie
outside the chain, their description, digest and location on it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Annotated

from pydantic import Field, StringConstraints

from gridledger.model.digest import Digest
from gridledger.model.identifier import SystemIdentifier
from gridledger.model.named import NamedInSystem
from gridledger.model.period import Day
from gridledger.model.record import ModelValue, Record, record, value
from gridledger.model.states import ApplicationState
from gridledger.model.system import Agent, LongText, ShortText

__all__ = [
    "MAX_LABELS",
    "MAX_NAME_BYTES",
    "SEALING_KEY_BYTES",
    "URL_SCHEME",
    "Custodian",
    "CustodianEntry",
    "CustodianId",
    "Dataset",
    "DatasetEntry",
    "DatasetHead",
    "DatasetIdentifier",
    "DatasetMark",
    "DatasetVersion",
    "Epoch",
    "Label",
    "SealedText",
    "SealingKey",
    "SignedReceipt",
    "StorageReceipt",
    "VersionNumber",
    "VersionStatement",
]

MAX_LABELS = 16
SEALING_KEY_BYTES = 32
"""An X25519 public key (RFC 7748)."""

URL_SCHEME = "gridledger"

MAX_NAME_BYTES = 128

_PART = r"[A-Za-z0-9][A-Za-z0-9._-]*"
_SEAL_BYTES = 28

Label = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9\-]{0,31}$")]
SealingKey = Annotated[bytes, Field(min_length=SEALING_KEY_BYTES, max_length=SEALING_KEY_BYTES)]
SealedText = Annotated[bytes, Field(min_length=_SEAL_BYTES + 1, max_length=2048)]
"""A seal over a short text, such as an address."""
CustodianId = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]
VersionNumber = Annotated[int, Field(ge=1, le=10**9)]
Epoch = Annotated[int, Field(ge=1, le=10**9)]
LeastEpoch = Annotated[int, Field(ge=1, le=10**9 + 1)]
Count = Annotated[int, Field(ge=0, le=2**48)]
Unit = Annotated[str, StringConstraints(max_length=32)]


class DatasetIdentifier(NamedInSystem):
    """Identifier of a dataset: its owner's system identifier, `/`, the owner's name for it.

    Parameters
    ----------
    system : SystemIdentifier
        The owner's system.
    name : str
        As it is called in the owner's lake: parts of letters, digits, `.`, `_` and `-`, each beginning with a
        letter or digit, joined by `/`; at most 128.

    Raises
    ------
    ModelError
        The name is malformed.

    Examples
    --------
    >>> dataset = DatasetIdentifier.parse("88.1042.17/charging/stations.csv")
    >>> dataset.system, dataset.name
    (SystemIdentifier('88.1042.17'), 'charging/stations.csv')
    >>> dataset.to_url(3)
    'gridledger://88.1042.17/charging/stations.csv@3'
    """

    __slots__ = ()
    subject = "dataset"
    grammar = "letters, digits, '.', '_', '-', '/'"
    most_bytes = MAX_NAME_BYTES
    name_form = re.compile(f"{_PART}(/{_PART})*")

    def to_url(self, number: int | None = None) -> str:
        """Write the URL by which it is opened, of one version or of the newest."""
        version = "" if number is None else f"@{number}"
        return f"{URL_SCHEME}://{self._text}{version}"


@value
class DatasetEntry(ModelValue):
    """What an owner says of a dataset."""

    identifier: DatasetIdentifier
    title: ShortText
    description: LongText
    labels: tuple[Label, ...] = ()
    """What it is found by: sorted, each once, at most 16."""

    def broken_rules(self) -> Iterable[tuple[str, str]]:
        if len(self.labels) > MAX_LABELS or list(self.labels) != sorted(set(self.labels)):
            yield "labels", f"want at most {MAX_LABELS}, sorted, each once"


@record("dataset/1")
class Dataset(Record):
    """A registered dataset."""

    entry: DatasetEntry
    registered_ms: int
    withdrawn_ms: int | None = None
    """When its owner took it back: no version and no grant is given from then on."""
    reason: ShortText | None = None
    """Why."""


@record("dataset-mark/1")
class DatasetMark(Record):
    """A dataset has a label."""

    title: ShortText


@record("version-statement/1")
class VersionStatement(Record):
    """What an owner says of a version; the custodian's receipt names the digest of these bytes."""

    dataset: DatasetIdentifier
    number: VersionNumber
    """The version's number in the lake; above that of the version before."""
    previous: Digest | None = None
    """Digest of the statement of the version before; none for the first."""
    root: Digest
    """Merkle root over the identifiers of its blocks."""
    content: Digest
    """Digest of how its bytes come out of its blocks; says nothing to who lacks the blocks' keys."""
    blocks: Annotated[int, Field(ge=0, le=2**40)]
    """Number of leaves of the root."""
    size_bytes: Count
    """Length of the payload."""
    records: Count = 0
    """Of CSV and JSON lines; 0 else."""
    unit: Unit = ""
    """What its values are measured in, such as kWh."""
    first: Day | None = None
    last: Day | None = None
    """The days that it is about, if it is about days."""
    epoch: Epoch
    """Of the dataset key that seals it."""
    location: SealedText
    """Where it lies, sealed with that key."""
    custodian: CustodianId
    """Who is to check it."""
    custody: SealedText
    """Where its frames are listed, sealed to the custodian."""

    def broken_rules(self) -> Iterable[tuple[str, str]]:
        if (self.first is None) != (self.last is None):
            yield "last", "first and last stand together"
        elif self.first is not None and self.last is not None and self.last < self.first:
            yield "last", "is before first"
        if self.previous is not None and self.number == 1:
            yield "previous", "nothing is before version 1"

    @property
    def digest(self) -> Digest:
        """SHA-256 of the statement's bytes."""
        return Digest.of(self.to_bytes())


@record("storage-receipt/1")
class StorageReceipt(Record):
    """What a custodian signs once it has read every frame of a version."""

    custodian: CustodianId
    dataset: DatasetIdentifier
    number: VersionNumber
    statement: Digest
    """Of the owner's statement."""
    root: Digest
    """Over the identifiers of the frames as the custodian computed them."""
    blocks: Annotated[int, Field(ge=0, le=2**40)]
    stored_bytes: Count
    """Length of the frames together."""
    checked_ms: int


@value
class SignedReceipt(ModelValue):
    """A storage receipt and the custodian's signature over its bytes, DER."""

    receipt: StorageReceipt
    signature: bytes


@record("dataset-version/1")
class DatasetVersion(Record):
    """A version as its owner proposed it; it counts once it has its receipt, and never changes then."""

    statement: VersionStatement
    proposed_ms: int
    receipt: SignedReceipt | None = None
    stored_ms: int | None = None
    """When the receipt was deposited."""

    @property
    def is_stored(self) -> bool:
        """Whether the custodian's receipt is there."""
        return self.receipt is not None


@record("dataset-head/1")
class DatasetHead(Record):
    """A dataset's newest stored version: a store that shows an older one was rolled back."""

    number: VersionNumber
    statement: Digest
    least_epoch: LeastEpoch
    """Keys of earlier epochs were granted to somebody who lost the right: nothing is sealed with them."""


@value
class CustodianEntry(ModelValue):
    """What a custodian says of itself."""

    name: ShortText
    sealing_key: SealingKey
    """X25519: what is for its eyes alone is sealed to it."""


@record("custodian/1")
class Custodian(Record):
    """A lake's agent that checks what is stored, and signs for it."""

    id: CustodianId
    """Name of its agent's key."""
    root: SystemIdentifier
    """Whose platform approves it."""
    entry: CustodianEntry
    agent: Agent
    state: ApplicationState
    registered_ms: int
    decided_ms: int | None = None
    reason: ShortText | None = None
    """Why it was rejected or removed."""
