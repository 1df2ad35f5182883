"""The contract `registry`: systems, users, devices, fields, charging standards.

Source: CN112508707B, [0058] to [0068].
"""

from __future__ import annotations

from gridledger.chaincode.device_transactions import DeviceTransactions
from gridledger.chaincode.field_transactions import FieldTransactions
from gridledger.chaincode.system_transactions import SystemTransactions

__all__ = ["Registry"]


class Registry(SystemTransactions, DeviceTransactions, FieldTransactions):
    """Systems, users, devices, fields, charging standards; its functions stand in one module a noun."""

    name = "registry"
