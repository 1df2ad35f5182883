"""Commands of `gridledger field` that change what is registered, and show what it was."""

from __future__ import annotations

import click

from gridledger.cli.change_command import FIELDS, state_commands, validity_command
from gridledger.cli.command import with_output
from gridledger.cli.output import Output
from gridledger.cli.party_option import PartyChoice, with_party
from gridledger.cli.record_view import show_record, show_records
from gridledger.model.identifier import FieldIdentifier
from gridledger.model.states import IdentifierState

__all__ = ["commands"]


@click.command()
@click.argument("field")
@with_party
@with_output
def show(output: Output, party: PartyChoice, field: str) -> None:
    """Show a field by its identifier, an old one, too."""
    show_record(output, party.run(lambda one: one.ledger.field(FieldIdentifier.parse(field))))


@click.command()
@click.argument("field")
@with_party
@with_output
def history(output: Output, party: PartyChoice, field: str) -> None:
    """Show all versions of a field, the newest first, under all identifiers that it had."""
    found = party.run(lambda one: one.ledger.field_history(FieldIdentifier.parse(field)))
    columns = ("version.claimed_ms", "field.identifier", "field.state", "field.metadata.title")
    show_records(output, found, columns)


@click.command()
@click.argument("field")
@with_party
@with_output
def standards(output: Output, party: PartyChoice, field: str) -> None:
    """Show all charging standards that a field ever had, the newest first."""
    found = party.run(lambda one: one.ledger.charging_standard_history(FieldIdentifier.parse(field)))
    columns = (
        "standard.version",
        "standard.price_milliyuan",
        "standard.valid_from_ms",
        "standard.valid_until_ms",
    )
    show_records(output, found, columns)


commands: tuple[click.Command, ...] = (
    validity_command(FIELDS),
    show,
    history,
    standards,
    *state_commands(
        FIELDS,
        {
            "suspend": (IdentifierState.SUSPENDED, "Suspend fields: they resolve no more."),
            "resume": (IdentifierState.ACTIVE, "Make fields active that their owner suspended."),
            "revoke": (IdentifierState.REVOKED, "Revoke fields for good."),
        },
    ),
)
