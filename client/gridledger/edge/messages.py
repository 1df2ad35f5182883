"""What storage nodes are asked over HTTP: paths and bodies.

Side devices and receivers call without a name: their requests prove themselves (a ring signature, a signature
by a one-time key), and so do the answers (what was asked for has its digest on the ledger). Storage nodes
call each other by name, with signed requests.
"""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import Field

from gridledger.model.digest import Digest
from gridledger.model.edge import MOST_ENVELOPE_BYTES, NodeId
from gridledger.model.edge_page import BatchPage
from gridledger.model.edge_sharing import ShareContent, ShareId
from gridledger.model.envelope import DepositId, SignedEnvelope
from gridledger.model.record import ModelValue, Record, record, value

__all__ = [
    "BATCHES_PATH",
    "ENVELOPES_PATH",
    "FETCHES_PATH",
    "KEYS_PATH",
    "NODE_PATH",
    "PERIOD_PATH",
    "RECEIPTS_PATH",
    "RECEIPT_PATH",
    "REPLICAS_PATH",
    "REPLICA_PATH",
    "SHARES_PATH",
    "BatchPage",
    "Body",
    "EnvelopeBody",
    "EnvelopeCopy",
    "Fetch",
    "NodeName",
    "OfferedEnvelope",
    "ShareAsked",
    "SharePart",
    "SignedFetch",
    "Taken",
]

# Open to callers without a name.
NODE_PATH: Final = "/v1/node"
PERIOD_PATH: Final = "/v1/periods/{issuer}/{period}"
KEYS_PATH: Final = "/v1/periods/{issuer}/{period}/keys"
BATCHES_PATH: Final = "/v1/periods/{issuer}/{period}/batches"
ENVELOPES_PATH: Final = "/v1/envelopes"
FETCHES_PATH: Final = "/v1/fetches"
RECEIPTS_PATH: Final = "/v1/receipts"
RECEIPT_PATH: Final = "/v1/receipts/{deposit}"
# Between storage nodes.
REPLICAS_PATH: Final = "/v1/replicas"
REPLICA_PATH: Final = "/v1/replicas/{digest}"
SHARES_PATH: Final = "/v1/shares"

Body = Annotated[bytes, Field(max_length=MOST_ENVELOPE_BYTES)]


@value
class NodeName(ModelValue):
    """Which storage node answers here: statements name it."""

    node: NodeId


@value
class OfferedEnvelope(ModelValue):
    """What a side device sends: the envelope, and its statement signed by a ring."""

    signed: SignedEnvelope
    envelope: Body


@value
class Taken(ModelValue):
    """What a storage node answers: the envelope is deposited."""

    deposit: DepositId
    deposited_ms: int
    copies: int
    """Storage nodes that have the envelope, this one included."""


@value
class EnvelopeBody(ModelValue):
    """An envelope."""

    envelope: Body

    @property
    def digest(self) -> Digest:
        """SHA-256 of the envelope."""
        return Digest.of(self.envelope)


@value
class EnvelopeCopy(ModelValue):
    """An envelope that another storage node is to keep, too, and the deposit that it stands under."""

    envelope: Body
    deposit: DepositId


@record("envelope-fetch/1")
class Fetch(Record):
    """What a receiver signs with an envelope's one-time key to be handed the envelope."""

    deposit: DepositId
    node: NodeId
    made_ms: int


@value
class SignedFetch(ModelValue):
    """A fetch and its signature by the one-time key."""

    fetch: Fetch
    signature: Annotated[bytes, Field(min_length=64, max_length=64)]


@value
class ShareAsked(ModelValue):
    """The next part of what an admitted share request is about."""

    share: ShareId
    after: str = ""
    """Digest of the last envelope that came; empty for the first part."""


@value
class SharePart(ModelValue):
    """Envelopes in the ascending order of their digests."""

    granted: ShareContent
    envelopes: tuple[EnvelopeBody, ...]
    is_last: bool
