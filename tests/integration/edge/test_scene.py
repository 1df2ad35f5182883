"""Seventeen real houses send hourly records through three storage nodes; one node is lost and replaced."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest
from tests.integration.edge.edge_world import EdgeWorld
from tests.integration.edge.households import HOUSES, hourly_records, total_kwh

from gridledger.edge import Receiver, scan
from gridledger.edge.audit import audit_period
from gridledger.edge.errors import EnvelopeMissing, EnvelopeRefused, NotTheReceiver
from gridledger.edge.messages import OfferedEnvelope
from gridledger.edge.sealed_record import publish_address
from gridledger.edge.side_device import sign_envelope
from gridledger.model.edge_refusals import KeyImageUsed, RingSignatureRefused
from gridledger.model.edge_sharing import NodeRule, ShareProblem
from gridledger.web import NotPermitted

HOURS = 1
DAY_MS = 86_400_000


pytestmark = [pytest.mark.world, pytest.mark.timeout(600), pytest.mark.xdist_group("edge")]


async def test_houses_send_a_node_is_lost_and_the_grid_company_reads_totals(edge: EdgeWorld) -> None:
    await edge.open_period(1, keys_each=HOURS + 1)
    await edge.enter(1)
    assert min(Counter(house.node for house in edge.houses).values()) >= 5
    sent = [one for hour in range(HOURS) for one in await edge.send_hour(1, hour)]
    assert {taken.copies for _, _, taken in sent} == {2}

    # One storage node is lost with its store; another one takes its place and gets the copies.
    await edge.nodes["node-2"].kill()
    await edge.replace("node-2", "node-4")
    left = [edge.nodes[name].server for name in ("node-4", "node-1", "node-3")]
    repairs = [await server.repair(edge.issuer, 1) for server in left]
    assert all(one.missing == () for one in repairs)
    assert sum(one.checked for one in repairs) == 2 * len(sent)
    assert sum(one.fetched for one in repairs) > 0
    again = [await server.repair(edge.issuer, 1) for server in left]
    assert sum(one.fetched for one in again) == 0

    # The grid company reads the totals, to the last digit.
    found = await edge.received(1)
    assert len(found) == HOUSES * HOURS
    records = [record for _, _, record in found]
    for hour in range(HOURS):
        houses = [list(hourly_records(house, HOURS))[hour] for house in range(1, HOUSES + 1)]
        assert total_kwh(records, hour) == total_kwh(houses, hour)

    # What stands on the ledger is alike for all; receipts are there, and everything proves itself.
    statements = [deposit.signed.statement for _, deposit, _ in found]
    assert {one.size_bytes for one in statements} == {256}
    assert {len(one.ring) for one in statements} == {11}
    assert len({one.one_time_key for one in statements}) == len(statements)
    await edge.even()
    audit = await audit_period(edge.ledger("grid"), edge.issuer, 1)
    assert (audit.deposits, audit.receipts, audit.problems) == (len(sent), len(sent), ())


async def test_key_image_in_two_organisations_at_once_is_valid_once(edge: EdgeWorld) -> None:
    await edge.open_period(2, keys_each=1)
    house, other = edge.houses[0], next(one for one in edge.houses if one.node == "node-3")
    await edge.enter(2, house, other)
    assert house.device is not None
    address = publish_address(edge.grid_secret.address)
    known = house.device._known[edge.issuer, 2]
    key = house.device._wallet.take(edge.issuer, 2)

    class Again:
        """A wallet that gives the same key each time."""

        def take(self, *_: object) -> object:
            return key

    messages = [
        sign_envelope(Again(), known, b"record", address, node=edge.nodes[node].node.id)  # type: ignore[arg-type]
        for node in ("node-1", "node-3")
    ]
    results = await asyncio.gather(
        *(
            edge.ledger(node).deposit_envelope(message.signed)
            for node, message in zip(("node-1", "node-3"), messages, strict=True)
        ),
        return_exceptions=True,
    )
    refusals = [one for one in results if isinstance(one, BaseException)]
    assert [type(one) for one in refusals] == [KeyImageUsed], results
    assert other.device is not None

    # A storage node takes neither another node's envelope nor bytes that the statement does not name.
    client = house.device._client
    fresh = sign_envelope(other.device._wallet, known, b"record", address, node=edge.nodes["node-3"].node.id)
    with pytest.raises(EnvelopeRefused):
        await client.call("POST", "/v1/envelopes", fresh, gives=OfferedEnvelope)
    swapped = OfferedEnvelope(signed=fresh.signed, envelope=bytes(256))
    with pytest.raises(EnvelopeRefused):
        await client.call("POST", "/v1/envelopes", swapped, gives=OfferedEnvelope)


async def test_stranger_gets_no_envelope_and_signs_no_receipt(edge: EdgeWorld) -> None:
    await edge.open_period(3, keys_each=1)
    house = edge.houses[2]
    await edge.enter(3, house)
    assert house.device is not None
    address = publish_address(edge.grid_secret.address)
    taken = await house.device.send(b"record", address, issuer=edge.issuer, period=3)
    ledger = edge.ledger("grid")
    await edge.even()
    (one,) = [one async for one in scan(edge.grid_secret.view, ledger.deposits(edge.issuer, 3))]
    deposit = await ledger.deposit(taken.deposit)
    nobody = [one async for one in scan(edge.houses[0].secret.view, ledger.deposits(edge.issuer, 3))]
    assert nobody == []

    nodes = [edge.nodes[house.node].node]
    async with Receiver(edge.grid_secret, nodes) as right, Receiver(edge.grid_secret, nodes) as wrong:
        wrong._sign = lambda *_: bytes(64)  # type: ignore[method-assign]
        with pytest.raises(NotTheReceiver):
            await wrong.fetch(one, deposit.signed.statement.envelope)
        with pytest.raises(RingSignatureRefused):
            await wrong.acknowledge(one, deposit)
        old = Receiver(edge.grid_secret, nodes, clock=lambda: 0.0)
        with pytest.raises(NotTheReceiver):
            await old.fetch(one, deposit.signed.statement.envelope)
        await old.close()
        envelope = await right.fetch(one, deposit.signed.statement.envelope)
        assert right.open(one, envelope) == b"record"
        edge.nodes[house.node].server.store._database.execute("DELETE FROM envelope")
        with pytest.raises(EnvelopeMissing):
            await right.fetch(one, deposit.signed.statement.envelope)

    # A node of another root is no neighbour: it gets copies by a share only.
    holder = edge.nodes[house.node]
    party = edge.parties["guest"]
    with pytest.raises(NotPermitted):
        await party.call(
            holder.node.entry.server,
            f"/v1/replicas/{deposit.signed.statement.envelope}",
            None,
            gives=OfferedEnvelope,
            method="GET",
        )


async def test_node_of_another_root_gets_copies_by_a_share(edge: EdgeWorld) -> None:
    await edge.open_period(4, keys_each=1)
    house = next(one for one in edge.houses if one.node == "node-1")
    await edge.enter(4, house)
    assert house.device is not None
    address = publish_address(edge.grid_secret.address)
    await house.device.send(b"record", address, issuer=edge.issuer, period=4)
    guest = await edge.start("guest", edge.other_root)
    holder = edge.nodes["node-1"]
    refused = await guest.server.shares.ask(holder.node, edge.issuer, 4, purpose="backup", wanted_ms=DAY_MS)
    assert refused.problems == (ShareProblem.ORGANISATION,)
    rule = NodeRule(organisations=("Org2MSP",), purposes=("backup",), longest_ms=DAY_MS)
    await edge.ledger("node-1").set_node_policy(holder.node.id, [rule])
    await edge.even()
    share = await guest.server.shares.ask(holder.node, edge.issuer, 4, purpose="backup", wanted_ms=DAY_MS)
    assert share.is_admitted
    await edge.even()
    done = await guest.server.shares.take(holder.node, share.request.id)
    assert done.granted == done.received
    assert done.received is not None
    assert done.received.count == 1
    assert len(guest.server.store) >= 1
