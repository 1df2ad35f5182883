"""The functions of `lake` for datasets and their descriptions.

Source: Luo and Jin, section 3: data descriptions stand on the chain, the data outside of it.
"""

from __future__ import annotations

from dataclasses import replace

from gridledger.chaincode.lake_key import dataset_key, dataset_label_key, datasets_by_label, datasets_of
from gridledger.chaincode.permission import acting_system
from gridledger.model.dataset import Dataset, DatasetEntry, DatasetIdentifier, DatasetMark, Label
from gridledger.model.events import Event
from gridledger.model.identifier import SystemIdentifier
from gridledger.model.lake_page import DatasetPage
from gridledger.model.refusals import AlreadyExists, Conflict
from gridledger.model.roles import Role
from gridledger.model.system import ShortText, SystemKind
from gridledger.shim import Context, Contract, query, transaction

__all__ = ["DatasetTransactions", "owned_dataset", "require_kept"]

PAGE_SIZE = 100
"""Datasets a page: some 250 KB with the longest descriptions."""


class DatasetTransactions(Contract):
    """Datasets of business systems."""

    @transaction(roles=(Role.BUSINESS_SYSTEM,))
    async def register_dataset(self, ctx: Context, entry: DatasetEntry) -> Dataset:
        """Register a dataset below its owner's prefix; an identifier is used once."""
        await acting_system(ctx, entry.identifier.system, SystemKind.BUSINESS_SYSTEM)
        if await ctx.get(dataset_key(entry.identifier)) is not None:
            raise AlreadyExists("dataset", str(entry.identifier))
        dataset = Dataset(entry=entry, registered_ms=await ctx.now_ms())
        await _put(ctx, dataset, ())
        ctx.emit(Event.DATASET_REGISTERED, dataset)
        return dataset

    @transaction(roles=(Role.BUSINESS_SYSTEM,))
    async def describe_dataset(self, ctx: Context, entry: DatasetEntry) -> Dataset:
        """Give a dataset another title, description or labels; what it was before: history of the key."""
        dataset = await owned_dataset(ctx, entry.identifier)
        described = replace(dataset, entry=entry)
        await _put(ctx, described, dataset.entry.labels)
        ctx.emit(Event.DATASET_CHANGED, described)
        return described

    @transaction(roles=(Role.BUSINESS_SYSTEM,))
    async def withdraw_dataset(
        self, ctx: Context, identifier: DatasetIdentifier, reason: ShortText
    ) -> Dataset:
        """Take a dataset back: no version is added and no request admitted from then on; grants run out."""
        dataset = await owned_dataset(ctx, identifier)
        withdrawn = replace(dataset, withdrawn_ms=await ctx.now_ms(), reason=reason)
        await ctx.put(dataset_key(identifier), withdrawn)
        ctx.emit(Event.DATASET_CHANGED, withdrawn)
        return withdrawn

    @query
    async def get_dataset(self, ctx: Context, identifier: DatasetIdentifier) -> Dataset:
        """Return a dataset."""
        return await ctx.require(dataset_key(identifier))

    @query
    async def list_datasets(self, ctx: Context, owner: SystemIdentifier, bookmark: str) -> DatasetPage:
        """Return a page of an owner's datasets, by name."""
        page = await ctx.page(datasets_of(owner), size=PAGE_SIZE, bookmark=bookmark)
        return DatasetPage(datasets=tuple(row.record for row in page.rows), bookmark=page.bookmark)

    @query
    async def find_datasets(self, ctx: Context, label: Label, bookmark: str) -> DatasetPage:
        """Return a page of the datasets that have a label."""
        page = await ctx.page(datasets_by_label(label), size=PAGE_SIZE, bookmark=bookmark)
        names = [DatasetIdentifier.parse(row.key.parts[-1]) for row in page.rows]
        found = await ctx.get_many([dataset_key(name) for name in names])
        return DatasetPage(datasets=tuple(one for one in found if one is not None), bookmark=page.bookmark)


async def owned_dataset(ctx: Context, identifier: DatasetIdentifier) -> Dataset:
    """Return a dataset whose owner calls, and which it has not withdrawn.

    Raises
    ------
    NotFound, NotTheAgent, NotActive
        See `acting_system`; or there is no such dataset.
    Conflict
        It is withdrawn.
    """
    await acting_system(ctx, identifier.system, SystemKind.BUSINESS_SYSTEM)
    dataset = await ctx.require(dataset_key(identifier))
    require_kept(dataset)
    return dataset


def require_kept(dataset: Dataset) -> None:
    """Refuse a dataset that its owner has withdrawn; raises Conflict."""
    if dataset.withdrawn_ms is not None:
        raise Conflict(f"the dataset {dataset.entry.identifier} is withdrawn")


async def _put(ctx: Context, dataset: Dataset, before: tuple[str, ...]) -> None:
    """Write a dataset and what it is found by."""
    entry = dataset.entry
    await ctx.put(dataset_key(entry.identifier), dataset)
    for label in before:
        if label not in entry.labels:
            await ctx.delete(dataset_label_key(label, entry.identifier))
    for label in entry.labels:
        await ctx.put(dataset_label_key(label, entry.identifier), DatasetMark(title=entry.title))
