"""Real Fabric only: reviews with a dead organisation, a liar, one that keeps its copy, and killed peers.

What is deleted is looked for in every file that any peer keeps.
"""

from __future__ import annotations

import asyncio
import base64
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.conftest import MakeNetwork
from tests.integration.council.council_world import CouncilWorld, council_world
from tests.integration.exchange import deployed
from tests.prerequisites import meaningless

from gridledger.council import ReviewLedger, RoundKeyStore, bring_to_master
from gridledger.council.copy_audit import AuditFinding, audit_round
from gridledger.crypto.secret_key import SecretKey
from gridledger.model.council_review import MisbehaviourKind, ReviewState, RoundView
from gridledger.model.council_round import ReviewLimits, RoundState
from gridledger.model.identifier import SystemIdentifier
from gridledger.model.refusals import NotFound
from gridledger.network import Network, World

NODES = {"node-1": "org1", "node-2": "org2", "node-3": "org3", "node-4": "org4"}
LIAR, KEEPER = "node-2", "node-4"
CONTENT = b"PLAINTEXT-OF-A-REVIEW 16 meters of one street, one year "
LIMITS = ReviewLimits(
    places=4,
    master_ms=20_000,
    review_ms=600_000,
    receipt_ms=30_000,
    loses_credit_at=10,
    suspended_at=20,
    removed_at=30,
)


@pytest.fixture
def four(world: World, make_network: MakeNetwork) -> Network:
    """Return real Fabric with four peer organisations: one may be dead, and three still endorse."""
    if world is not World.FABRIC:
        meaningless(world, "organisations with peers that may be killed are --world fabric")
    return make_network(organisations=4)


