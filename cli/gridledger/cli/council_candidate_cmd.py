"""`gridledger council candidates`: who stands for election."""

from __future__ import annotations

import click

from gridledger.cli.command import with_output
from gridledger.cli.output import Output
from gridledger.cli.party_option import PartyChoice, with_party
from gridledger.cli.record_view import show_record, show_records
from gridledger.council import CouncilLedger
from gridledger.model.council import CandidacyEntry
from gridledger.model.identifier import SystemIdentifier

__all__ = ["group", "root_option"]

root_option = click.option("--root", required=True, help="The root whose council it is.")


@click.group("candidates")
def group() -> None:
    """Stand for election as a super node, and back one as its system."""


@group.command()
@click.argument("name")
@root_option
@click.option("--system", required=True, help="The system whose credit is its standing.")
@click.option("--orderer", help="HOST:PORT of the organisation's orderer, which becomes a consenter.")
@with_party
@with_output
def register(
    output: Output, party: PartyChoice, name: str, root: str, system: str, orderer: str | None
) -> None:
    """Register the calling agent as candidate NAME; it stands once its system backs it."""
    entry = CandidacyEntry(name=name, system=SystemIdentifier(system), orderer=orderer)
    below = SystemIdentifier(root)
    show_record(output, party.run(lambda one: CouncilLedger(one.network).register_candidate(below, entry)))


@group.command()
@click.argument("candidate")
@with_party
@with_output
def back(output: Output, party: PartyChoice, candidate: str) -> None:
    """Back CANDIDATE, as the agent of the system that it names."""
    show_record(output, party.run(lambda one: CouncilLedger(one.network).back_candidate(candidate)))


@group.command()
@click.argument("candidate")
@with_party
@with_output
def withdraw(output: Output, party: PartyChoice, candidate: str) -> None:
    """Withdraw CANDIDATE, as itself or as its system's agent."""
    show_record(output, party.run(lambda one: CouncilLedger(one.network).withdraw_candidate(candidate)))


@group.command("list")
@root_option
@with_party
@with_output
def list_(output: Output, party: PartyChoice, root: str) -> None:
    """List the candidates of a root, whatever their state."""
    found = party.run(lambda one: CouncilLedger(one.network).candidates(SystemIdentifier(root)))
    show_records(output, found, ("id", "entry.name", "agent.msp_id", "entry.system", "state"))
