"""`gridledger catalogue graph` and `watch`: associations as data, and kept as devices and fields arrive."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from gridledger.cli.command import with_output
from gridledger.cli.output import Output
from gridledger.cli.party_option import PartyChoice, with_party
from gridledger.cli.record_view import show_items
from gridledger.cli.watching_option import with_watching
from gridledger.client import FileCheckpoint
from gridledger.exchange.association_agent import AssociationAgent
from gridledger.exchange.association_graph import AssociationGraph, graph_of, to_dot
from gridledger.exchange.party import Party
from gridledger.model.device import ItemResult
from gridledger.model.identifier import SystemIdentifier

__all__ = ["graph_command", "watch_command"]


@click.command("graph")
@click.option("--root", required=True, help="The root.")
@click.option("--bookmark", default="", help="Where the page before ended.")
@click.option("--candidates", is_flag=True, help="Show the candidates of a page instead of the catalogues.")
@with_party
@with_output
def graph_command(output: Output, party: PartyChoice, root: str, bookmark: str, candidates: bool) -> None:
    """Show a page of the association graph: in DOT for Graphviz, with --json as nodes and edges."""
    below = SystemIdentifier(root)

    async def read(one: Party) -> tuple[AssociationGraph, str]:
        if candidates:
            doubtful = await one.ledger.candidates(below, bookmark)
            return graph_of((), doubtful.candidates), doubtful.bookmark
        page = await one.ledger.associations(below, bookmark)
        return graph_of(page.associations), page.bookmark

    graph, following = party.run(read)

    def drawn(_: Any) -> str:
        return f"{to_dot(graph)}\n// next page: {following!r}" if following else to_dot(graph)

    output.show({**graph.to_value(), "bookmark": following}, drawn)


@click.command("watch")
@click.option("--root", required=True, help="The aggregation system's root.")
@click.option(
    "--checkpoint",
    type=click.Path(path_type=Path, dir_okay=False),
    help="File that keeps how far it has come; from the first block by default.",
)
@click.option("--once", is_flag=True, help="End when all blocks so far are done.")
@with_party
@with_output
@with_watching
def watch_command(output: Output, party: PartyChoice, root: str, checkpoint: Path | None, once: bool) -> None:
    """Deposit association catalogues as devices and fields arrive, as the aggregation system."""
    below = SystemIdentifier(root)

    async def follow(one: Party) -> tuple[ItemResult, ...]:
        kept = None if checkpoint is None else FileCheckpoint(checkpoint)
        agent = AssociationAgent(one, below, kept)
        if once:
            return await agent.catch_up()
        await agent.run()
        return ()

    with output.progress("Following the chain"):
        results = party.run(follow)
    show_items(output, results)
