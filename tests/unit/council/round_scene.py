"""Super nodes on a peer in memory: their calls go to it as a gateway's would."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from tests.unit.chaincode.council_scene import CouncilScene
from tests.unit.chaincode.party import Party
from tests.unit.chaincode.scene import ROOT, Scene
from tests.unit.chaincode.sharing_scene import SharingScene

from gridledger.client import Network
from gridledger.council import CouncilLedger, ReviewLedger, RoundKeyStore, SuperNode, file_request
from gridledger.council.super_node import Reviewer, without_rules
from gridledger.model.argument import Argument
from gridledger.model.council_review import ReviewRequest, RoundView
from gridledger.model.council_round import ReviewLimits
from gridledger.model.record import Record

LIMITS = ReviewLimits(
    places=4,
    master_ms=60_000,
    review_ms=300_000,
    receipt_ms=300_000,
    loses_credit_at=2,
    suspended_at=3,
    removed_at=4,
)
CONTENT = b"what is asked for, and why: 16 meters of one street, one year"


class MemoryNetwork:
    """A channel whose contract calls go to a peer in memory, as one party."""

    def __init__(self, party: Party) -> None:
        self._party = party

    def contract(self, chaincode: str | None, name: str) -> Any:
        return MemoryContract(self._party, name)

    async def chain_info(self) -> Any:
        height = self._party.peer.time_ms // 1000 % 10**6
        return SimpleNamespace(height=height, current_block_hash=bytes(32))


class MemoryContract:
    def __init__(self, party: Party, name: str) -> None:
        self._party, self._name = party, name

    async def evaluate(self, function: str, *arguments: Argument, **options: Any) -> bytes:
        party = self._party
        return await party.peer.evaluate(f"{self._name}:{function}", *arguments, caller=party.caller)

    async def submit(
        self,
        function: str,
        *arguments: Argument,
        transient: Mapping[str, bytes] | None = None,
        endorsing_organizations: Sequence[str] = (),
    ) -> bytes:
        party = self._party
        committed = await party.peer.submit(
            f"{self._name}:{function}", *arguments, caller=party.caller, transient=transient
        )
        return committed.payload


def network_of(party: Party) -> Network:
    return cast("Network", MemoryNetwork(party))


@dataclass
class RoundScene:
    """A council of four in office, and what it needs to review versions of a dataset."""

    council: CouncilScene
    sharing: SharingScene
    folder: Path
    nodes: dict[str, SuperNode] = field(default_factory=dict)
    marked_ms: int = 0

    @classmethod
    async def make(cls, scene: Scene, folder: Path, **reviewers: Reviewer) -> RoundScene:
        sharing = await SharingScene.make(scene)
        council = await CouncilScene.make(scene, established=True)
        await council.seat()
        await council.scene.administrator.submit("council:SetReviewRules", ROOT, LIMITS)
        made = cls(council=council, sharing=sharing, folder=folder)
        for name, party in council.nodes.items():
            made.nodes[name] = made.node(name, party, reviewers.get(name.replace("-", "_"), without_rules))
        return made

    def node(self, name: str, party: Party, reviewer: Reviewer = without_rules) -> SuperNode:
        return SuperNode(
            ReviewLedger(network_of(party)),
            CouncilLedger(network_of(party)),
            root=ROOT,
            node=self.council.id(name),
            sign=_signer(party),
            keys=self.keys(name),
            reviewer=reviewer,
            clock=lambda: self.council.scene.peer.time_ms,
        )

    def keys(self, name: str) -> RoundKeyStore:
        return RoundKeyStore(self.folder / name)

    def name_of(self, node: str) -> str:
        return next(name for name in self.council.nodes if self.council.id(name) == node)

    async def steps(self, count: int = 1, *, without: Sequence[str] = ()) -> None:
        peer = self.council.scene.peer
        for _ in range(count):
            for name, node in self.nodes.items():
                if name not in without:
                    await node.step()
                if peer.time_ms - self.marked_ms > 40_000:
                    # Every transaction takes a second here.
                    await self.council.pass_time(0)
                    self.marked_ms = peer.time_ms

    async def until(
        self, holds: Callable[[RoundView], bool], number: int = 1, *, without: Sequence[str] = ()
    ) -> RoundView:
        """Step until a round is as wanted: after how many steps depends on keys."""
        for _ in range(40):
            view = await self.view(number)
            if holds(view):
                return view
            await self.steps(without=without)
        raise AssertionError(f"round {number} never came to it")

    async def view(self, number: int = 1) -> RoundView:
        found: RoundView = await self.council.scene.agent.ask("council:GetRound", ROOT, number)
        return found

    @property
    def ledger(self) -> ReviewLedger:
        return ReviewLedger(network_of(self.council.scene.agent))

    async def file(self, party: Party, *, node: str | None = None, **subject: Any) -> ReviewRequest:
        organisations = [one.caller.msp_id for one in self.council.nodes.values()]
        return await file_request(
            ReviewLedger(network_of(party)),
            _signer(party),
            CONTENT,
            root=ROOT,
            system=subject.pop("system", self.sharing.dataset.system),
            node=node,
            organisations=organisations,
            clock=lambda: self.council.scene.peer.time_ms,
            **subject,
        )


def _signer(party: Party) -> Any:
    async def sign(record: Record) -> bytes:
        return party.sign(record)

    return sign
