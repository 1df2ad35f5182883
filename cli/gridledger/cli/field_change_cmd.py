"""Commands of `gridledger field` that change what is registered, and show what it was."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from itertools import groupby

import click

from gridledger.cli.command import with_output
from gridledger.cli.moment_option import validity_of, with_validity
from gridledger.cli.output import Output
from gridledger.cli.party_option import ConfigChoice, PartyChoice, with_config, with_party
from gridledger.cli.record_view import show_items, show_record, show_records
from gridledger.exchange.party import Party
from gridledger.model.change import FieldChange
from gridledger.model.device import ItemResult
from gridledger.model.identifier import FieldIdentifier
from gridledger.model.states import IdentifierState

__all__ = ["commands"]


async def _change_all(party: Party, changes: Iterable[FieldChange]) -> list[ItemResult]:
    results: list[ItemResult] = []
    for system, part in groupby(changes, key=lambda change: change.field.system):
        results += await party.ledger.change_fields(system, list(part))
    return results


def _state_command(name: str, state: IdentifierState, text: str) -> click.Command:
    @click.command(name, help=text)
    @click.argument("fields", nargs=-1, required=True)
    @click.option("--reason", help="Why; it stands on the ledger.")
    @with_config
    @with_output
    def command(output: Output, config: ConfigChoice, fields: tuple[str, ...], reason: str | None) -> None:
        changes = [
            FieldChange(field=FieldIdentifier.parse(one), state=state, reason=reason) for one in fields
        ]
        show_items(output, config.run(lambda one: _change_all(one.party, changes)))

    return command


@click.command()
@click.argument("fields", nargs=-1, required=True)
@with_validity
@with_config
@with_output
def validity(
    output: Output,
    config: ConfigChoice,
    fields: tuple[str, ...],
    begin: datetime | None,
    until: datetime | None,
) -> None:
    """Set when fields are valid; without --from and --until always."""
    span = validity_of(begin, until)
    changes = [FieldChange(field=FieldIdentifier.parse(one), validity=span) for one in fields]
    show_items(output, config.run(lambda one: _change_all(one.party, changes)))


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
    validity,
    show,
    history,
    standards,
    _state_command("suspend", IdentifierState.SUSPENDED, "Suspend fields: they resolve no more."),
    _state_command("resume", IdentifierState.ACTIVE, "Make fields active that their owner suspended."),
    _state_command("revoke", IdentifierState.REVOKED, "Revoke fields for good."),
)
