"""Object types of composite keys: the first part of every key that a contract writes.

`chaincode/LEDGER.md` has the key tree, with the parts that follow each object type.
"""

from __future__ import annotations

from enum import StrEnum

__all__ = ["KeyPrefix"]


class KeyPrefix(StrEnum):
    """Object types, grouped by the contract that writes them; an index ends in `-by-` and what it is asked
    by."""

    # The contract layer's own.
    CALL = "call"
    TIME_MARK = "time-mark"

    # registry
    APPLICATION = "application"
    SYSTEM = "system"
    ACCOUNT = "account"
    DEVICE = "device"
    FIELD = "field"
    CHARGING_STANDARD = "charging-standard"
    DEVICE_BY_OWN_CODE = "device-by-own-code"

    # catalogue
    CATALOGUE = "catalogue"
    ASSOCIATION = "association"
    ASSOCIATION_BY_SYSTEM = "association-by-system"
    PUBLICATION = "publication"

    # resolution
    RULE = "rule"
    RULE_BY_FUNCTION = "rule-by-function"
    RESOLUTION = "resolution"

    # trade
    DELTA = "delta"
    NOTE = "note"
    ORDER = "order"
    HOLD = "hold"
    RECEIPT = "receipt"
    TRANSACTION_CONTRACT = "transaction-contract"
    SETTLEMENT = "settlement"

    # integrity
    DEPOSIT = "deposit"
    DEPOSIT_BY_DEVICE = "deposit-by-device"
    VERDICT = "verdict"
