"""The read model: search, logs and statistics over what the ledger holds.

    with ReadModel.feed(path, channel="energy", chaincode="gridledger") as model:
        await Feeder(model, party.network, "gridledger").follow()

    with ReadModel.read(path) as model:
        page = await Searcher(model, party.ledger).fields(viewer, Wanted(words="逆变器 power"))

Keys of a ledger find what is asked for by name. Words, logs and sums want other orders of the same records:
one SQLite file beside a peer has them. It follows the channel block by block, may be thrown away at any time,
and decides nothing: what a search shows, the contract `search` has let through on the ledger of the moment.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gridledger.exchange.readmodel.dataset_search import (
        DatasetHit,
        DatasetHits,
        WantedDatasets,
        find_datasets,
    )
    from gridledger.exchange.readmodel.errors import ChainDiffers, ReadModelUnusable
    from gridledger.exchange.readmodel.feeder import Feeder
    from gridledger.exchange.readmodel.journal import Log
    from gridledger.exchange.readmodel.ledger_block import LedgerBlock, LedgerTransaction
    from gridledger.exchange.readmodel.logs import (
        LogLine,
        LogPage,
        LogQuery,
        ResolutionLine,
        ResolutionPage,
        ResolutionQuery,
        read_log,
        read_resolutions,
    )
    from gridledger.exchange.readmodel.read_model import Progress, ReadModel
    from gridledger.exchange.readmodel.search import (
        DeviceHit,
        DeviceHits,
        FieldHit,
        FieldHits,
        Wanted,
        find_devices,
        find_fields,
    )
    from gridledger.exchange.readmodel.searcher import Searcher
    from gridledger.exchange.readmodel.statistics import (
        Hour,
        QueryCount,
        Revenue,
        RevenueBy,
        StatisticsQuery,
        UnusedField,
        Use,
        count_hours,
        count_queries,
        list_unused,
        list_use,
        sum_revenue,
    )

__all__ = [
    "ChainDiffers",
    "DatasetHit",
    "DatasetHits",
    "DeviceHit",
    "DeviceHits",
    "Feeder",
    "FieldHit",
    "FieldHits",
    "Hour",
    "LedgerBlock",
    "LedgerTransaction",
    "Log",
    "LogLine",
    "LogPage",
    "LogQuery",
    "Progress",
    "QueryCount",
    "ReadModel",
    "ReadModelUnusable",
    "ResolutionLine",
    "ResolutionPage",
    "ResolutionQuery",
    "Revenue",
    "RevenueBy",
    "Searcher",
    "StatisticsQuery",
    "UnusedField",
    "Use",
    "Wanted",
    "WantedDatasets",
    "count_hours",
    "count_queries",
    "find_datasets",
    "find_devices",
    "find_fields",
    "list_unused",
    "list_use",
    "read_log",
    "read_resolutions",
    "sum_revenue",
]

_MODULES = {
    "ChainDiffers": "errors",
    "DatasetHit": "dataset_search",
    "DatasetHits": "dataset_search",
    "DeviceHit": "search",
    "DeviceHits": "search",
    "Feeder": "feeder",
    "FieldHit": "search",
    "FieldHits": "search",
    "Hour": "statistics",
    "LedgerBlock": "ledger_block",
    "LedgerTransaction": "ledger_block",
    "Log": "journal",
    "LogLine": "logs",
    "LogPage": "logs",
    "LogQuery": "logs",
    "Progress": "read_model",
    "QueryCount": "statistics",
    "ReadModel": "read_model",
    "ReadModelUnusable": "errors",
    "ResolutionLine": "logs",
    "ResolutionPage": "logs",
    "ResolutionQuery": "logs",
    "Revenue": "statistics",
    "RevenueBy": "statistics",
    "Searcher": "searcher",
    "StatisticsQuery": "statistics",
    "UnusedField": "statistics",
    "Use": "statistics",
    "Wanted": "search",
    "WantedDatasets": "dataset_search",
    "count_hours": "statistics",
    "count_queries": "statistics",
    "find_datasets": "dataset_search",
    "find_devices": "search",
    "find_fields": "search",
    "list_unused": "statistics",
    "list_use": "statistics",
    "read_log": "logs",
    "read_resolutions": "logs",
    "sum_revenue": "statistics",
}


def __getattr__(name: str) -> object:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
