"""The council by commands, on a network of the chosen world."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path
from typing import Any

import pytest
from tests.integration.council.council_world import NODES, CouncilWorld, council_world

from gridledger.model.identifier import SystemIdentifier
from gridledger.model.lake_refusals import NotReviewed
from gridledger.network import Network, World

pytestmark = [pytest.mark.world, pytest.mark.timeout(1800), pytest.mark.xdist_group("council")]

ROOT = SystemIdentifier("88.9642")


async def _consenters_would_follow(
    world: CouncilWorld, below: tuple[object, ...], seen: Any, proposal: Path
) -> None:
    """Check how the consenter set would follow: one change at a time, none that stops the channel."""
    plan = await world("voter-2", "plan", *below)
    assert [one["change"] for one in plan["steps"]].count("add") == 4
    assert plan["steps"][-1]["consenters"] == sorted(f"{name}.example:7050" for name in NODES)
    assert sorted(one["address"] for one in seen["consenters"]) == sorted(plan["current"])
    # Nobody's orderers are changed in devnet, and names of nowhere have no certificates.
    if world.network.world is World.DEVNET:
        shown = await world("voter-2", "apply", *below)
        assert shown == plan | {"applied": False}
    unknown = await world("voter-2", "plan", *below, "--out", proposal, code=86)
    assert unknown["error"]["code"] == "GL-NET-043"
    lost = [word for name in list(NODES)[:2] for word in ("--lost", f"{name}.example:7050")]
    stopped = await world("voter-2", "plan", *below, *lost, code=86)
    assert stopped["error"]["code"] == "GL-NET-042"


async def test_council_is_elected_and_reviews_by_commands(exchange_network: Network, tmp_path: Path) -> None:
    async with council_world(exchange_network, ROOT) as world:
        below = ("--root", ROOT)
        ids = {}
        for name in NODES:
            orderer = ("--orderer", f"{name}.example:7050")
            registered = await world(
                name, "candidates", "register", name, *below, "--system", world.systems[name], *orderer
            )
            ids[name] = registered["id"]
            await world(f"system-of-{name}", "candidates", "back", ids[name])
        assert {one["state"] for one in await world("node-1", "candidates", "list", *below)} == {"standing"}

        limits = ("--places", 4, "--master", 600, "--review", 900, "--receipt", 900)
        await world("administrator", "rounds", "rules", *below, *limits)
        # Super nodes may run before anybody is elected.
        async with asyncio.timeout(1500), world.running(tmp_path / "keys") as processes:
            law = ("--seats", 4, "--per-organisation", 2, "--term", "1d")
            electors = ("--elector", "Org1MSP=3", "--elector", "Org2MSP=2")
            await world("administrator", "elect", "rules", *below, *law, *electors)
            everybody = [word for name in ids for word in ("--for", ids[name])]
            votes = (
                ("administrator", ("cast", "--for", ids["node-1"])),
                ("administrator", ("withdraw",)),
                ("administrator", ("cast", *everybody)),
                ("voter-2", ("delegate", "--to", "Org1MSP")),
            )
            # On a busy machine votes take their time: the next election then has more of it.
            number, counted = 0, None
            while counted is None:
                number += 1
                counted = await world.elected(number, 12 * 4 ** (number - 1), *votes)
            assert counted["state"] == "decided"
            assert {one["weight"] for one in counted["result"]["tallies"]} == {5}
            assert len(await world("voter-2", "vote", "list", number, *below)) == 2
            checked = await world("voter-2", "elect", "check", number, *below)
            assert (checked["votes"], checked["differences"]) == (2, [])
            assert await world("voter-2", "elect", "show", number, *below) == counted
            assert len(await world("voter-2", "elect", "list", *below)) == number
            status = await world("voter-2", "status", *below)
            assert [one["id"] for one in status["members"]] == sorted(ids.values())
            assert (status["quorum"], status["survived_faults"]) == (3, 1)

            seen = await world("voter-2", "watch", *below, "--times", 1)
            assert seen["reviews"] == []
            if seen["quorum"] is None:
                # A network of others whose orderers run Raft: no council's orderers become its consenters.
                for command in ("plan", "apply"):
                    refused = await world("voter-2", command, *below, code=86)
                    assert refused["error"]["code"] == "GL-NET-050"
            else:
                await _consenters_would_follow(world, below, seen, tmp_path / "proposal")

            # The super nodes, each a process with its organisation's keys, review a version of a dataset.
            content = tmp_path / "content"
            content.write_bytes(b"what is reviewed, and why")
            begun = ("--round", await world.begun(number))
            master = (await world("voter-2", "rounds", "show", *below, *begun))["round"]["master"]
            name, local = next(one for one in ids.items() if one[1] != master)
            owner = ("--system", world.systems["node-1"])
            (dataset,) = world.proposals
            subject = ("--dataset", dataset, "--number", 1, "--node", local)
            # Its policy wants its versions reviewed: none is stored before.
            with pytest.raises(NotReviewed):
                await world.store("node-1", dataset)
            # A super node that does not answer has the request: its user brings it to the master itself.
            processes[name].send_signal(signal.SIGSTOP)
            filed = await world("system-of-node-1", "review", "file", content, *below, *owner, *subject)
            assert filed["path"] == [local]
            # Of another's dataset nobody is told more than that.
            foreign = ("--system", world.systems["node-2"], *subject)
            refused = await world("system-of-node-2", "review", "file", content, *below, *foreign)
            brought = await world("system-of-node-1", "review", "bring", filed["id"], content)
            assert brought["path"] == [local, master]
            # The other request it passes on when it goes on.
            processes[name].send_signal(signal.SIGCONT)
            closed = await world.until_round(lambda view: view["round"].get("missing") == [], begun[1])
        assert closed["round"]["state"] == "closed"
        about = await world("voter-2", "review", "show", filed["id"])
        assert about["request"]["state"] == "approved"
        assert about["request"]["path"] == [local, master]
        assert len(about["request"]["approvals"]) >= 3
        about = await world("voter-2", "review", "show", refused["id"])
        assert (about["request"]["state"], about["request"]["authority"]) == ("refused", "party")
        assert about["request"]["path"] == [local, master]
        receipts = await world("voter-2", "receipts", *below, *begun)
        assert ({one["node"] for one in receipts["receipts"]}, receipts["missing"]) == (set(ids.values()), [])
        keys = [word for name in NODES for word in ("--keys", tmp_path / "keys" / name)]
        audit = await world("voter-2", "audit", *below, *begun, *keys)
        assert (audit["problems"], audit["contradicted"], audit["unreachable"]) == ([], [], [])
        assert audit["asked"] == 2 * len(NODES) * (2 + 1)
        assert (await world.store("node-1", dataset)).is_stored

        withdrawn = await world("node-4", "candidates", "withdraw", ids["node-4"])
        assert withdrawn["state"] == "withdrawn"
        await world("administrator", "elect", "open", number, *below, "--until", "2099-01-01", code=28)
