"""`gridledger rule`: which fields a function of a data application needs."""

from __future__ import annotations

import click

from gridledger.cli.command import with_output
from gridledger.cli.output import Output
from gridledger.cli.party_option import PartyChoice, with_party
from gridledger.cli.record_view import show_record, show_records
from gridledger.cli.selector_argument import parse_selectors
from gridledger.model.identifier import SystemIdentifier
from gridledger.model.resolution import RuleEntry

__all__ = ["group"]


@click.group("rule")
def group() -> None:
    """Set and show resolution rules, as a data application."""


@group.command("set")
@click.argument("application")
@click.argument("function")
@click.argument("selectors", nargs=-1, required=True)
@click.option(
    "--role", "roles", multiple=True, help="A user role that may use it; by default all that owners admit."
)
@with_party
@with_output
def set_(
    output: Output,
    party: PartyChoice,
    application: str,
    function: str,
    selectors: tuple[str, ...],
    roles: tuple[str, ...],
) -> None:
    """Set the fields that FUNCTION needs, as SYSTEM#NAME; all must be published to the application."""
    entry = RuleEntry(
        application=SystemIdentifier(application),
        function=function,
        selectors=parse_selectors(selectors),
        roles=tuple(sorted(roles)) or None,
    )
    show_record(output, party.run(lambda one: one.ledger.set_rule(entry)))


@group.command()
@click.argument("application")
@click.argument("function")
@with_party
@with_output
def show(output: Output, party: PartyChoice, application: str, function: str) -> None:
    """Show the rule of a function."""
    show_record(output, party.run(lambda one: one.ledger.rule(SystemIdentifier(application), function)))


@group.command()
@click.argument("application")
@click.argument("function")
@with_party
@with_output
def history(output: Output, party: PartyChoice, application: str, function: str) -> None:
    """Show all versions of the rule of a function, the newest first."""
    versions = party.run(lambda one: one.ledger.rule_versions(SystemIdentifier(application), function))
    show_records(output, versions, ("version", "set_ms", "roles", "selectors"))
