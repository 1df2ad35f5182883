"""Real Fabric only: a peer that lost its ledger starts from a snapshot of another's."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from tests.faults.conftest import Gateways
from tests.faults.load import CHANNEL, Load
from tests.operating.patient_load import SECONDS, command, level

from gridledger.client import ValidationCode
from gridledger.network import Network


@pytest.mark.timeout(900)
async def test_peer_restored_from_another_s_snapshot_goes_on(
    fabric: Network, gateways: Gateways, tmp_path: Path
) -> None:
    gateway = await gateways.open(fabric)
    load = Load(gateway.network(CHANNEL).contract("script"), "k")
    kept = tmp_path / "snapshot"
    async with load.running(), asyncio.timeout(SECONDS):
        await load.more(20)
        taken = await command(fabric, "network", "snapshot", "request", "--org", "org1")
        await load.more(10)
    listed = await command(fabric, "network", "snapshot", "list", "--org", "org1")
    assert ([one["block"] for one in listed["complete"]], listed["pending"]) == ([taken["block"]], [])
    # A block to come is waited for; one that is past is refused.
    height = (await gateway.network(CHANNEL).chain_info()).height
    ahead = ("network", "snapshot", "request", "--org", "org2", "--block", height + 1_000_000, "--no-wait")
    await command(fabric, *ahead)
    assert (await command(fabric, "network", "snapshot", "list", "--org", "org2"))["pending"]
    past = await command(fabric, "network", "snapshot", "request", "--org", "org1", "--block", 1, code=49)
    assert past["error"]["code"] == "GL-GTW-010"

    exported = ("network", "snapshot", "export", taken["block"], kept, "--org", "org1")
    assert (await command(fabric, *exported))["snapshot_hash"] == taken["snapshot_hash"]
    broken = kept / "public_state.data"
    content = broken.read_bytes()
    broken.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    restore = ("network", "snapshot", "restore", kept, "--org", "org2")
    refused = await command(fabric, *restore, code=85)
    assert refused["error"]["code"] == "GL-NET-061"
    broken.write_bytes(content)

    await command(fabric, *restore)
    await level(fabric)
    async with load.running(), asyncio.timeout(SECONDS):
        await load.more(10)
    assert load.failed == {}
    await level(fabric)
    # It begins behind the snapshot's block, and has every one that follows.
    channel = (await gateways.open(fabric, "org2")).network(CHANNEL)
    height = (await channel.chain_info()).height
    later = [await channel.block(number) for number in range(taken["block"] + 1, height)]
    assert all(
        entry.validation_code is ValidationCode.VALID for block in later for entry in block.transactions
    )
    with pytest.raises(Exception, match="not"):
        await channel.block(1)
    await load.check(gateway)
