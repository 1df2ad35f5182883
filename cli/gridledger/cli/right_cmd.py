"""`gridledger right`: which user roles may see a field."""

from __future__ import annotations

import click

from gridledger.cli.command import with_output
from gridledger.cli.output import Output
from gridledger.cli.party_option import PartyChoice, with_party
from gridledger.cli.record_view import show_items, show_records
from gridledger.model.identifier import FieldIdentifier
from gridledger.model.rights import RightsEntry

__all__ = ["group"]


@click.group("right")
def group() -> None:
    """Set and show which user roles may see a field."""


@group.command("set")
@click.argument("field")
@click.argument("roles", nargs=-1, required=True)
@with_party
@with_output
def set_(output: Output, party: PartyChoice, field: str, roles: tuple[str, ...]) -> None:
    """Admit the user ROLES, and no others, to FIELD, as its owner."""
    parsed = FieldIdentifier.parse(field)
    entry = RightsEntry(field=parsed, roles=tuple(sorted(roles)))
    show_items(output, party.run(lambda one: one.ledger.set_field_roles(parsed.system, [entry])))


@group.command()
@click.argument("field")
@with_party
@with_output
def history(output: Output, party: PartyChoice, field: str) -> None:
    """Show all versions of the user roles of FIELD, the newest first."""
    versions = party.run(lambda one: one.ledger.field_roles(FieldIdentifier.parse(field)))
    show_records(output, versions, ("version", "roles", "tx_id"))