@pytest.mark.timeout(1800)
async def test_reviews_survive_what_f_super_nodes_do_and_leave_nothing_readable(
    four: Network, tmp_path: Path
) -> None:
    rejecting = tmp_path / "reject"
    rejecting.write_text("#!/bin/sh\nexit 1\n")
    rejecting.chmod(0o700)
    keys = tmp_path / "keys"
    async with (
        deployed(four),
        council_world(four, SystemIdentifier("88.9742"), NODES) as council,
        asyncio.timeout(1500),
    ):
        await council.seat(LIMITS)
        dataset = await council.proposed("node-1")
        async with council.running(keys, {LIAR: rejecting}) as processes:
            secrets: set[bytes] = set()

            # One lies: three of four approve, it is named, and its peer is killed while copies are purged.
            first = await _entered(council, 1)
            request = await council.file("node-1", dataset, CONTENT + b"1")
            secrets |= _keys_of(keys, 1)
            kept = RoundKeyStore(tmp_path / "kept")
            shutil.copy(keys / LIAR / "round-1.key", kept.folder)
            ended = await council.until_view(1, lambda view: view.round.state is not RoundState.OPEN)
            await asyncio.to_thread(four.kill, "peer0.org2")
            await asyncio.to_thread(four.restart, "peer0.org2")
            assert ended.round.height >= first.round.height
            await council.until_view(1, lambda view: view.round.missing == ())
            about = await council.ledger("administrator").review(request)
            assert about.request.state is ReviewState.APPROVED
            assert about.request.rejections == (council.ids[LIAR],)
            await _named(council, LIAR, MisbehaviourKind.DEVIATION)
            # It signed that its key is gone, and has a copy of it: the audit says so.
            found = await _audit(council, keys, 1, kept)
            assert (len(found.problems), found.contradicted) == (1, (council.ids[LIAR],))

            # An organisation is dead: the others decide, and close without its receipt when its time is over.
            await _entered(council, 2)
            secrets |= _keys_of(keys, 2)
            council.dead.add(NODES[KEEPER])
            await asyncio.to_thread(four.kill, f"peer0.{NODES[KEEPER]}")
            processes[LIAR].terminate()
            await processes[LIAR].wait()
            processes[LIAR] = await council.start(LIAR, keys)
            request = await council.file("node-1", dataset, CONTENT + b"2", node=council.ids["node-1"])
            closed = await council.until_view(2, lambda view: view.round.state is RoundState.CLOSED)
            about = await council.ledger("administrator").review(request)
            assert about.request.state is ReviewState.APPROVED
            assert council.ids[KEEPER] not in about.copies
            assert closed.round.missing == (council.ids[KEEPER],)
            await _named(council, KEEPER, MisbehaviourKind.NO_RECEIPT)
            # Its peer comes back, and its super node, which went on trying, signs at last.
            await asyncio.to_thread(four.restart, f"peer0.{NODES[KEEPER]}")
            council.dead.clear()
            await council.until_view(2, lambda view: view.round.missing == ())

            # One keeps its copy and dies before it deletes it: no receipt, and an audit finds copy and key.
            begun = await _entered(council, 3)
            secrets |= _keys_of(keys, 3)
            name = next(one for one in ("node-3", "node-4") if council.ids[one] != begun.round.master)
            keeper = council.ids[name]
            processes[name].send_signal(signal.SIGSTOP)
            request = await council.file("node-1", dataset, CONTENT + b"3", node=begun.round.master)
            view = await council.until_view(3, lambda view: len(view.receipts) == len(NODES) - 1)
            processes[name].kill()
            await processes[name].wait()
            assert keeper not in {one.receipt.node for one in view.receipts}
            found = await _audit(council, keys, 3)
            assert any(f"has the copy of {keeper}" in problem for problem in found.problems)
            assert any("has a key of round 3" in problem for problem in found.problems)
            assert found.contradicted == ()
            processes[name] = await council.start(name, keys)
            await council.until_view(3, lambda view: view.round.missing == ())

            # The master is silent: another one takes its place, gets the request, and names it.
            begun = await _entered(council, 4)
            secrets |= _keys_of(keys, 4)
            master = begun.round.master
            silent = processes[next(name for name in NODES if council.ids[name] == master)]
            silent.send_signal(signal.SIGSTOP)
            before = await _misbehaviours(council, master)
            request = await council.file("node-1", dataset, CONTENT + b"4")
            replaced = await council.until_view(4, lambda view: view.round.view > 0)
            assert replaced.round.silent == (master,)
            owner = ReviewLedger(council.parties["system-of-node-1"].network)
            await bring_to_master(owner, request, CONTENT + b"4")
            await council.until_view(4, lambda view: view.round.state is not RoundState.OPEN)
            about = await council.ledger("administrator").review(request)
            assert about.request.state is ReviewState.APPROVED
            assert master not in (about.request.approvals or ())
            while await _misbehaviours(council, master) == before:  # noqa: ASYNC110 (a ledger's)
                await asyncio.sleep(0.2)
            silent.send_signal(signal.SIGCONT)
            await council.until_view(4, lambda view: view.round.missing == ())

            await _entered(council, 5)
            await council.even()
            for number in (1, 2, 3, 4):
                found = await _audit(council, keys, number)
                assert (found.problems, found.contradicted, found.unreachable) == ((), (), ())
        # Keys of rounds that are over are in no folder any more, contents and keys in no file of a peer.
        assert len(secrets) == 4 * len(NODES)
        assert {number for name in NODES for number in RoundKeyStore(keys / name).numbers()} <= {5, 6}
        wanted = {CONTENT, base64.b64encode(CONTENT)[:40], *secrets}
        wanted |= {one.hex().encode() for one in secrets} | {base64.b64encode(one) for one in secrets}
        files = list(_files(four.directory))
        assert len(files) > 4 * 10
        held = [path for path in files if any(one in path.read_bytes() for one in wanted)]
        assert held == []
        # What does stand there is found by the same look: the request's id, on each peer.
        named = {path for path in files if request.encode() in path.read_bytes()}
        assert all(any(f"peer0.org{one}" in str(path) for path in named) for one in (1, 2, 3, 4))


async def _entered(council: CouncilWorld, number: int) -> RoundView:
    """Wait until all super nodes are in a round."""
    return await council.until_view(number, lambda view: len(view.entries) == len(NODES))


async def _named(council: CouncilWorld, name: str, kind: MisbehaviourKind) -> None:
    """Wait until a super node was named for something."""
    for _ in range(600):
        if await _misbehaviours(council, council.ids[name]):
            return
        await asyncio.sleep(0.2)
    raise AssertionError(f"nobody named {name} for {kind.value}")


async def _misbehaviours(council: CouncilWorld, node: str) -> int:
    """Return how often a super node was named."""
    try:
        return (await council.ledger("administrator").conduct(council.root, node)).misbehaviours
    except NotFound:
        return 0


async def _audit(council: CouncilWorld, keys: Path, number: int, *others: RoundKeyStore) -> AuditFinding:
    ledger = council.ledger("administrator")
    view = await ledger.round(council.root, number)
    stores = [*(RoundKeyStore(keys / name) for name in NODES), *others]
    return await audit_round(ledger, view, keys=stores)


def _keys_of(folder: Path, number: int) -> set[bytes]:
    """Return the secret keys that the super nodes have for a round, as their files hold them."""
    return {SecretKey.load(folder / name / f"round-{number}.key").reveal() for name in NODES}


def _files(directory: Path) -> Iterator[Path]:
    """Iterate over all that peers and orderers keep, and all logs."""
    for path in directory.rglob("*"):
        if path.is_file() and not path.is_symlink():
            yield path
