"""`gridledger council watch`: consenters, leader, round and reviews, as they change."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import click

from gridledger.cli.command import with_output
from gridledger.cli.council_candidate_cmd import root_option
from gridledger.cli.output import Output, fields, table
from gridledger.cli.party_option import PartyChoice, with_party
from gridledger.cli.watching_option import with_watching
from gridledger.council.council_view import read_council_view
from gridledger.exchange.party import Party
from gridledger.model.identifier import SystemIdentifier
from gridledger.network.ordering.live_ordering import LiveOrdering

if TYPE_CHECKING:
    from rich.console import RenderableType

__all__ = ["watch"]

_CONSENTERS = ("address", "organisation", "height", "leads")
_REVIEWS = ("id", "state", "holder", "approvals", "rejections")


@click.command()
@root_option
@click.option("--every", type=click.FloatRange(0.1, 3600), default=1.0, show_default=True, help="Seconds.")
@click.option(
    "--times", type=click.IntRange(1), help="End after so many looks; until interrupted by default."
)
@with_party
@with_output
@with_watching
def watch(output: Output, party: PartyChoice, root: str, every: float, times: int | None) -> None:
    """Watch who orders, who leads, the newest round and its reviews."""
    below, connection = SystemIdentifier(root), party.connection()

    async def look(one: Party) -> None:
        looked = 0
        async with LiveOrdering(connection, seconds=2.0) as ordering:
            with output.live() as show:
                while True:
                    view = await read_council_view(one.network, ordering, below)
                    show(view.to_value(), _drawn)
                    looked += 1
                    if looked == times:
                        return
                    await asyncio.sleep(every)

    party.run(look)


def _drawn(value: Any) -> RenderableType:
    from rich.console import Group

    parts: list[RenderableType] = [
        fields({name: value[name] for name in ("height", "quorum")}),
        table(value["consenters"], {name: name for name in _CONSENTERS}),
    ]
    if value["round"] is not None:
        parts.append(fields({f"round: {name}": member for name, member in value["round"].items()}))
        parts.append(table(value["reviews"], {name: name for name in _REVIEWS}))
    return Group(*parts)
