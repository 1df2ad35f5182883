"""`gridledger resolve`: requests, resolutions and verdicts."""

from __future__ import annotations

from pathlib import Path

import click

from gridledger.cli.command import with_output
from gridledger.cli.output import Output
from gridledger.cli.party_option import PartyChoice, with_party
from gridledger.cli.record_view import show_record, show_records
from gridledger.cli.selector_argument import parse_selectors
from gridledger.exchange.aggregation_system import AggregationSystem
from gridledger.exchange.data_application import DataApplication
from gridledger.exchange.party import Party
from gridledger.model.identifier import DeviceIdentifier, SystemIdentifier
from gridledger.model.money import format_yuan
from gridledger.model.period import Day
from gridledger.model.record import ModelValue, value
from gridledger.model.resolution import Resolution, SignedRequest

__all__ = ["group"]


@value
class _Line(ModelValue):
    """A field of a resolution, as a line of a table."""

    resolution: str
    field: str
    periods: str
    withheld: str
    yuan: str


@click.group("resolve")
def group() -> None:
    """Sign requests, resolve and forward them, show resolutions and verdicts."""


@group.command()
@click.argument("application")
@click.argument("device")
@click.option("--on-behalf-of", "worker", required=True, help="The application's user.")
@click.option("--role", required=True, help="The user's role.")
@click.option("--function", required=True, help="The function, which has a rule.")
@click.option("--purpose", required=True, help="What for, for the owners.")
@click.option("--first", required=True, help="First day, YYYY-MM-DD.")
@click.option("--last", required=True, help="Last day.")
@click.option("--wanted", multiple=True, metavar="SYSTEM#NAME", help="Fields of the rule; all by default.")
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    required=True,
    help="File for the signed request.",
)
@with_party
@with_output
def sign(
    output: Output,
    party: PartyChoice,
    application: str,
    device: str,
    worker: str,
    role: str,
    function: str,
    purpose: str,
    first: str,
    last: str,
    wanted: tuple[str, ...],
    out: Path,
) -> None:
    """Sign a request for DEVICE, as the data application APPLICATION; it counts for five minutes."""

    async def work(one: Party) -> SignedRequest:
        return await DataApplication(one, SystemIdentifier(application)).request(
            user=worker,
            user_role=role,
            function=function,
            purpose=purpose,
            device=DeviceIdentifier.parse(device),
            first=Day(first),
            last=Day(last),
            wanted=parse_selectors(wanted),
        )

    signed = party.run(work)
    out.write_bytes(signed.to_bytes())
    show_record(output, signed.request)


@group.command()
@click.argument("request", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--root", required=True, help="The aggregation system's root.")
@with_party
@with_output
def forward(output: Output, party: PartyChoice, request: Path, root: str) -> None:
    """Resolve a signed request, as the aggregation system, and show what the verdict lets through."""
    signed = SignedRequest.from_bytes(request.read_bytes())

    async def work(one: Party) -> Resolution:
        async with AggregationSystem(one, SystemIdentifier(root)) as aggregation:
            return await aggregation.resolve(signed)

    with output.progress("asking the owners"):
        resolution = party.run(work)
    _show(output, resolution)


@group.command()
@click.argument("resolution")
@with_party
@with_output
def show(output: Output, party: PartyChoice, resolution: str) -> None:
    """Show a resolution, a line for each field."""
    _show(output, party.run(lambda one: one.ledger.resolution(resolution)))


@group.command()
@click.argument("resolution")
@with_party
@with_output
def verdict(output: Output, party: PartyChoice, resolution: str) -> None:
    """Show the verdict of a resolution, a line for each field and period."""
    found = party.run(lambda one: one.ledger.verdict(resolution))
    show_records(
        output, found.checks, ("field", "check.period", "check.outcome", "check.rows", "check.late_rows")
    )


def _show(output: Output, resolution: Resolution) -> None:
    lines = [
        _Line(
            resolution=resolution.id,
            field=str(field.field),
            periods=", ".join(str(check.period) for check in field.intact()),
            withheld="yes" if field.withheld else "",
            yuan=format_yuan(field.price_milliyuan),
        )
        for target in resolution.targets
        for field in target.fields
    ]
    show_records(output, lines, ("field", "periods", "withheld", "yuan"))
    if not output.is_json:
        output.show(resolution.id, lambda text: f"Resolution {text}")
