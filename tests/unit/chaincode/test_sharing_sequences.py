"""Any order of proposals, receipts, requests, grants, revocations and openings keeps rights and versions."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.unit.chaincode.scene import Scene
from tests.unit.chaincode.sharing_scene import DAY_MS, SharingScene

from gridledger.chaincode import GridLedger
from gridledger.model.dataset import VersionStatement
from gridledger.model.errors import ContractError
from gridledger.model.refusals import DefectInContract
from gridledger.model.sharing import AccessDecision, AccessStep, PowerPlatform
from gridledger.shim.testing import MemoryPeer

PLATFORMS = [PowerPlatform.DISTRIBUTION, PowerPlatform.DISPATCHING]
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["propose", "receive", "ask", "grant", "revoke", "open", "wait"]),
        st.integers(0, 3),
        st.integers(1, 3),
    ),
    max_size=25,
)


class Model:
    """What must hold, kept beside the ledger."""

    def __init__(self, sharing: SharingScene) -> None:
        self.sharing = sharing
        self.proposed: list[VersionStatement] = []
        self.stored: list[VersionStatement] = []
        self.decisions: list[tuple[PowerPlatform, AccessDecision]] = []
        self.epochs: dict[str, int] = {}
        self.revoked: set[str] = set()
        self.least = 1

    def now_ms(self) -> int:
        return self.sharing.scene.peer.time_ms

    def holds(self, decision: AccessDecision) -> bool:
        until_ms = decision.valid_until_ms
        return until_ms is not None and decision.id not in self.revoked and self.now_ms() < until_ms

    async def propose(self, choice: int, epoch: int) -> None:
        newest = self.stored[-1] if self.stored else None
        number = (newest.number if newest else 0) + choice
        statement = self.sharing.statement(
            max(number, 1), newest.digest if newest and number > 1 else None, epoch=epoch
        )
        fits = statement.number > (newest.number if newest else 0) and epoch >= self.least
        assert await self.succeeds(self.sharing.owner.submit("lake:ProposeVersion", statement)) == fits
        if fits:
            self.proposed = [one for one in self.proposed if one.number != statement.number] + [statement]

    async def receive(self, choice: int, _: int) -> None:
        if not self.proposed:
            return
        statement = self.proposed[choice % len(self.proposed)]
        newest = self.stored[-1] if self.stored else None
        fits = (
            statement not in self.stored
            and statement.previous == (newest.digest if newest else None)
            and statement.number > (newest.number if newest else 0)
            and statement.epoch >= self.least
        )
        receipt = self.sharing.receipt(statement)
        assert await self.succeeds(self.sharing.custodian.submit("lake:DepositReceipt", receipt)) == fits
        if fits:
            self.stored.append(statement)

    async def ask(self, choice: int, _: int) -> None:
        platform = PLATFORMS[choice % 2]
        decision = await self.sharing.ask(platform)
        assert decision.is_admitted == bool(self.stored)
        self.decisions.append((platform, decision))

    async def grant(self, choice: int, epoch: int) -> None:
        if self.decisions:
            _, decision = self.decisions[choice % len(self.decisions)]
            fits = self.holds(decision) and epoch >= self.least
            assert await self.succeeds(self.sharing.grant(decision, epoch)) == fits
            if fits:
                self.epochs[decision.id] = epoch

    async def revoke(self, choice: int, _: int) -> None:
        if self.decisions:
            _, decision = self.decisions[choice % len(self.decisions)]
            fits = decision.is_admitted and decision.id not in self.revoked
            call = self.sharing.owner.submit(
                "lake:RevokeAccess", self.sharing.dataset, (decision.id,), "over"
            )
            assert await self.succeeds(call) == fits
            if fits:
                self.revoked.add(decision.id)
                self.least = max(self.least, self.epochs.get(decision.id, 0) + 1)

    async def open(self, choice: int, _: int) -> None:
        if self.decisions:
            platform, decision = self.decisions[choice % len(self.decisions)]
            fits = self.holds(decision) and decision.id in self.epochs
            call = self.sharing.applications[platform].submit("lake:OpenVersion", decision.id, None)
            assert await self.succeeds(call) == fits

    async def wait(self, choice: int, _: int) -> None:
        self.sharing.scene.peer.time_ms += choice * DAY_MS // 2
        await self.sharing.scene.agent.submit("ledger:RenewTimeMark")

    async def check(self) -> None:
        """Compare with what the ledger says in the end."""
        owner, dataset = self.sharing.owner, self.sharing.dataset
        if not self.stored:
            return
        head = await owner.ask("lake:GetHead", dataset)
        assert (head.number, head.statement, head.least_epoch) == (
            self.stored[-1].number,
            self.stored[-1].digest,
            self.least,
        )
        listed = (await owner.ask("lake:ListVersions", dataset, "")).versions
        assert [one.statement for one in listed if one.is_stored] == self.stored
        granted = (await owner.ask("lake:ListGrants", dataset, "")).accesses
        assert {
            one.decision.id: one.grant.sealed.epoch for one in granted if one.grant and one.grant.sealed
        } == {request: epoch for request, epoch in self.epochs.items() if request not in self.revoked}
        log = (await owner.ask("lake:ListAccessLog", dataset, "")).entries
        decided = [one for one in log if one.step in (AccessStep.ADMITTED, AccessStep.REFUSED)]
        assert len(decided) == len(self.decisions)
        assert sum(one.step is AccessStep.REVOKED for one in log) == len(self.revoked)

    @staticmethod
    async def succeeds(call: Any) -> bool:
        try:
            await call
        except ContractError as error:
            if isinstance(error, DefectInContract):
                raise
            return False
        return True


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(steps=STEPS)
async def test_any_order_of_calls_keeps_rights_keys_and_versions(steps: list[tuple[str, int, int]]) -> None:
    async with MemoryPeer(GridLedger()) as peer:
        sharing = await SharingScene.make(Scene.on(peer))
        rules = tuple(sharing.rule(platform) for platform in PLATFORMS)
        await sharing.owner.submit("lake:SetSharingPolicy", sharing.dataset, rules)
        model = Model(sharing)
        for step, choice, epoch in steps:
            await getattr(model, step)(choice, epoch)
        await model.check()
