"""The contract `registry`: systems, persons, users, devices, fields, charging standards, credit.

Source: CN112508707B, [0058] to [0068].
"""

from __future__ import annotations

from gridledger.chaincode.credit_transactions import CreditTransactions
from gridledger.chaincode.device_transactions import DeviceTransactions
from gridledger.chaincode.field_transactions import FieldTransactions
from gridledger.chaincode.identifier_transactions import IdentifierTransactions
from gridledger.chaincode.person_transactions import PersonTransactions
from gridledger.chaincode.system_transactions import SystemTransactions

__all__ = ["Registry"]


class Registry(
    SystemTransactions,
    PersonTransactions,
    IdentifierTransactions,
    DeviceTransactions,
    FieldTransactions,
    CreditTransactions,
):
    """Systems, persons, users, devices, fields, credit; its functions stand in one module a noun."""

    name = "registry"
