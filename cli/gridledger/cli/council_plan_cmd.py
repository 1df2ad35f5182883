"""`gridledger council plan`: how the consenter set would become that of the council."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from gridledger.cli.command import with_output
from gridledger.cli.council_candidate_cmd import root_option
from gridledger.cli.output import Output, fields, table
from gridledger.cli.party_option import PartyChoice, with_party
from gridledger.client.consenters import ChannelConsenter, read_consenters
from gridledger.council import CouncilLedger
from gridledger.exchange.party import Party
from gridledger.model.council import Council
from gridledger.model.errors import FieldValue, ModelError
from gridledger.model.identifier import SystemIdentifier
from gridledger.network.consenter_plan import plan_consenters

if TYPE_CHECKING:
    from rich.console import RenderableType

__all__ = ["plan"]


@click.command()
@root_option
@click.option("--lost", multiple=True, help="HOST:PORT of an orderer that does not run; may be repeated.")
@with_party
@with_output
def plan(output: Output, party: PartyChoice, root: str, lost: tuple[str, ...]) -> None:
    """Show the configuration updates by which the council's orderers would become the consenters."""
    channel = party.connection().channel

    async def read(one: Party) -> tuple[Council, tuple[ChannelConsenter, ...]]:
        block = await one.network.contract("cscc", "").evaluate("GetConfigBlock", channel)
        council = await CouncilLedger(one.network).council(SystemIdentifier(root))
        return council, read_consenters(block)

    council, consenters = party.run(read)
    without = {one.name: "names no orderer" for one in council.members if one.orderer is None}
    if without:
        raise ModelError(without, subject="council")
    wanted = [one.orderer for one in council.members if one.orderer is not None]
    current = [one.address for one in consenters]
    steps: list[FieldValue] = [
        {
            "change": one.change.value,
            "address": one.address,
            "consenters": [*one.consenters],
            "quorum": one.quorum,
        }
        for one in plan_consenters(current, wanted, lost=lost)
    ]
    shown: dict[str, FieldValue] = {"current": [*current], "wanted": [*sorted(wanted)], "steps": steps}

    def drawn(value: Any) -> RenderableType:
        from rich.console import Group

        rows = table(value["steps"], {name: name for name in ("change", "address", "quorum")})
        return Group(fields({name: value[name] for name in ("current", "wanted")}), rows)

    output.show(shown, drawn)
