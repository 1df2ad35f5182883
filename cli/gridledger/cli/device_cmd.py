"""`gridledger device`: register devices, look them up, and put labels on them."""

from __future__ import annotations

import click

from gridledger.cli.command import with_output
from gridledger.cli.device_label_cmd import all_devices, label, labels, read
from gridledger.cli.output import Output
from gridledger.cli.party_option import ConfigChoice, PartyChoice, with_config, with_party
from gridledger.cli.record_view import show_items, show_record, show_records
from gridledger.model.identifier import DeviceIdentifier, SystemIdentifier

__all__ = ["group"]


@click.group("device")
def group() -> None:
    """Register devices under their own codes, look them up, and make and read their labels."""


@group.command()
@click.option("--call-key", help="Key of this call, to repeat it after a crash.")
@with_config
@with_output
def register(output: Output, config: ConfigChoice, call_key: str | None) -> None:
    """Register the devices of the configuration, up to 2,000 in one transaction."""
    show_items(output, config.run(lambda one: one.register_devices(call_key=call_key)))


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


for _command in (label, labels, read):
    group.add_command(_command)
