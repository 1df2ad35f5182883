"""`gridledger catalogue`: association catalogues of key devices, and their publication."""

from __future__ import annotations

import click

from gridledger.cli.candidate_cmd import confirm_command, find_command, list_command, reject_command
from gridledger.cli.certificate_cmd import certify_command, trust_command, verify_command
from gridledger.cli.command import with_output
from gridledger.cli.graph_cmd import graph_command, watch_command
from gridledger.cli.output import Output
from gridledger.cli.party_option import PartyChoice, with_party
from gridledger.cli.record_view import show_items, show_page, show_record, show_records, show_rows
from gridledger.cli.selector_argument import parse_selectors
from gridledger.exchange.settings import parse_identity
from gridledger.model.catalogue import PublicationEntry
from gridledger.model.errors import FieldValue
from gridledger.model.identifier import SystemIdentifier

__all__ = ["group"]


@click.group("catalogue")
def group() -> None:
    """Associate devices, publish fields, show and certify what is whose."""


for command in (
    certify_command,
    confirm_command,
    find_command,
    graph_command,
    list_command,
    reject_command,
    trust_command,
    verify_command,
    watch_command,
):
    group.add_command(command)


@group.command()
@click.argument("identities", nargs=-1, required=True)
@click.option("--root", required=True, help="The aggregation system's root.")
@with_party
@with_output
def associate(output: Output, party: PartyChoice, identities: tuple[str, ...], root: str) -> None:
    """Deposit the association catalogues of key devices, each by a common identity such as plant=R27."""
    parsed = [parse_identity(text) for text in identities]
    show_items(output, party.run(lambda one: one.ledger.deposit_associations(SystemIdentifier(root), parsed)))


@group.command()
@click.argument("identity")
@click.option("--root", required=True, help="The root.")
@with_party
@with_output
def show(output: Output, party: PartyChoice, identity: str, root: str) -> None:
    """Show the association catalogue of a key device, a line for each system's device.

    Fields that another system shares as well stand under `conflicts`.
    """
    parsed = parse_identity(identity)
    association = party.run(lambda one: one.ledger.association(SystemIdentifier(root), parsed))
    conflicts = set(association.conflicts or ())
    rows: list[FieldValue] = [
        {**member.to_value(), "conflicts": [name for name in member.fields if name in conflicts]}
        for member in association.members
    ]
    show_rows(output, rows, ("device", "fields", "conflicts"))


@group.command()
@click.option("--root", required=True, help="The root.")
@click.option("--bookmark", default="", help="Where the page before ended.")
@with_party
@with_output
def conflicts(output: Output, party: PartyChoice, root: str, bookmark: str) -> None:
    """Show the fields that two systems or more share of one device, the earliest first."""
    page = party.run(lambda one: one.ledger.conflicts(SystemIdentifier(root), bookmark))
    show_page(output, page, "conflicts", ("identity.scheme", "identity.value", "name", "rivals"))


@group.command()
@click.argument("identity")
@click.option("--root", required=True, help="The root.")
@with_party
@with_output
def devices(output: Output, party: PartyChoice, identity: str, root: str) -> None:
    """Show which devices declare a common identity."""
    parsed = parse_identity(identity)
    show_record(output, party.run(lambda one: one.ledger.common_identity(SystemIdentifier(root), parsed)))


@group.command()
@click.argument("application")
@click.argument("identity")
@click.argument("selectors", nargs=-1, required=True)
@click.option("--root", required=True, help="The aggregation system's root.")
@with_party
@with_output
def publish(
    output: Output,
    party: PartyChoice,
    application: str,
    identity: str,
    selectors: tuple[str, ...],
    root: str,
) -> None:
    """Publish fields of a key device, as SYSTEM#NAME, to a data application."""
    entry = PublicationEntry(
        application=SystemIdentifier(application),
        identity=parse_identity(identity),
        selectors=parse_selectors(selectors),
    )
    publications = party.run(lambda one: one.ledger.publish_fields(SystemIdentifier(root), entry))
    show_records(output, publications, ("application", "system", "names"))
