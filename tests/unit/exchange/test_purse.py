"""Purses: notes that cover, each handed out once."""

from __future__ import annotations

import asyncio
import itertools
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridledger.exchange.handoff import until_seen
from gridledger.exchange.purse import Purse
from gridledger.model.exchange_refusals import NotesInsufficient
from gridledger.model.identifier import SystemIdentifier
from gridledger.model.page import MoneyPage
from gridledger.model.refusals import NotFound
from gridledger.model.trade import MoneyKey, MoneyKind, OwnedMoney

ACCOUNT = SystemIdentifier("88.1042.4")


class Ledger:
    """Lists notes, three a page."""

    def __init__(self, *amounts: int) -> None:
        self.money = [
            OwnedMoney(
                kind=MoneyKind.NOTE,
                key=MoneyKey(tx_id=f"{number:064x}", number=0),
                amount_milliyuan=amount,
            )
            for number, amount in enumerate(amounts)
        ]

    def spend(self, notes: tuple[MoneyKey, ...], tx_id: str, amount: int) -> None:
        given = sum(one.amount_milliyuan for one in self.money if one.key in notes)
        self.money = [one for one in self.money if one.key not in notes]
        if given > amount:
            key = MoneyKey(tx_id=tx_id, number=0)
            self.money.append(OwnedMoney(kind=MoneyKind.NOTE, key=key, amount_milliyuan=given - amount))

    async def notes(self, account: SystemIdentifier, bookmark: str = "") -> MoneyPage:
        start = int(bookmark or 0)
        page = self.money[start : start + 3]
        more = str(start + 3) if start + 3 < len(self.money) else ""
        return MoneyPage(money=tuple(page), bookmark=more)


def purse(*amounts: int) -> tuple[Purse, dict[MoneyKey, int]]:
    ledger: Any = Ledger(*amounts)
    return Purse(ledger, ACCOUNT, patience_s=0.05), {one.key: one.amount_milliyuan for one in ledger.money}


async def test_take_prefers_the_smallest_note_that_covers() -> None:
    found, amounts = purse(50, 20, 30, 5)

    assert [amounts[key] for key in await found.take(10)] == [20]
    assert [amounts[key] for key in await found.take(10)] == [30]
    assert await found.balance_milliyuan() == 105


async def test_take_joins_notes_where_none_covers_and_refuses_too_much() -> None:
    found, amounts = purse(5, 20, 10)

    assert [amounts[key] for key in await found.take(26)] == [20, 10]
    with pytest.raises(NotesInsufficient):
        await found.take(6)
    assert [amounts[key] for key in await found.take(5)] == [5]
    assert await found.take(0) == ()


async def test_give_back_makes_notes_free_again() -> None:
    found, _ = purse(20)
    notes = await found.take(20)
    with pytest.raises(NotesInsufficient):
        await found.take(1)

    await found.give_back(notes)

    assert await found.take(20) == notes


@settings(deadline=None)
@given(st.lists(st.integers(1, 100), max_size=12), st.lists(st.integers(0, 150), min_size=1, max_size=6))
async def test_take_never_hands_a_note_out_twice(held: list[int], wanted: list[int]) -> None:
    found, amounts = purse(*held)
    seen: set[MoneyKey] = set()
    for amount in wanted:
        free = sum(value for key, value in amounts.items() if key not in seen)
        try:
            notes = await found.take(amount)
        except NotesInsufficient:
            assert free < amount
            continue
        assert seen.isdisjoint(notes)
        assert sum(amounts[key] for key in notes) >= amount
        seen.update(notes)


async def test_take_waits_for_the_change_of_orders_under_way() -> None:
    ledger: Any = Ledger(100)
    found = Purse(ledger, ACCOUNT, patience_s=10.0)
    notes = await found.take(30)
    waiting = asyncio.create_task(found.take(30))
    await asyncio.sleep(0)
    assert not waiting.done()

    ledger.spend(notes, "ab" * 32, 30)
    await found.spend(notes, "ab" * 32, 30)

    change = MoneyKey(tx_id="ab" * 32, number=0)
    assert await waiting == (change,)
    ledger.spend((change,), "cd" * 32, 30)
    await found.spend((change,), "cd" * 32, 30)
    with pytest.raises(NotesInsufficient):
        await found.take(41)


async def test_forget_asks_the_ledger_again_and_spent_notes_do_not_come_back() -> None:
    found, amounts = purse(20, 30)
    first = await found.take(20)
    await found.spend(first, "ab" * 32, 20)
    second = await found.take(30)

    await found.forget(second)

    # The ledger lists the spent note still, as a peer that is behind does.
    assert await found.take(1) == second
    assert amounts[second[0]] == 30


@pytest.mark.parametrize("notes", [[1_000], [100] * 10, [7, 993], [250, 250, 500]])
@pytest.mark.parametrize("price", [30, 100, 333])
async def test_take_by_many_at_once_covers_exactly_as_many_as_the_balance(
    notes: list[int], price: int
) -> None:
    ledger: Any = Ledger(*notes)
    found = Purse(ledger, ACCOUNT, patience_s=10.0)
    numbers = itertools.count(1_000_000)

    async def pay() -> bool:
        try:
            taken = await found.take(price)
        except NotesInsufficient:
            return False
        await asyncio.sleep(0)
        tx_id = f"{next(numbers):064x}"
        ledger.spend(taken, tx_id, price)
        await found.spend(taken, tx_id, price)
        return True

    paid = await asyncio.gather(*(pay() for _ in range(60)))

    assert sum(paid) == sum(notes) // price


async def test_until_seen_asks_again_and_believes_at_last() -> None:
    asked = 0

    async def third_time() -> str:
        nonlocal asked
        asked += 1
        if asked < 3:
            raise NotFound("order", "x")
        return "there"

    async def never() -> str:
        raise NotFound("order", "x")

    assert await until_seen(third_time) == "there"
    with pytest.raises(NotFound):
        await until_seen(never, deadline_s=0.05)
