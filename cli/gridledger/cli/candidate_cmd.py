"""`gridledger catalogue candidates`, `find`, `confirm`, `reject`: associations that are in doubt."""

from __future__ import annotations

import click

from gridledger.cli.command import with_output
from gridledger.cli.output import Output
from gridledger.cli.party_option import PartyChoice, with_party
from gridledger.cli.record_view import show_page, show_record, show_records
from gridledger.exchange.association_agent import AssociationAgent
from gridledger.model.association import DevicePair
from gridledger.model.identifier import DeviceIdentifier, SystemIdentifier

__all__ = ["confirm_command", "find_command", "list_command", "reject_command"]

_COLUMNS = ("devices.first", "devices.second", "identity.scheme", "identity.value", "doubt", "state")
_ROOT = click.option("--root", required=True, help="The aggregation system's root.")


@click.command("candidates")
@_ROOT
@click.option("--bookmark", default="", help="Where the page before ended.")
@with_party
@with_output
def list_command(output: Output, party: PartyChoice, root: str, bookmark: str) -> None:
    """Show devices that may be one, and what their owners say."""
    page = party.run(lambda one: one.ledger.candidates(SystemIdentifier(root), bookmark))
    show_page(output, page, "candidates", (*_COLUMNS, "confirmed_by"))


@click.command("find")
@click.argument("systems", nargs=-1, required=True)
@_ROOT
@with_party
@with_output
def find_command(output: Output, party: PartyChoice, systems: tuple[str, ...], root: str) -> None:
    """Propose devices of SYSTEMS whose identities are alike, as the aggregation system."""
    owners = [SystemIdentifier(system) for system in systems]
    with output.progress("Comparing identities"):
        proposed = party.run(lambda one: AssociationAgent(one, SystemIdentifier(root)).propose(owners))
    show_records(output, proposed, _COLUMNS)


@click.command("confirm")
@click.argument("system")
@click.argument("device")
@click.argument("other")
@_ROOT
@with_party
@with_output
def confirm_command(
    output: Output, party: PartyChoice, system: str, device: str, other: str, root: str
) -> None:
    """Say as SYSTEM, which owns one of them, that DEVICE and OTHER are one."""
    pair = DevicePair.of(DeviceIdentifier.parse(device), DeviceIdentifier.parse(other))
    below, by = SystemIdentifier(root), SystemIdentifier(system)
    show_record(output, party.run(lambda one: one.ledger.confirm_association(below, by, pair)))


@click.command("reject")
@click.argument("system")
@click.argument("device")
@click.argument("other")
@_ROOT
@with_party
@with_output
def reject_command(
    output: Output, party: PartyChoice, system: str, device: str, other: str, root: str
) -> None:
    """Say as SYSTEM, which owns one of them, that DEVICE and OTHER are two."""
    pair = DevicePair.of(DeviceIdentifier.parse(device), DeviceIdentifier.parse(other))
    below, by = SystemIdentifier(root), SystemIdentifier(system)
    show_record(output, party.run(lambda one: one.ledger.reject_association(below, by, pair)))
