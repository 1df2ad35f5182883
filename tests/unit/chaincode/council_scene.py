"""A council on a peer in memory: systems with credit, candidates that they back, electors."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tests.unit.chaincode.edge_scene import node_id
from tests.unit.chaincode.party import Party
from tests.unit.chaincode.scene import ROOT, Scene

from gridledger.model.council import (
    CandidacyEntry,
    Candidate,
    Council,
    Election,
    ElectionRules,
    Elector,
    VoteEntry,
)
from gridledger.model.identifier import SystemIdentifier
from gridledger.model.roles import Role
from gridledger.model.system import SystemKind

ORGANISATIONS = ("Org1MSP", "Org2MSP", "Org3MSP", "Org4MSP")
HOUR_MS = 3_600_000


@dataclass
class CouncilScene:
    """All parties of a council of four organisations."""

    scene: Scene
    voters: dict[str, Party] = field(default_factory=dict)
    """Platform administrators, by organisation."""
    nodes: dict[str, Party] = field(default_factory=dict)
    """Agents of super nodes, by name."""
    backers: dict[str, Party] = field(default_factory=dict)
    """Agents of their systems, by name."""
    systems: dict[str, SystemIdentifier] = field(default_factory=dict)

    @classmethod
    async def make(
        cls,
        scene: Scene,
        *,
        established: bool = False,
        candidates: int = 4,
        weights: tuple[int, ...] = (1, 1, 1, 1),
    ) -> CouncilScene:
        """Establish, lay down rules and have candidates stand, one of each organisation in turn."""
        if not established:
            await scene.establish()
        made = cls(scene=scene)
        for organisation in ORGANISATIONS:
            made.voters[organisation] = Party(
                scene.peer, organisation, f"voter-{organisation}", Role.PLATFORM_ADMINISTRATOR
            )
        for number in range(candidates):
            await made.stand(f"node-{number}", ORGANISATIONS[number % len(ORGANISATIONS)])
        await made.lay_down()
        return made

    async def stand(self, name: str, organisation: str, *, backed: bool = True) -> Candidate:
        """Register a candidate and the system behind it."""
        peer = self.scene.peer
        self.backers[name] = Party(peer, organisation, f"system-of-{name}", Role.BUSINESS_SYSTEM)
        self.nodes[name] = Party(peer, organisation, name, Role.AGENT)
        self.systems[name] = await self.scene.register(self.backers[name], SystemKind.BUSINESS_SYSTEM)
        entry = CandidacyEntry(name=name, system=self.systems[name], orderer=f"{name}.example:7050")
        candidate: Candidate = await self.nodes[name].submit("council:RegisterCandidate", ROOT, entry)
        if backed:
            candidate = await self.backers[name].submit("council:BackCandidate", candidate.id)
        return candidate

    async def lay_down(self, *, weights: tuple[int, ...] = (1, 1, 1, 1), **changes: Any) -> None:
        electors = tuple(
            Elector(organisation=one, weight=weight)
            for one, weight in zip(ORGANISATIONS, weights, strict=True)
        )
        rules = {"seats": 4, "seats_per_organisation": 1, "term_ms": HOUR_MS, "electors": electors, **changes}
        await self.scene.administrator.submit("council:SetCouncilRules", ROOT, ElectionRules(**rules))

    def id(self, name: str) -> str:
        return node_id(self.nodes[name])

    def ids(self, *names: str) -> tuple[str, ...]:
        return tuple(sorted(self.id(name) for name in names))

    async def open(self, number: int = 1, *, for_ms: int = HOUR_MS) -> Election:
        closes_ms = self.scene.peer.time_ms + for_ms
        opened: Election = await self.scene.administrator.submit(
            "council:OpenElection", ROOT, number, closes_ms
        )
        return opened

    async def pass_time(self, ms: int) -> None:
        """Let time pass; the time mark goes with it."""
        self.scene.peer.time_ms += ms
        await self.scene.agent.submit("ledger:RenewTimeMark")

    async def close(self) -> None:
        await self.pass_time(HOUR_MS)

    async def seat(self, number: int = 1) -> Council:
        """Elect all candidates by all organisations' votes."""
        await self.open(number)
        for voter in self.voters.values():
            await voter.submit("council:CastVote", ROOT, number, VoteEntry(candidates=self.ids(*self.nodes)))
        await self.close()
        await self.scene.agent.submit("council:CountVotes", ROOT, number)
        council: Council = await self.scene.agent.ask("council:GetCouncil", ROOT)
        return council
