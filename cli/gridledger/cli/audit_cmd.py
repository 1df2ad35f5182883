"""`gridledger audit`: what auditors decide."""

from __future__ import annotations

from pathlib import Path
from typing import TextIO

import click

from gridledger.cli.audit_care_cmd import commands
from gridledger.cli.command import with_output
from gridledger.cli.output import Output
from gridledger.cli.party_option import PartyChoice, with_party
from gridledger.cli.record_view import show_items, show_record
from gridledger.exchange.party import Party
from gridledger.model.device import MAX_BATCH_ITEMS, DeviceApproval, ItemResult
from gridledger.model.digest import Digest
from gridledger.model.identifier import DeviceIdentifier, SystemIdentifier

__all__ = ["group"]


@click.group("audit")
def group() -> None:
    """Approve and reject, as an auditor of the platform."""


@group.command()
@click.argument("application")
@with_party
@with_output
def approve(output: Output, party: PartyChoice, application: str) -> None:
    """Approve an application whose check passed: the system gets its identifier and account."""
    show_record(output, party.run(lambda one: one.ledger.approve_system(application)))


@group.command()
@click.argument("application")
@click.argument("reason")
@with_party
@with_output
def reject(output: Output, party: PartyChoice, application: str, reason: str) -> None:
    """Reject an application; the system may apply again."""
    show_record(output, party.run(lambda one: one.ledger.reject_system(application, reason)))


@group.command("approve-devices")
@click.argument("devices", nargs=-1)
@click.option(
    "--file",
    "listed",
    type=click.File(errors="replace"),
    help="A list of more devices, an identifier a line; `-` is standard input.",
)
@click.option("--root", required=True, help="The root below which they stand.")
@click.option(
    "--evidence",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    required=True,
    help="The document that shows that they exist; its digest is deposited.",
)
@with_party
@with_output
def approve_devices(
    output: Output,
    party: PartyChoice,
    devices: tuple[str, ...],
    listed: TextIO | None,
    root: str,
    evidence: Path,
) -> None:
    """Approve that devices exist: they become active; up to 2,000 in one transaction."""
    names = [*devices, *(line.strip() for line in listed or () if line.strip())]
    if not names:
        raise click.UsageError("want DEVICES or --file")
    digest = Digest.of(evidence.read_bytes())
    approvals = [DeviceApproval(device=DeviceIdentifier.parse(one), evidence=digest) for one in names]

    async def work(one: Party) -> list[ItemResult]:
        results: list[ItemResult] = []
        for first in range(0, len(approvals), MAX_BATCH_ITEMS):
            batch = approvals[first : first + MAX_BATCH_ITEMS]
            results.extend(await one.ledger.approve_devices(SystemIdentifier(root), batch))
        return results

    with output.progress("approving devices"):
        results = party.run(work)
    show_items(output, results)


for _command in commands:
    group.add_command(_command)
