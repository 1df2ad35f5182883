"""A purse: which notes of an account pay for an order.

Orders that run at the same time must not name the same note, so a purse hands each note out once. What it
knows of its notes it keeps: an order says what became of them, and the ledger is asked again only where they
do not suffice.
"""

from __future__ import annotations

import asyncio
from typing import Final

from gridledger.exchange.ledger import ExchangeLedger
from gridledger.model.exchange_refusals import NotesInsufficient
from gridledger.model.identifier import SystemIdentifier
from gridledger.model.money import add_amounts
from gridledger.model.trade import MAX_NOTES, MoneyKey, OwnedMoney

__all__ = ["PATIENCE_S", "Purse"]

PATIENCE_S: Final = 120.0
"""Seconds that an order waits for the change of others: longer than any of them takes."""


class Purse:
    """The notes of one account, as one process spends them.

    Parameters
    ----------
    ledger : ExchangeLedger
    account : SystemIdentifier
    patience_s : float, default 120
        Seconds that `take` waits for what other orders leave.

    Notes
    -----
    For one event loop. Other processes may spend from the same account: an order that finds a note spent says
    so by `forget`, and the ledger is asked again.
    """

    def __init__(
        self, ledger: ExchangeLedger, account: SystemIdentifier, *, patience_s: float = PATIENCE_S
    ) -> None:
        self._ledger = ledger
        self._account = account
        self._patience_s = patience_s
        self._free: dict[MoneyKey, int] = {}
        self._out: dict[MoneyKey, int] = {}
        self._gone: set[MoneyKey] = set()
        self._readings = 0
        self._changed = asyncio.Condition()

    async def notes(self) -> list[OwnedMoney]:
        """Return all notes of the account, as the ledger has them."""
        found: list[OwnedMoney] = []
        bookmark = ""
        while True:
            page = await self._ledger.notes(self._account, bookmark)
            found.extend(page.money)
            bookmark = page.bookmark
            if not bookmark:
                return found

    async def balance_milliyuan(self) -> int:
        """Return what the notes hold; delta rows count once they are folded."""
        return add_amounts(note.amount_milliyuan for note in await self.notes())

    async def take(self, amount_milliyuan: int) -> tuple[MoneyKey, ...]:
        """Hand out notes that cover an amount: the smallest one that does alone, else the largest first.

        Whoever takes notes says what became of them: `spend`, `give_back` or `forget`. While orders are under
        way whose change may do, this waits for them.

        Raises
        ------
        NotesInsufficient
            The notes do not cover it, also after all others have said what became of theirs.
        """
        if amount_milliyuan == 0:
            return ()
        readings = self._readings
        async with self._changed:
            try:
                async with asyncio.timeout(self._patience_s):
                    while True:
                        taken = self._choose(amount_milliyuan)
                        if taken is not None:
                            return taken
                        if self._could_cover(amount_milliyuan):
                            await self._changed.wait()
                        elif self._readings == readings:
                            await self._read()
                        else:
                            break
            except TimeoutError:
                pass  # those under way may take longer: what is free now does not suffice
            raise NotesInsufficient(
                given_milliyuan=sum(_largest(self._free).values()),
                wanted_milliyuan=amount_milliyuan,
                contract="trade",
            )

    async def spend(self, notes: tuple[MoneyKey, ...], tx_id: str, amount_milliyuan: int) -> None:
        """Say that a transaction spent notes: their change is its note number 0."""
        async with self._changed:
            given = add_amounts(self._out.pop(note, 0) for note in notes)
            self._gone.update(notes)
            change = MoneyKey(tx_id=tx_id, number=0)
            if given > amount_milliyuan and change not in self._out and change not in self._gone:
                self._free[change] = given - amount_milliyuan
            self._changed.notify_all()

    async def give_back(self, notes: tuple[MoneyKey, ...]) -> None:
        """Take notes back of an order that was refused: they are as they were."""
        async with self._changed:
            for note in notes:
                if note in self._out:
                    self._free[note] = self._out.pop(note)
            self._changed.notify_all()

    async def forget(self, notes: tuple[MoneyKey, ...]) -> None:
        """Say that nobody knows what became of notes, or that they are gone: the ledger is asked again."""
        async with self._changed:
            for note in notes:
                self._out.pop(note, None)
            self._free.clear()
            self._changed.notify_all()

    def _could_cover(self, amount_milliyuan: int) -> bool:
        """Tell whether orders under way may leave enough."""
        out = sum(self._out.values())
        return bool(out) and sum(self._free.values()) + out >= amount_milliyuan

    def _choose(self, amount_milliyuan: int) -> tuple[MoneyKey, ...] | None:
        covering = [(amount, key) for key, amount in self._free.items() if amount >= amount_milliyuan]
        if covering:
            _, best = min(covering, key=lambda one: (one[0], one[1].tx_id, one[1].number))
            taken = [best]
        else:
            taken = []
            held = 0
            for key, amount in _largest(self._free).items():
                taken.append(key)
                held += amount
                if held >= amount_milliyuan:
                    break
            if held < amount_milliyuan:
                return None
        for key in taken:
            self._out[key] = self._free.pop(key)
        return tuple(taken)

    async def _read(self) -> None:
        """Ask the ledger; called with the condition held, so that one asks for all who wait."""
        present = {note.key: note.amount_milliyuan for note in await self.notes()}
        self._gone &= present.keys()  # a note that is spent comes never again: it need not be remembered
        self._free = {
            key: amount for key, amount in present.items() if key not in self._gone and key not in self._out
        }
        self._readings += 1


def _largest(free: dict[MoneyKey, int]) -> dict[MoneyKey, int]:
    """Return as many notes as one call names, the largest first."""
    ordered = sorted(free.items(), key=lambda one: (-one[1], one[0].tx_id, one[0].number))
    return dict(ordered[:MAX_NOTES])
