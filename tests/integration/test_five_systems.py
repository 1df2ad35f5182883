"""The whole scene of five systems: one paid query over all of them, and what parties of it may try."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from urllib.parse import urlsplit

import pytest
from tests.integration.exchange import CHAINCODE, fund, opened_scene, signed_request
from tests.worlds import attached_network, running_network

from gridledger.exchange.business_system import BusinessSystem
from gridledger.exchange.data_application import Fetched
from gridledger.exchange.demo.devices import INVERTER
from gridledger.exchange.demo.made import ENGINEER, ENGINEER_ROLE
from gridledger.exchange.demo.mishaps import ALTERED_ROW
from gridledger.exchange.demo.scene import APPLICATION, Scene
from gridledger.exchange.demo.sharing import TRACING
from gridledger.exchange.demo.systems import METER, SYSTEMS, system_named
from gridledger.exchange.errors import RowsUnproven
from gridledger.exchange.messages import DeliveryQuestion
from gridledger.exchange.provider import Provider
from gridledger.model.catalogue import Selector
from gridledger.model.delivery import Delivery
from gridledger.model.device import DeviceEntry
from gridledger.model.digest import Digest
from gridledger.model.exchange_refusals import FieldRefused, HoldNotOver, NotTheAgent
from gridledger.model.identifier import SystemIdentifier
from gridledger.model.integrity import PeriodRoot, SignedRoots
from gridledger.model.period import Period
from gridledger.model.refusals import NotFound
from gridledger.model.resolution import Resolution, SignedRequest
from gridledger.model.states import OrderState, Outcome
from gridledger.model.trade import Order
from gridledger.network import Network, World
from gridledger.web import Call, LocalServer, MemoryReplayStore, ServiceUnavailable

NAMES = tuple(system.name for system in SYSTEMS)
FIVE = f"{CHAINCODE}-five"
HOLD_S = 25
"""Time for four owners to be fetched and paid on a busy machine; the fifth one's money is waited for."""


class Forger(Provider):
    """Signs the roots that it deposited, and delivers other rows."""

    async def deliver(self, call: Call[DeliveryQuestion]) -> Delivery:
        true = await super().deliver(call)
        first = true.periods[0]
        rows = (replace(first.rows[0], value="a better brand"), *first.rows[1:])
        return replace(true, periods=(replace(first, rows=rows), *true.periods[1:]))


class Claimant(Provider):
    """Signs roots under another system's prefix."""

    def __init__(self, owner: BusinessSystem, foreign: SystemIdentifier) -> None:
        super().__init__(owner)
        self.foreign = foreign

    async def sign_roots(self, call: Call[SignedRequest]) -> SignedRoots:
        signed = await super().sign_roots(call)
        roots = [
            replace(one, field=self.foreign.device(one.field.device.own_code).field(one.field.name))
            for one in signed.roots.roots
        ]
        claimed = replace(signed.roots, roots=tuple(roots))
        return replace(signed, roots=claimed, signature=await self._owner.party.sign(claimed))


class Five:
    """The scene, and a way to put another server in the place of an owner's."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self._providers: dict[str, Provider | None] = {}
        self._servers: dict[str, LocalServer] = {}

    @asynccontextmanager
    async def in_place_of(self, name: str, provider: Provider | None) -> AsyncIterator[None]:
        """Serve by another provider at an owner's registered address, or by none; then as before."""
        before = self._providers.get(name, Provider(self.scene.owners[name]))
        await self._put(name, provider)
        try:
            yield
        finally:
            await self._put(name, before)

    async def close(self) -> None:
        for name in tuple(self._servers):
            await self._put(name, None)

    async def _put(self, name: str, provider: Provider | None) -> None:
        await self.scene.servers.stop(name)
        if name in self._servers:
            await self._servers.pop(name).__aexit__(None, None, None)
        self._providers[name] = provider
        if provider is not None:
            port = urlsplit(self.scene.servers.urls[name]).port or 0
            server = LocalServer(provider.service(MemoryReplayStore()), port=port)
            self._servers[name] = await server.__aenter__()


