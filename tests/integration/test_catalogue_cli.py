"""The catalogue by its commands: arrival, doubt, conflict, request, rights, graph, certificate."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from tests.integration.small_scene import ROLE, SmallScene, small_scene

from gridledger.cli.main import run
from gridledger.cli.output import Output
from gridledger.client.channel_trust import ConfiguredTrust
from gridledger.exchange.association_agent import AssociationAgent
from gridledger.exchange.handoff import until_seen
from gridledger.model.change import DeviceChange, FieldChange
from gridledger.model.device import DeclaredIdentity, DeviceApproval
from gridledger.model.digest import Digest
from gridledger.model.identifier import SystemIdentifier
from gridledger.model.states import IdentifierState
from gridledger.network import Network

PLANT = DeclaredIdentity(scheme="plant", value="P1")
SERIAL = DeclaredIdentity(scheme="serial", value="SN-0012")
SIMILAR = DeclaredIdentity(scheme="serial", value="sn0012")
ROOT = "88.4042"


class Commands:
    """Calls commands as one party of the scene or another, and reads their JSON."""

    def __init__(self, scene: SmallScene) -> None:
        self._scene = scene

    async def __call__(self, party: str, *words: object, code: int = 0) -> Any:
        who = ("--dir", self._scene.network.directory, "--org", "org1", "--user", self._scene.users[party])
        return await self.plain(*words, *who, code=code)

    async def plain(self, *words: object, code: int = 0, text: bool = False) -> Any:
        results, errors = io.StringIO(), io.StringIO()
        arguments = [str(word) for word in words] + ([] if text else ["--json"])
        found = await asyncio.to_thread(run, arguments, Output(stream=results, errors=errors))
        assert found == code, errors.getvalue()
        said = results.getvalue() or errors.getvalue()
        return said if text else json.loads(said)


@pytest.fixture(scope="module")
async def small(exchange_network: Network) -> AsyncIterator[SmallScene]:
    async with small_scene(exchange_network, SystemIdentifier(ROOT), "catalogue") as scene:
        yield scene


@pytest.fixture
def call(small: SmallScene) -> Commands:
    return Commands(small)


async def test_agent_deposits_what_arrives_until_it_is_stopped(exchange_network: Network) -> None:
    line = DeclaredIdentity(scheme="line", value="L1")
    async with small_scene(exchange_network, SystemIdentifier("88.5042"), "arrival") as scene:
        party = scene.parties["aggregation"]
        agent = asyncio.create_task(AssociationAgent(party, scene.root).run())
        try:
            first = await scene.device("one", "L-1", line)
            second = await scene.device("two", "L-2", line, fields=["voltage"])
            async with asyncio.timeout(30):
                association = await until_seen(
                    lambda: party.ledger.association(scene.root, line), deadline_s=30
                )
                while not any(member.fields for member in association.members):
                    await asyncio.sleep(0.1)
                    association = await party.ledger.association(scene.root, line)
        finally:
            agent.cancel()
            await asyncio.gather(agent, return_exceptions=True)

    assert [member.device for member in association.members] == [first, second]
    assert association.members[1].fields == ("voltage",)


async def test_catalogue_by_commands_alone(small: SmallScene, call: Commands, tmp_path: Path) -> None:
    one = await small.device("one", "INV01", PLANT, fields=["brand", "power"])
    two = await small.device("two", "I-1", PLANT, fields=["brand", "repairs"])
    systems, application = small.systems, small.systems["application"]
    approvals = [DeviceApproval(device=device, evidence=Digest.of(b"seen")) for device in (one, two)]
    await small.parties["auditor"].ledger.approve_devices(small.root, approvals)

    # Catalogues follow what arrives, from where they stopped before.
    watch = ("catalogue", "watch", "--root", ROOT, "--once", "--checkpoint", tmp_path / "checkpoint")
    assert {item["item"] for item in await call("aggregation", *watch)} == {"plant=P1"}
    assert await call("aggregation", *watch) == []
    found = await call("one", "catalogue", "show", "plant=P1", "--root", ROOT)
    assert [member["device"] for member in found] == [str(one), str(two)]
    assert [member["conflicts"] for member in found] == [["brand"], ["brand"]]

    # Both share a field of the name and type: a conflict that decides nothing.
    (conflict,) = (await call("two", "catalogue", "conflicts", "--root", ROOT))["conflicts"]
    assert [rival["field"] for rival in conflict["rivals"]] == [f"{one}#brand", f"{two}#brand"]

    # Similar identities are proposed, and become one by both owners' word.
    a = await small.device("one", "SPARE1", SERIAL)
    b = await small.device("two", "S-1", SIMILAR)
    proposed = await call("aggregation", "catalogue", "find", systems["one"], systems["two"], "--root", ROOT)
    assert [(entry["devices"]["first"], entry["doubt"]) for entry in proposed] == [(str(a), "similar")]
    assert (
        await call("aggregation", "catalogue", "find", systems["one"], systems["two"], "--root", ROOT) == []
    )
    graph = await call("one", "catalogue", "graph", "--root", ROOT, "--candidates")
    assert {"source": str(a), "target": str(b), "kind": "may-be"} in graph["edges"]
    for owner in ("one", "two"):
        await call(owner, "catalogue", "confirm", systems[owner], a, b, "--root", ROOT)
    (candidate,) = (await call("one", "catalogue", "candidates", "--root", ROOT))["candidates"]
    assert candidate["state"] == "confirmed"
    refused = await call("two", "catalogue", "reject", systems["two"], a, b, "--root", ROOT, code=16)
    assert refused["error"]["code"] == "GL-CHN-007"
    assert {item["item"] for item in await call("aggregation", *watch)} == {"serial=SN-0012"}

    # A device under the label of another's is associated at once.
    label = DeclaredIdentity.of_label(one)
    await small.device("two", "A-1", label, fields=["state"])
    assert {item["item"] for item in await call("aggregation", *watch)} == {str(label)}
    graph = await call("one", "catalogue", "graph", "--root", ROOT)
    assert {"source": f"{one}#brand", "target": f"{two}#brand", "kind": "rivals"} in graph["edges"]
    assert graph["bookmark"] == ""

    # Publication of just what concerns the application; more on request; taken back.
    selectors = [f"{systems['one']}#power", f"{systems['two']}#repairs"]
    await call("aggregation", "catalogue", "publish", application, "plant=P1", *selectors, "--root", ROOT)
    await call(
        "application", "publication", "request", application, systems["two"], "brand", "--purpose", "quality"
    )
    (request,) = (await call("two", "publication", "requests", systems["two"]))["requests"]
    assert request["names"] == ["brand"]
    answered = await call(
        "two", "publication", "answer", systems["two"], application, "brand", "--reason", "agreed"
    )
    assert answered["granted"] == ["brand"]
    listed = (await call("application", "publication", "list", application))["publications"]
    assert [entry["names"] for entry in listed] == [["power"], ["brand", "repairs"]]

    # Rules narrow what owners admit; both keep their versions.
    await call("application", "rule", "set", application, "quality", *selectors)
    await call("application", "rule", "set", application, "quality", *selectors, "--role", ROLE)
    versions = await call("application", "rule", "history", application, "quality")
    assert [(rule["version"], rule.get("roles")) for rule in versions] == [(2, [ROLE]), (1, None)]
    await call("one", "right", "set", f"{one}#power", "auditor", ROLE)
    rights = await call("two", "right", "history", f"{one}#power")
    assert [right["roles"] for right in rights] == [["auditor", ROLE], [ROLE]]
    withdrawn = await call("two", "publication", "withdraw", systems["two"], application, "repairs")
    assert (withdrawn["names"], withdrawn["withdrawn"]) == (["brand"], ["repairs"])
    again = await call(
        "aggregation", "catalogue", "publish", application, "plant=P1", *selectors, "--root", ROOT, code=23
    )
    assert again["error"]["code"] == "GL-CHN-032"

    # Who owns the field, for somebody without a network.
    out, trust = tmp_path / "brand.json", tmp_path / "channel.block"
    await call("two", "catalogue", "certify", f"{one}#brand", "--out", out)
    await call("auditor", "catalogue", "trust", "--out", trust)
    verified = await call.plain("catalogue", "verify", out, "--trust", trust)
    assert (verified["owner"], verified["rivals"]) == (str(systems["one"]), [f"{two}#brand"])
    said = await call.plain("catalogue", "verify", out, "--trust", trust, text=True)
    assert "made" in said
    # By the organisations' folders, who verifies says whether Raft orders; the other word is refused.
    raft = ("--raft",) if ConfiguredTrust.from_block(trust.read_bytes()).is_raft else ()
    named = {"--orderers": small.network.orderer_authorities, "--peers": small.network.authorities}
    folders = [
        word for name, found in named.items() for msp, at in found.items() for word in (name, f"{msp}={at}")
    ]
    by_folders = await call.plain("catalogue", "verify", out, *folders, *raft)
    assert by_folders == verified
    otherwise = () if raft else ("--raft",)
    refused = await call.plain("catalogue", "verify", out, *folders, *otherwise, code=32)
    assert "number" in refused["error"]["message"]
    data = out.read_bytes()
    out.write_bytes(data.replace(b'"number":', b'"number":1', 1))
    changed = await call.plain("catalogue", "verify", out, "--trust", trust, code=32)
    assert changed["error"]["code"] == "GL-CRY-003"
    await call.plain("catalogue", "verify", out, code=2)

    # One of both gives its field up: the conflict is over.
    change = FieldChange(field=two.field("brand"), state=IdentifierState.REVOKED, reason="it is the other's")
    (result,) = await small.parties["two"].ledger.change_fields(systems["two"], [change])
    assert result.accepted, result.message
    assert "plant=P1" in {item["item"] for item in await call("aggregation", *watch)}
    (conflict,) = (await call("two", "catalogue", "conflicts", "--root", ROOT))["conflicts"]
    assert conflict["settled_ms"] > conflict["found_ms"]

    # The whole device is given up: it leaves the catalogue.
    revoked = DeviceChange(device=two, state=IdentifierState.REVOKED, reason="it is the other's")
    (result,) = await small.parties["two"].ledger.change_devices(systems["two"], [revoked])
    assert result.accepted, result.message
    assert "plant=P1" in {item["item"] for item in await call("aggregation", *watch)}
    members = await call("aggregation", "catalogue", "show", "plant=P1", "--root", ROOT)
    assert str(two) not in [member["device"] for member in members]
