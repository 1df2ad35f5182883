"""A day of 17 real houses through three storage nodes, and what an adversary guesses of who sent what.

Each house sends the record of each hour at a moment that it draws. After half a day a storage node is
lost with its store, and another one takes its place. The grid company reads the totals; then adversaries
guess from what stands on the ledger, with the truth about the first half of all envelopes to learn from.

python -m tests.bench.edge_scene_bench [--world fabric] [--rounds 24] [--record]

A round is an hour.
"""

from __future__ import annotations

import argparse
import asyncio
from collections import Counter

from tests.bench.edge_ground import edge
from tests.bench.ground import Ground, options
from tests.bench.report import Report
from tests.integration.edge.edge_world import EdgeWorld
from tests.integration.edge.households import HOUSES, hourly_records, total_kwh
from tests.unit.edge.guessing import FEATURES, Guess, Seen, guess_by, guess_by_owners, guess_by_rounds

from gridledger.edge.membership_wallet import find_own_keys
from gridledger.edge.side_device import PeriodKeys
from gridledger.model.edge import MembershipPeriod
from gridledger.model.envelope import EnvelopeDeposit
from gridledger.network import World

HOURS = 24
PERIOD = 1
KEYS_A_MESSAGE = 8
"""Each device has one key in a round: with as many keys as messages, used ones tell who is left."""
_LOST, _NEW = "node-2", "node-4"


class SceneFailed(RuntimeError):
    """The day did not end as it must."""


def _require(holds: bool, what: str) -> None:
    if not holds:
        raise SceneFailed(what)


async def _lose_node(world: EdgeWorld) -> int:
    """Lose a storage node with its store, replace it, have all repair; return how many copies came back."""
    moved = [house for house in world.houses if house.node == _LOST]
    await world.nodes[_LOST].kill()
    await world.replace(_LOST, _NEW)
    await world.enter(PERIOD, *moved)
    repairs = [await one.server.repair(world.issuer, PERIOD) for one in world.nodes.values()]
    _require(all(one.missing == () for one in repairs), "an envelope was lost with a storage node")
    return sum(one.fetched for one in repairs)


def _seen(
    period: MembershipPeriod, deposits: list[EnvelopeDeposit], sender: dict[str, tuple[int, int]]
) -> list[Seen]:
    """Return the deposits as the ledger shows them, with who sent each in which hour."""
    ranks: Counter[tuple[int, str]] = Counter()
    seen = []
    for deposit in sorted(deposits, key=lambda one: (one.deposited_ms, one.signed.statement.id)):
        statement = deposit.signed.statement
        house, hour = sender[statement.id]
        seen.append(
            Seen(
                house=house,
                node=statement.node,
                hour=hour,
                rank=ranks[hour, statement.node],
                size=statement.size_bytes + len(deposit.to_bytes()),
                ring=statement.ring,
                round_=period.round_of(statement.ring[0]),
                first_byte=statement.envelope.raw[0],
                view_tag=statement.view_tag,
            )
        )
        ranks[hour, statement.node] += 1
    return seen


async def _owners(world: EdgeWorld, known: PeriodKeys) -> list[int]:
    """Say whose key stands where, as the issuer could."""
    batches = (await world.ledger("issuer").batches(world.issuer, PERIOD)).batches
    owner = [0] * known.period.keys
    for house in world.houses:
        for found in find_own_keys(house.secret.view, batches, known.keys):
            owner[found.place] = house.number
    return owner


async def _run(ground: Ground, given: argparse.Namespace) -> tuple[dict[str, Guess], dict[str, str]]:
    hours: int = given.rounds
    async with edge(ground) as world:
        await world.open_period(PERIOD, keys_each=hours * KEYS_A_MESSAGE)
        await world.enter(PERIOD)
        sender: dict[str, tuple[int, int]] = {}
        copies = 0
        served = min(Counter(house.node for house in world.houses).values())
        for hour in range(hours):
            if hour == hours // 2:
                copies = await _lose_node(world)
            for house, _, taken in await world.send_hour(PERIOD, hour):
                sender[taken.deposit] = (house, hour)
        await world.even()
        received = await world.received(PERIOD)
        _require(len(received) == HOUSES * hours, "the grid company did not receive every envelope")
        records = [record for _, _, record in received]
        sent = [record for house in range(1, HOUSES + 1) for record in hourly_records(house, hours)]
        _require(
            all(total_kwh(records, hour) == total_kwh(sent, hour) for hour in range(hours)),
            "the totals are not those of the houses",
        )
        device = world.houses[0].device
        assert device is not None
        known = device._known[world.issuer, PERIOD]
        seen = _seen(known.period, [deposit for _, deposit, _ in received], sender)
        owner = await _owners(world, known)
    guesses = {f"anybody, by {name}": guess_by(seen, feature) for name, feature in FEATURES.items()}
    guesses["anybody, by rounds"] = guess_by_rounds(seen)
    guesses["issuer, by whose keys the ring has"] = guess_by_owners(seen, owner, by_node=False)
    guesses["issuer and storage node"] = guess_by_owners(seen, owner, by_node=True)
    facts = {
        "envelopes": str(len(received)),
        "copies": str(copies),
        "served": str(served),
    }
    return guesses, facts


def main() -> None:
    """Play the day and report."""
    given = options(__doc__ or "", world=World.DEVNET, transactions=HOUSES, rounds=HOURS)
    with Ground.open(given) as ground:
        guesses, facts = asyncio.run(_run(ground, given))
        report = Report(
            target="bench-edge-scene",
            title=f"Edge: a day of {HOUSES} houses, and who sent what",
            world=ground.world,
            machine=ground.machine,
            headers=("adversary", "guesses", "right", "by chance", "advantage", "in standard deviations"),
        )
        for name, guess in guesses.items():
            report.row(
                name,
                str(guess.guesses),
                f"{guess.right:.1%}",
                f"{guess.chance:.1%}",
                f"{guess.advantage:+.1%}",
                f"{guess.advantage / guess.deviation:+.1f}",
            )
        known = [guess for name, guess in guesses.items() if name.startswith("anybody")]
        largest = max(abs(guess.advantage) / guess.deviation for guess in known)
        report.compare("largest advantage of anybody, in standard deviations", largest, "<=", 4, "")
        report.note(
            f"{facts['envelopes']} envelopes of {given.rounds} hours, 256 bytes each; each storage node"
            f" served {facts['served']} houses or more; one was lost after half the time with its store and"
            f" replaced: {facts['copies']} copies came back, none was missing. All hourly totals are exact."
        )
        report.finish(record=given.record)


if __name__ == "__main__":
    main()
