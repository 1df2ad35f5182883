"""Changes of the consenters that are taken up again: with their journal, without it, or by another change."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import replace
from pathlib import Path

import pytest
from tests.unit.network.consenter_scene import (
    PATIENT,
    A,
    B,
    FakeChannel,
    FakeKeeper,
    Orderers,
    Stopped,
    make_orderers,
    proposed,
    runner,
    signed_by_all,
)

from gridledger.network.errors import ConsenterAway, ConsenterNotSynced, ConsentersMoved
from gridledger.network.ordering.channel_configuration import ChannelConfiguration
from gridledger.network.ordering.consenter_journal import ChangeState, ConsenterJournal
from gridledger.network.ordering.consenter_proposal import ConsenterProposal
from gridledger.network.ordering.orderer_card import OrdererCard


@pytest.fixture(scope="module")
def orderers(tmp_path_factory: pytest.TempPathFactory) -> Orderers:
    return make_orderers(tmp_path_factory.mktemp("orderers"))


def test_change_that_cannot_go_on_gives_way_to_another_one(orderers: Orderers, tmp_path: Path) -> None:
    channel = FakeChannel(at=orderers.configuration(A), running=set(A))
    first = proposed(orderers, A, B)
    channel.calls_left = 60
    with pytest.raises(Stopped):
        asyncio.run(runner(channel, tmp_path / "journal", **PATIENT).run(first))
    channel.calls_left = None
    assert 0 < channel.ordered < 8
    # Made for a configuration that the channel has no more it is refused, and the first one may go on.
    with pytest.raises(ConsentersMoved):
        asyncio.run(runner(channel, tmp_path / "journal").run(proposed(orderers, A, A - {"a:7050"})))
    known = ConsenterJournal.load(tmp_path / "journal")
    assert known is not None
    assert known.proposal == first
    # From where the channel stands it takes the first one's place.
    back = signed_by_all(orderers, ConsenterProposal.make(channel.at, A, orderers.cards))
    assert asyncio.run(runner(channel, tmp_path / "journal", **PATIENT).run(back)).proposal == back
    assert set(channel.at.addresses) == A
    with pytest.raises(ConsentersMoved):
        asyncio.run(runner(channel, tmp_path / "journal").run(first))


@pytest.mark.parametrize("calls", range(10, 130, 20))
def test_change_goes_on_without_its_journal(orderers: Orderers, tmp_path: Path, calls: int) -> None:
    channel = FakeChannel(at=orderers.configuration(A), running=set(A), calls_left=calls)
    proposal = proposed(orderers, A, B)
    with contextlib.suppress(Stopped):
        asyncio.run(runner(channel, tmp_path / "journal", **PATIENT).run(proposal))
    channel.calls_left = None
    done = asyncio.run(runner(channel, tmp_path / "other", **PATIENT).run(proposal))
    assert done.state is ChangeState.DONE
    assert set(channel.at.addresses) == B
    assert channel.ordered == 8


def test_orderer_that_nobody_runs_is_not_added(orderers: Orderers, tmp_path: Path) -> None:
    class Elsewhere(FakeKeeper):
        """Its operator starts it."""

        async def prepare(self, card: OrdererCard, configuration: ChannelConfiguration) -> None:
            return

    channel = FakeChannel(at=orderers.configuration(A), running=set(A))
    proposal = proposed(orderers, A, A | {"e:7050"})
    made = replace(runner(channel, tmp_path / "journal"), keeper=Elsewhere(channel))
    with pytest.raises(ConsenterAway, match="e:7050"):
        asyncio.run(made.run(proposal))
    assert channel.ordered == 0
    # Once it runs, the same call goes on.
    channel.running.add("e:7050")
    assert (
        asyncio.run(replace(made, order_seconds=60.0, sync_seconds=60.0).run(proposal)).state
        is ChangeState.DONE
    )


def test_change_that_was_rolled_back_is_not_taken_up_again(orderers: Orderers, tmp_path: Path) -> None:
    proposal = proposed(orderers, A, A | {"e:7050"})
    channel = FakeChannel(at=orderers.configuration(A), running=set(A), never={"e:7050"})
    with pytest.raises(ConsenterNotSynced):
        asyncio.run(runner(channel, tmp_path / "journal").run(proposal))
    with pytest.raises(ConsentersMoved):
        asyncio.run(runner(channel, tmp_path / "journal").run(proposal))
    known = ConsenterJournal.load(tmp_path / "journal")
    assert known is not None
    assert known.state is ChangeState.ROLLED_BACK
    assert channel.ordered == 2
