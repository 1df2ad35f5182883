"""`gridledger device`: register devices and look them up."""

from __future__ import annotations

import click

from gridledger.cli.command import with_output
from gridledger.cli.output import Output
from gridledger.cli.party_option import ConfigChoice, PartyChoice, with_config, with_party
from gridledger.cli.record_view import show_items, show_record, show_records
from gridledger.exchange.party import Party
from gridledger.model.device import Device
from gridledger.model.identifier import DeviceIdentifier, SystemIdentifier

__all__ = ["group"]


@click.group("device")
def group() -> None:
    """Register devices under their own codes, and look them up."""


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

    async def devices(one: Party) -> list[Device]:
        found: list[Device] = []
        bookmark = ""
        while True:
            page = await one.ledger.devices(SystemIdentifier(system), bookmark)
            found.extend(page.devices)
            bookmark = page.bookmark
            if not bookmark:
                return found

    show_records(output, party.run(devices), ("identifier", "name", "kind", "state", "fields"))
