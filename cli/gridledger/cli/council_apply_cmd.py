"""`gridledger council apply`: the elected organisations' orderers become the consenters."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterable
from pathlib import Path

import click

from gridledger.cli.administrator_option import administrator
from gridledger.cli.command import with_output
from gridledger.cli.council_candidate_cmd import root_option
from gridledger.cli.council_plan_cmd import (
    card_option,
    drawn_plan,
    lost_option,
    plan_value,
    read_cards,
    read_orderers,
)
from gridledger.cli.output import Output
from gridledger.cli.party_option import PartyChoice, with_party
from gridledger.client.signing_identity import SigningIdentity
from gridledger.model.identifier import SystemIdentifier
from gridledger.network import World
from gridledger.network.consenter_plan import plan_consenters
from gridledger.network.errors import ConsentersMoved
from gridledger.network.fabric.orderer_keeper import FolderKeeper
from gridledger.network.ordering.change_report import StepReport
from gridledger.network.ordering.channel_configuration import ChannelConfiguration
from gridledger.network.ordering.consenter_change import ConsenterRunner
from gridledger.network.ordering.consenter_journal import ChangeState, ConsenterJournal
from gridledger.network.ordering.consenter_proposal import ConsenterProposal
from gridledger.network.ordering.live_ordering import LiveOrdering

__all__ = ["apply"]

_file = click.Path(path_type=Path, exists=True, dir_okay=False)


@click.command()
@root_option
@lost_option
@card_option
@click.option(
    "--signed",
    type=_file,
    multiple=True,
    help="A proposal that `council plan --out` wrote and administrators signed; its copies may be given all.",
)
@click.option(
    "--sign-as",
    "organisations",
    multiple=True,
    help="Organisation of the network's folder whose administrator signs here; may be repeated.",
)
@click.option(
    "--journal",
    type=click.Path(path_type=Path, dir_okay=False),
    help="File that a change goes on from after a crash; consenters.json in the network's folder by default.",
)
@click.option(
    "--sync",
    type=click.FloatRange(1, 86_400),
    default=120.0,
    show_default=True,
    help="Seconds that an added orderer has to come up to the others; then it is removed again.",
)
@with_party
@with_output
def apply(
    output: Output,
    party: PartyChoice,
    root: str,
    lost: tuple[str, ...],
    cards: tuple[Path, ...],
    signed: tuple[Path, ...],
    organisations: tuple[str, ...],
    journal: Path | None,
    sync: float,
) -> None:
    """Make the council's orderers the consenters: one configuration update after the other.

    Each added orderer has to come up to the others before the next step. Called again after a crash it goes
    on where the channel stands. devnet has no consenters to change: there the plan is shown.
    """
    connection, network = party.connection(), party.network.open()
    current, wanted, view = party.run(lambda one: read_orderers(one, connection, SystemIdentifier(root)))
    if network.world is World.DEVNET:
        steps = plan_consenters(current.addresses, wanted, lost=lost)
        shown = plan_value(current.addresses, wanted, steps)
        shown["applied"] = False
        output.show(shown, drawn_plan)
        return
    path = journal or network.directory / "consenters.json"
    known = ConsenterJournal.load(path)
    if signed:
        proposal = ConsenterProposal.load(signed[0])
        for copy in signed[1:]:
            proposal = proposal.merged(ConsenterProposal.load(copy))
    elif known is not None and _goes_on(known, current, wanted, lost):
        proposal = known.proposal
    else:
        found = read_cards(party.network, cards)
        proposal = ConsenterProposal.make(current, wanted, found, lost=lost, view=view)
    if proposal.wanted != wanted:
        raise ConsentersMoved("it is not for the council that sits now", consenters=proposal.wanted)
    administrators = [administrator(party.network, one) for one in organisations]

    async def run(tell: Callable[[str], None]) -> tuple[ConsenterProposal, tuple[str, ...]]:
        def say(report: StepReport) -> None:
            tell(f"{report.number}/{report.steps}: {report.change} {report.address}: {report.event}")

        complete = await _signed(proposal, administrators)
        async with LiveOrdering(connection) as ordering:
            keeper = FolderKeeper(network.directory)
            runner = ConsenterRunner(channel=ordering, keeper=keeper, journal=path, sync_seconds=sync)
            done = await runner.run(complete, say)
            return done.proposal, (await ordering.configuration()).addresses

    with output.progress("Changing the consenters") as tell:
        carried_out, now = asyncio.run(run(tell))
    shown = plan_value(now, carried_out.wanted, [one.step for one in carried_out.updates()])
    shown["applied"] = True
    output.show(shown, drawn_plan)


def _goes_on(
    known: ConsenterJournal, current: ChannelConfiguration, wanted: Collection[str], lost: Collection[str]
) -> bool:
    """Tell whether a change that was cut off is what is asked for, and the channel stands on its way."""
    return (
        known.state is ChangeState.UNDER_WAY
        and set(known.proposal.wanted) == set(wanted)
        and set(lost) <= set(known.proposal.lost)
        and known.proposal.passed(current) is not None
    )


async def _signed(
    proposal: ConsenterProposal, administrators: Iterable[SigningIdentity]
) -> ConsenterProposal:
    for one in administrators:
        proposal = await proposal.signed_by(one)
    return proposal
