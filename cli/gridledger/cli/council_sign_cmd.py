"""`gridledger council card` and `gridledger council sign`: what goes between organisations as files."""

from __future__ import annotations

import asyncio
from pathlib import Path

import click

from gridledger.cli.administrator_option import with_administrator
from gridledger.cli.command import with_output
from gridledger.cli.council_plan_cmd import drawn_plan, plan_value, read_cards
from gridledger.cli.network_option import NetworkChoice, with_network
from gridledger.cli.output import Output, fields
from gridledger.client.signing_identity import SigningIdentity
from gridledger.host.durable_file import write_file
from gridledger.network.errors import ConsenterUnknown
from gridledger.network.ordering.consenter_proposal import ConsenterProposal

__all__ = ["card", "sign"]

_file = click.Path(path_type=Path, exists=True, dir_okay=False)


@click.command()
@click.argument("address")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), required=True, help="File to write.")
@with_network
@with_output
def card(output: Output, choice: NetworkChoice, address: str, out: Path) -> None:
    """Write the card of the orderer at ADDRESS, for those who are to make it a consenter."""
    cards = read_cards(choice, ())
    if address not in cards:
        raise ConsenterUnknown(address, why="it is none of this network's folder")
    write_file(out, cards[address].to_bytes())
    output.show({"address": address, "organisation": cards[address].msp_id, "file": str(out)}, fields)


@click.command()
@click.argument("proposal", type=_file)
@with_network
@with_administrator
@with_output
def sign(output: Output, choice: NetworkChoice, signing: SigningIdentity, proposal: Path) -> None:
    """Show what PROPOSAL does, and sign all its updates in the file; needs no network."""
    del choice
    signed = asyncio.run(ConsenterProposal.load(proposal).signed_by(signing))
    signed.save(proposal)
    updates = signed.updates()
    current = updates[0].before.addresses if updates else signed.wanted
    shown = plan_value(current, signed.wanted, [one.step for one in updates])
    shown["signed"] = [*sorted({one.msp_id for one in signed.signatures})]
    output.show(shown, drawn_plan)
