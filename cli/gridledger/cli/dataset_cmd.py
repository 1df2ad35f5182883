"""`gridledger dataset`: datasets of a lake on the ledger, with their versions and sharing policies."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import click

from gridledger.cli.command import with_output
from gridledger.cli.output import Output
from gridledger.cli.owned_lake_option import LakeChoice, with_owned_lake
from gridledger.cli.party_option import PartyChoice, with_party
from gridledger.cli.policy_cmd import commands as policy_commands
from gridledger.cli.record_view import show_items, show_page, show_record, show_records
from gridledger.cli.watching_option import with_watching
from gridledger.client import FileCheckpoint
from gridledger.exchange.party import Party
from gridledger.lake.ledger import LakeLedger, OwnedLake, OwnerAgent, check_versions, publish_version
from gridledger.model.dataset import DatasetEntry, DatasetIdentifier, DatasetVersion
from gridledger.model.device import ItemResult
from gridledger.model.identifier import SystemIdentifier
from gridledger.model.period import Day

__all__ = ["group"]

_COLUMNS = ("entry.identifier", "entry.title", "entry.labels")
_VERSIONS = ("statement.number", "statement.size_bytes", "statement.blocks", "statement.root", "stored_ms")
_FOUND = 1
"""Exit code where a version is missing or changed."""
_POLL_S = 0.2

_day = click.DateTime(formats=["%Y-%m-%d"])


@click.group("dataset")
def group() -> None:
    """Register datasets of a lake, have versions checked by a custodian, say who may have them."""


for _command in policy_commands:
    group.add_command(_command)


def _described(command: Callable[..., None]) -> Callable[..., None]:
    """Take a dataset and what is said of it."""
    for add in (
        click.option("--label", "labels", multiple=True, help="A word that it is found by; may be repeated."),
        click.option("--description", default="", help="What it is, in more words."),
        click.option("--title", required=True, help="What it is, in a few words."),
        click.argument("dataset"),
    ):
        command = add(command)
    return command


@group.command()
@_described
@with_party
@with_output
def register(
    output: Output, party: PartyChoice, dataset: str, title: str, description: str, labels: tuple[str, ...]
) -> None:
    """Register DATASET, as PREFIX/NAME with the name that it has in the owner's lake."""
    entry = _entry(dataset, title, description, labels)
    show_record(output, party.run(lambda one: LakeLedger(one.network).register_dataset(entry)))


@group.command()
@_described
@with_party
@with_output
def describe(
    output: Output, party: PartyChoice, dataset: str, title: str, description: str, labels: tuple[str, ...]
) -> None:
    """Give DATASET another title, description and labels."""
    entry = _entry(dataset, title, description, labels)
    show_record(output, party.run(lambda one: LakeLedger(one.network).describe_dataset(entry)))


@group.command()
@click.argument("dataset")
@click.option("--reason", required=True, help="Why; everybody reads it.")
@with_party
@with_output
def withdraw(output: Output, party: PartyChoice, dataset: str, reason: str) -> None:
    """Take DATASET back: no version is added and nobody new admitted; grants run out."""
    name = DatasetIdentifier.parse(dataset)
    show_record(output, party.run(lambda one: LakeLedger(one.network).withdraw_dataset(name, reason)))


@group.command("list")
@click.argument("owner", required=False)
@click.option("--label", help="Those of all owners that have this label.")
@click.option("--bookmark", default="", help="Where the page before ended.")
@with_party
@with_output
def list_(output: Output, party: PartyChoice, owner: str | None, label: str | None, bookmark: str) -> None:
    """List the datasets of OWNER, a system identifier, or those with a label."""
    if (owner is None) == (label is None):
        raise click.UsageError("want OWNER or --label")

    async def read(one: Party) -> None:
        ledger = LakeLedger(one.network)
        if label is not None:
            page = await ledger.find_datasets(label, bookmark)
        else:
            page = await ledger.datasets(SystemIdentifier(owner or ""), bookmark)
        show_page(output, page, "datasets", _COLUMNS)

    party.run(read)


@group.command()
@click.argument("dataset")
@with_party
@with_output
def show(output: Output, party: PartyChoice, dataset: str) -> None:
    """Show DATASET."""
    name = DatasetIdentifier.parse(dataset)
    show_record(output, party.run(lambda one: LakeLedger(one.network).dataset(name)))


@group.command()
@click.argument("dataset")
@click.option("--bookmark", default="", help="Where the page before ended.")
@with_party
@with_output
def versions(output: Output, party: PartyChoice, dataset: str, bookmark: str) -> None:
    """List the versions of DATASET, those included that no custodian has signed for."""
    name = DatasetIdentifier.parse(dataset)
    page = party.run(lambda one: LakeLedger(one.network).versions(name, bookmark))
    show_page(output, page, "versions", _VERSIONS)