@pytest.fixture(scope="module")
def own_network(world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Network]:
    folder = tmp_path_factory.mktemp("five")
    own = attached_network(folder / "network") if world is World.ATTACHED else running_network(world, folder)
    with own as network:
        network.deploy(FIVE, "gridledger.chaincode:GridLedger")
        yield network


@pytest.fixture(scope="module")
async def five(own_network: Network, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Five]:
    folder = tmp_path_factory.mktemp("five-systems") / "scene"
    async with opened_scene(own_network, folder, modules=3, postgresql=True, chaincode=FIVE) as scene:
        for owner in scene.owners.values():
            # Where they answer from this process, they deliver on any hold that is not over.
            server = replace(owner.settings.server, margin_s=0)
            owner.settings = replace(owner.settings, server=server)
        five = Five(scene)
        yield five
        await five.close()


@pytest.fixture
def scene(five: Five) -> Scene:
    return five.scene


async def resolved(scene: Scene) -> Resolution:
    return await scene.application.resolve(await signed_request(scene))


async def ordered(scene: Scene, *, hold_s: int = 900) -> tuple[Resolution, Order]:
    await fund(scene, 40_000)
    resolution = await resolved(scene)
    return resolution, await scene.application.order(resolution, hold_s=hold_s)


async def fetched(scene: Scene, resolution: Resolution, order: Order) -> dict[SystemIdentifier, Fetched]:
    return {one.owner: one for one in await scene.application.fetch(resolution, order)}


def outcomes(scene: Scene, resolution: Resolution, name: str) -> set[Outcome]:
    target = resolution.target(scene.systems[name])
    assert target is not None
    return {check.outcome for field in target.fields for check in field.checks}


async def test_one_scan_brings_the_fields_of_five_systems_by_one_paid_query(scene: Scene) -> None:
    signed = await signed_request(scene)
    assert signed.request.device == scene.systems["production"].device(INVERTER.serial)

    resolution, order = await ordered(scene)
    answers = await fetched(scene, resolution, order)
    settled = await scene.application.settle(list(answers.values()))

    assert {line.owner for line in settled} == {scene.systems[name] for name in NAMES}
    for name in NAMES:
        delivery = answers[scene.systems[name]].delivery
        assert delivery is not None
        delivered = {period.field.name for period in delivery.periods}
        assert delivered == {field.name for field in system_named(name).fields}
    production = answers[scene.systems["production"]].delivery
    assert production is not None
    values = {period.field.name: period.rows[0].value for period in production.periods}
    assert (values["brand"], values["device_model"]) == (INVERTER.brand, INVERTER.model)


async def test_the_other_role_gets_what_owners_let_it_see(scene: Scene) -> None:
    asked = await signed_request(scene, user=ENGINEER, user_role=ENGINEER_ROLE, function=TRACING)

    resolution = await scene.application.resolve(asked)

    seen = {field.field.name for target in resolution.targets for field in target.forwarded()}
    every = {field.name for system in SYSTEMS for field in system.fields}
    assert every - seen == {"order_staff", "order_measure"}


async def test_a_role_that_asks_for_one_field_too_many_is_refused_by_name(scene: Scene) -> None:
    maintenance, monitoring = scene.systems["maintenance"], scene.systems["monitoring"]
    wanted = [Selector(system=monitoring, name="ac_power"), Selector(system=maintenance, name="order_text")]
    asked = {"user": ENGINEER, "user_role": ENGINEER_ROLE, "function": TRACING}
    allowed = await signed_request(scene, **asked, wanted=wanted)
    refused = await signed_request(
        scene, **asked, wanted=[*wanted, Selector(system=maintenance, name="order_staff")]
    )

    assert len((await scene.application.resolve(allowed)).targets) == 2
    with pytest.raises(FieldRefused, match="order_staff"):
        await scene.application.resolve(refused)
    with pytest.raises(NotFound):
        await scene.cast[APPLICATION].ledger.resolution(refused.request.id)


