"""What goes over HTTP between the parties, besides records of the ledger and deliveries.

| route of an owner's server | takes | gives | whose |
|---|---|---|---|
| POST /v1/roots | SignedRequest | SignedRoots | the aggregation system's |
| POST /v1/agreed-roots | AgreedQuestion | SignedRoots | the asking data application's, under an agreement |
| POST /v1/deliveries | DeliveryQuestion | Delivery | the ordering data application's |
| POST /v1/delivery-pages | PageQuestion | DeliveryPage | the ordering data application's |
| POST /v1/delivery-pages.csv | PageQuestion | CsvPage | the ordering data application's |
| POST /v1/countersignatures | OfferedContract | CountersignedContract | the ordering data application's |
| POST /v1/bundles | RequestBundle | ReplyBundle | as its requests'; all but pages |
"""

from __future__ import annotations

from gridledger.model.agreement import AgreementId
from gridledger.model.claim import SignedDeliveryRequest
from gridledger.model.record import ModelValue, value
from gridledger.model.resolution import SignedRequest
from gridledger.model.trade import OrderId, TransactionContract

__all__ = [
    "AGREED_ROOTS_PATH",
    "COUNTERSIGNATURES_PATH",
    "DELIVERIES_PATH",
    "DELIVERY_PAGES_CSV_PATH",
    "DELIVERY_PAGES_PATH",
    "ROOTS_PATH",
    "AgreedQuestion",
    "DeliveryQuestion",
    "OfferedContract",
]

ROOTS_PATH = "/v1/roots"
AGREED_ROOTS_PATH = "/v1/agreed-roots"
DELIVERIES_PATH = "/v1/deliveries"
DELIVERY_PAGES_PATH = "/v1/delivery-pages"
DELIVERY_PAGES_CSV_PATH = "/v1/delivery-pages.csv"
COUNTERSIGNATURES_PATH = "/v1/countersignatures"


@value
class AgreedQuestion(ModelValue):
    """Asks for the actual roots of a query under an agreement."""

    signed: SignedRequest
    agreement: AgreementId


@value
class DeliveryQuestion(ModelValue):
    """Asks for what an order paid for."""

    order: OrderId
    context: SignedRequest
    """The request that was resolved: who asks in which role for which function and purpose; the same for each
    owner."""
    asked: SignedDeliveryRequest
    """Names this order and owner: the owner keeps it, and can claim its hold with it."""


@value
class OfferedContract(ModelValue):
    """A transaction contract with the data application's signature: its receipt for the delivery."""

    contract: TransactionContract
    signature: bytes
