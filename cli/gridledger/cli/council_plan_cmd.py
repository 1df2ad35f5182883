"""`gridledger council plan`: how the consenter set would become that of the council."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gridledger.cli.command import with_output
from gridledger.cli.council_candidate_cmd import root_option
from gridledger.cli.network_option import NetworkChoice
from gridledger.cli.output import Output, fields, table
from gridledger.cli.party_option import PartyChoice, with_party
from gridledger.client import Connection
from gridledger.council import CouncilLedger
from gridledger.exchange.party import Party
from gridledger.model.errors import ConfigError, FieldValue, ModelError
from gridledger.model.identifier import SystemIdentifier
from gridledger.network.consenter_plan import ConsenterStep, plan_consenters
from gridledger.network.fabric.orderer_keeper import folder_cards
from gridledger.network.ordering.channel_configuration import ChannelConfiguration, view_of
from gridledger.network.ordering.consenter_proposal import ConsenterProposal
from gridledger.network.ordering.orderer_card import OrdererCard

if TYPE_CHECKING:
    from rich.console import RenderableType

__all__ = [
    "card_option",
    "drawn_plan",
    "lost_option",
    "plan",
    "plan_value",
    "read_cards",
    "read_orderers",
]

lost_option = click.option(
    "--lost", multiple=True, help="HOST:PORT of an orderer that does not run; may be repeated."
)
card_option = click.option(
    "--card",
    "cards",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    multiple=True,
    help="Card of an orderer that stands in no folder here; may be repeated.",
)


@click.command()
@root_option
@lost_option
@card_option
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    help="File for the proposal, which administrators sign; needs a card of each orderer that comes.",
)
@with_party
@with_output
def plan(
    output: Output,
    party: PartyChoice,
    root: str,
    lost: tuple[str, ...],
    cards: tuple[Path, ...],
    out: Path | None,
) -> None:
    """Show the configuration updates by which the council's orderers would become the consenters."""
    current, wanted, view = party.run(
        lambda one: read_orderers(one, party.connection(), SystemIdentifier(root))
    )
    if out is not None:
        known = read_cards(party.network, cards)
        ConsenterProposal.make(current, wanted, known, lost=lost, view=view).save(out)
    steps = plan_consenters(current.addresses, wanted, lost=lost)
    output.show(plan_value(current.addresses, wanted, steps), drawn_plan)


async def read_orderers(
    party: Party, connection: Connection, root: SystemIdentifier
) -> tuple[ChannelConfiguration, tuple[str, ...], int]:
    """Return the channel's configuration, the addresses of the council's orderers, and SmartBFT's view.

    Raises
    ------
    ModelError
        If a super node has named no orderer.
    """
    block = await party.network.contract("cscc", "").evaluate("GetConfigBlock", connection.channel or "")
    council = await CouncilLedger(party.network).council(root)
    without = {one.name: "names no orderer" for one in council.members if one.orderer is None}
    if without:
        raise ModelError(without, subject="council")
    wanted = {one.orderer for one in council.members if one.orderer is not None}
    newest = await party.network.block((await party.network.chain_info()).height - 1)
    return ChannelConfiguration.from_block(block), tuple(sorted(wanted)), view_of(newest) or 0


def read_cards(network: NetworkChoice, files: Iterable[Path]) -> dict[str, OrdererCard]:
    """Return the cards of the network's own orderers and those in files, by address.

    Raises
    ------
    ConfigError
        If a file is no card.
    """
    opened = network.open()
    found = folder_cards(opened.description, opened.directory)
    for path in files:
        try:
            card = OrdererCard.from_bytes(path.read_bytes())
        except ModelError as error:
            raise ConfigError(f"is no card of an orderer: {error}", key="card", source=str(path)) from error
        found[card.address] = card
    return found


def plan_value(
    current: Iterable[str], wanted: Iterable[str], steps: Iterable[ConsenterStep]
) -> dict[str, FieldValue]:
    """Return a plan as JSON has it."""
    rows: list[FieldValue] = [
        {
            "change": one.change.value,
            "address": one.address,
            "consenters": [*one.consenters],
            "quorum": one.quorum,
        }
        for one in steps
    ]
    return {"current": [*current], "wanted": [*sorted(wanted)], "steps": rows}


def drawn_plan(value: Any) -> RenderableType:
    """Draw what `plan_value` returned."""
    from rich.console import Group

    rows = table(value["steps"], {name: name for name in ("change", "address", "quorum")})
    names = [name for name in value if name != "steps"]
    return Group(fields({name: value[name] for name in names}), rows)
