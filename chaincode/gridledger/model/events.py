"""Names of chaincode events: what a client may wait for."""

from __future__ import annotations

from enum import StrEnum

__all__ = ["Event"]


class Event(StrEnum):
    """Event names; a transaction emits at most one, named after what it did (Fabric keeps only the last)."""

    # The contract layer's own.
    TIME_MARK_RENEWED = "TimeMarkRenewed"

    # registry
    SYSTEM_APPLIED = "SystemApplied"
    SYSTEM_REGISTERED = "SystemRegistered"
    SYSTEM_REJECTED = "SystemRejected"
    DEVICES_REGISTERED = "DevicesRegistered"
    FIELDS_REGISTERED = "FieldsRegistered"
    CHARGING_STANDARD_SET = "ChargingStandardSet"

    # catalogue
    ASSOCIATION_DEPOSITED = "AssociationDeposited"
    FIELDS_PUBLISHED = "FieldsPublished"

    # resolution
    RULE_SET = "RuleSet"
    RESOLUTION_DEPOSITED = "ResolutionDeposited"

    # trade
    CREDIT_PAID_IN = "CreditPaidIn"
    ORDER_HELD = "OrderHeld"
    RECEIPT_DEPOSITED = "ReceiptDeposited"
    HOLD_RETURNED = "HoldReturned"
    TRANSACTION_CONTRACT_DEPOSITED = "TransactionContractDeposited"
    ORDER_SETTLED = "OrderSettled"

    # integrity
    ROOT_DEPOSITED = "RootDeposited"
    VERDICT_DEPOSITED = "VerdictDeposited"
