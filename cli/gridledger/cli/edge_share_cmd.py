"""`gridledger edge share`: sharing between storage nodes."""

from __future__ import annotations

from pathlib import Path

import click

from gridledger.cli.command import with_output
from gridledger.cli.duration_option import Duration
from gridledger.cli.edge_node_cmd import store_option
from gridledger.cli.output import Output
from gridledger.cli.party_option import PartyChoice, with_party
from gridledger.cli.record_view import show_page, show_record
from gridledger.edge import EdgeLedger, EnvelopeStore
from gridledger.edge.node_shares import NodeShares
from gridledger.exchange.party import Party
from gridledger.model.edge_sharing import NodePolicy, NodeRule, Share
from gridledger.model.identifier import SystemIdentifier

__all__ = ["group"]


@click.group("share")
def group() -> None:
    """Say whose storage nodes may have envelopes, ask others for theirs, and take them."""


@group.command()
@click.option("--organisation", "organisations", multiple=True, help="MSP; may be repeated.")
@click.option("--purpose", "purposes", multiple=True, help="A word; may be repeated.")
@click.option("--longest", "longest_ms", type=Duration(), default="1d", show_default=True)
@with_party
@with_output
def policy(
    output: Output,
    party: PartyChoice,
    organisations: tuple[str, ...],
    purposes: tuple[str, ...],
    longest_ms: int,
) -> None:
    """Set the calling node's policy to one rule; without organisations it admits nobody."""
    rules = [
        NodeRule(
            organisations=tuple(sorted(set(organisations))),
            purposes=tuple(sorted(set(purposes))),
            longest_ms=longest_ms,
        )
    ] * bool(organisations)

    async def work(one: Party) -> NodePolicy:
        return await EdgeLedger(one.network).set_node_policy(one.key_id, rules)

    show_record(output, party.run(work))


@group.command()
@click.argument("holder")
@click.argument("issuer")
@click.argument("period", type=click.IntRange(1, 999_999))
@click.option("--purpose", required=True, help="What for; one that the holder's policy names.")
@click.option("--for", "wanted_ms", type=Duration(), default="1d", show_default=True)
@store_option
@with_party
@with_output
def ask(
    output: Output,
    party: PartyChoice,
    holder: str,
    issuer: str,
    period: int,
    purpose: str,
    wanted_ms: int,
    store: Path,
) -> None:
    """Ask the storage node HOLDER for its envelopes of PERIOD; exit code 1 if that is refused."""

    async def work(one: Party) -> Share:
        ledger = EdgeLedger(one.network)
        with EnvelopeStore(store) as envelopes:
            shares = NodeShares(one, ledger, await ledger.node(one.key_id), envelopes)
            return await shares.ask(
                await ledger.node(holder),
                SystemIdentifier(issuer),
                period,
                purpose=purpose,
                wanted_ms=wanted_ms,
            )

    share = party.run(work)
    output.show({"id": share.request.id, **share.to_value()})
    if not share.is_admitted:
        raise click.exceptions.Exit(1)


@group.command()
@click.argument("share")
@store_option
@with_party
@with_output
def take(output: Output, party: PartyChoice, share: str, store: Path) -> None:
    """Take the envelopes of an admitted SHARE, and deposit the receipt."""

    async def work(one: Party) -> Share:
        ledger = EdgeLedger(one.network)
        request = (await ledger.share(share)).request
        with EnvelopeStore(store) as envelopes:
            shares = NodeShares(one, ledger, await ledger.node(one.key_id), envelopes)
            return await shares.take(await ledger.node(request.holder), share)

    show_record(output, party.run(work))


@group.command("list")
@click.argument("holder")
@click.option("--bookmark", default="", help="Where the page before ended.")
@with_party
@with_output
def list_(output: Output, party: PartyChoice, holder: str, bookmark: str) -> None:
    """List what the storage node HOLDER was asked for."""
    page = party.run(lambda one: EdgeLedger(one.network).shares(holder, bookmark))
    columns = (
        "request.asker",
        "organisation",
        "request.period",
        "problems",
        "granted.count",
        "received.count",
    )
    show_page(output, page, "shares", columns)
