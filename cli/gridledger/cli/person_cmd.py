"""`gridledger person`: enterprise users, who act for enterprises once an auditor has reviewed them."""

from __future__ import annotations

from pathlib import Path

import click

from gridledger.cli.command import with_output
from gridledger.cli.output import Output
from gridledger.cli.party_option import PartyChoice, with_party
from gridledger.cli.record_view import show_record
from gridledger.model.digest import Digest
from gridledger.model.identifier import SystemIdentifier

__all__ = ["group"]


@click.group("person")
def group() -> None:
    """Apply for the review of persons who act for enterprises; vouch for applications."""


@group.command()
@click.argument("enterprise")
@click.argument("pseudonym")
@click.option("--root", required=True, help="The root, such as 88.1042.")
@click.option(
    "--papers",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    required=True,
    help="The papers that the auditor is shown; only their digest is deposited.",
)
@with_party
@with_output
def apply(
    output: Output, party: PartyChoice, enterprise: str, pseudonym: str, root: str, papers: Path
) -> None:
    """Apply, as an enterprise user under a PSEUDONYM, for the review as one who acts for an ENTERPRISE."""
    digest = Digest.of(papers.read_bytes())
    show_record(
        output,
        party.run(lambda one: one.ledger.apply_person(SystemIdentifier(root), enterprise, pseudonym, digest)),
    )


@group.command()
@click.argument("application")
@click.argument("pseudonym")
@with_party
@with_output
def vouch(output: Output, party: PartyChoice, application: str, pseudonym: str) -> None:
    """Vouch, as an approved person, for an application of one's enterprise."""
    show_record(output, party.run(lambda one: one.ledger.vouch_for_application(application, pseudonym)))


@group.command()
@click.argument("enterprise")
@click.argument("pseudonym")
@click.option("--root", required=True, help="The root, such as 88.1042.")
@with_party
@with_output
def show(output: Output, party: PartyChoice, enterprise: str, pseudonym: str, root: str) -> None:
    """Show a person who acts for an enterprise."""
    show_record(
        output, party.run(lambda one: one.ledger.person(SystemIdentifier(root), enterprise, pseudonym))
    )
