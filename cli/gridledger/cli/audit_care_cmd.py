"""Commands of `gridledger audit` over persons, and over what is registered already."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import click

from gridledger.cli.change_command import DEVICES
from gridledger.cli.command import with_output
from gridledger.cli.moment_option import validity_of, with_validity
from gridledger.cli.output import Output
from gridledger.cli.party_option import PartyChoice, with_party
from gridledger.cli.record_view import show_items, show_record, show_records
from gridledger.exchange.party import Party
from gridledger.model.change import DeviceChange, SystemChange
from gridledger.model.digest import Digest
from gridledger.model.identifier import DeviceIdentifier, SystemIdentifier
from gridledger.model.lifecycle import Validity
from gridledger.model.person import Person, RegistrationPolicy
from gridledger.model.states import IdentifierState

__all__ = ["commands"]

_ROOT = click.option("--root", required=True, help="The root, such as 88.1042.")
_STATES = [IdentifierState.ACTIVE.value, IdentifierState.SUSPENDED.value, IdentifierState.REVOKED.value]


@click.command()
@click.argument("enterprise")
@_ROOT
@with_party
@with_output
def persons(output: Output, party: PartyChoice, enterprise: str, root: str) -> None:
    """List the persons who act, or want to act, for an enterprise."""

    async def work(one: Party) -> list[Person]:
        found: list[Person] = []
        bookmark = ""
        while True:
            page = await one.ledger.persons(SystemIdentifier(root), enterprise, bookmark)
            found.extend(page.persons)
            bookmark = page.bookmark
            if not bookmark:
                return found

    show_records(output, party.run(work), ("name", "state", "agent.subject", "reason"))


@click.command("approve-person")
@click.argument("enterprise")
@click.argument("pseudonym")
@click.option(
    "--papers",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    required=True,
    help="The papers as the auditor saw them; their digest must be that of the application.",
)
@_ROOT
@with_party
@with_output
def approve_person(
    output: Output, party: PartyChoice, enterprise: str, pseudonym: str, papers: Path, root: str
) -> None:
    """Approve a person who acts for an enterprise."""
    digest = Digest.of(papers.read_bytes())
    show_record(
        output,
        party.run(
            lambda one: one.ledger.approve_person(SystemIdentifier(root), enterprise, pseudonym, digest)
        ),
    )


@click.command("reject-person")
@click.argument("enterprise")
@click.argument("pseudonym")
@click.argument("reason")
@_ROOT
@with_party
@with_output
def reject_person(
    output: Output, party: PartyChoice, enterprise: str, pseudonym: str, reason: str, root: str
) -> None:
    """Reject a person, or withdraw an approval."""
    show_record(
        output,
        party.run(
            lambda one: one.ledger.reject_person(SystemIdentifier(root), enterprise, pseudonym, reason)
        ),
    )


@click.command()
@click.option(
    "--persons-required/--no-persons-required",
    default=None,
    help="Set, as a platform administrator, whether an approved person has to vouch for each application.",
)
@_ROOT
@with_party
@with_output
def policy(output: Output, party: PartyChoice, persons_required: bool | None, root: str) -> None:
    """Show what a root asks of applications, or set it."""
    identifier = SystemIdentifier(root)
    if persons_required is None:
        show_record(output, party.run(lambda one: one.ledger.registration_policy(identifier)))
        return
    wanted = RegistrationPolicy(persons_required=persons_required)
    show_record(output, party.run(lambda one: one.ledger.set_registration_policy(identifier, wanted)))


@click.command("change-system")
@click.argument("system")
@click.argument("reason")
@click.option("--state", type=click.Choice(_STATES), help="Its new state.")
@with_validity
@with_party
@with_output
def change_system(
    output: Output,
    party: PartyChoice,
    system: str,
    reason: str,
    state: str | None,
    begin: datetime | None,
    until: datetime | None,
) -> None:
    """Suspend a system, make it active again, revoke it, or set when it is valid."""
    span: Validity | None = validity_of(begin, until)
    change = SystemChange(
        state=None if state is None else IdentifierState(state),
        validity=None if span == Validity() and state is not None else span,
        reason=reason,
    )
    show_record(output, party.run(lambda one: one.ledger.change_system(SystemIdentifier(system), change)))


@click.command("change-prefix")
@click.argument("system")
@with_party
@with_output
def change_prefix(output: Output, party: PartyChoice, system: str) -> None:
    """Give a business system a new prefix; its owner brings the devices there by `device move`."""
    show_record(output, party.run(lambda one: one.ledger.change_prefix(SystemIdentifier(system))))


@click.command("change-devices")
@click.argument("devices", nargs=-1, required=True)
@click.option("--state", type=click.Choice(_STATES), required=True, help="Their new state.")
@click.option("--reason", required=True, help="Why; it stands on the ledger.")
@with_party
@with_output
def change_devices(
    output: Output, party: PartyChoice, devices: tuple[str, ...], state: str, reason: str
) -> None:
    """Suspend devices, make them active again, or revoke them, for the platform."""
    changes = [
        DeviceChange(device=DeviceIdentifier.parse(one), state=IdentifierState(state), reason=reason)
        for one in devices
    ]
    show_items(output, party.run(lambda one: DEVICES.submit(one, changes)))


commands: tuple[click.Command, ...] = (
    persons,
    approve_person,
    reject_person,
    policy,
    change_system,
    change_prefix,
    change_devices,
)
