"""`gridledger publication`: what applications may build rules on, what they ask for, what owners say."""

from __future__ import annotations

import click

from gridledger.cli.command import with_output
from gridledger.cli.output import Output
from gridledger.cli.party_option import PartyChoice, with_party
from gridledger.cli.record_view import show_page, show_record
from gridledger.model.identifier import SystemIdentifier
from gridledger.model.rights import FieldRequestAnswer, FieldRequestEntry, Withdrawal

__all__ = ["group"]

_BOOKMARK = click.option("--bookmark", default="", help="Where the page before ended.")


@click.group("publication")
def group() -> None:
    """Show what is published, ask owners for more, grant, refuse and withdraw."""


@group.command("list")
@click.argument("application")
@_BOOKMARK
@with_party
@with_output
def list_(output: Output, party: PartyChoice, application: str, bookmark: str) -> None:
    """Show what is published to APPLICATION, by system."""
    page = party.run(lambda one: one.ledger.publications(SystemIdentifier(application), bookmark))
    show_page(output, page, "publications", ("system", "names", "withdrawn"))


@group.command()
@click.argument("application")
@click.argument("system")
@click.argument("names", nargs=-1, required=True)
@click.option("--purpose", required=True, help="What they are for.")
@with_party
@with_output
def request(
    output: Output, party: PartyChoice, application: str, system: str, names: tuple[str, ...], purpose: str
) -> None:
    """Ask SYSTEM, as APPLICATION, for fields by their NAMES."""
    entry = FieldRequestEntry(
        application=SystemIdentifier(application),
        system=SystemIdentifier(system),
        names=tuple(sorted(names)),
        purpose=purpose,
    )
    show_record(output, party.run(lambda one: one.ledger.request_fields(entry)))


@group.command()
@click.argument("system")
@_BOOKMARK
@with_party
@with_output
def requests(output: Output, party: PartyChoice, system: str, bookmark: str) -> None:
    """Show what applications asked SYSTEM for, and what it answered."""
    page = party.run(lambda one: one.ledger.field_requests(SystemIdentifier(system), bookmark))
    show_page(output, page, "requests", ("application", "names", "purpose", "granted", "reason"))


@group.command()
@click.argument("system")
@click.argument("application")
@click.argument("names", nargs=-1)
@click.option("--reason", required=True, help="Why; the application reads it.")
@with_party
@with_output
def answer(
    output: Output, party: PartyChoice, system: str, application: str, names: tuple[str, ...], reason: str
) -> None:
    """Grant APPLICATION, as SYSTEM, the fields NAMES of its request; none refuses it."""
    given = FieldRequestAnswer(
        application=SystemIdentifier(application),
        system=SystemIdentifier(system),
        granted=tuple(sorted(names)),
        reason=reason,
    )
    show_record(output, party.run(lambda one: one.ledger.answer_field_request(given)))


@group.command()
@click.argument("system")
@click.argument("application")
@click.argument("names", nargs=-1, required=True)
@with_party
@with_output
def withdraw(
    output: Output, party: PartyChoice, system: str, application: str, names: tuple[str, ...]
) -> None:
    """Take back, as SYSTEM, fields from APPLICATION: no rule resolves them any more."""
    withdrawal = Withdrawal(
        application=SystemIdentifier(application),
        system=SystemIdentifier(system),
        names=tuple(sorted(names)),
    )
    show_record(output, party.run(lambda one: one.ledger.withdraw_fields(withdrawal)))
