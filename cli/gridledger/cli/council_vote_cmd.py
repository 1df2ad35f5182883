"""`gridledger council vote`: an organisation's vote."""

from __future__ import annotations

import click

from gridledger.cli.command import with_output
from gridledger.cli.council_candidate_cmd import root_option
from gridledger.cli.output import Output
from gridledger.cli.party_option import PartyChoice, with_party
from gridledger.cli.record_view import show_record, show_records
from gridledger.council import CouncilLedger
from gridledger.model.council import VoteEntry
from gridledger.model.identifier import SystemIdentifier

__all__ = ["election_argument", "group"]

election_argument = click.argument("election", type=click.IntRange(1, 999_999))


@click.group("vote")
def group() -> None:
    """Cast, delegate and withdraw the vote of the caller's organisation."""


@group.command()
@election_argument
@root_option
@click.option("--for", "candidates", multiple=True, required=True, help="A candidate; may be repeated.")
@with_party
@with_output
def cast(output: Output, party: PartyChoice, election: int, root: str, candidates: tuple[str, ...]) -> None:
    """Vote in ELECTION for candidates, in place of what was voted before."""
    entry, below = VoteEntry(candidates=tuple(sorted(set(candidates)))), SystemIdentifier(root)
    show_record(output, party.run(lambda one: CouncilLedger(one.network).cast_vote(below, election, entry)))


@group.command()
@election_argument
@root_option
@click.option("--to", "delegate", required=True, help="MSP of the elector that votes with this weight, too.")
@with_party
@with_output
def delegate(output: Output, party: PartyChoice, election: int, root: str, delegate: str) -> None:
    """Delegate the vote in ELECTION to another elector, in place of what was voted before."""
    entry, below = VoteEntry(delegate=delegate), SystemIdentifier(root)
    show_record(output, party.run(lambda one: CouncilLedger(one.network).cast_vote(below, election, entry)))


@group.command()
@election_argument
@root_option
@with_party
@with_output
def withdraw(output: Output, party: PartyChoice, election: int, root: str) -> None:
    """Withdraw the vote in ELECTION, while it runs."""
    below = SystemIdentifier(root)
    show_record(output, party.run(lambda one: CouncilLedger(one.network).withdraw_vote(below, election)))


@group.command("list")
@election_argument
@root_option
@with_party
@with_output
def list_(output: Output, party: PartyChoice, election: int, root: str) -> None:
    """List the votes of ELECTION."""
    found = party.run(lambda one: CouncilLedger(one.network).votes(SystemIdentifier(root), election))
    show_records(output, found, ("organisation", "entry.candidates", "entry.delegate"))
