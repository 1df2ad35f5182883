"""`gridledger account`: money of a system."""

from __future__ import annotations

from typing import Any

import click

from gridledger.cli.command import with_output
from gridledger.cli.output import Output, table
from gridledger.cli.party_option import PartyChoice, with_party
from gridledger.cli.record_view import show_record
from gridledger.exchange.party import Party
from gridledger.model.identifier import SystemIdentifier
from gridledger.model.money import add_amounts, format_yuan, parse_yuan
from gridledger.model.page import MoneyPage
from gridledger.model.trade import MAX_NOTES, MoneyKind, OwnedMoney

__all__ = ["group"]


@click.group("account")
def group() -> None:
    """Pay in, show and tidy up the money of an account."""


@group.command("pay-in")
@click.argument("account")
@click.argument("yuan", nargs=-1, required=True)
@click.option("--call-key", help="Key of this call, to repeat it after a crash.")
@with_party
@with_output
def pay_in(
    output: Output, party: PartyChoice, account: str, yuan: tuple[str, ...], call_key: str | None
) -> None:
    """Record money that was paid in outside, as a platform administrator: a note for each amount."""
    amounts = [parse_yuan(text) for text in yuan]
    show_record(
        output,
        party.run(lambda one: one.ledger.pay_in(SystemIdentifier(account), amounts, call_key=call_key)),
    )


@group.command()
@click.argument("account")
@with_party
@with_output
def show(output: Output, party: PartyChoice, account: str) -> None:
    """Show the notes and delta rows of an account."""
    money = party.run(lambda one: _all_money(one, SystemIdentifier(account)))
    rows: list[Any] = [
        {
            "kind": one.kind.value,
            "tx_id": one.key.tx_id,
            "number": one.key.number,
            "amount_milliyuan": one.amount_milliyuan,
        }
        for one in money
    ]
    total = format_yuan(add_amounts(one.amount_milliyuan for one in money))
    columns = {"kind": "kind", "tx_id": "transaction", "number": "no.", "amount_milliyuan": "milli-yuan"}
    output.show(
        {"money": rows, "yuan": total},
        lambda value: table(value["money"], columns, title=f"{account}: {value['yuan']} yuan"),
    )


@group.command()
@click.argument("account")
@with_party
@with_output
def fold(output: Output, party: PartyChoice, account: str) -> None:
    """Make one note of up to 256 delta rows, so that they can be spent."""
    identifier = SystemIdentifier(account)

    async def work(one: Party) -> OwnedMoney | None:
        deltas = [money for money in await _all_money(one, identifier) if money.kind is MoneyKind.DELTA]
        if not deltas:
            return None
        return await one.ledger.fold_deltas(identifier, [money.key for money in deltas[:MAX_NOTES]])

    note = party.run(work)
    if note is None:
        output.show(None, lambda _: "There are no delta rows.")
    else:
        show_record(output, note)


async def _all_money(party: Party, account: SystemIdentifier) -> list[OwnedMoney]:
    found: list[OwnedMoney] = []
    for ask in (party.ledger.notes, party.ledger.deltas):
        bookmark = ""
        while True:
            page: MoneyPage = await ask(account, bookmark)
            found.extend(page.money)
            bookmark = page.bookmark
            if not bookmark:
                break
    return found
