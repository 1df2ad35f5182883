"""Rounds of super nodes on a peer in memory: requests, masters, verdicts, deletion, misbehaviour."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.chaincode.council_scene import HOUR_MS
from tests.unit.chaincode.scene import ROOT, Scene
from tests.unit.council.round_scene import CONTENT, LIMITS, RoundScene, network_of

from gridledger.council import ReviewLedger, RoundKeyStore, bring_to_master
from gridledger.council.copy_audit import audit_round
from gridledger.council.review_copy import hand_content, open_copy, seal_copy
from gridledger.crypto.errors import WrappingBroken
from gridledger.crypto.wrapping import RecipientSecret
from gridledger.model.council import quorum, survived_faults
from gridledger.model.council_refusals import (
    CopyStillThere,
    NoSuchMisbehaviour,
    NotASuperNode,
    ReviewOutOfTurn,
    RoundOutOfTurn,
)
from gridledger.model.council_review import (
    Authority,
    Handling,
    MisbehaviourKind,
    ReviewProblem,
    ReviewRequest,
    ReviewState,
    RoundView,
    SignedReviewStatement,
)
from gridledger.model.council_round import (
    DeletionReceipt,
    EntryOfRound,
    RoundState,
    SignedDeletionReceipt,
    height_of_round,
    master_of,
)
from gridledger.model.digest import Digest
from gridledger.model.exchange_refusals import SignatureRefused
from gridledger.model.refusals import AccessDenied, AlreadyExists, BadArgument, NotFound


def is_decided(view: RoundView) -> bool:
    return all(one.state.is_decided for one in view.requests)


def is_settled(view: RoundView) -> bool:
    return view.round.state is RoundState.CLOSED and view.round.missing == ()


async def against(content: bytes, request: ReviewRequest) -> tuple[ReviewProblem, ...]:
    return (ReviewProblem.RULE,)


@given(st.integers(1, 40), st.data())
def test_liars_cannot_raise_the_height_above_what_an_honest_super_node_has(
    nodes: int, data: st.DataObject
) -> None:
    faulty = survived_faults(nodes)
    honest = data.draw(
        st.lists(st.integers(0, 100), min_size=quorum(nodes) - faulty, max_size=nodes - faulty)
    )
    lies = data.draw(st.lists(st.integers(0, 10**6), min_size=faulty, max_size=faulty))
    height = height_of_round([*honest, *lies], nodes)
    assert height <= max(honest)


@given(
    st.sets(st.text("abcdef", min_size=1), min_size=1),
    st.integers(0, 10**9),
    st.integers(0, 10**6),
    st.data(),
)
def test_every_super_node_is_master_within_as_many_views(
    entered: set[str], height: int, requests: int, data: st.DataObject
) -> None:
    order = data.draw(st.permutations(sorted(entered)))
    masters = [master_of(order, height=height, requests=requests, view=view) for view in range(len(entered))]
    assert set(masters) == entered
    assert masters[0] == sorted(entered)[(height + requests) % len(entered)]
    # One more block or request, and another one is it.
    assert len(entered) == 1 or master_of(order, height=height + 1, requests=requests, view=0) != masters[0]


def test_copy_opens_for_its_request_and_super_node_alone() -> None:
    secret = RecipientSecret.generate()
    sealed = seal_copy(CONTENT, secret.public.raw, request="a", node="b")
    assert open_copy(sealed, secret, request="a", node="b") == CONTENT
    for other in (("x", "b"), ("a", "x")):
        with pytest.raises(WrappingBroken):
            open_copy(sealed, secret, request=other[0], node=other[1])


@pytest.fixture
async def rounds(empty: Scene, tmp_path: Path) -> RoundScene:
    made = await RoundScene.make(empty, tmp_path)
    await made.sharing.store(made.sharing.statement())
    await made.steps(2)
    return made


async def test_version_goes_from_request_to_receipts_and_the_next_round_begins(rounds: RoundScene) -> None:
    begun = (await rounds.view()).round
    assert (begun.state, begun.requests, len(begun.entered) >= quorum(4)) == (RoundState.OPEN, 0, True)
    local = next(rounds.council.id(name) for name in rounds.nodes if rounds.council.id(name) != begun.master)
    filed = await rounds.file_version(node=local)
    name = filed.signed.statement.id
    assert (filed.state, filed.path) == (ReviewState.FILED, (local,))
    await rounds.until(is_settled)
    await rounds.steps(2)
    about = await rounds.ledger.review(name)
    assert about.request.path == (local, begun.master)
    assert about.request.state is ReviewState.APPROVED
    assert len(about.request.approvals or ()) >= quorum(4)
    # Private data, keys of the round and copies in the clear are nowhere any more.
    state = rounds.council.scene.peer.ledger.state
    assert not [key for collection, key in state if collection]
    assert not [key for key, value in state.items() if CONTENT in value]
    assert all(1 not in rounds.keys(one).numbers() for one in rounds.nodes)
    ended = await rounds.view()
    assert (ended.round.state, ended.round.missing, ended.round.filed) == (RoundState.CLOSED, (), 1)
    assert {one.receipt.node for one in ended.receipts} == {rounds.council.id(one) for one in rounds.nodes}
    following = (await rounds.view(2)).round
    assert (following.requests, following.number) == (1, 2)
    assert following.height >= begun.height
    assert await rounds.ledger.newest_round(ROOT) == 2


async def test_user_without_authority_is_told_and_the_next_request_is_processed(rounds: RoundScene) -> None:
    stranger, version = rounds.council.backers["node-0"], await rounds.version()
    # Signed for one's own system, about another's dataset: nobody asks what the agent may not ask for.
    refused = await rounds.file(stranger, version=version, system=rounds.council.systems["node-0"])
    # Another statement under the same number is another version: what was signed for was never proposed.
    other = replace(version, statement=replace(version.statement, blocks=8))
    missing = await rounds.file(rounds.sharing.owner, version=other)
    good = await rounds.file(rounds.sharing.owner, version=version)
    await rounds.until(is_decided)
    found = [
        (await rounds.ledger.review(one.signed.statement.id)).request for one in (refused, missing, good)
    ]
    assert [one.state for one in found] == [ReviewState.REFUSED, ReviewState.REFUSED, ReviewState.APPROVED]
    assert [one.authority for one in found] == [Authority.PARTY, Authority.SUBJECT, Authority.GIVEN]


async def test_super_node_that_was_away_for_rounds_deletes_its_copies_of_all_of_them(
    rounds: RoundScene,
) -> None:
    begun = (await rounds.view()).round
    away = next(name for name in rounds.nodes if rounds.council.id(name) != begun.master)
    for number in (1, 2, 3):
        await rounds.file_version()
        while await rounds.ledger.newest_round(ROOT) == number:
            await rounds.steps(without=[away])
    await rounds.council.pass_time(LIMITS.receipt_ms)
    assert 1 in rounds.keys(away).numbers()
    # Started anew it comes back to what it owes.
    rounds.nodes[away] = rounds.node(away, rounds.council.nodes[away])
    await rounds.until(lambda view: view.round.missing == ())
    audit = await audit_round(rounds.ledger, await rounds.view(1), keys=[rounds.keys(away)])
    assert (audit.problems, audit.contradicted) == ((), ())


async def test_copy_waits_for_a_peer_that_is_some_blocks_behind(rounds: RoundScene) -> None:
    filed = await rounds.file_version()
    name, view = filed.signed.statement.id, await rounds.view()
    behind = [RoundOutOfTurn(1, "is not there"), NotFound("review request", name)]
    ledger = ReviewLedger(network_of(rounds.sharing.owner, behind=[*behind]))
    assert await hand_content(ledger, filed, CONTENT, view=view) == filed
    # One that stays behind is told of.
    ledger = ReviewLedger(network_of(rounds.sharing.owner, behind=behind * 3))
    with pytest.raises(RoundOutOfTurn):
        await hand_content(ledger, filed, CONTENT, view=view)


async def test_silent_master_is_replaced_after_its_deadline_and_named(rounds: RoundScene) -> None:
    begun = (await rounds.view()).round
    silent = rounds.name_of(begun.master)
    filed = await rounds.file_version()
    await rounds.steps(without=[silent])
    assert (await rounds.view()).round.view == 0
    other = rounds.council.nodes[next(name for name in rounds.nodes if name != silent)]
    early = (ROOT, 1, rounds.council.id(other.name), filed.signed.statement.id)
    with pytest.raises(RoundOutOfTurn):
        await other.submit("council:ReplaceMaster", *early)
    await rounds.council.pass_time(LIMITS.master_ms)
    await rounds.steps(without=[silent])
    replaced = (await rounds.view()).round
    assert replaced.view >= 1
    assert replaced.master == master_of(
        begun.entered, height=begun.height, requests=begun.requests, view=replaced.view
    )
    # Its user sends it to the new one.
    sealed_to = replaced.master
    name, owner = filed.signed.statement.id, ReviewLedger(network_of(rounds.sharing.owner))
    assert (await bring_to_master(owner, name, CONTENT)).holder == sealed_to
    await rounds.until(lambda view: len(view.receipts) == 3, without=[silent])
    assert (await rounds.ledger.review(name)).request.state is ReviewState.APPROVED
    await rounds.steps(without=[silent])
    assert (await rounds.ledger.conduct(ROOT, begun.master)).handling is Handling.WARNED
    # Its deletion receipt is missing: named when its time is over, and chased.
    await rounds.council.pass_time(LIMITS.receipt_ms)
    closed = (await rounds.until(lambda view: view.round.state is RoundState.CLOSED, without=[silent])).round
    assert closed.missing == (begun.master,)
    await rounds.steps(without=[silent])
    assert (await rounds.ledger.conduct(ROOT, begun.master)).handling is Handling.CREDIT_LOST
    await rounds.until(is_settled)


async def test_super_node_that_deviates_is_named_warned_then_loses_credit_and_is_suspended(
    empty: Scene, tmp_path: Path
) -> None:
    rounds = await RoundScene.make(empty, tmp_path, reviewers={"node-3": against})
    await rounds.sharing.store(rounds.sharing.statement())
    liar = rounds.council.id("node-3")
    expected = {1: Handling.WARNED, 2: Handling.CREDIT_LOST, 3: Handling.SUSPENDED}
    await rounds.steps(2)
    number = done = 0
    while done < len(expected):
        number += 1
        assert number < 20
        # As a master it is named by others.
        filed = await rounds.file_version()
        await rounds.until(is_settled, number)
        while await rounds.ledger.newest_round(ROOT) == number:
            await rounds.steps()
        about = await rounds.ledger.review(filed.signed.statement.id)
        assert about.request.state is ReviewState.APPROVED
        if liar in (about.request.rejections or ()):
            done += 1
            assert (await rounds.ledger.conduct(ROOT, liar)).handling is expected[done]
            answers = {one.node: one.differing for one in about.responses}
            assert answers[liar] == about.request.approvals
            assert all(found == (liar,) for node, found in answers.items() if node != liar)
    credit = await rounds.council.scene.agent.ask(
        "registry:ListRatings", rounds.council.systems["node-3"], ""
    )
    assert len(credit.ratings) == 2
    latest = (await rounds.view(await rounds.ledger.newest_round(ROOT))).round
    assert liar not in latest.nodes


async def test_two_silent_super_nodes_of_four_let_the_request_fail(rounds: RoundScene) -> None:
    master = (await rounds.view()).round.master
    filed = await rounds.file_version()
    others = [name for name in rounds.nodes if rounds.council.id(name) != master]
    silent = others[:2]
    await rounds.steps(4, without=silent)
    name = filed.signed.statement.id
    assert (await rounds.ledger.review(name)).request.state is ReviewState.REVIEWED
    await rounds.council.pass_time(LIMITS.review_ms)
    await rounds.until(lambda view: view.round.state is RoundState.ENDED, without=silent)
    await rounds.steps(2, without=silent)
    about = await rounds.ledger.review(name)
    assert about.request.state is ReviewState.FAILED
    for one in silent:
        assert (await rounds.ledger.conduct(ROOT, rounds.council.id(one))).misbehaviours == 1
    # They come back, delete what they have, and the next round begins.
    await rounds.until(is_settled)
    assert not [key for collection, key in rounds.council.scene.peer.ledger.state if collection]
    await rounds.steps(3)
    assert (await rounds.view(2)).round.state is RoundState.OPEN


async def test_what_is_out_of_turn_is_refused(rounds: RoundScene) -> None:
    begun = (await rounds.view()).round
    master = rounds.council.nodes[rounds.name_of(begun.master)]
    other_name = next(name for name in rounds.nodes if rounds.council.id(name) != begun.master)
    other, other_id = rounds.council.nodes[other_name], rounds.council.id(other_name)
    for number in (1, 3):
        with pytest.raises(RoundOutOfTurn):
            await other.submit("council:BeginRound", ROOT, number, other_id)
    entry = EntryOfRound(key=bytes(31) + b"\x09", height=1, block=Digest.of(b""))
    with pytest.raises(AlreadyExists):
        await other.submit("council:EnterRound", ROOT, 1, other_id, entry)
    with pytest.raises(NotASuperNode):
        await other.submit("council:EndRound", ROOT, 1, begun.master)
    with pytest.raises(RoundOutOfTurn):
        await other.submit("council:EndRound", ROOT, 1, other_id)
    with pytest.raises(RoundOutOfTurn):
        await other.submit("council:PurgeCopies", ROOT, 1, other_id)
    filed = await rounds.file_version()
    name = filed.signed.statement.id
    owner, again = rounds.sharing.owner, replace(filed.signed.statement, nonce="n" * 16)
    another = SignedReviewStatement(statement=again, signature=owner.sign(again))
    with pytest.raises(BadArgument):
        await owner.submit("council:FileRequest", another, begun.master, LIMITS.places)
    with pytest.raises(ReviewOutOfTurn):
        await owner.submit("council:FileRequest", another, begun.master, filed.place)
    forged = SignedReviewStatement(statement=again, signature=filed.signed.signature)
    with pytest.raises(SignatureRefused):
        await owner.submit("council:FileRequest", forged, begun.master, 0)
    with pytest.raises(AlreadyExists):
        await rounds.sharing.owner.submit("council:FileRequest", filed.signed, begun.master, 1)
    for function, arguments in (
        ("TakeRequest", (name,)),
        ("HandCopy", (name, other_id)),
        ("PassRequest", (name, other_id)),
        ("RecordCopies", (name, (other_id,))),
    ):
        with pytest.raises(NotASuperNode):
            await other.submit(f"council:{function}", *arguments)
    with pytest.raises(ReviewOutOfTurn):
        await other.submit("council:DepositVerdict", name, other_id, ())
    await master.submit("council:TakeRequest", name)
    with pytest.raises(ReviewOutOfTurn):
        await other.submit("council:DepositVerdict", name, other_id, ())
    with pytest.raises(ReviewOutOfTurn):
        await master.submit("council:DecideRequest", name, begun.master)
    with pytest.raises(RoundOutOfTurn):
        await master.submit("council:EndRound", ROOT, 1, begun.master)
    with pytest.raises(BadArgument):
        await master.submit("council:HandCopy", name, other_id)
    with pytest.raises(ReviewOutOfTurn):
        await master.submit("council:RecordCopies", name, (other_id,))
    for kind, about in (
        (MisbehaviourKind.DEVIATION, name),
        (MisbehaviourKind.SILENCE, name),
        (MisbehaviourKind.SILENT_MASTER, ""),
        (MisbehaviourKind.NO_RECEIPT, ""),
    ):
        with pytest.raises(NoSuchMisbehaviour):
            await master.submit("council:NameMisbehaviour", ROOT, 1, other_id, kind, about, "made up")
    with pytest.raises(NotASuperNode):
        await other.submit("council:NameMisbehaviour", ROOT, 1, other_id, "deviation", name, "made up")
    with pytest.raises(AccessDenied):
        await rounds.council.voters["Org2MSP"].submit("council:SetReviewRules", ROOT, LIMITS)


async def test_receipt_for_a_copy_that_is_still_there_is_refused(rounds: RoundScene) -> None:
    begun = (await rounds.view()).round
    await rounds.file_version()
    keeper = next(name for name in rounds.nodes if rounds.council.id(name) != begun.master)
    while (await rounds.view()).round.state is RoundState.OPEN:
        await rounds.steps()
    ended = await rounds.view()
    gave = {one.receipt.node for one in ended.receipts}
    keeper = next((one for one in rounds.nodes if rounds.council.id(one) not in gave), keeper)
    party, node = rounds.council.nodes[keeper], rounds.council.id(keeper)
    entry = next(one.entry for one in ended.entries if one.node == node)
    receipt = DeletionReceipt(
        root=ROOT, round=1, node=node, key=entry.key, copies=1, height=9, is_swept=True, made_ms=1
    )
    signed = SignedDeletionReceipt(receipt=receipt, signature=party.sign(receipt))
    other = next(one for name, one in rounds.council.nodes.items() if name != keeper)
    forged = SignedDeletionReceipt(receipt=receipt, signature=other.sign(receipt))
    with pytest.raises(SignatureRefused):
        await party.submit("council:DepositDeletionReceipt", forged)
    with pytest.raises(CopyStillThere):
        await party.submit("council:DepositDeletionReceipt", signed)
    await party.submit("council:PurgeCopies", ROOT, 1, node)
    await party.submit("council:DepositDeletionReceipt", signed)
    with pytest.raises(AlreadyExists):
        await party.submit("council:DepositDeletionReceipt", signed)


async def test_no_round_begins_after_the_term(rounds: RoundScene) -> None:
    await rounds.file_version()
    while (await rounds.view()).round.state is RoundState.OPEN:
        await rounds.steps()
    await rounds.council.pass_time(HOUR_MS)
    name = next(iter(rounds.nodes))
    with pytest.raises(RoundOutOfTurn):
        await rounds.council.nodes[name].submit("council:BeginRound", ROOT, 2, rounds.council.id(name))


async def test_audit_finds_copies_and_keys_until_they_are_gone(rounds: RoundScene) -> None:
    await rounds.file_version()
    await rounds.until(is_decided)
    stores = [rounds.keys(name) for name in rounds.nodes]
    during = await audit_round(rounds.ledger, await rounds.view(), keys=stores)
    assert during.problems
    await rounds.until(is_settled)
    after = await audit_round(rounds.ledger, await rounds.view(), keys=stores)
    assert (after.problems, after.contradicted, after.unreachable) == ((), (), ())
    assert after.asked == 4 * (4 + 1)


async def test_key_that_a_super_node_kept_contradicts_its_receipt(rounds: RoundScene) -> None:
    keeper = next(iter(rounds.nodes))
    kept = RoundKeyStore(rounds.folder / "kept")
    shutil.copy(rounds.keys(keeper).folder / "round-1.key", kept.folder)
    await rounds.file_version()
    await rounds.until(is_settled)
    found = await audit_round(rounds.ledger, await rounds.view(), keys=[rounds.keys(keeper), kept])
    assert len(found.problems) == 1
    assert found.contradicted == (rounds.council.id(keeper),)
