"""Super nodes on a peer in memory: their calls go to it as a gateway's would."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Self, cast

from tests.unit.chaincode.council_scene import CouncilScene
from tests.unit.chaincode.party import Party
from tests.unit.chaincode.scene import ROOT, Scene
from tests.unit.chaincode.sharing_scene import SharingScene

from gridledger.client import EndorseError, EvaluateError, Network
from gridledger.council import CouncilLedger, ReviewLedger, RoundKeyStore, SuperNode, file_request
from gridledger.council.review_rule import Reviewer, without_rules
from gridledger.model.argument import Argument
from gridledger.model.council_review import ReviewRequest, RoundView
from gridledger.model.council_round import ReviewLimits
from gridledger.model.dataset import DatasetVersion
from gridledger.model.errors import ContractError, GridLedgerError
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
    """A channel whose contract calls go to a peer in memory, as one party.

    Organisations in `down` endorse nothing, as if their peers were dead; copies are refused for what is in
    `behind`, as by a peer that is some blocks behind.
    """

    def __init__(
        self,
        party: Party,
        down: AbstractSet[str] = frozenset(),
        behind: list[ContractError] | None = None,
    ) -> None:
        self._party = party
        self._down = down
        self._behind = [] if behind is None else behind

    def contract(self, chaincode: str | None, name: str) -> Any:
        return MemoryContract(self._party, name, self._down, self._behind)

    async def chain_info(self) -> Any:
        height = self._party.peer.time_ms // 1000 % 10**6
        return SimpleNamespace(height=height, current_block_hash=bytes(32))

    def chaincode_events(self, chaincode: str | None) -> MemoryEvents:
        return MemoryEvents()


class MemoryEvents:
    """A stream on which nothing comes."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        return

    def __aiter__(self) -> MemoryEvents:
        return self

    async def __anext__(self) -> object:
        return await asyncio.Future()


class MemoryContract:
    def __init__(self, party: Party, name: str, down: AbstractSet[str], behind: list[ContractError]) -> None:
        self._party, self._name, self._down, self._behind = party, name, down, behind
        self.chaincode = "gridledger"

    async def evaluate(
        self, function: str, *arguments: Argument, endorsing_organizations: Sequence[str] = ()
    ) -> bytes:
        party = self._party
        if self._down & {*endorsing_organizations, party.caller.msp_id}:
            raise EvaluateError("no peer answers", grpc_status="UNAVAILABLE")
        return await party.peer.evaluate(f"{self._name}:{function}", *arguments, caller=party.caller)

    async def submit(
        self,
        function: str,
        *arguments: Argument,
        transient: Mapping[str, bytes] | None = None,
        endorsing_organizations: Sequence[str] = (),
    ) -> bytes:
        party = self._party
        if self._down & {*endorsing_organizations, party.caller.msp_id}:
            raise EndorseError("no peer answers", grpc_status="UNAVAILABLE")
        if transient and self._behind:
            raise self._behind.pop()
        committed = await party.peer.submit(
            f"{self._name}:{function}", *arguments, caller=party.caller, transient=transient
        )
        return committed.payload


def network_of(
    party: Party, down: AbstractSet[str] = frozenset(), behind: list[ContractError] | None = None
) -> Network:
    return cast("Network", MemoryNetwork(party, down, behind))


@dataclass
class RoundScene:
    """A council of four in office, and what it needs to review versions of a dataset."""

    council: CouncilScene
    sharing: SharingScene
    folder: Path
    nodes: dict[str, SuperNode] = field(default_factory=dict)
    down: set[str] = field(default_factory=set)
    """Organisations whose peers are dead."""
    marked_ms: int = 0

    @classmethod
    async def make(
        cls,
        scene: Scene,
        folder: Path,
        *,
        candidates: int = 4,
        reviewers: Mapping[str, Reviewer] | None = None,
        sharing: SharingScene | None = None,
    ) -> RoundScene:
        sharing = sharing or await SharingScene.make(scene)
        council = await CouncilScene.make(scene, established=True, candidates=candidates)
        if candidates > len(council.voters):
            await council.lay_down(seats=candidates, seats_per_organisation=candidates)
        await council.seat()
        await council.scene.administrator.submit("council:SetReviewRules", ROOT, LIMITS)
        made = cls(council=council, sharing=sharing, folder=folder)
        for name, party in council.nodes.items():
            made.nodes[name] = made.node(name, party, (reviewers or {}).get(name, without_rules))
        return made

    def node(
        self,
        name: str,
        party: Party,
        reviewer: Reviewer = without_rules,
        on_trouble: Callable[[GridLedgerError], None] | None = None,
    ) -> SuperNode:
        return SuperNode(
            ReviewLedger(network_of(party, self.down)),
            CouncilLedger(network_of(party, self.down)),
            root=ROOT,
            node=self.council.id(name),
            sign=_signer(party),
            keys=self.keys(name),
            reviewer=reviewer,
            clock=lambda: self.council.scene.peer.time_ms,
            on_trouble=on_trouble,
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
        return await file_request(
            ReviewLedger(network_of(party)),
            _signer(party),
            CONTENT,
            root=ROOT,
            system=subject.pop("system", self.sharing.dataset.system),
            node=node,
            clock=lambda: self.council.scene.peer.time_ms,
            **subject,
        )

    async def version(self, number: int = 1) -> DatasetVersion:
        found: DatasetVersion = await self.sharing.owner.ask("lake:GetVersion", self.sharing.dataset, number)
        return found

    async def file_version(self, *, node: str | None = None) -> ReviewRequest:
        """Have version 1 of the dataset reviewed, as its owner."""
        return await self.file(self.sharing.owner, node=node, version=await self.version())


def _signer(party: Party) -> Any:
    async def sign(record: Record) -> bytes:
        return party.sign(record)

    return sign
