"""What goes over HTTP between the parties, besides records of the ledger and deliveries.

| route of an owner's server | takes | gives | whose |
|---|---|---|---|
| POST /v1/roots | SignedRequest | SignedRoots | the aggregation system's |
| POST /v1/deliveries | DeliveryQuestion | Delivery | the ordering data application's |
| POST /v1/countersignatures | OfferedContract | CountersignedContract | the ordering data application's |
"""

from __future__ import annotations

from gridledger.model.record import ModelValue, value
from gridledger.model.trade import OrderId, TransactionContract

__all__ = ["COUNTERSIGNATURES_PATH", "DELIVERIES_PATH", "ROOTS_PATH", "DeliveryQuestion", "OfferedContract"]

ROOTS_PATH = "/v1/roots"
DELIVERIES_PATH = "/v1/deliveries"
COUNTERSIGNATURES_PATH = "/v1/countersignatures"


@value
class DeliveryQuestion(ModelValue):
    """Asks for what an order paid for."""

    order: OrderId


@value
class OfferedContract(ModelValue):
    """A transaction contract with the data application's signature: its receipt for the delivery."""

    contract: TransactionContract
    signature: bytes
