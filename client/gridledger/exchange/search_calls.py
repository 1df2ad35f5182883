"""The queries of the contract `search`, and what it has not of found datasets, as typed calls."""

from __future__ import annotations

from collections.abc import Sequence

from gridledger.exchange.contract_calls import ContractCalls
from gridledger.model.dataset import Dataset, DatasetIdentifier
from gridledger.model.identifier import FieldIdentifier
from gridledger.model.search import DeviceView, FieldView, FoundDevice, Viewer

__all__ = ["SearchCalls"]


class SearchCalls(ContractCalls):
    """The queries of the contract `search` as typed calls; see `ExchangeLedger`."""

    async def view_fields(self, viewer: Viewer, fields: Sequence[FieldIdentifier]) -> tuple[FieldView, ...]:
        """Return up to 100 fields as a viewer may see them now."""
        return await self._ask(tuple[FieldView, ...], "search", "ViewFields", viewer, list(fields))

    async def view_devices(self, viewer: Viewer, found: Sequence[FoundDevice]) -> tuple[DeviceView, ...]:
        """Return up to 100 devices as a viewer may see them now."""
        return await self._ask(tuple[DeviceView, ...], "search", "ViewDevices", viewer, list(found))

    async def view_dataset(self, dataset: DatasetIdentifier) -> Dataset:
        """Return a dataset as it stands; raises NotFound. Every member reads what is said of datasets."""
        return await self._ask(Dataset, "lake", "GetDataset", dataset)
