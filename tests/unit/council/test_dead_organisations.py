"""Reviews where organisations are dead, their peers with them: f of n super nodes stop nothing."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from tests.unit.chaincode.scene import ROOT, Scene
from tests.unit.council.round_scene import CONTENT, LIMITS, RoundScene, network_of

from gridledger.client import EvaluateError
from gridledger.council import ReviewLedger, bring_to_master
from gridledger.model.council import survived_faults
from gridledger.model.council_review import ReviewState, RoundView
from gridledger.model.council_round import RoundState
from gridledger.model.errors import GridLedgerError


def is_decided(view: RoundView) -> bool:
    return all(one.state.is_decided for one in view.requests)


async def running(scene: Scene, folder: Path, *, candidates: int) -> RoundScene:
    rounds = await RoundScene.make(scene, folder, candidates=candidates)
    await rounds.sharing.store(rounds.sharing.statement())
    await rounds.steps(2)
    return rounds


def kill(rounds: RoundScene, organisation: str) -> list[str]:
    """Kill an organisation's peers; its super nodes can do nothing any more."""
    rounds.down.add(organisation)
    return [name for name, one in rounds.council.nodes.items() if one.caller.msp_id == organisation]


def spare(rounds: RoundScene, size: int, *organisations: str) -> str:
    """Return an organisation with so many super nodes that is none of these."""
    held = [one.caller.msp_id for one in rounds.council.nodes.values()]
    return next(one for one in rounds.council.voters if held.count(one) == size and one not in organisations)


def organisation_of(rounds: RoundScene, node: str) -> str:
    return rounds.council.nodes[rounds.name_of(node)].caller.msp_id


@pytest.mark.parametrize("candidates", [4, 7])
async def test_review_decides_with_as_many_super_nodes_dead_as_are_survived(
    empty: Scene, tmp_path: Path, candidates: int
) -> None:
    rounds = await running(empty, tmp_path, candidates=candidates)
    master = organisation_of(rounds, (await rounds.view()).round.master)
    faulty = survived_faults(candidates)
    # Seven stand for four organisations: three have two each.
    dead = kill(rounds, spare(rounds, faulty, master))
    assert len(dead) == faulty
    filed = await rounds.file_version()
    await rounds.until(is_decided, without=dead)
    about = await rounds.ledger.review(filed.signed.statement.id)
    assert about.request.state is ReviewState.APPROVED
    assert not {rounds.council.id(one) for one in dead} & {*about.copies}
    # The others delete theirs, and the next round begins without the dead.
    await rounds.until(lambda view: len(view.receipts) == candidates - faulty, without=dead)
    while await rounds.ledger.newest_round(ROOT) == 1:
        await rounds.steps(without=dead)
    await rounds.council.pass_time(LIMITS.receipt_ms)
    closed = await rounds.until(lambda view: view.round.state is RoundState.CLOSED, without=dead)
    assert set(closed.round.missing or ()) <= {rounds.council.id(one) for one in dead}
    # Back again they find no copy of theirs, and say so.
    rounds.down.clear()
    await rounds.until(lambda view: view.round.missing == ())


async def test_dead_master_is_replaced_and_not_named_for_what_it_never_got(
    empty: Scene, tmp_path: Path
) -> None:
    rounds = await running(empty, tmp_path, candidates=4)
    begun = (await rounds.view()).round
    dead = kill(rounds, organisation_of(rounds, begun.master))
    local = next(rounds.council.id(name) for name in rounds.nodes if rounds.council.id(name) != begun.master)
    filed = await rounds.file_version(node=local)
    await rounds.steps(2, without=dead)
    assert (await rounds.view()).round.view == 0
    await rounds.council.pass_time(LIMITS.master_ms)
    await rounds.until(is_decided, without=dead)
    about = await rounds.ledger.review(filed.signed.statement.id)
    assert about.request.state is ReviewState.APPROVED
    assert begun.master not in about.request.path
    assert (await rounds.view()).round.silent is None


async def test_request_that_its_super_node_keeps_fails_in_time_and_blames_no_master(
    empty: Scene, tmp_path: Path
) -> None:
    rounds = await running(empty, tmp_path, candidates=4)
    begun = (await rounds.view()).round
    keeper = next(name for name in rounds.nodes if rounds.council.id(name) != begun.master)
    filed = await rounds.file_version(node=rounds.council.id(keeper))
    name = filed.signed.statement.id
    for _ in range(40):
        if (await rounds.ledger.review(name)).request.state is not ReviewState.FILED:
            break
        await rounds.council.pass_time(LIMITS.master_ms)
        await rounds.steps(without=[keeper])
    about = await rounds.ledger.review(name)
    assert about.request.state is ReviewState.FAILED
    named = set((await rounds.view()).round.silent or ())
    assert named <= {rounds.council.id(keeper)}


async def test_user_brings_a_request_past_a_super_node_that_keeps_it(empty: Scene, tmp_path: Path) -> None:
    rounds = await running(empty, tmp_path, candidates=4)
    begun = (await rounds.view()).round
    keeper = next(name for name in rounds.nodes if rounds.council.id(name) != begun.master)
    filed = await rounds.file_version(node=rounds.council.id(keeper))
    name, owner = filed.signed.statement.id, ReviewLedger(network_of(rounds.sharing.owner))
    assert (await bring_to_master(owner, name, CONTENT)).path == (rounds.council.id(keeper), begun.master)
    await rounds.until(is_decided, without=[keeper])
    assert (await rounds.ledger.review(name)).request.state is ReviewState.APPROVED


async def test_super_node_outlives_its_peer_and_goes_on_when_it_is_back(empty: Scene, tmp_path: Path) -> None:
    rounds = await RoundScene.make(empty, tmp_path)
    name, party = next(iter(rounds.council.nodes.items()))
    rounds.down.add(party.caller.msp_id)
    told: asyncio.Queue[GridLedgerError] = asyncio.Queue()
    running_on = asyncio.create_task(rounds.node(name, party, on_trouble=told.put_nowait).run())
    async with asyncio.timeout(300):
        assert type(await told.get()) is EvaluateError
        rounds.down.clear()
        while not await rounds.ledger.entries(ROOT, 1):  # noqa: ASYNC110 (a ledger's)
            await asyncio.sleep(0.01)
    running_on.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running_on
