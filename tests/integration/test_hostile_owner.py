"""An owner's server that lies, one that is nobody's, and a system that must not be registered."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

import pytest
from tests.integration.exchange import authorities, enrol, fund, signed_request

from gridledger.exchange.business_system import BusinessSystem
from gridledger.exchange.demo.configuration import set_up_system
from gridledger.exchange.demo.made import made_enterprise
from gridledger.exchange.demo.scene import APPLICATION, IDENTITY, ROOT, Scene
from gridledger.exchange.demo.systems import system_named
from gridledger.exchange.errors import RowsUnproven
from gridledger.exchange.messages import COUNTERSIGNATURES_PATH, DeliveryQuestion, OfferedContract
from gridledger.exchange.provider import Provider
from gridledger.exchange.settings import BusinessSettings
from gridledger.model.catalogue import PublicationEntry, Selector
from gridledger.model.delivery import Delivery
from gridledger.model.device import DeviceApproval
from gridledger.model.digest import Digest
from gridledger.model.exchange_refusals import CheckNotPassed, ContractDiffers
from gridledger.model.resolution import RuleEntry
from gridledger.model.roles import Role
from gridledger.model.signature import SignatureInvalid
from gridledger.model.trade import CountersignedContract
from gridledger.network import Network
from gridledger.web import Call, LocalServer, MemoryReplayStore


class Forger(Provider):
    """Signs the roots that it deposited, and delivers other rows."""

    async def deliver(self, call: Call[DeliveryQuestion]) -> Delivery:
        true = await super().deliver(call)
        first = true.periods[0]
        rows = (replace(first.rows[0], value="475000.0"), *first.rows[1:])
        return replace(true, periods=(replace(first, rows=rows), *true.periods[1:]))


class Overcharger(Provider):
    """Delivers well, and countersigns whatever contract it likes better."""

    async def countersign(self, call: Call[OfferedContract]) -> CountersignedContract:
        signed = await super().countersign(call)
        dearer = replace(signed.contract, amount_milliyuan=signed.contract.amount_milliyuan + 1)
        return replace(signed, contract=dearer, owner_signature=await self._owner.party.sign(dearer))


async def served(
    stack: AsyncExitStack, network: Network, scene: Scene, folder: Path, name: str, kind: type[Provider]
) -> tuple[BusinessSystem, str]:
    """Serve a copy of the construction register under another identity, by a provider of some kind."""
    connection = await asyncio.to_thread(enrol, network, "org2", name, Role.BUSINESS_SYSTEM)
    path = set_up_system(
        system_named("construction"), folder / name, str(ROOT), connection, authorities(network)
    )
    owner = await stack.enter_async_context(BusinessSystem.open(BusinessSettings.from_file(path)))
    server = LocalServer(kind(owner).service(MemoryReplayStore()))
    await stack.enter_async_context(server)
    return owner, server.url


@pytest.fixture
async def stack() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as opened:
        yield opened


@pytest.mark.parametrize(
    ("kind", "error"),
    [(Forger, RowsUnproven), (Overcharger, SignatureInvalid)],
    ids=["forger", "overcharger"],
)
async def test_owner_that_lies_is_not_paid(
    kind: type[Provider],
    error: type[Exception],
    exchange_network: Network,
    scene: Scene,
    stack: AsyncExitStack,
    tmp_path: Path,
) -> None:
    name = kind.__name__.lower()
    owner, url = await served(stack, exchange_network, scene, tmp_path, name, kind)
    applied = await owner.apply(url)
    await scene.aggregation.check(applied.id)
    await scene.cast["auditor"].ledger.approve_system(applied.id)
    system = await owner.wait_approved()
    await owner.register_devices()
    await owner.register_fields()
    await owner.deposit()
    await scene.cast.even()
    approval = DeviceApproval(device=system.device("R27"), evidence=Digest.of(b"seen"))
    await scene.cast["auditor"].ledger.approve_devices(ROOT, [approval])
    await scene.aggregation.associate([IDENTITY])
    selectors = (
        Selector(system=system, name="dc_size"),
        Selector(system=scene.systems["monitoring"], name="ac_power"),
    )
    application = scene.systems[APPLICATION]
    entry = PublicationEntry(application=application, identity=IDENTITY, selectors=selectors)
    await scene.aggregation.publish(entry)
    await scene.cast.even()
    rule = RuleEntry(application=application, function=f"function-{name}", selectors=selectors)
    await scene.cast[APPLICATION].ledger.set_rule(rule)
    await fund(scene, 10_000)
    await scene.cast.even()

    resolution = await scene.application.resolve(await signed_request(scene, function=rule.function))
    order = await scene.application.order(resolution)
    fetched = {one.owner: one for one in await scene.application.fetch(resolution, order)}

    assert isinstance(fetched[system].error, error)
    assert fetched[system].contract is None
    settled = await scene.application.settle(list(fetched.values()))
    assert [line.owner for line in settled] == [scene.systems["monitoring"]]


async def test_countersign_of_what_was_not_delivered_is_refused(scene: Scene) -> None:
    await fund(scene, 40_000)
    resolution = await scene.application.resolve(await signed_request(scene))
    order = await scene.application.order(resolution)
    fetched = await scene.application.fetch(resolution, order)
    contract = fetched[0].contract
    assert contract is not None
    another = replace(contract.contract, content=Digest.of(b"something else"))
    party = scene.cast[APPLICATION]
    offered = OfferedContract(contract=another, signature=await party.sign(another))
    target = resolution.target(another.owner)
    assert target is not None
    with pytest.raises(ContractDiffers, match="the content"):
        await party.call(target.server, COUNTERSIGNATURES_PATH, offered, gives=CountersignedContract)


@pytest.mark.parametrize("fault", ["server of another", "no server", "unknown enterprise"])
async def test_system_that_fails_its_check_is_not_approved(
    fault: str, exchange_network: Network, scene: Scene, stack: AsyncExitStack, tmp_path: Path
) -> None:
    name = fault.replace(" ", "-")
    owner, url = await served(stack, exchange_network, scene, tmp_path, name, Provider)
    if fault == "server of another":
        url = scene.servers.urls["construction"]
    elif fault == "no server":
        url = "http://127.0.0.1:1"
    if fault == "unknown enterprise":
        owner.settings = replace(owner.settings, enterprise=made_enterprise("nobody").enterprise)
    applied = await owner.apply(url)

    checked = await scene.aggregation.check(applied.id)

    assert checked.check is not None
    assert checked.check.server_answered is (fault == "unknown enterprise")
    assert checked.check.enterprise_found is (fault != "unknown enterprise")
    with pytest.raises(CheckNotPassed):
        await scene.cast["auditor"].ledger.approve_system(applied.id)
    rejected = await scene.cast["auditor"].ledger.reject_system(applied.id, "the check did not pass")
    assert rejected.system is None
