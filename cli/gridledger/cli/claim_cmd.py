"""`gridledger claim`: what an owner claims that delivered and got no receipt."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from gridledger.cli.command import with_output
from gridledger.cli.output import Output, table
from gridledger.cli.party_option import ConfigChoice, PartyChoice, with_config, with_party
from gridledger.cli.record_view import show_record
from gridledger.exchange.collector import GRACE_S, Collector
from gridledger.model.claim import ClaimDecision
from gridledger.model.digest import Digest
from gridledger.model.identifier import SystemIdentifier

__all__ = ["group"]


@click.group("claim")
def group() -> None:
    """Collect what is owed for deliveries; show, deny and decide claims."""


@group.command()
@click.option("--grace", default=GRACE_S, show_default=True, help="Seconds since the delivery, at least.")
@with_config
@with_output
def collect(output: Output, config: ConfigChoice, grace: float) -> None:
    """Deposit receipts that the application did not deposit, and claim holds where there is none.

    `provider serve` does this by itself twice a minute.
    """
    found = config.run(lambda one: Collector(one, grace_s=grace).collect())
    rows: list[Any] = [{"order": one.order, "outcome": one.outcome.value} for one in found]
    output.show(rows, lambda value: table(value, {"order": "order", "outcome": "outcome"}))


@group.command()
@click.argument("order")
@click.argument("owner")
@with_party
@with_output
def show(output: Output, party: PartyChoice, order: str, owner: str) -> None:
    """Show an owner's claim for its line of ORDER."""
    show_record(output, party.run(lambda one: one.ledger.claim(order, SystemIdentifier(owner))))


@group.command()
@click.argument("order")
@click.argument("owner")
@click.argument("reason")
@with_party
@with_output
def deny(output: Output, party: PartyChoice, order: str, owner: str, reason: str) -> None:
    """Deny a claim within three days, as the data application; an auditor then decides within 30 days."""
    show_record(output, party.run(lambda one: one.ledger.deny_claim(order, SystemIdentifier(owner), reason)))


@group.command()
@click.argument("order")
@click.argument("owner")
@click.argument("reason")
@click.option("--delivered/--not-delivered", required=True, help="Whether the owner is paid.")
@click.option(
    "--evidence",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    required=True,
    help="What shows it; its digest is deposited.",
)
@with_party
@with_output
def decide(
    output: Output,
    party: PartyChoice,
    order: str,
    owner: str,
    reason: str,
    delivered: bool,
    evidence: Path,
) -> None:
    """Decide a claim that was denied, as an auditor of the platform."""
    decision = ClaimDecision(
        order=order,
        owner=SystemIdentifier(owner),
        delivered=delivered,
        reason=reason,
        evidence=Digest.of(evidence.read_bytes()),
    )
    show_record(output, party.run(lambda one: one.ledger.decide_claim(decision)))
