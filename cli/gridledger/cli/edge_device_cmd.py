"""`gridledger edge device`: side devices, their addresses, and the keys that they are issued."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import click

from gridledger.cli.command import with_output
from gridledger.cli.duration_option import Duration
from gridledger.cli.output import Output, fields
from gridledger.cli.party_option import PartyChoice, with_party
from gridledger.cli.record_view import show_record, show_records
from gridledger.crypto.cryptonote.stealth import SpendSecret, StealthAddress
from gridledger.crypto.secret_key import SecretKey
from gridledger.edge import EdgeLedger, MembershipWallet, SideDevice, issue_period
from gridledger.edge.sealed_record import as_address, publish_address
from gridledger.model.edge import SideDeviceEntry
from gridledger.model.envelope import SignedEnvelopeReceipt
from gridledger.model.errors import ModelError
from gridledger.model.identifier import SystemIdentifier
from gridledger.web import OpenClient

__all__ = ["group", "key_option", "node_option", "wallet_option"]

key_option = click.option(
    "--key",
    "key_file",
    type=click.Path(path_type=Path, dir_okay=False),
    required=True,
    help="File of the address's secret, as `edge device key` writes it.",
)

node_option = click.option("--node", required=True, help="Origin of the storage node.")
wallet_option = click.option(
    "--wallet",
    type=click.Path(path_type=Path, dir_okay=False),
    required=True,
    help="File that keeps which of the device's keys were used; made where it is missing.",
)


@click.group("device")
def group() -> None:
    """Register side devices, issue their keys, and publish receivers' addresses."""


@group.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@with_output
def key(output: Output, file: Path) -> None:
    """Draw the secret of a stealth address into FILE, and show the address."""
    secret = SpendSecret.generate()
    secret.reveal().save(file)
    output.show({"address": str(secret.address)}, fields)


@group.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@key_option
@with_output
def view(output: Output, file: Path, key_file: Path) -> None:
    """Write the view secret of an address into FILE, for a gateway that scans and opens nothing."""
    secret = SpendSecret(SecretKey.load(key_file)).view
    secret.reveal().save(file)
    output.show({"address": str(secret.address)}, fields)


@group.command()
@click.argument("issuer")
@click.argument("devices", nargs=-1, required=True)
@with_party
@with_output
def register(output: Output, party: PartyChoice, issuer: str, devices: tuple[str, ...]) -> None:
    """Register DEVICES, each as OWN_CODE=ADDRESS, as side devices of ISSUER."""
    system = SystemIdentifier(issuer)
    entries = []
    for one in devices:
        own_code, _, address = one.rpartition("=")
        if not own_code:
            raise ModelError({"devices": "want OWN_CODE=ADDRESS"}, subject=one)
        published = publish_address(StealthAddress.parse(address))
        entries.append(SideDeviceEntry(device=system.device(own_code), address=published))
    show_record(output, party.run(lambda one: EdgeLedger(one.network).register_side_devices(system, entries)))


@group.command("list")
@click.argument("issuer")
@with_party
@with_output
def list_(output: Output, party: PartyChoice, issuer: str) -> None:
    """List the side devices of ISSUER."""
    found = party.run(lambda one: EdgeLedger(one.network).side_devices(SystemIdentifier(issuer)))
    show_records(output, found, ("entry.device", "entry.address.spend_key", "registered_ms"))


@group.command()
@click.argument("issuer")
@click.argument("period", type=click.IntRange(1, 999_999))
@click.option(
    "--keys",
    type=click.IntRange(1),
    required=True,
    help="Messages that each device may send; eight times as many as it will hide it better.",
)
@click.option("--ring", type=click.IntRange(3, 32), default=11, show_default=True, help="Keys of a ring.")
@click.option(
    "--bytes", "size", type=click.IntRange(64, 65_536), default=256, show_default=True, help="Of an envelope."
)
@click.option("--for", "lasts_ms", type=Duration(), default="1d", show_default=True, help="From now on.")
@with_party
@with_output
def issue(
    output: Output,
    party: PartyChoice,
    issuer: str,
    period: int,
    keys: int,
    ring: int,
    size: int,
    lasts_ms: int,
) -> None:
    """Issue the membership keys of PERIOD to all side devices of ISSUER, and open it."""
    now_ms = int(time.time() * 1000)
    with output.progress("issuing keys"):
        opened = party.run(
            lambda one: issue_period(
                EdgeLedger(one.network),
                SystemIdentifier(issuer),
                period,
                keys_per_device=keys,
                ring_size=ring,
                envelope_bytes=size,
                starts_ms=now_ms,
                ends_ms=now_ms + lasts_ms,
            )
        )
    show_record(output, opened)


@group.command()
@click.argument("issuer")
@click.argument("period", type=click.IntRange(1, 999_999))
@with_party
@with_output
def period(output: Output, party: PartyChoice, issuer: str, period: int) -> None:
    """Show PERIOD of ISSUER."""
    show_record(
        output, party.run(lambda one: EdgeLedger(one.network).period(SystemIdentifier(issuer), period))
    )


@group.command()
@click.argument("system")
@key_option
@with_party
@with_output
def receiver(output: Output, party: PartyChoice, system: str, key_file: Path) -> None:
    """Publish the stealth address to which envelopes for SYSTEM are sealed."""
    address = publish_address(SpendSecret(SecretKey.load(key_file)).address)
    show_record(
        output,
        party.run(lambda one: EdgeLedger(one.network).set_receiver(SystemIdentifier(system), address)),
    )


@group.command()
@click.argument("system")
@with_party
@with_output
def address(output: Output, party: PartyChoice, system: str) -> None:
    """Show the stealth address of SYSTEM as a text, for devices that are to send to it."""
    found = party.run(lambda one: EdgeLedger(one.network).receiver(SystemIdentifier(system)))
    output.show({"address": str(as_address(found.address))}, fields)


@group.command()
@click.argument("deposit")
@node_option
@wallet_option
@key_option
@with_output
def receipt(output: Output, deposit: str, node: str, wallet: Path, key_file: Path) -> None:
    """Check, as the device that sent DEPOSIT, that its receiver has signed for it."""
    secret = SpendSecret(SecretKey.load(key_file))

    async def work() -> SignedEnvelopeReceipt:
        with MembershipWallet(wallet, secret) as keys:
            async with OpenClient(node) as client:
                return await SideDevice(keys, client).receipt(deposit)

    show_record(output, asyncio.run(work()))
