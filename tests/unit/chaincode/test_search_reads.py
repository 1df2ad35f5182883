"""How many keys a page of the contract `search` reads: three a result at most, whoever looks at what."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from tests.unit.chaincode.party import Party
from tests.unit.chaincode.scene import PLANT, ROLE, ROOT, Scene, field_entry

from gridledger.model.catalogue import PublicationEntry, Selector
from gridledger.model.change import DeviceMove, SystemChange
from gridledger.model.device import MAX_MOVES, DeviceApproval, DeviceEntry
from gridledger.model.digest import Digest
from gridledger.model.identifier import DeviceIdentifier, FieldIdentifier
from gridledger.model.keys import KeyPrefix
from gridledger.model.period import Frequency
from gridledger.model.roles import Role
from gridledger.model.search import FoundDevice, Viewer
from gridledger.model.states import IdentifierState
from gridledger.model.system import SystemKind

OWNERS = 12
OF_THE_VIEWER = 3
"""Its system, its user and the time mark: once a page."""


class CountedState(dict[tuple[str, str], bytes]):
    """Public state that counts the keys that the stub is asked for, by their object types."""

    def __init__(self, state: dict[tuple[str, str], bytes]) -> None:
        super().__init__(state)
        self.reads: Counter[str] = Counter()

    def get(self, key: Any, default: Any = None) -> Any:
        self.reads[key[1].split("\0")[1]] += 1
        return super().get(key, default)

    def __iter__(self) -> Iterator[tuple[str, str]]:
        raise AssertionError("a range is read")


class Page:
    """Devices of as many owners, each with the field by which it is seen; half of the owners have moved."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.devices: list[DeviceIdentifier] = []

    async def register(self) -> None:
        for number in range(OWNERS):
            await self.scene.agent.submit("ledger:RenewTimeMark")
            party = Party(self.scene.peer, "Org2MSP", f"owner-{number}", Role.BUSINESS_SYSTEM)
            await self._register(party, number)
        await self.scene.aggregation.submit("catalogue:DepositAssociations", ROOT, (PLANT,))
        selectors = tuple(Selector(system=one.system, name="output") for one in self.devices)
        entry = PublicationEntry(
            application=self.scene.systems["lifecycle"], identity=PLANT, selectors=selectors
        )
        await self.scene.aggregation.submit("catalogue:PublishFields", ROOT, entry)

    async def _register(self, party: Party, number: int) -> None:
        system = await self.scene.register(party, SystemKind.BUSINESS_SYSTEM)
        self.scene.owners[party.name] = party
        entry = DeviceEntry(own_code="P", name=f"plant {number}", kind="plant", identities=(PLANT,))
        device = system.device("P")
        # Every third one admits an auditor of the application alone.
        roles = ("auditor",) if number % 3 == 0 else (ROLE,)
        approval = DeviceApproval(device=device, evidence=Digest.of(b"seen"))
        for (result,) in (
            await party.once("registry:RegisterDevices", system, (entry,)),
            await self.scene.auditor.submit("registry:ApproveDevices", ROOT, (approval,)),
            await party.once(
                "registry:RegisterFields", system, (field_entry("P", "output", Frequency.DAY, *roles),)
            ),
        ):
            assert result.accepted, result.message
        self.devices.append(device)

    async def move(self, number: int, *, times: int, bring: bool) -> None:
        """Give an owner another prefix so many times; its device comes along, or stays below the first."""
        party, device = self.scene.owners[f"owner-{number}"], self.devices[number]
        await self.scene.agent.submit("ledger:RenewTimeMark")
        for _ in range(times):
            old = self.scene.systems[party.name]
            new = (await self.scene.auditor.submit("registry:ChangePrefix", old)).identifier
            self.scene.systems[party.name] = new
            if bring:
                move = DeviceMove(device=device, to=new.device("P"))
                (result,) = await party.once("registry:MoveDevices", old, (move,))
                assert result.accepted, result.message
                device = new.device("P")
        self.devices[number] = device

    @property
    def fields(self) -> tuple[FieldIdentifier, ...]:
        return tuple(device.field("output") for device in self.devices)

    @property
    def found(self) -> tuple[FoundDevice, ...]:
        return tuple(FoundDevice(device=field.device, field=field) for field in self.fields)


@pytest.fixture
async def page(scene: Scene) -> Page:
    made = Page(scene)
    await made.register()
    await made.move(1, times=1, bring=True)
    await made.move(2, times=MAX_MOVES, bring=True)
    await made.move(4, times=MAX_MOVES, bring=False)
    await made.move(5, times=3, bring=True)
    await made.move(6, times=2, bring=True)
    await made.move(7, times=1, bring=False)
    # Told under every prefix: nothing is found of it, below its first one neither.
    change = SystemChange(state=IdentifierState.SUSPENDED, reason="under review")
    for number in (7, 8):
        await scene.auditor.submit("registry:ChangeSystem", scene.systems[f"owner-{number}"], change)
    await scene.application.submit(
        "registry:RegisterUser", scene.systems["lifecycle"], "auditor-1", ("auditor",)
    )
    return made


async def test_page_of_owners_that_are_all_others_reads_three_keys_a_result_at_most(page: Page) -> None:
    scene, count = page.scene, len(page.devices)
    systems = {device.system for device in page.devices}
    assert len(systems) == count == OWNERS
    application = scene.systems["lifecycle"]
    own = scene.systems["owner-5"]
    for party, viewer, seen in (
        (
            scene.application,
            Viewer(system=application, user="worker-7", user_role=ROLE),
            {1, 2, 4, 5, 10, 11},
        ),
        (
            scene.application,
            Viewer(system=application, user="auditor-1", user_role="auditor"),
            {0, 3, 6, 9},
        ),
        (scene.owners["owner-5"], Viewer(system=own), {5}),
        (scene.auditor, Viewer(system=ROOT), set(range(OWNERS))),
    ):
        state = CountedState(scene.peer.ledger.state)
        scene.peer.ledger.state = state
        views = await party.ask("search:ViewFields", viewer, page.fields)
        assert {place for place, one in enumerate(views) if one.field is not None} == seen
        assert sum(state.reads.values()) <= 2 * count + OF_THE_VIEWER

        state.reads.clear()
        views = await party.ask("search:ViewDevices", viewer, page.found)
        assert {place for place, one in enumerate(views) if one.device is not None} == seen
        assert sum(state.reads.values()) <= 3 * count + OF_THE_VIEWER
        per_result = (KeyPrefix.DEVICE, KeyPrefix.FIELD, KeyPrefix.PUBLICATION)
        assert sum(state.reads[prefix] for prefix in per_result) <= 3 * count
        assert max(state.reads[prefix] for prefix in set(KeyPrefix) - set(per_result)) <= 1


async def test_results_that_are_alone_on_their_page_read_three_keys_each(page: Page) -> None:
    scene = page.scene
    viewer = Viewer(system=scene.systems["lifecycle"], user="worker-7", user_role=ROLE)
    for field, found in zip(page.fields, page.found, strict=True):
        state = CountedState(scene.peer.ledger.state)
        scene.peer.ledger.state = state
        await scene.application.ask("search:ViewFields", viewer, (field,))
        assert 0 < sum(state.reads.values()) <= 2 + OF_THE_VIEWER
        state.reads.clear()
        await scene.application.ask("search:ViewDevices", viewer, (found,))
        assert 0 < sum(state.reads.values()) <= 3 + OF_THE_VIEWER
