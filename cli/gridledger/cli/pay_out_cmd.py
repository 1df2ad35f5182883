"""`gridledger account`: pay-outs, which the account asks for and the platform decides."""

from __future__ import annotations

from pathlib import Path

import click

from gridledger.cli.command import with_output
from gridledger.cli.output import Output
from gridledger.cli.party_option import PartyChoice, with_party
from gridledger.cli.record_view import show_record, show_records
from gridledger.exchange.party import Party
from gridledger.exchange.purse import Purse
from gridledger.model.digest import Digest
from gridledger.model.identifier import SystemIdentifier
from gridledger.model.money import parse_yuan
from gridledger.model.pay_out import PayOut, PayOutEntry

__all__ = ["commands"]


@click.command("pay-out")
@click.argument("account")
@click.argument("yuan")
@click.option("--call-key", help="Key of this call, to repeat it after a crash.")
@with_party
@with_output
def pay_out(output: Output, party: PartyChoice, account: str, yuan: str, call_key: str | None) -> None:
    """Ask for YUAN of ACCOUNT to be paid outside, out of its notes, as its agent."""
    identifier, amount = SystemIdentifier(account), parse_yuan(yuan)

    async def work(one: Party) -> PayOut:
        notes = await Purse(one.ledger, identifier).take(amount)
        entry = PayOutEntry(account=identifier, amount_milliyuan=amount, notes=notes)
        return await one.ledger.ask_pay_out(entry, call_key=call_key)

    show_record(output, party.run(work))


@click.command("pay-outs")
@click.argument("account")
@with_party
@with_output
def pay_outs(output: Output, party: PartyChoice, account: str) -> None:
    """List the pay-outs of ACCOUNT."""

    async def work(one: Party) -> list[PayOut]:
        return [found async for found in one.ledger.pay_outs(SystemIdentifier(account))]

    show_records(output, party.run(work), ("id", "state", "amount_milliyuan", "asked_ms"))


@click.command("confirm-pay-out")
@click.argument("account")
@click.argument("id")
@click.option(
    "--evidence",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    required=True,
    help="What shows the payment; its digest goes on the ledger.",
)
@with_party
@with_output
def confirm_pay_out(output: Output, party: PartyChoice, account: str, id: str, evidence: Path) -> None:  # noqa: A002
    """Say, as a platform administrator, that the pay-out ID was paid outside."""
    digest = Digest.of(evidence.read_bytes())
    show_record(
        output, party.run(lambda one: one.ledger.confirm_pay_out(SystemIdentifier(account), id, digest))
    )


@click.command("refuse-pay-out")
@click.argument("account")
@click.argument("id")
@click.argument("reason")
@with_party
@with_output
def refuse_pay_out(output: Output, party: PartyChoice, account: str, id: str, reason: str) -> None:  # noqa: A002
    """Refuse, as a platform administrator, the pay-out ID: its money is the account's again."""
    show_record(
        output, party.run(lambda one: one.ledger.refuse_pay_out(SystemIdentifier(account), id, reason))
    )


commands = (pay_out, pay_outs, confirm_pay_out, refuse_pay_out)
