"""`gridledger custodian`: who checks lakes and signs for what is stored."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import click

from gridledger.cli.command import with_output
from gridledger.cli.lake_access_cmd import recipient_key_option
from gridledger.cli.output import Output
from gridledger.cli.party_option import PartyChoice, with_party
from gridledger.cli.record_view import show_items, show_page, show_record
from gridledger.cli.watching_option import with_watching
from gridledger.client import FileCheckpoint
from gridledger.crypto.secret_key import SecretKey
from gridledger.crypto.wrapping import RecipientSecret
from gridledger.exchange.party import Party
from gridledger.lake.ledger import CustodianAgent, LakeLedger
from gridledger.lake.store_address import open_store
from gridledger.model.dataset import CustodianEntry
from gridledger.model.device import ItemResult
from gridledger.model.identifier import SystemIdentifier

__all__ = ["group"]

_root = click.option("--root", required=True, help="The root whose platform approves it.")


@click.group("custodian")
def group() -> None:
    """Register and approve custodians of lakes, and run their agents."""


@group.command()
@click.argument("name")
@_root
@recipient_key_option
@with_party
@with_output
def register(output: Output, party: PartyChoice, name: str, root: str, key_file: Path) -> None:
    """Register the calling agent as custodian NAME; a platform administrator approves it."""
    public = RecipientSecret(SecretKey.load(key_file)).public
    entry = CustodianEntry(name=name, sealing_key=public.raw)
    below = SystemIdentifier(root)
    show_record(output, party.run(lambda one: LakeLedger(one.network).register_custodian(below, entry)))


@group.command()
@click.argument("custodian")
@_root
@with_party
@with_output
def approve(output: Output, party: PartyChoice, custodian: str, root: str) -> None:
    """Approve CUSTODIAN, as the root's platform administrator."""
    below = SystemIdentifier(root)
    show_record(output, party.run(lambda one: LakeLedger(one.network).approve_custodian(below, custodian)))


@group.command()
@click.argument("custodian")
@click.option("--reason", required=True, help="Why; everybody reads it.")
@_root
@with_party
@with_output
def reject(output: Output, party: PartyChoice, custodian: str, reason: str, root: str) -> None:
    """Reject CUSTODIAN, or remove an approved one; receipts that were deposited stand."""
    below = SystemIdentifier(root)
    show_record(
        output, party.run(lambda one: LakeLedger(one.network).reject_custodian(below, custodian, reason))
    )


@group.command("list")
@_root
@click.option("--bookmark", default="", help="Where the page before ended.")
@with_party
@with_output
def list_(output: Output, party: PartyChoice, root: str, bookmark: str) -> None:
    """List the custodians of a root."""
    page = party.run(lambda one: LakeLedger(one.network).custodians(SystemIdentifier(root), bookmark))
    show_page(output, page, "custodians", ("id", "entry.name", "agent.msp_id", "state", "reason"))


@group.command()
@click.argument("custodian")
@click.option(
    "--store", "addresses", multiple=True, required=True, help="Store that it keeps; may be repeated."
)
@click.option(
    "--checkpoint",
    type=click.Path(path_type=Path, dir_okay=False),
    help="File that keeps how far it has come; from the first block by default.",
)
@click.option("--once", is_flag=True, help="End when all blocks so far are done.")
@recipient_key_option
@with_party
@with_output
@with_watching
def watch(
    output: Output,
    party: PartyChoice,
    custodian: str,
    addresses: tuple[str, ...],
    checkpoint: Path | None,
    once: bool,
    key_file: Path,
) -> None:
    """Run the agent of CUSTODIAN: read every frame of versions that name it, and sign for them."""
    secret = RecipientSecret(SecretKey.load(key_file))

    async def follow(one: Party) -> tuple[ItemResult, ...]:
        with ExitStack() as stack:
            stores = {
                address: stack.enter_context(open_store(address, source="--store")) for address in addresses
            }
            agent = CustodianAgent(
                LakeLedger(one.network),
                custodian,
                secret,
                one.sign,
                stores,
                None if checkpoint is None else FileCheckpoint(checkpoint),
                None if once else lambda result: output.step(result.to_value()),
            )
            if once:
                return await agent.catch_up()
            await agent.run()
            return ()

    with output.progress("Following the chain"):
        results = party.run(follow)
    show_items(output, results)
