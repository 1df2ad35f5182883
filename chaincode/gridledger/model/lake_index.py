"""What a ledger says of a lake's index: which generation is the newest, and the digest of its statistics.

Source: Luo and Jin, double-link data storage and sharing model, section 4.1, step 5.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

from gridledger.model.digest import Digest
from gridledger.model.identifier import SystemIdentifier
from gridledger.model.record import ModelValue, Record, record, value

__all__ = ["IndexName", "IndexStatement", "LakeIndex"]

IndexName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$")]
_FeatureSet = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,31}/[1-9][0-9]{0,3}$")]
_Number = Annotated[int, Field(ge=1, le=10**15)]


@value
class IndexStatement(ModelValue):
    """What an owner says of a generation of an index."""

    owner: SystemIdentifier
    name: IndexName
    generation: _Number
    """Above that of the one before."""
    features: _FeatureSet
    """Name and version of what entries are compared by."""
    table: Digest
    """SHA-256 of the discriminant table's canonical bytes, which name every other file by digest."""


@record("lake-index-state/1")
class LakeIndex(Record):
    """The newest generation of an index that its owner deposited."""

    statement: IndexStatement
    deposited_ms: int
