"""A purse: which notes of an account pay for an order.

Orders that run at the same time must not name the same note, so a purse hands each note out once.
"""

from __future__ import annotations

from gridledger.exchange.ledger import ExchangeLedger
from gridledger.model.exchange_refusals import NotesInsufficient
from gridledger.model.identifier import SystemIdentifier
from gridledger.model.money import add_amounts
from gridledger.model.trade import MAX_NOTES, MoneyKey, OwnedMoney

__all__ = ["Purse"]


class Purse:
    """The notes of one account, as one process spends them.

    Parameters
    ----------
    ledger : ExchangeLedger
    account : SystemIdentifier
    """

    def __init__(self, ledger: ExchangeLedger, account: SystemIdentifier) -> None:
        self._ledger = ledger
        self._account = account
        self._handed_out: set[MoneyKey] = set()

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

        Raises
        ------
        NotesInsufficient
            The notes that are not handed out hold less.
        """
        if amount_milliyuan == 0:
            return ()
        present = await self.notes()
        self._handed_out &= {note.key for note in present}  # spent notes need not be remembered
        free = sorted(
            (note for note in present if note.key not in self._handed_out),
            key=lambda note: (note.amount_milliyuan, note.key.tx_id, note.key.number),
        )
        taken = next(([note] for note in free if note.amount_milliyuan >= amount_milliyuan), None)
        if taken is None:
            taken = _largest_first(free, amount_milliyuan)
        keys = tuple(note.key for note in taken)
        self._handed_out.update(keys)
        return keys

    def give_back(self, notes: tuple[MoneyKey, ...]) -> None:
        """Take notes back of an order that was not placed."""
        self._handed_out.difference_update(notes)


def _largest_first(free: list[OwnedMoney], amount_milliyuan: int) -> list[OwnedMoney]:
    taken: list[OwnedMoney] = []
    held = 0
    for note in reversed(free[-MAX_NOTES:]):
        if held >= amount_milliyuan:
            break
        taken.append(note)
        held += note.amount_milliyuan
    if held < amount_milliyuan:
        raise NotesInsufficient(given_milliyuan=held, wanted_milliyuan=amount_milliyuan, contract="trade")
    return taken
