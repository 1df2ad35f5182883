"""Commands of `gridledger device` that change what is registered, and show what it was."""

from __future__ import annotations

from collections.abc import Iterable

import click

from gridledger.cli.change_command import DEVICES, state_commands, validity_command
from gridledger.cli.command import with_output
from gridledger.cli.output import Output
from gridledger.cli.party_option import ConfigChoice, PartyChoice, with_config, with_party
from gridledger.cli.record_view import show_items, show_records
from gridledger.exchange.business_system import BusinessSystem
from gridledger.exchange.party import Party
from gridledger.model.change import DeviceMove
from gridledger.model.device import MAX_BATCH_ITEMS, Device, ItemResult, ObjectClass
from gridledger.model.identifier import DeviceIdentifier, SystemIdentifier
from gridledger.model.states import IdentifierState

__all__ = ["commands"]


@click.command()
@click.argument("device")
@click.argument("own_code")
@click.option("--call-key", help="Key of this call, to repeat it after a crash.")
@with_config
@with_output
def rename(output: Output, config: ConfigChoice, device: str, own_code: str, call_key: str | None) -> None:
    """Give a device another OWN_CODE; its old identifier leads to the new one."""
    old = DeviceIdentifier.parse(device)
    move = DeviceMove(device=old, to=old.system.device(own_code))
    show_items(
        output,
        config.run(lambda one: one.party.ledger.move_devices(old.system, [move], call_key=call_key)),
    )


@click.command()
@click.argument("system")
@with_config
@with_output
def move(output: Output, config: ConfigChoice, system: str) -> None:
    """Bring all devices of SYSTEM below the prefix that it has moved to; may be repeated."""
    old = SystemIdentifier(system)

    async def work(one: BusinessSystem) -> list[ItemResult]:
        ledger = one.party.ledger
        prefix = (await ledger.system(old)).moved_to
        if prefix is None:
            raise click.UsageError(f"{old} has no new prefix")
        results: list[ItemResult] = []
        bookmark = ""
        while True:
            page = await ledger.devices(old, bookmark)
            for part in _calls([one for one in page.devices if one.moved_to is None]):
                moves = [
                    DeviceMove(device=device.identifier, to=prefix.device(device.identifier.own_code))
                    for device in part
                ]
                results += await ledger.move_devices(old, moves)
            bookmark = page.bookmark
            if not bookmark:
                return results

    with output.progress("moving devices"):
        results = config.run(work)
    show_items(output, results)


def _calls(devices: list[Device]) -> Iterable[list[Device]]:
    """Part devices so that they fit a call with their fields."""
    part: list[Device] = []
    size = 0
    for device in devices:
        needed = 1 + len(device.fields)
        if part and size + needed > MAX_BATCH_ITEMS:
            yield part
            part, size = [], 0
        part.append(device)
        size += needed
    if part:
        yield part


@click.command()
@click.argument("device")
@click.option("--name", help="Another name.")
@click.option("--description", help="Another description.")
@click.option("--region", help="Another region.")
@with_config
@with_output
def describe(
    output: Output,
    config: ConfigChoice,
    device: str,
    name: str | None,
    description: str | None,
    region: str | None,
) -> None:
    """Change the description of a device."""
    DEVICES.run(output, config, [device], name=name, description=description, region=region)


@click.command()
@click.argument("device")
@with_party
@with_output
def history(output: Output, party: PartyChoice, device: str) -> None:
    """Show all versions of a device, the newest first, under all identifiers that it had."""
    found = party.run(lambda one: one.ledger.device_history(DeviceIdentifier.parse(device)))
    columns = ("version.claimed_ms", "device.identifier", "device.state", "device.name", "device.moved_to")
    show_records(output, found, columns)


@click.command()
@click.argument("system")
@click.argument("object_class", type=click.Choice([one.value for one in ObjectClass]))
@with_party
@with_output
def objects(output: Output, party: PartyChoice, system: str, object_class: str) -> None:
    """List the plants, projects or products of a system."""
    owner, kind = SystemIdentifier(system), ObjectClass(object_class)

    async def work(one: Party) -> list[Device]:
        found: list[Device] = []
        bookmark = ""
        while True:
            page = await one.ledger.objects(owner, kind, bookmark)
            found.extend(page.devices)
            bookmark = page.bookmark
            if not bookmark:
                return found

    show_records(output, party.run(work), ("identifier", "name", "kind", "state", "region"))


@click.command()
@click.argument("call_key")
@with_config
@with_output
def results(output: Output, config: ConfigChoice, call_key: str) -> None:
    """Show the results of a batch that was done under CALL_KEY, of devices or of fields."""
    show_items(output, config.run(lambda one: one.party.ledger.batch_results(call_key)))


commands: tuple[click.Command, ...] = (
    rename,
    move,
    validity_command(DEVICES),
    describe,
    history,
    objects,
    results,
    *state_commands(
        DEVICES,
        {
            "register-planned": (
                IdentifierState.REGISTERED,
                "Say that planned devices are described now.",
            ),
            "allocate": (
                IdentifierState.ALLOCATED,
                "Say that devices have their labels; auditors approve them.",
            ),
            "suspend": (IdentifierState.SUSPENDED, "Suspend devices: they resolve no more."),
            "resume": (IdentifierState.ACTIVE, "Make devices active that their owner suspended."),
            "revoke": (IdentifierState.REVOKED, "Revoke devices for good."),
        },
    ),
)
