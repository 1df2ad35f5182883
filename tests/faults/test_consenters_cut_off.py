"""Real Fabric only: changes of the consenters that are cut off, that cannot sync, and that lead back."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from tests.conftest import MakeNetwork
from tests.faults.conftest import Gateways, with_probe
from tests.faults.load import Load
from tests.faults.test_council_elected import FIRST, WAITING, addresses
from tests.faults.test_orderers_killed import SECONDS, agreed, script
from tests.prerequisites import meaningless

from gridledger.client.block import Block
from gridledger.client.identity import Identity
from gridledger.client.signer import EcdsaSigner
from gridledger.client.signing_identity import SigningIdentity
from gridledger.host.ports import LOOPBACK, free_ports
from gridledger.network import Network, World
from gridledger.network.errors import ConsenterAway, ConsenterNotSynced, ConsentersStop
from gridledger.network.fabric.orderer_keeper import FolderKeeper, folder_cards
from gridledger.network.ordering.channel_configuration import ChannelConfiguration
from gridledger.network.ordering.consenter_change import ConsenterRunner
from gridledger.network.ordering.consenter_journal import ChangeState, ConsenterJournal
from gridledger.network.ordering.consenter_proposal import ConsenterProposal
from gridledger.network.ordering.live_ordering import LiveOrdering
from gridledger.network.ordering.orderer_card import OrdererCard


class CutOff(Exception):
    """The process that changes the consenters ends here."""


class CutChannel:
    """A channel whose changer ends after so many calls."""

    def __init__(self, ordering: LiveOrdering, calls: int) -> None:
        self._ordering = ordering
        self._calls = calls

    def _count(self) -> None:
        self._calls -= 1
        if self._calls < 0:
            raise CutOff

    async def configuration(self) -> ChannelConfiguration:
        self._count()
        return await self._ordering.configuration()

    async def head(self, address: str, number: int | None = None) -> Block | None:
        self._count()
        return await self._ordering.head(address, number)

    async def answers(self, address: str) -> bool:
        self._count()
        return await self._ordering.answers(address)

    async def submit(self, address: str, signed_update: bytes) -> None:
        self._count()
        await self._ordering.submit(address, signed_update)
        self._count()


@pytest.fixture
def waiting(world: World, make_network: MakeNetwork) -> Network:
    """Return a network with an orderer in wait; skip in the embedded world."""
    if world is not World.FABRIC:
        meaningless(world, "ordering by several nodes of one's own is --world fabric")
    return with_probe(make_network(waiting_orderers=1))


async def proposed(
    network: Network,
    ordering: LiveOrdering,
    wanted: Collection[str],
    *,
    strangers: Collection[OrdererCard] = (),
) -> ConsenterProposal:
    """Return a proposal that all administrators of the folder have signed."""
    cards = folder_cards(network.description, network.directory)
    cards |= {card.address: card for card in strangers}
    proposal = ConsenterProposal.make(await ordering.configuration(), wanted, cards)
    for material in network.description.orderer_material(network.directory):
        admin = material.user("admin").msp
        identity = Identity.from_file(material.msp_id, admin.certificate)
        proposal = await proposal.signed_by(SigningIdentity(identity, EcdsaSigner.from_file(admin.key)))
    return proposal


@asynccontextmanager
async def opened(network: Network) -> AsyncIterator[LiveOrdering]:
    async with LiveOrdering(network.connection(org="org1", user="admin")) as ordering:
        yield ordering


async def hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """End a connection without a word."""
    writer.close()


@pytest.mark.timeout(900)
async def test_change_is_cut_off_goes_on_rolls_back_and_leads_back_under_load(
    waiting: Network, gateways: Gateways, tmp_path: Path, chance: random.Random
) -> None:
    load = Load(script(await gateways.open(waiting)), "k", workers=8)
    first, [newcomer] = addresses(waiting, FIRST), addresses(waiting, WAITING)
    others = first[1:]
    keeper = FolderKeeper(waiting.directory)
    async with load.running():
        async with asyncio.timeout(SECONDS):
            await load.more(20)

        # The first gives way to the newcomer; whoever does it ends now and then, and another goes on.
        async with opened(waiting) as ordering:
            proposal = await proposed(waiting, ordering, [*others, newcomer])
        journal = tmp_path / "journal"
        for _ in range(6):
            async with opened(waiting) as ordering:
                channel = CutChannel(ordering, chance.randrange(60))
                try:
                    await ConsenterRunner(channel=channel, keeper=keeper, journal=journal).run(proposal)
                except CutOff:
                    continue
        async with opened(waiting) as ordering:
            done = await ConsenterRunner(channel=ordering, keeper=keeper, journal=journal).run(proposal)
            assert done.state is ChangeState.DONE
            moved = await ordering.configuration()
            assert set(moved.addresses) == {*others, newcomer}
            # Each update was ordered once.
            assert moved.sequence == 2

        # An orderer that nobody runs is not added; a program that hangs up is, and is removed again.
        nowhere = next(iter(free_ports()))
        async with opened(waiting) as ordering:
            known = folder_cards(waiting.description, waiting.directory)[newcomer]
            member = waiting.organisation("org1").add_orderer("nowhere")
            stranger = known.changed(
                address=f"127.0.0.1:{nowhere}",
                certificate=member.msp.certificate.read_bytes(),
                tls_certificate=member.tls_certificate.read_bytes(),
            )
            wanted = [*moved.addresses, stranger.address]
            proposal = await proposed(waiting, ordering, wanted, strangers=[stranger])
            runner = ConsenterRunner(channel=ordering, keeper=keeper, journal=journal, sync_seconds=3)
            with pytest.raises(ConsenterAway):
                await replace(runner, quorum_seconds=1).run(proposal)
            assert (await ordering.configuration()).sequence == moved.sequence
            async with await asyncio.start_server(hang_up, LOOPBACK, nowhere):
                with pytest.raises(ConsenterNotSynced):
                    await runner.run(proposal)
            rolled_back = ConsenterJournal.load(journal)
            assert rolled_back is not None
            assert rolled_back.state is ChangeState.ROLLED_BACK
            after = await ordering.configuration()
            assert (set(after.addresses), after.sequence) == (set(moved.addresses), moved.sequence + 2)
        async with asyncio.timeout(SECONDS):
            await load.more(20)

        # The removed one comes back: its organisation had left the channel, and its card describes it.
        async with opened(waiting) as ordering:
            proposal = await proposed(waiting, ordering, first)
            runner = ConsenterRunner(channel=ordering, keeper=keeper, journal=journal)
            assert (await runner.run(proposal)).state is ChangeState.DONE
            assert set((await ordering.configuration()).addresses) == set(first)
        async with asyncio.timeout(SECONDS):
            await load.more(20)
    assert load.failed == {}

    # With one of four dead no fifth is added: all four would have to sign until it can.
    await asyncio.to_thread(waiting.kill, FIRST[-1])
    async with opened(waiting) as ordering:
        proposal = await proposed(waiting, ordering, [*first, newcomer])
        runner = ConsenterRunner(channel=ordering, keeper=keeper, journal=journal, quorum_seconds=1)
        with pytest.raises(ConsentersStop):
            await runner.run(proposal)
        assert set((await ordering.configuration()).addresses) == set(first)
    await asyncio.to_thread(waiting.restart, FIRST[-1])
    await agreed(waiting)
    await load.check(await gateways.open(waiting))
