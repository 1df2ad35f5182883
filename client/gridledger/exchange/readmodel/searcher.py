"""Search as a caller gets it: found in the read model, shown as far as the ledger lets it be seen now."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from gridledger.exchange.readmodel.dataset_search import (
    DatasetHit,
    DatasetHits,
    WantedDatasets,
    find_datasets,
)
from gridledger.exchange.readmodel.read_model import ReadModel
from gridledger.exchange.readmodel.search import (
    DeviceHit,
    DeviceHits,
    FieldHit,
    FieldHits,
    Wanted,
    find_devices,
    find_fields,
)
from gridledger.exchange.search_calls import SearchCalls
from gridledger.model.dataset import Dataset, DatasetIdentifier
from gridledger.model.device import Device, RegisteredField
from gridledger.model.refusals import NotFound
from gridledger.model.search import Viewer

__all__ = ["Searcher"]


class Searcher:
    """Searches for one identity.

    Parameters
    ----------
    model : ReadModel
        The opener closes it.
    ledger : SearchCalls
        The identity's calls: it must act for the viewers that it searches for, which the contract decides.

    Notes
    -----
    A model is a moment behind its chain, and whoever holds the file can write to it. So each page is one more
    query of the contract `search`, with all its results at once: what the ledger does not let the viewer see
    is left out, and what it says of the rest is what is shown. Such a page has fewer results; its bookmark
    holds.
    """

    def __init__(self, model: ReadModel, ledger: SearchCalls) -> None:
        self._model = model
        self._ledger = ledger

    async def fields(self, viewer: Viewer, wanted: Wanted) -> FieldHits:
        """Return a page of fields.

        Raises
        ------
        ModelError
            What is wanted cannot be searched for.
        NotFound
            There is no such viewer.
        NotTheAgent, NotActive, AccessDenied
            The caller may not search for it.
        """
        found = await asyncio.to_thread(find_fields, self._model, viewer, wanted)
        if not found.fields:
            return found
        views = await self._ledger.view_fields(viewer, [hit.field for hit in found.fields])
        now = {view.identifier: view.field for view in views}
        shown = [_field(hit, now.get(hit.field)) for hit in found.fields]
        return replace(found, fields=tuple(hit for hit in shown if hit is not None))

    async def devices(self, viewer: Viewer, wanted: Wanted) -> DeviceHits:
        """Return a page of devices; raises what `fields` raises."""
        found = await asyncio.to_thread(find_devices, self._model, viewer, wanted)
        if not found.devices:
            return found
        views = await self._ledger.view_devices(viewer, found.found)
        now = {view.identifier: view.device for view in views}
        shown = [
            (_device(hit, now.get(hit.device)), one)
            for hit, one in zip(found.devices, found.found, strict=True)
        ]
        return replace(
            found,
            devices=tuple(hit for hit, _ in shown if hit is not None),
            found=tuple(one for hit, one in shown if hit is not None),
        )

    async def datasets(self, viewer: Viewer, wanted: WantedDatasets) -> DatasetHits:
        """Return a page of datasets, with what the ledger says of each now.

        Raises
        ------
        ModelError
            What is wanted cannot be searched for.
        NotFound
            There is no such viewer, or it belongs to no power platform.
        """
        found = await asyncio.to_thread(find_datasets, self._model, viewer, wanted)
        now = await asyncio.gather(*(self._dataset(hit.dataset) for hit in found.datasets))
        shown = zip(found.datasets, now, strict=True)
        return replace(found, datasets=tuple(_dataset(hit, one) for hit, one in shown if one is not None))

    async def _dataset(self, dataset: DatasetIdentifier) -> Dataset | None:
        try:
            return await self._ledger.view_dataset(dataset)
        except NotFound:
            return None


def _dataset(hit: DatasetHit, dataset: Dataset) -> DatasetHit:
    entry = dataset.entry
    return replace(
        hit,
        title=entry.title,
        description=entry.description,
        labels=entry.labels,
        is_withdrawn=dataset.withdrawn_ms is not None,
    )


def _field(hit: FieldHit, field: RegisteredField | None) -> FieldHit | None:
    if field is None:
        return None
    metadata = field.metadata
    return replace(
        hit,
        title=metadata.title,
        unit=metadata.unit,
        data_type=metadata.data_type,
        frequency=metadata.frequency,
        state=field.state,
    )


def _device(hit: DeviceHit, device: Device | None) -> DeviceHit | None:
    if device is None:
        return None
    return replace(hit, name=device.name, kind=device.kind, state=device.state, identities=device.identities)
