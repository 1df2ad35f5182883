"""Real Fabric only: certificates and roots are exchanged under load, and the channel goes on."""

from __future__ import annotations

import asyncio

import pytest
from tests.faults.conftest import Gateways
from tests.faults.load import CHANNEL
from tests.operating.patient_load import SECONDS, PatientLoad, command, level

from gridledger.network import Network
from gridledger.network.ordering.live_ordering import LiveOrdering


async def consenters(network: Network) -> list[bytes]:
    """Return the identities that the channel has of its consenters, by number."""
    async with LiveOrdering(network.connection(org="org1", user="admin")) as ordering:
        return [one.identity for one in (await ordering.configuration())._mapping()]


@pytest.mark.timeout(900)
async def test_certificates_of_peers_users_and_orderers_rotated_under_load(
    fabric: Network, gateways: Gateways
) -> None:
    gateway = await gateways.open(fabric)
    load = PatientLoad(gateway.network(CHANNEL).contract("script"), "k")
    before = await consenters(fabric)
    async with load.running():
        async with asyncio.timeout(SECONDS):
            await load.more(10)
        for organisation in ("orderer1", "orderer2", "org2"):
            old = fabric.description
            done = await command(fabric, "network", "rotate", organisation)
            assert fabric.description == old
            kinds = {one["kind"] for one in done["members"]}
            assert kinds == ({"user", "peer"} if organisation == "org2" else {"user", "orderer"})
            async with asyncio.timeout(SECONDS):
                await load.more(20)
    after = await consenters(fabric)
    assert [one != other for one, other in zip(before, after, strict=True)] == [True, True, False, False]
    assert load.failed == {}
    await level(fabric)
    await load.check(gateway)
    # The rotated orderers are needed for a quorum now, and the new keys are those that work.
    await asyncio.to_thread(fabric.stop, "orderer4")
    second = PatientLoad((await gateways.open(fabric, "org2")).network(CHANNEL).contract("script"), "m")
    async with second.running(), asyncio.timeout(SECONDS):
        await second.more(10)
    assert second.failed == {}


@pytest.mark.timeout(900)
async def test_roots_added_certificates_rotated_old_roots_dropped_under_load(
    fabric: Network, gateways: Gateways
) -> None:
    gateway = await gateways.open(fabric)
    load = PatientLoad(gateway.network(CHANNEL).contract("script"), "k")
    former = await gateways.open(fabric, "org2")
    async with load.running():
        async with asyncio.timeout(SECONDS):
            await load.more(10)
        for organisation in ("org2", "orderer3"):
            await command(fabric, "network", "roots", "add", organisation)
            refused = await command(fabric, "network", "roots", "drop", organisation, code=89)
            assert refused["error"]["code"] == "GL-NET-010"
            await command(fabric, "network", "rotate", organisation)
            await command(fabric, "network", "roots", "drop", organisation)
            async with asyncio.timeout(SECONDS):
                await load.more(20)
    assert load.failed == {}
    await level(fabric)
    await load.check(gateway)
    # Who has a certificate of the old root is nobody now; who has a new one is served.
    with pytest.raises(Exception, match=r"UNAUTHENTICATED|access denied|creator|UNAVAILABLE|FAILED"):
        await former.network(CHANNEL).contract("script").submit("Run", b"[]")
    second = PatientLoad((await gateways.open(fabric, "org2")).network(CHANNEL).contract("script"), "m")
    async with second.running(), asyncio.timeout(SECONDS):
        await second.more(5)
    assert second.failed == {}
