"""Real Fabric only: chaincode and binaries are exchanged under load, and no call fails."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from tests.faults.conftest import BOTH, ROOT, SCRIPT, Gateways
from tests.faults.load import CHANNEL
from tests.operating.patient_load import SECONDS, PatientLoad, command, level

from gridledger.network import Network


@pytest.mark.timeout(900)
async def test_chaincode_upgraded_under_load_no_call_fails(fabric: Network, gateways: Gateways) -> None:
    gateway = await gateways.open(fabric)
    # A peer refuses what it executes in the moment that the definition changes; nothing is ordered then.
    load = PatientLoad(gateway.network(CHANNEL).contract("script"), "k", workers=8)
    async with load.running():
        async with asyncio.timeout(SECONDS):
            await load.more(20)
        for _ in range(2):
            await asyncio.to_thread(fabric.deploy, "script", SCRIPT, policy=BOTH, python_path=[ROOT])
            async with asyncio.timeout(SECONDS):
                await load.more(20)
    assert load.failed == {}
    assert [one.sequence for one in fabric.status().chaincodes] == [3]
    await level(fabric)
    await load.check(gateway)


@pytest.mark.timeout(900)
async def test_binaries_exchanged_node_by_node_under_load(
    fabric: Network, gateways: Gateways, tmp_path: Path
) -> None:
    gateway = await gateways.open(fabric)
    load = PatientLoad(gateway.network(CHANNEL).contract("script"), "k")
    # The same release in another folder: what is tested is the way, not what Fabric changed.
    release = tmp_path / "release"
    release.mkdir()
    current = Path(str(fabric.description.binaries))
    for name in ("bin", "builders"):
        (release / name).symlink_to(current.parent / name)
    async with load.running():
        async with asyncio.timeout(SECONDS):
            await load.more(10)
        before = {one.name: one.pid for one in fabric.status().components}
        done = await command(fabric, "network", "upgrade", "--bin", release / "bin")
        async with asyncio.timeout(SECONDS):
            await load.more(20)
    assert done["restarted"] == [*(f"orderer{number}" for number in range(1, 5)), "peer0.org1", "peer0.org2"]
    after = {one.name: one.pid for one in fabric.status().components}
    assert all(before[name] != after[name] for name in done["restarted"])
    program = await asyncio.to_thread(Path(f"/proc/{after['peer0.org1']}/cmdline").read_bytes)
    running = program.split(b"\0")[0].decode()
    assert running == str(release / "bin" / "peer")
    assert load.failed == {}
    await level(fabric)
    await load.check(gateway)
