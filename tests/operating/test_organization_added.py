"""Real Fabric only: an organisation comes in under load, starts from a snapshot, and takes part."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from tests.conformance.probe.steps import decode_results, do, encode_steps
from tests.faults.conftest import ROOT, SCRIPT, Gateways
from tests.faults.load import CHANNEL, Load
from tests.operating.patient_load import SECONDS, command, copy_of, level

from gridledger.network import Network

TWO_OF_THREE = "OutOf(2, 'Org1MSP.peer', 'Org2MSP.peer', 'Org3MSP.peer')"


@pytest.mark.timeout(900)
async def test_organization_added_under_load_from_a_snapshot_takes_part(
    fabric: Network, gateways: Gateways, tmp_path: Path
) -> None:
    gateway = await gateways.open(fabric)
    load = Load(gateway.network(CHANNEL).contract("script"), "k")
    change, kept = tmp_path / "change", tmp_path / "snapshot"
    async with load.running():
        async with asyncio.timeout(SECONDS):
            await load.more(10)
        taken = await command(fabric, "network", "snapshot", "request", "--org", "org1")
        await command(fabric, "network", "snapshot", "export", taken["block"], kept, "--org", "org1")
        # The change goes to both administrators as files; one alone is no majority, and nothing is done.
        await command(fabric, "network", "add-organization", "org3", "--out", change)
        copies = [copy_of(change, name) for name in ("org1", "org2")]
        for copy in copies:
            shown = await command(fabric, "network", "sign", copy, "--as", copy.name)
            assert shown["touched"] == ["+ Application/Org3MSP"]
        lacking = ("network", "add-organization", "org3", "--signed", copies[0])
        refused = await command(fabric, *lacking, code=86)
        assert refused["error"]["code"] == "GL-NET-045"
        assert [one.name for one in fabric.organisations] == ["org1", "org2"]
        await command(fabric, *lacking, "--signed", copies[1], "--snapshot", kept)
        async with asyncio.timeout(SECONDS):
            await load.more(20)
    assert load.failed == {}

    # Its clients call, its peer has the state, and its implicit collection takes private data.
    third = await gateways.open(fabric, "org3")
    contract = third.network(CHANNEL).contract("script")
    [values] = decode_results(
        await contract.evaluate("Run", encode_steps([do.get_multiple_states(load.committed[0])]))
    )
    assert values == [load.committed[0].encode()]
    own = "_implicit_org_Org3MSP"
    await contract.submit(
        "Run",
        encode_steps([do.put_private_data(own, "secret", b"of org3")]),
        endorsing_organizations=["Org3MSP"],
    )
    [secret] = decode_results(
        await contract.evaluate("Run", encode_steps([do.get_private_data(own, "secret")]))
    )
    assert secret == b"of org3"

    # The next definition names it, and then it endorses in org2's place.
    await asyncio.to_thread(fabric.deploy, "script", SCRIPT, policy=TWO_OF_THREE, python_path=[ROOT])
    await asyncio.to_thread(fabric.stop, "peer0.org2")
    async with load.running(), asyncio.timeout(SECONDS):
        await load.more(5)
    await asyncio.to_thread(fabric.restart, "peer0.org2")
    await level(fabric)
    await load.check(gateway)

    # Called again, everything is found done; the whole network comes up again with it.
    again = await command(fabric, "network", "add-organization", "org3")
    assert again["entered"]
    await asyncio.to_thread(fabric.down)
    await asyncio.to_thread(fabric.up)
    await level(fabric)
