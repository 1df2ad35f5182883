"""Registration of any number of devices and fields: how they are parted, and what goes at the same time."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridledger.exchange.identifier_calls import IdentifierCalls
from gridledger.exchange.registrations import BATCHES_IN_FLIGHT, Registrations
from gridledger.model.device import (
    DeclaredIdentity,
    DeviceEntry,
    FieldEntry,
    FieldMetadata,
    ItemResult,
)
from gridledger.model.identifier import SystemIdentifier
from gridledger.model.period import Frequency
from gridledger.model.refusals import AccessDenied

SYSTEM = SystemIdentifier("88.1042.1")
METADATA = FieldMetadata(
    title="AC power", unit="kW", data_type="number", frequency=Frequency.DAY, roles=("worker",)
)


LIMIT = 20
"""Items a call in these tests."""


@pytest.fixture(scope="module", autouse=True)
def _small_batches() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("gridledger.exchange.registrations.MAX_BATCH_ITEMS", LIMIT)
        yield


class Ledger:
    """Takes batches; each waits until all others had their turn. One of them may be refused."""

    def __init__(self, refused: int = -1) -> None:
        self.batches: list[tuple[str | None, list[str]]] = []
        self.most = self._under_way = 0
        self._refused = refused

    async def register_devices(
        self, system: SystemIdentifier, entries: Sequence[DeviceEntry], *, call_key: str | None
    ) -> tuple[ItemResult, ...]:
        return await self._take(system, [entry.own_code for entry in entries], call_key)

    async def register_fields(
        self, system: SystemIdentifier, entries: Sequence[FieldEntry], *, call_key: str | None
    ) -> tuple[ItemResult, ...]:
        return await self._take(system, [f"{entry.own_code}#{entry.name}" for entry in entries], call_key)

    async def _take(
        self, system: SystemIdentifier, items: list[str], call_key: str | None
    ) -> tuple[ItemResult, ...]:
        assert system == SYSTEM
        self.batches.append((call_key, items))
        number = len(self.batches)
        self._under_way += 1
        self.most = max(self.most, self._under_way)
        for _ in range(20):
            await asyncio.sleep(0)
        self._under_way -= 1
        if number == self._refused:
            raise AccessDenied("no")
        return tuple(ItemResult(item=item, identifier=f"{SYSTEM}/{item}") for item in items)


def registrations(ledger: Ledger, **options: Any) -> Registrations:
    return Registrations(cast("IdentifierCalls", ledger), SYSTEM, **options)


def devices(count: int, *identities: DeclaredIdentity) -> list[DeviceEntry]:
    return [
        DeviceEntry(own_code=f"M{number}", name="Meter", kind="meter", identities=identities)
        for number in range(count)
    ]


def field(own_code: str, name: str) -> FieldEntry:
    return FieldEntry(own_code=own_code, name=name, metadata=METADATA, price_milliyuan=1)


async def test_devices_go_in_batches_at_the_same_time_and_results_come_in_order() -> None:
    ledger = Ledger()
    entries = devices(9 * LIMIT + 1)
    results = await registrations(ledger, call_key="key").devices(entries)
    assert [result.item for result in results] == [entry.own_code for entry in entries]
    assert [key for key, _ in ledger.batches] == [f"key.{number}" for number in range(1, 11)]
    assert [len(items) for _, items in ledger.batches] == [LIMIT] * 9 + [1]
    assert ledger.most == BATCHES_IN_FLIGHT


@pytest.mark.parametrize("count", [0, 1, LIMIT])
async def test_what_fits_goes_in_one_call_under_the_key_itself(count: int) -> None:
    ledger = Ledger()
    results = await registrations(ledger, call_key="key").devices(devices(count))
    assert len(results) == count
    assert [key for key, _ in ledger.batches] == ["key"]


@pytest.mark.parametrize(
    "identity",
    [DeclaredIdentity(scheme="plant", value="R27"), DeclaredIdentity.of_label(SYSTEM.device("M1"))],
    ids=str,
)
async def test_devices_that_would_wait_for_each_other_go_batch_by_batch(identity: DeclaredIdentity) -> None:
    ledger = Ledger()
    entries = [*devices(LIMIT), *devices(1, identity)]
    await registrations(ledger).devices([*entries, *entries])
    assert (len(ledger.batches), ledger.most) == (3, 1)


@given(
    st.lists(st.tuples(st.sampled_from("abcdefgh"), st.integers(1, 7)), max_size=12),
    st.randoms(use_true_random=False),
)
def test_fields_of_a_device_stay_in_one_batch(sizes: list[tuple[str, int]], chance: Any) -> None:
    entries = [
        field(code, f"f{place}.{number}")
        for place, (code, size) in enumerate(sizes)
        for number in range(size)
    ]
    chance.shuffle(entries)
    ledger = Ledger()
    results = asyncio.run(registrations(ledger).fields(entries))
    assert [result.item for result in results] == [f"{entry.own_code}#{entry.name}" for entry in entries]
    assert all(len(items) <= LIMIT for _, items in ledger.batches)
    fields = Counter(entry.own_code for entry in entries)
    batches = Counter(
        code for _, items in ledger.batches for code in {item.partition("#")[0] for item in items}
    )
    assert all(batches[code] == 1 for code, size in fields.items() if size <= LIMIT)


async def test_after_a_refusal_no_other_batch_is_begun() -> None:
    ledger = Ledger(refused=2)
    with pytest.raises(AccessDenied):
        await registrations(ledger, in_flight=2).devices(devices(8 * LIMIT))
    assert len(ledger.batches) == 3  # The one beside it had to go on, and was waited for.
    assert ledger._under_way == 0
