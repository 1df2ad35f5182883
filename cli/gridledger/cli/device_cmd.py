"""`gridledger device`: register devices, look them up, and put labels on them."""

from __future__ import annotations

from pathlib import Path

import click

from gridledger.cli.command import with_output
from gridledger.cli.device_change_cmd import commands
from gridledger.cli.device_label_cmd import all_devices, label, labels, read
from gridledger.cli.output import Output
from gridledger.cli.party_option import ConfigChoice, PartyChoice, with_config, with_party
from gridledger.cli.record_view import show_items, show_record, show_records
from gridledger.exchange.device_file import read_devices
from gridledger.model.identifier import DeviceIdentifier, SystemIdentifier

__all__ = ["group"]


@click.group("device")
def group() -> None:
    """Register devices under their own codes, look them up, and make and read their labels."""


@group.command()
@click.option(
    "--file",
    "listed",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="A list of devices and other objects, CSV or JSON; those of the configuration by default.",
)
@click.option("--call-key", help="Key of this call: repeated with it, it returns the same results.")
@with_config
@with_output
def register(output: Output, config: ConfigChoice, listed: Path | None, call_key: str | None) -> None:
    """Register devices and other objects, up to 2,000 in one transaction."""
    entries = None if listed is None else read_devices(listed)
    with output.progress("registering devices"):
        results = config.run(lambda one: one.register_devices(entries, call_key=call_key))
    show_items(output, results)


@group.command()
@click.argument("device")
@with_party
@with_output
def show(output: Output, party: PartyChoice, device: str) -> None:
    """Show a device by its identifier."""
    show_record(output, party.run(lambda one: one.ledger.device(DeviceIdentifier.parse(device))))


@group.command("list")
@click.argument("system")
@with_party
@with_output
def list_(output: Output, party: PartyChoice, system: str) -> None:
    """List the devices of a system."""
    owner = SystemIdentifier(system)
    devices = party.run(lambda one: all_devices(one, owner))
    show_records(output, devices, ("identifier", "name", "kind", "state", "fields"))


for _command in (label, labels, read, *commands):
    group.add_command(_command)
