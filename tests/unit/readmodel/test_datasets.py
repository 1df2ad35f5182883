"""Search for datasets in a read model: by words and labels, as far as sharing policies admit the viewer."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from tests.unit.chaincode.scene import Scene
from tests.unit.chaincode.sharing_scene import PURPOSE, ROLE, SharingScene
from tests.unit.readmodel.chain import Chain

from gridledger.chaincode import GridLedger
from gridledger.exchange.readmodel import ReadModel, Searcher, WantedDatasets, find_datasets
from gridledger.model.dataset import Dataset, DatasetIdentifier
from gridledger.model.errors import ModelError
from gridledger.model.identifier import SystemIdentifier
from gridledger.model.refusals import NotFound
from gridledger.model.search import Viewer
from gridledger.model.sharing import PowerPlatform
from gridledger.shim.testing import MemoryPeer

STATIONS, PRICES = "charging/stations.csv", "charging/prices.parquet"


@dataclass
class Found:
    """Datasets on a ledger, the chain of what it commits, and a model that follows it."""

    sharing: SharingScene
    chain: Chain
    model: ReadModel

    def viewer(self, platform: PowerPlatform, role: str = ROLE) -> Viewer:
        return Viewer(system=self.sharing.system(platform), user="worker-1", user_role=role)

    @property
    def owner(self) -> Viewer:
        return Viewer(system=self.sharing.dataset.system)

    def find(self, words: str = "", viewer: Viewer | None = None, **wanted: Any) -> list[str]:
        """Feed the model, and return the names of the datasets that are found."""
        self.chain.feed(self.model)
        hits = find_datasets(self.model, viewer or self.owner, WantedDatasets(words=words, **wanted))
        return [hit.dataset.name for hit in hits.datasets]


@pytest.fixture
async def found(tmp_path: Path) -> AsyncIterator[Found]:
    """Give an owner with two datasets, of which one has a version and is shared with two platforms."""
    async with MemoryPeer(GridLedger()) as peer:
        chain = Chain.of(peer)
        sharing = await SharingScene.make(Scene.on(peer))
        await sharing.store(sharing.statement(unit="kWh"))
        rules = [
            sharing.rule(PowerPlatform.DISTRIBUTION),
            sharing.rule(PowerPlatform.DISPATCHING, organisations=("Org1MSP",)),
        ]
        await sharing.owner.submit("lake:SetSharingPolicy", sharing.dataset, tuple(rules))
        prices = DatasetIdentifier(sharing.dataset.system, PRICES)
        entry = sharing.entry(
            identifier=prices, title="充电价格", description="price by hour", labels=("tariff",)
        )
        await sharing.owner.submit("lake:RegisterDataset", entry)
        with ReadModel.feed(tmp_path / "model.db", channel="energy", chaincode="gridledger") as model:
            yield Found(sharing, chain, model)


async def test_datasets_are_found_by_words_labels_type_and_unit(found: Found) -> None:
    assert found.find() == [STATIONS, PRICES]
    assert found.find("stand where") == [STATIONS]
    assert found.find("价格 hour") == [PRICES]
    assert found.find("stations hour") == []
    assert found.find(label="tariff") == [PRICES]
    assert found.find(label="stand") == []
    assert found.find(data_type="CSV") == [STATIONS]
    assert found.find(unit="kWh") == found.find("kwh") == [STATIONS]
    assert found.find(unit="kwh") == []
    owner = found.sharing.dataset.system
    assert found.find("charging", owner=owner) == [STATIONS, PRICES]
    assert found.find("charging", owner=found.sharing.system(PowerPlatform.MARKETING)) == []


async def test_hit_says_what_its_policy_and_its_newest_version_say(found: Found) -> None:
    found.chain.feed(found.model)
    shared, alone = find_datasets(found.model, found.owner, WantedDatasets()).datasets
    assert (shared.number, shared.size_bytes, shared.unit) == (1, 1000, "kWh")
    assert (shared.purposes, shared.data_type, shared.is_withdrawn) == ((PURPOSE,), "csv", False)
    assert (alone.number, alone.purposes, alone.labels) == (None, (), ("tariff",))


async def test_application_finds_what_its_platform_organisation_and_role_are_admitted_to(
    found: Found,
) -> None:
    assert found.find("", found.viewer(PowerPlatform.DISTRIBUTION)) == [STATIONS]
    assert found.find("", found.viewer(PowerPlatform.DISTRIBUTION, "another-role")) == []
    assert found.find("", found.viewer(PowerPlatform.MARKETING)) == []
    # Its rule is for applications of another organisation.
    assert found.find("", found.viewer(PowerPlatform.DISPATCHING)) == []
    rule = found.sharing.rule(PowerPlatform.DISPATCHING, organisations=("Org2MSP",))
    await found.sharing.owner.submit("lake:SetSharingPolicy", found.sharing.dataset, (rule,))
    assert found.find("", found.viewer(PowerPlatform.DISPATCHING)) == [STATIONS]
    assert found.find("", found.viewer(PowerPlatform.DISTRIBUTION)) == []


async def test_application_that_changes_its_platform_finds_what_that_is_admitted_to(found: Found) -> None:
    system = found.sharing.system(PowerPlatform.MARKETING)
    administrator = found.sharing.scene.administrator
    await administrator.submit("lake:AssignPlatform", system, PowerPlatform.DISTRIBUTION)
    assert found.find("", found.viewer(PowerPlatform.MARKETING)) == [STATIONS]


async def test_withdrawn_dataset_is_found_by_its_owner_only(found: Found) -> None:
    sharing = found.sharing
    root = SystemIdentifier(str(sharing.dataset.system).rpartition(".")[0])
    await sharing.owner.submit("lake:WithdrawDataset", sharing.dataset, "sold")
    assert found.find("", found.viewer(PowerPlatform.DISTRIBUTION)) == []
    assert found.find() == found.find("", Viewer(system=root)) == [STATIONS, PRICES]
    (hit, _) = find_datasets(found.model, found.owner, WantedDatasets()).datasets
    assert hit.is_withdrawn


async def test_changed_description_is_found_by_its_new_words(found: Found) -> None:
    entry = found.sharing.entry(title="Parking lots", labels=("parking",))
    await found.sharing.owner.submit("lake:DescribeDataset", entry)
    assert found.find("parking") == found.find(label="parking") == [STATIONS]
    assert found.find(label="stations") == []


async def test_pages_hold_every_dataset_once(found: Found) -> None:
    found.chain.feed(found.model)
    first = find_datasets(found.model, found.owner, WantedDatasets(size=1))
    second = find_datasets(found.model, found.owner, WantedDatasets(size=1, bookmark=first.bookmark))
    third = find_datasets(found.model, found.owner, WantedDatasets(size=1, bookmark=second.bookmark))
    assert [hit.dataset.name for page in (first, second, third) for hit in page.datasets] == [
        STATIONS,
        PRICES,
    ]
    assert third.bookmark == ""


async def test_viewers_without_standing_are_refused(found: Found) -> None:
    with pytest.raises(NotFound):
        found.find("", Viewer(system=SystemIdentifier("88.1042.999")))
    with pytest.raises(ModelError, match="searches for a user"):
        found.find("", Viewer(system=found.sharing.system(PowerPlatform.MARKETING)))


class _Ledger:
    """A ledger that knows one dataset, by another title."""

    def __init__(self, dataset: Dataset) -> None:
        self._dataset = dataset

    async def view_dataset(self, dataset: DatasetIdentifier) -> Dataset:
        if dataset != self._dataset.entry.identifier:
            raise NotFound("dataset", str(dataset))
        return self._dataset


async def test_page_says_what_the_ledger_says_now(found: Found) -> None:
    found.chain.feed(found.model)
    entry = replace(found.sharing.entry(), title="As it is now")
    ledger: Any = _Ledger(Dataset(entry=entry, registered_ms=1))
    page = await Searcher(found.model, ledger).datasets(found.owner, WantedDatasets())
    assert [(hit.dataset.name, hit.title) for hit in page.datasets] == [(STATIONS, "As it is now")]
