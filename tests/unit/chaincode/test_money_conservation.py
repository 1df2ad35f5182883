"""Whatever is done in whatever order, money is neither made nor lost but by PayIn and ConfirmPayOut."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from tests.unit.chaincode.scene import ROOT, TOTAL, Scene
from tests.unit.chaincode.trading import agree, agreed_entry, claim_evidence

from gridledger.model.agreement import Agreement
from gridledger.model.claim import ANSWER_MS, ClaimDecision
from gridledger.model.digest import Digest
from gridledger.model.errors import ContractError
from gridledger.model.fee import FeeKind, FeeRate
from gridledger.model.keys import KeyPrefix
from gridledger.model.pay_out import PayOut, PayOutEntry, PayOutState
from gridledger.model.trade import Delta, Hold, MoneyKey, Note, Order, OrderEntry
from gridledger.shim import split_composite_key

Start = tuple[Scene, dict[tuple[str, str], bytes], int]

_MONEY: dict[str, type[Note | Delta | Hold | PayOut]] = {
    KeyPrefix.PAY_OUT.value: PayOut,
    KeyPrefix.NOTE.value: Note,
    KeyPrefix.DELTA.value: Delta,
    KeyPrefix.HOLD.value: Hold,
}
_LINES = st.lists(st.integers(0, 2), min_size=1, max_size=3)
_PICK = st.integers(0, 5)

STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("pay"), st.lists(st.integers(1, 9_000), min_size=1, max_size=4)),
        st.tuples(st.just("order"), st.integers(0, 4), st.sampled_from([2_000, 90_000])),
        st.tuples(st.just("settle"), _PICK, _LINES),
        st.tuples(st.just("give_back"), _PICK, _LINES, st.booleans()),
        st.tuples(st.just("fold"), st.integers(0, 2), st.integers(1, 3)),
        st.tuples(st.just("split"), _PICK, st.integers(1, 3_000), st.integers(0, 1)),
        st.tuples(st.just("agreed"), st.integers(0, 4), st.integers(1, 3), st.sampled_from(["", "ac_power"])),
        st.tuples(st.just("end"), st.integers(0, 2)),
        st.tuples(st.just("claim"), _PICK, st.integers(0, 2)),
        st.tuples(st.just("answer"), _PICK, st.integers(0, 2), st.sampled_from([None, True, False])),
        st.tuples(st.just("set_fees"), st.integers(0, 300)),
        st.tuples(st.just("ask_pay_out"), st.integers(0, 3), st.integers(1, 9_000)),
        st.tuples(st.just("decide_pay_out"), _PICK, st.booleans()),
        st.tuples(st.just("pay_fees"), st.integers(1, 3), st.integers(0, 3), st.booleans()),
    ),
    min_size=4,
    max_size=16,
)


def money(scene: Scene) -> Iterator[tuple[str, tuple[str, ...], int]]:
    """Give every key that holds money: object type, parts, amount."""
    for _, key in scene.peer.ledger.state:
        if key.startswith("\x00"):
            prefix, parts = split_composite_key(key)
            if prefix in _MONEY:
                record = _MONEY[prefix].from_bytes(scene.peer.ledger.state["", key])
                if not isinstance(record, PayOut) or record.state is PayOutState.ASKED:
                    yield prefix, tuple(parts), record.amount_milliyuan


class Walk:
    """Takes random steps; one that the contract refuses must leave all money where it was."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.orders: list[Order] = []
        self.agreements: list[Agreement] = []
        self.paid_in = 0
        self.pay_outs: list[PayOut] = []

    async def step(self, name: str, *arguments: Any) -> None:
        before = list(money(self.scene))
        try:
            await getattr(self, name)(*arguments)
        except ContractError as error:
            assert list(money(self.scene)) == before
            event(f"{name} was refused with {error.code}")
        else:
            event(f"{name} was done")
        await self.scene.agent.submit("ledger:RenewTimeMark")

    def live(self, prefix: KeyPrefix, system: str) -> list[tuple[MoneyKey, int]]:
        """Return an account's notes or delta rows, the largest first."""
        account = str(self.scene.systems[system])
        found = [
            (MoneyKey(tx_id=parts[1], number=int(parts[2])), amount)
            for kind, parts, amount in money(self.scene)
            if kind == prefix and parts[0] == account
        ]
        return sorted(found, key=lambda one: (-one[1], one[0].tx_id, one[0].number))

    async def pay(self, amounts: list[int]) -> None:
        await self.scene.pay_in(*amounts)
        self.paid_in += sum(amounts)

    async def ask_pay_out(self, count: int, amount: int) -> None:
        notes = tuple(key for key, _ in self.live(KeyPrefix.NOTE, "lifecycle")[:count])
        account = self.scene.systems["lifecycle"]
        entry = PayOutEntry(account=account, amount_milliyuan=amount, notes=notes)
        self.pay_outs.append(await self.scene.application.once("trade:AskPayOut", entry))

    async def decide_pay_out(self, pick: int, paid: bool) -> None:
        if not self.pay_outs:
            return
        asked = self.pay_outs[pick % len(self.pay_outs)]
        function, word = (
            ("trade:ConfirmPayOut", Digest.of(b"advice")) if paid else ("trade:RefusePayOut", "owes fees")
        )
        await self.scene.administrator.submit(function, asked.account, asked.id, word)
        self.paid_in -= asked.amount_milliyuan if paid else 0

    async def order(self, count: int, hold_ms: int) -> None:
        notes = tuple(key for key, _ in self.live(KeyPrefix.NOTE, "lifecycle")[:count])
        resolution = await self.scene.resolve()
        entry = OrderEntry(
            application=self.scene.systems["lifecycle"],
            resolution=resolution.id,
            amount_milliyuan=TOTAL + (resolution.fee_milliyuan or 0),
            notes=notes,
            hold_ms=hold_ms,
        )
        self.orders.append(await self.scene.application.once("trade:PlaceOrder", entry))

    async def agreed(self, count: int, number: int, altered: str) -> None:
        if not self.agreements:
            self.agreements = await agree(self.scene, discount=7, limit_queries=2)
        notes = tuple(key for key, _ in self.live(KeyPrefix.NOTE, "lifecycle")[:count])
        entry = await agreed_entry(self.scene, self.agreements, altered=altered, number=number, notes=notes)
        agreed = await self.scene.application.once("trade:PlaceAgreedOrder", entry)
        self.orders.append(agreed.order)

    async def end(self, owner: int) -> None:
        if self.agreements:
            party = self.scene.owners[list(self.scene.owners)[owner]]
            await party.submit("trade:EndAgreement", self.agreements[owner].id)
            self.agreements = []

    async def claim(self, pick: int, line: int) -> None:
        order, owner = self._order(pick), list(self.scene.owners)[line]
        evidence = claim_evidence(self.scene, order, owner)
        await self.scene.owners[owner].submit("trade:ClaimHold", evidence)

    async def answer(self, pick: int, line: int, delivered: bool | None) -> None:
        """Let a claim be paid for want of an answer, or be denied and decided."""
        order, owner = self._order(pick), list(self.scene.owners)[line]
        system = self.scene.systems[owner]
        if delivered is None:
            self.scene.peer.time_ms += ANSWER_MS + 1_000
            await self.scene.agent.submit("ledger:RenewTimeMark")
            await self.scene.owners[owner].submit("trade:SettleClaim", order.id, system)
            return
        await self.scene.application.submit("trade:DenyClaim", order.id, system, "denied")
        decision = ClaimDecision(
            order=order.id, owner=system, delivered=delivered, reason="seen", evidence=Digest.of(b"seen")
        )
        await self.scene.auditor.submit("trade:DecideClaim", decision)

    async def set_fees(self, amount: int) -> None:
        kinds = sorted(FeeKind, key=lambda kind: kind.value)
        rates = tuple(FeeRate(kind=kind, amount_milliyuan=amount) for kind in kinds)
        await self.scene.administrator.submit("trade:SetFees", ROOT, rates)

    async def pay_fees(self, count: int, notes: int, overdue: bool) -> None:
        account = self.scene.systems["lifecycle"]
        owed = (await self.scene.application.ask("trade:ListFees", account, "")).fees[:count]
        keys = tuple(key for key, _ in self.live(KeyPrefix.NOTE, "lifecycle")[:notes])
        payer = self.scene.administrator if overdue else self.scene.application
        await payer.once("trade:PayFees", account, tuple(fee.key for fee in owed), keys)

    async def check_entries(self) -> None:
        """What the entries of an account add up to is what stands in its notes, delta rows and holds."""
        found = list(money(self.scene))
        for account in (ROOT, *self.scene.systems.values()):
            page = await self.scene.application.ask("trade:ListEntries", account, 0, 2**52, "")
            assert page.bookmark == ""
            available = sum(one.amount_milliyuan * one.kind.available_sign for one in page.entries)
            held = sum(one.amount_milliyuan * one.kind.held_sign for one in page.entries)
            assert available == sum(
                amount
                for kind, parts, amount in found
                if parts[0] == str(account) and kind != KeyPrefix.PAY_OUT
            )
            if account == self.scene.systems["lifecycle"]:
                kinds = {KeyPrefix.HOLD, KeyPrefix.PAY_OUT}
                assert held == sum(amount for kind, _, amount in found if kind in kinds)
            else:
                assert held == 0

    async def settle(self, pick: int, lines: list[int]) -> None:
        order = self._order(pick)
        owners = [list(self.scene.owners)[line] for line in lines]
        contracts = [self.scene.countersign(self.scene.contract(order, owner), owner) for owner in owners]
        await self.scene.application.once("trade:DepositContracts", tuple(contracts))

    async def give_back(self, pick: int, lines: list[int], wait: bool) -> None:
        order = self._order(pick)
        if wait:
            self.scene.peer.time_ms = max(self.scene.peer.time_ms, order.deadline_ms + 1)
        owners = tuple(order.lines[line].system for line in lines)
        await self.scene.agent.submit("trade:ReturnHolds", order.id, owners)

    async def fold(self, owner: int, count: int) -> None:
        name = list(self.scene.owners)[owner]
        keys = tuple(key for key, _ in self.live(KeyPrefix.DELTA, name)[:count])
        await self.scene.owners[name].submit("trade:FoldDeltas", self.scene.systems[name], keys)

    async def split(self, pick: int, amount: int, wrong: int) -> None:
        notes = self.live(KeyPrefix.NOTE, "lifecycle")
        if notes:
            key, held = notes[pick % len(notes)]
            amounts = (amount, max(1, held - amount + wrong))
            account = self.scene.systems["lifecycle"]
            await self.scene.application.submit("trade:SplitNote", account, key, amounts)

    def _order(self, pick: int) -> Order:
        if not self.orders:
            raise ContractError("there is no order")
        return self.orders[pick % len(self.orders)]


@pytest.fixture
def start(scene: Scene) -> Start:
    """Give the scene with what every walk starts from."""
    return scene, dict(scene.peer.ledger.state), scene.peer.time_ms


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
async def test_random_walks_conserve_money(start: Start, steps: list[tuple[Any, ...]]) -> None:
    scene, state, time_ms = start
    scene.peer.ledger.state = dict(state)
    scene.peer.time_ms = time_ms
    walk = Walk(scene)
    await walk.step("set_fees", 40)
    await walk.step("pay", [9_000, 9_000, 3_000])
    await walk.step("order", 1, 2_000)
    await walk.step("claim", 0, 0)
    for name, *arguments in steps:
        await walk.step(name, *arguments)
        assert sum(amount for _, _, amount in money(scene)) == walk.paid_in
    await walk.check_entries()
