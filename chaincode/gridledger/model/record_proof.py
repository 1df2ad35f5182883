"""What a third party checks offline of a record; `gridledger.response.certificate` checks the whole.

Source: CN115334117A, claim 1.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from gridledger.model.digest import SALT_BYTES
from gridledger.model.merkle import InclusionProof
from gridledger.model.proof import BlockProof, EndorsedRead
from gridledger.model.record import Record, record
from gridledger.model.response import TerminalRecord

__all__ = ["RecordProof"]


@record("record-proof/1")
class RecordProof(Record):
    """What a terminal sent, when, and that both sides anchored it."""

    record: TerminalRecord
    data: bytes
    salt: Annotated[bytes, Field(min_length=SALT_BYTES, max_length=SALT_BYTES)]
    inclusion: InclusionProof
    """Of the record in its run."""
    anchoring: BlockProof
    """The block with the terminal's transaction."""
    configurations: tuple[BlockProof, ...]
    """The channel's configuration blocks after the first, up to the one in force then."""
    reading: EndorsedRead
    """`response:GetRun` of the run."""
