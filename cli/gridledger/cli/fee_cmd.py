"""`gridledger fee`: what the platform charges for registration and resolution."""

from __future__ import annotations

import click

from gridledger.cli.command import with_output
from gridledger.cli.output import Output
from gridledger.cli.party_option import PartyChoice, with_party
from gridledger.cli.record_view import show_record, show_records, show_rows
from gridledger.exchange.party import Party
from gridledger.exchange.payment import pay_fees
from gridledger.exchange.statement import fees_owed
from gridledger.model.errors import FieldValue, ModelError
from gridledger.model.fee import Fee, FeeKind, FeeRate
from gridledger.model.identifier import SystemIdentifier
from gridledger.model.money import parse_yuan
from gridledger.model.notice import FeesPaid

__all__ = ["group"]


@click.group("fee")
def group() -> None:
    """Set, show, list and pay the platform's fees."""


@group.command("set")
@click.argument("root")
@click.argument("rates", nargs=-1, metavar="KIND=YUAN…")
@with_party
@with_output
def set_(output: Output, party: PartyChoice, root: str, rates: tuple[str, ...]) -> None:
    """Set the fees below ROOT, as its platform administrator; what is not named is free.

    Rises count after seven days, but for the first schedule of a root.

    Kinds: system-registration, device-registration, field-registration, resolution, agreed-query.
    """
    parsed = sorted((_rate(text) for text in rates), key=lambda rate: rate.kind.value)
    show_record(output, party.run(lambda one: one.ledger.set_fees(SystemIdentifier(root), parsed)))


@group.command()
@click.argument("root")
@with_party
@with_output
def show(output: Output, party: PartyChoice, root: str) -> None:
    """Show the fees below ROOT, and from when on those count that rise."""
    schedule = party.run(lambda one: one.ledger.fee_schedule(SystemIdentifier(root)))
    before = {rate.kind: rate.amount_milliyuan for rate in schedule.earlier or ()}
    rows: list[FieldValue] = []
    for rate in schedule.rates:
        shown: dict[str, FieldValue] = {"kind": rate.kind.value, "amount_milliyuan": rate.amount_milliyuan}
        if schedule.rises_ms is not None and rate.amount_milliyuan > before.get(rate.kind, 0):
            shown |= {"rises_ms": schedule.rises_ms, "before_milliyuan": before.get(rate.kind, 0)}
        rows.append(shown)
    columns = ["kind", "amount_milliyuan"] + ["before_milliyuan", "rises_ms"] * (
        schedule.rises_ms is not None
    )
    show_rows(output, rows, columns)


@group.command()
@click.argument("account")
@with_party
@with_output
def owed(output: Output, party: PartyChoice, account: str) -> None:
    """List the fees that ACCOUNT owes."""

    async def work(one: Party) -> list[Fee]:
        return [fee async for fee in fees_owed(one.ledger, SystemIdentifier(account))]

    show_records(output, party.run(work), ("key.kind", "key.cause", "count", "amount_milliyuan"))


@group.command()
@click.argument("account")
@click.option("--call-key", help="Key of this call, to repeat it after a crash.")
@with_party
@with_output
def pay(output: Output, party: PartyChoice, account: str, call_key: str | None) -> None:
    """Pay up to 256 fees that ACCOUNT owes, out of its notes.

    The account's agent may do it at any time, the platform's administrator once they are overdue.
    """

    async def work(one: Party) -> FeesPaid | None:
        return await pay_fees(one.ledger, SystemIdentifier(account), call_key=call_key)

    paid = party.run(work)
    if paid is None:
        output.show(None, lambda _: "There are no fees to pay.")
    else:
        show_record(output, paid)


def _rate(text: str) -> FeeRate:
    kind, _, yuan = text.partition("=")
    if kind not in set(FeeKind):
        raise ModelError({"rates": f"{kind!r} is none of {', '.join(FeeKind)}"}, subject="fees")
    return FeeRate(kind=FeeKind(kind), amount_milliyuan=parse_yuan(yuan))