async def test_a_system_cannot_write_below_anothers_prefix(scene: Scene) -> None:
    thief, victim = scene.cast["asset"].ledger, scene.systems["production"]
    device = DeviceEntry(own_code="new", name="new", kind="module")
    field = victim.device(INVERTER.serial).field("brand")
    root = PeriodRoot(field=field, period=Period("once"), root=Digest.of(b"forged"), rows=1)

    with pytest.raises(NotTheAgent):
        await thief.register_devices(victim, [device])
    with pytest.raises(NotTheAgent):
        await thief.deposit_roots(victim, [root])
    (result,) = await thief.deposit_roots(scene.systems["asset"], [root])
    assert not result.accepted


@pytest.mark.parametrize("how", ["with its own key", "in its own name"])
async def test_a_server_that_answers_for_anothers_prefix_is_not_heard(how: str, five: Five) -> None:
    scene = five.scene
    provider: Provider
    if how == "with its own key":  # another system's server at the owner's address
        provider = Provider(scene.owners["construction"])
    else:  # the owner's server, naming another's fields
        provider = Claimant(scene.owners["asset"], scene.systems["production"])

    async with five.in_place_of("asset", provider):
        resolution = await resolved(scene)

    assert outcomes(scene, resolution, "asset") == {Outcome.UNANSWERED}
    for name in NAMES:
        if name != "asset":
            assert outcomes(scene, resolution, name) == {Outcome.INTACT}
    assert outcomes(scene, await resolved(scene), "asset") == {Outcome.INTACT}


async def test_a_provider_that_serves_altered_rows_is_not_paid_and_the_others_are(five: Five) -> None:
    scene, production = five.scene, five.scene.systems["production"]
    resolution, order = await ordered(scene)

    async with five.in_place_of("production", Forger(scene.owners["production"])):
        answers = await fetched(scene, resolution, order)

    assert isinstance(answers[production].error, RowsUnproven)
    settled = await scene.application.settle(list(answers.values()))
    assert {line.owner for line in settled} == {scene.systems[name] for name in NAMES} - {production}
    await scene.cast.even()
    with pytest.raises(HoldNotOver):
        await scene.application.return_holds(order, [production])


async def test_rows_altered_by_sql_withhold_their_field_alone(scene: Scene) -> None:
    statement = "UPDATE reading SET ac_power_kw = :value WHERE meter = :meter AND measured_at = :row"
    where = {"meter": METER, "row": ALTERED_ROW}
    assert await scene.stores.alter("monitoring", statement, value=250.0, **where) == 1
    try:
        resolution = await resolved(scene)
    finally:
        await scene.stores.alter("monitoring", statement, value=0.0, **where)

    withheld = [
        str(field.field) for target in resolution.targets for field in target.fields if field.withheld
    ]
    assert withheld == [f"{scene.systems['monitoring']}/{METER}#ac_power"]
    assert outcomes(scene, await resolved(scene), "monitoring") == {Outcome.INTACT}


async def test_a_provider_that_dies_after_the_hold_costs_nothing_and_stops_nobody(five: Five) -> None:
    scene, construction = five.scene, five.scene.systems["construction"]
    async with AsyncExitStack() as stack:
        for name in NAMES:
            await stack.enter_async_context(five.in_place_of(name, Provider(scene.owners[name])))
        resolution, order = await ordered(scene, hold_s=HOLD_S)
        async with five.in_place_of("construction", None):
            answers = await fetched(scene, resolution, order)
        settled = await scene.application.settle(list(answers.values()))

    assert isinstance(answers[construction].error, ServiceUnavailable)
    assert {line.owner for line in settled} == {scene.systems[name] for name in NAMES} - {construction}
    await asyncio.sleep(max(0.0, order.deadline_ms / 1000 - time.time()) + 0.1)
    await scene.application.return_holds(order, [construction])
    await scene.cast.even()
    settlement = await scene.cast[APPLICATION].ledger.settlement(order.id, construction)
    assert (settlement.state, settlement.account) == (OrderState.RETURNED, scene.systems[APPLICATION])
    line = next(one for one in order.lines if one.system == construction)
    assert settlement.amount_milliyuan == line.amount_milliyuan
