"""The edge by commands alone: keys, nodes, a record from a device to its receiver and on into the lake."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from tests.integration.edge.edge_world import EdgeWorld

from gridledger.host.ports import free_ports
from gridledger.lake.settings import LakeSettings
from gridledger.model.device import DeviceApproval, DeviceEntry
from gridledger.model.digest import Digest
from gridledger.model.signature import key_id

pytestmark = [pytest.mark.world, pytest.mark.timeout(600), pytest.mark.xdist_group("edge")]

PERIOD = 11
RECORD = b'{"hour": 7, "load_kwh": "0.8511666666666671"}'


@asynccontextmanager
async def served(edge: EdgeWorld, party: str, port: int, store: Path) -> AsyncIterator[None]:
    """Serve a storage node by `gridledger edge node serve`, and end it by SIGKILL."""
    program = Path(sys.executable).with_name("gridledger")
    organisation = "org1" if party == "cli-node" else "org2"
    who = ("--dir", edge.network.directory, "--org", organisation, "--user", f"{edge.prefix}-{party}")
    process = await asyncio.create_subprocess_exec(
        program,
        *map(str, ("edge", "node", "serve", "--store", store, "--port", port, *who)),
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        assert process.stdout is not None
        line = await asyncio.wait_for(process.stdout.readline(), 300)
        assert line.startswith(b"ready "), line
        yield
    finally:
        process.kill()
        await asyncio.wait_for(process.wait(), 120)


async def test_record_goes_from_a_device_to_its_receiver_and_into_the_lake(
    edge: EdgeWorld, tmp_path: Path
) -> None:
    issuer, grid = edge.issuer, edge.systems["grid"]
    device_key, grid_key = tmp_path / "device.key", tmp_path / "grid.key"
    edge.grid_secret.reveal().save(grid_key)

    # A device draws an address, and its issuer registers it and issues keys to all of its devices.
    drawn = await edge.plain("edge", "device", "key", device_key)
    await edge.parties["issuer"].ledger.register_devices(
        issuer, [DeviceEntry(own_code="house-cli", name="house", kind="meter")]
    )
    await edge.even()
    approval = DeviceApproval(device=issuer.device("house-cli"), evidence=Digest.of(b"seen"))
    await edge.parties["auditor"].ledger.approve_devices(edge.root, [approval])
    registered = await edge("issuer", "edge", "device", "register", issuer, f"house-cli={drawn['address']}")
    listed = await edge("issuer", "edge", "device", "list", issuer)
    assert registered["devices"] == len(listed)
    issue = ("edge", "device", "issue", issuer, PERIOD, "--keys", 2, "--ring", 5, "--bytes", 128)
    opened = await edge("issuer", *issue, "--for", "1d")
    assert await edge("issuer", "edge", "device", "period", issuer, PERIOD) == opened
    published = await edge("grid", "edge", "device", "receiver", grid, "--key", grid_key)
    assert published["system"] == str(grid)
    address = (await edge("custodian", "edge", "device", "address", grid))["address"]
    assert address == str(edge.grid_secret.address)
    view_key = tmp_path / "grid.view"
    assert await edge.plain("edge", "device", "view", view_key, "--key", grid_key) == {"address": address}

    # A storage node registers, is approved, and serves.
    port = next(free_ports())
    url = f"http://127.0.0.1:{port}"
    store = tmp_path / "node.db"
    node = await edge(
        "cli-node", "edge", "node", "register", "by command", "--server", url, "--root", edge.root
    )
    assert node["id"] == key_id(edge.parties["cli-node"].public_key)
    await edge("administrator", "edge", "node", "approve", node["id"])
    nodes = {one["id"]: one for one in await edge("grid", "edge", "node", "list", "--root", edge.root)}
    assert nodes[node["id"]]["state"] == "approved"
    record = tmp_path / "record.json"
    record.write_bytes(RECORD)
    wallet = ("--wallet", tmp_path / "wallet.db", "--key", device_key)
    async with served(edge, "cli-node", port, store):
        sent = await edge.plain(
            "edge", "send", issuer, PERIOD, record, "--to", address, "--node", url, *wallet
        )
        (found,) = await edge("grid", "edge", "scan", issuer, PERIOD, "--key", grid_key)
        assert found["deposit"] == sent["deposit"]
        gateway = ("--view", view_key, "--address", address)
        assert await edge("custodian", "edge", "scan", issuer, PERIOD, *gateway) == [found]
        await edge("custodian", "edge", "scan", issuer, PERIOD, "--view", view_key, code=2)
        wrong = ("--view", view_key, "--address", drawn["address"])
        await edge("custodian", "edge", "scan", issuer, PERIOD, *wrong, code=31)
        fetched = ("edge", "fetch", issuer, PERIOD, "--root", edge.root, "--key", grid_key, "--sign")
        got = await edge("grid", *fetched)
        assert (got["deposit"], got["record"]) == (sent["deposit"], RECORD.decode())
        receipt = await edge.plain("edge", "device", "receipt", sent["deposit"], "--node", url, *wallet)
        assert receipt["receipt"]["deposit"] == sent["deposit"]
        audit = await edge("grid", "edge", "audit", issuer, PERIOD)
        assert (audit["deposits"], audit["receipts"], audit["problems"]) == (1, 1, [])

        # A storage node of another root is refused, then admitted, and takes copies.
        guest_store = ("--store", tmp_path / "guest.db")
        await edge(
            "cli-guest",
            *("edge", "node", "register", "guest", "--server", "http://127.0.0.1:9", "--root"),
            edge.other_root,
        )
        guest = key_id(edge.parties["cli-guest"].public_key)
        await edge("administrator", "edge", "node", "approve", guest)
        ask = ("edge", "share", "ask", node["id"], issuer, PERIOD, "--purpose", "backup", *guest_store)
        refused = await edge("cli-guest", *ask, code=1)
        assert refused["problems"] == ["organisation"]
        admit = ("--organisation", "Org2MSP", "--purpose", "backup")
        await edge("cli-node", "edge", "share", "policy", *admit)
        share = await edge("cli-guest", *ask)
        taken = await edge("cli-guest", "edge", "share", "take", share["id"], *guest_store)
        assert taken["received"] == taken["granted"]
        shares = (await edge("grid", "edge", "share", "list", node["id"]))["shares"]
        assert [one["problems"] for one in shares] == [["organisation"], []]

    # What a node has lost it fetches from the others that have it.
    lost = tmp_path / "lost.db"
    repaired = await edge("cli-node", "edge", "node", "repair", issuer, PERIOD, "--store", lost)
    assert (repaired["checked"], repaired["fetched"], repaired["missing"]) == (1, 1, [])
    await edge("administrator", "edge", "node", "reject", node["id"], "--reason", "only a test")
    await passed_on(edge, tmp_path, store, sent["deposit"])


async def passed_on(edge: EdgeWorld, tmp_path: Path, store: Path, deposit: str) -> None:
    """Pass the node's envelopes on into a lake, as a version whose passage names their deposits."""
    bundle = tmp_path / "bundle.jsonl"
    issuer, dataset = edge.issuer, f"{edge.systems['grid']}/edge/envelopes.jsonl"
    made = await edge("cli-node", "edge", "node", "bundle", issuer, PERIOD, bundle, "--store", store)
    assert made["envelopes"] == 1
    config = tmp_path / "lake.toml"
    LakeSettings.create(config, store=str(tmp_path / "lake"))
    here = ("--config", config)
    await edge.plain("lake", "put", bundle, "--name", "edge/envelopes.jsonl", *here)
    key = tmp_path / "custodian.key"
    await edge.plain("lake", "key", key)
    custodian = await edge("custodian", "custodian", "register", "keeper", "--root", edge.root, "--key", key)
    await edge("administrator", "custodian", "approve", custodian["id"], "--root", edge.root)
    await edge("grid", "dataset", "register", dataset, "--title", "Envelopes of the edge")
    await edge("grid", "dataset", "version", dataset, "--custodian", custodian["id"], *here)
    address = (tmp_path / "lake").resolve().as_uri()
    await edge(
        "custodian",
        *("custodian", "watch", custodian["id"], "--key", key, "--store", address, "--once"),
    )
    passage = await edge("grid", "edge", "node", "pass-on", dataset, 1, bundle)
    assert passage["entry"]["deposits"] == [deposit]
    back = tmp_path / "back.jsonl"
    await edge.plain("lake", "get", "edge/envelopes.jsonl", back, *here)
    assert await edge("grid", "edge", "node", "check", dataset, 1, back) == {"changed": []}
    changed = json.loads(back.read_bytes())
    changed["envelope"] = "AAAA"
    back.write_text(json.dumps(changed, separators=(",", ":"), sort_keys=True) + "\n")
    wrong = await edge("grid", "edge", "node", "check", dataset, 1, back, code=1)
    assert wrong == {"changed": [deposit]}
