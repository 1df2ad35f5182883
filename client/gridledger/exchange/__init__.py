"""The exchange of CN112508707B for programs: business systems, the aggregation system, data applications.

    async with Party.connect(connection, authorities) as party:
        async with AggregationSystem(party, SystemIdentifier("88.1042")) as aggregation:
            resolution = await aggregation.resolve(signed_request)

Parties in one process or many: what they share stands on the ledger, what they say to each other is signed.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gridledger.exchange.aggregation_system import AggregationSystem
    from gridledger.exchange.business_system import BusinessSystem
    from gridledger.exchange.credit_register import CreditRegister, FileCreditRegister
    from gridledger.exchange.data_application import DataApplication, Fetched, QueryResult, Resolver
    from gridledger.exchange.device_file import read_devices
    from gridledger.exchange.enterprise_register import EnterpriseRegister, FileRegister
    from gridledger.exchange.errors import (
        LabelForeign,
        LabelUnreadable,
        NothingForwarded,
        RowsUnproven,
        SourceUnreadable,
        VerdictMissing,
    )
    from gridledger.exchange.label import Label, label_sheet, read_label
    from gridledger.exchange.ledger import ExchangeLedger
    from gridledger.exchange.party import Party
    from gridledger.exchange.provider import Provider
    from gridledger.exchange.purse import Purse
    from gridledger.exchange.settings import BusinessSettings

__all__ = [
    "AggregationSystem",
    "BusinessSettings",
    "BusinessSystem",
    "CreditRegister",
    "DataApplication",
    "EnterpriseRegister",
    "ExchangeLedger",
    "Fetched",
    "FileCreditRegister",
    "FileRegister",
    "Label",
    "LabelForeign",
    "LabelUnreadable",
    "NothingForwarded",
    "Party",
    "Provider",
    "Purse",
    "QueryResult",
    "Resolver",
    "RowsUnproven",
    "SourceUnreadable",
    "VerdictMissing",
    "label_sheet",
    "read_devices",
    "read_label",
]

_MODULES = {
    "AggregationSystem": "aggregation_system",
    "BusinessSettings": "settings",
    "BusinessSystem": "business_system",
    "CreditRegister": "credit_register",
    "DataApplication": "data_application",
    "EnterpriseRegister": "enterprise_register",
    "ExchangeLedger": "ledger",
    "Fetched": "data_application",
    "FileCreditRegister": "credit_register",
    "FileRegister": "enterprise_register",
    "Label": "label",
    "LabelForeign": "errors",
    "LabelUnreadable": "errors",
    "NothingForwarded": "errors",
    "Party": "party",
    "Provider": "provider",
    "Purse": "purse",
    "QueryResult": "data_application",
    "Resolver": "data_application",
    "RowsUnproven": "errors",
    "SourceUnreadable": "errors",
    "VerdictMissing": "errors",
    "label_sheet": "label",
    "read_devices": "device_file",
    "read_label": "label",
}


def __getattr__(name: str) -> object:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
