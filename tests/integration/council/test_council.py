"""The council by commands, on a network of the chosen world."""

from __future__ import annotations

import pytest
from tests.integration.council.council_world import NODES, council_world

from gridledger.model.identifier import SystemIdentifier
from gridledger.network import Network

pytestmark = [pytest.mark.world, pytest.mark.timeout(1800), pytest.mark.xdist_group("council")]

ROOT = SystemIdentifier("88.9642")


async def test_council_is_elected_by_commands(exchange_network: Network) -> None:
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

        withdrawn = await world("node-4", "candidates", "withdraw", ids["node-4"])
        assert withdrawn["state"] == "withdrawn"
        await world("administrator", "elect", "open", number, *below, "--until", "2099-01-01", code=28)
