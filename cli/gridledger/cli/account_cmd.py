"""`gridledger account`: money of a system."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import click

from gridledger.cli.command import with_output
from gridledger.cli.output import Output, table
from gridledger.cli.party_option import PartyChoice, with_party
from gridledger.cli.pay_out_cmd import commands
from gridledger.cli.record_view import show_record, show_records
from gridledger.cli.statement_view import show_statement, statement_csv
from gridledger.exchange.party import Party
from gridledger.exchange.statement import LAST_MS, make_statement
from gridledger.model.errors import ConfigError
from gridledger.model.identifier import SystemIdentifier
from gridledger.model.money import add_amounts, format_yuan, parse_yuan
from gridledger.model.page import MoneyPage
from gridledger.model.period import Day
from gridledger.model.trade import MAX_NOTES, MoneyKind, OwnedMoney

__all__ = ["group"]


@click.group("account")
def group() -> None:
    """Pay in and out, show and tidy up the money of an account."""


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


@group.command()
@click.argument("account")
@click.argument("count", type=click.IntRange(2, MAX_NOTES))
@with_party
@with_output
def split(output: Output, party: PartyChoice, account: str, count: int) -> None:
    """Split the largest note into COUNT equal ones, so that as many orders can be placed at once."""
    identifier = SystemIdentifier(account)

    async def work(one: Party) -> tuple[OwnedMoney, ...]:
        notes = [money for money in await _all_money(one, identifier) if money.kind is MoneyKind.NOTE]
        largest = max(notes, key=lambda money: money.amount_milliyuan, default=None)
        if largest is None or largest.amount_milliyuan < count:
            raise ConfigError("has no note that is large enough", key="account", source=account)
        part, rest = divmod(largest.amount_milliyuan, count)
        amounts = [part + rest, *[part] * (count - 1)]
        return await one.ledger.split_note(identifier, largest.key, amounts)

    show_records(output, party.run(work), ("key.tx_id", "key.number", "amount_milliyuan"))


@group.command()
@click.argument("account")
@click.option("--from", "first", metavar="DAY", help="First day (UTC), YYYY-MM-DD; the beginning by default.")
@click.option("--until", "last", metavar="DAY", help="Last day (UTC), which counts; now by default.")
@click.option(
    "--csv",
    "csv_file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Also write the entries into this file as CSV.",
)
@with_party
@with_output
def statement(
    output: Output,
    party: PartyChoice,
    account: str,
    first: str | None,
    last: str | None,
    csv_file: Path | None,
) -> None:
    """Show what came into ACCOUNT and what left it, between opening and closing balances."""
    from_ms = _first_ms(first, 0) if first else 0
    until_ms = _first_ms(last, 1) if last else LAST_MS
    found = party.run(
        lambda one: make_statement(one.ledger, SystemIdentifier(account), from_ms=from_ms, until_ms=until_ms)
    )
    if csv_file is not None:
        csv_file.write_text(statement_csv(found), encoding="utf-8")
    show_statement(output, found)


def _first_ms(day: str, later: int) -> int:
    midnight = datetime.combine(date.fromisoformat(str(Day(day))), time(), UTC) + timedelta(days=later)
    return int(midnight.timestamp() * 1000)


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


for _command in commands:
    group.add_command(_command)