@group.command()
@click.argument("dataset")
@click.option("--custodian", required=True, help="Who is to check it: see `custodian list`.")
@click.option("--number", type=click.IntRange(1), help="The version in the lake; the newest by default.")
@click.option("--unit", default="", help="What its values are measured in, such as kWh.")
@click.option("--first", type=_day, help="First day that it is about.")
@click.option("--last", type=_day, help="Last day that it is about.")
@click.option(
    "--wait",
    "wait_s",
    type=click.FloatRange(0, 86_400),
    default=0.0,
    help="Seconds to wait for the custodian's receipt.",
)
@with_owned_lake
@with_party
@with_output
def version(
    output: Output,
    party: PartyChoice,
    lake: LakeChoice,
    dataset: str,
    custodian: str,
    number: int | None,
    unit: str,
    first: datetime | None,
    last: datetime | None,
    wait_s: float,
) -> None:
    """Propose a version of DATASET, as it lies in the lake, for a custodian to check."""
    if (first is None) != (last is None):
        raise click.UsageError("want --first and --last together")
    days = (Day(f"{first:%Y-%m-%d}"), Day(f"{last:%Y-%m-%d}")) if first and last else None
    name = DatasetIdentifier.parse(dataset)

    async def publish(one: Party, owned: OwnedLake) -> DatasetVersion:
        ledger = LakeLedger(one.network)
        proposed = await publish_version(ledger, owned, name, custodian, number=number, unit=unit, days=days)
        return await _until_stored(ledger, proposed, wait_s)

    with lake.opened() as owned, output.progress("Publishing"):
        published = party.run(lambda one: publish(one, owned))
    show_record(output, published)


@group.command()
@click.argument("dataset")
@with_owned_lake
@with_party
@with_output
def check(output: Output, party: PartyChoice, lake: LakeChoice, dataset: str) -> None:
    """Compare the lake's versions of DATASET with the ledger's; end with 1 if one is missing or changed."""
    name = DatasetIdentifier.parse(dataset)
    with lake.opened() as owned:
        checks = party.run(lambda one: check_versions(LakeLedger(one.network), owned, name))
    show_records(output, checks, ("number", "state", "deposited", "actual", "problem"))
    if any(one.state.is_wrong for one in checks):
        raise click.exceptions.Exit(_FOUND)


@group.command()
@click.argument("owner")
@click.option(
    "--checkpoint",
    type=click.Path(path_type=Path, dir_okay=False),
    help="File that keeps how far it has come; from the first block by default.",
)
@click.option("--all-versions", is_flag=True, help="Seal every version anew after a revocation.")
@click.option("--once", is_flag=True, help="End when all blocks so far are done.")
@with_owned_lake
@with_party
@with_output
@with_watching
def watch(
    output: Output,
    party: PartyChoice,
    lake: LakeChoice,
    owner: str,
    checkpoint: Path | None,
    all_versions: bool,
    once: bool,
) -> None:
    """Run the agent of OWNER, a system: grant what is admitted, seal anew what was revoked or has run out."""

    async def follow(one: Party, owned: OwnedLake) -> tuple[ItemResult, ...]:
        agent = OwnerAgent(
            LakeLedger(one.network),
            SystemIdentifier(owner),
            owned,
            all_versions=all_versions,
            checkpoint=None if checkpoint is None else FileCheckpoint(checkpoint),
            on_result=None if once else lambda result: output.step(result.to_value()),
        )
        if not once:
            await agent.run()
            return ()
        await agent.expire()
        return await agent.catch_up()

    with lake.opened() as owned, output.progress("Following the chain"):
        results = party.run(lambda one: follow(one, owned))
    show_items(output, results)


def _entry(dataset: str, title: str, description: str, labels: tuple[str, ...]) -> DatasetEntry:
    return DatasetEntry(
        identifier=DatasetIdentifier.parse(dataset),
        title=title,
        description=description,
        labels=tuple(sorted(set(labels))),
    )


async def _until_stored(ledger: LakeLedger, proposed: DatasetVersion, wait_s: float) -> DatasetVersion:
    """Return the version once it is stored, or as it stands when the time is over."""
    clock = asyncio.get_running_loop().time
    until = clock() + wait_s
    current = proposed
    while not current.is_stored and clock() < until:
        await asyncio.sleep(_POLL_S)
        current = await ledger.version(proposed.statement.dataset, proposed.statement.number)
    return current
