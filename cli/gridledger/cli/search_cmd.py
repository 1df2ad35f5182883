"""`gridledger search`: fields, devices and datasets by words, and the read model that finds them."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeVar

import click

from gridledger.cli.command import with_output
from gridledger.cli.model_option import MODEL_VARIABLE, with_model
from gridledger.cli.output import Output, fields
from gridledger.cli.party_option import PartyChoice, with_party
from gridledger.cli.table_view import show_table, with_csv
from gridledger.cli.watching_option import with_watching
from gridledger.exchange.party import Party
from gridledger.exchange.readmodel import (
    DatasetHit,
    DeviceHit,
    Feeder,
    FieldHit,
    LedgerBlock,
    ReadModel,
    Searcher,
    Wanted,
    WantedDatasets,
)
from gridledger.exchange.settings import parse_identity
from gridledger.model.device import DeclaredIdentity
from gridledger.model.errors import FieldValue
from gridledger.model.identifier import SystemIdentifier
from gridledger.model.money import format_yuan
from gridledger.model.record import ModelValue, value
from gridledger.model.search import Viewer

__all__ = ["group"]

F = TypeVar("F", bound=Callable[..., object])


@value
class _FieldLine(ModelValue):
    """A found field, as a line of a table."""

    field: str
    title: str
    unit: str
    data_type: str
    frequency: str
    state: str
    yuan: str
    device: str
    kind: str
    identities: tuple[str, ...]
    owner: str
    region: str


@value
class _DeviceLine(ModelValue):
    """A found device, as a line of a table."""

    device: str
    name: str
    kind: str
    state: str
    identities: tuple[str, ...]
    owner: str
    region: str


@value
class _DatasetLine(ModelValue):
    """A found dataset, as a line of a table."""

    dataset: str
    title: str
    labels: tuple[str, ...]
    data_type: str
    purposes: tuple[str, ...]
    withdrawn: bool
    number: int | None = None
    size_bytes: int | None = None
    unit: str
    days: str
    owner: str
    region: str


@click.group("search")
def group() -> None:
    """Find fields, devices and datasets by words, as far as the ledger lets the searcher see them."""


def _with_device(function: F) -> F:
    """Give a command the options that say of which devices."""
    for option in (
        click.option("--identity", help="A common identity, such as serial=SN17."),
        click.option("--plant", help="A plant's code: short for --identity plant=CODE."),
        click.option("--kind", help="The kind of device."),
    ):
        function = option(function)
    return function


def _with_viewer(function: F) -> F:
    """Give a command the options that say for whom it searches, and what beside words."""
    for option in (
        click.option("--bookmark", default="", help="Where the page before ended."),
        click.option("--size", default=20, show_default=True, help="Results, up to 100."),
        click.option("--owner", help="The owner's system identifier."),
        click.option("--region", help="The region of field, device or owner."),
        click.option("--role", help="The user's role."),
        click.option("--on-behalf-of", "worker", help="The data application's user."),
        click.option(
            "--as",
            "system",
            required=True,
            help="The system that searches; its root, as the platform. The identity must act for it.",
        ),
    ):
        function = option(function)
    return function


def _viewer(options: dict[str, Any]) -> Viewer:
    return Viewer(
        system=SystemIdentifier(options["system"]), user=options["worker"], user_role=options["role"]
    )


def _wanted(words: tuple[str, ...], options: dict[str, Any], **more: str | None) -> Wanted:
    return Wanted(
        words=" ".join(words),
        kind=options["kind"],
        region=options["region"],
        owner=None if options["owner"] is None else SystemIdentifier(options["owner"]),
        identity=_identity(options),
        size=options["size"],
        bookmark=options["bookmark"],
        **more,
    )


def _identity(options: dict[str, Any]) -> DeclaredIdentity | None:
    if options["plant"] is not None and options["identity"] is not None:
        raise click.UsageError("want --plant or --identity")
    if options["plant"] is not None:
        return DeclaredIdentity(scheme="plant", value=options["plant"])
    return None if options["identity"] is None else parse_identity(options["identity"])


@group.command("fields")
@click.argument("words", nargs=-1)
@_with_viewer
@_with_device
@click.option("--unit", help="Exactly this unit.")
@click.option("--type", "data_type", help="Exactly this data type.")
@with_csv
@with_party
@with_output
@with_model
def fields_(
    model: ReadModel,
    output: Output,
    party: PartyChoice,
    /,
    words: tuple[str, ...],
    unit: str | None,
    data_type: str | None,
    as_csv: bool,
    **options: Any,
) -> None:
    """Find fields that hold all WORDS, in Chinese or in languages with spaces."""
    viewer, wanted = _viewer(options), _wanted(words, options, unit=unit, data_type=data_type)
    page = party.run(lambda one: Searcher(model, one.ledger).fields(viewer, wanted))
    columns = ("field", "title", "unit", "yuan", "owner", "region", "identities")
    lines = [_field_line(hit) for hit in page.fields]
    show_table(output, lines, {name: name for name in columns}, as_csv=as_csv, bookmark=page.bookmark)


@group.command()
@click.argument("words", nargs=-1)
@_with_viewer
@_with_device
@with_csv
@with_party
@with_output
@with_model
def devices(
    model: ReadModel,
    output: Output,
    party: PartyChoice,
    /,
    words: tuple[str, ...],
    as_csv: bool,
    **options: Any,
) -> None:
    """Find devices that hold all WORDS."""
    viewer, wanted = _viewer(options), _wanted(words, options)
    page = party.run(lambda one: Searcher(model, one.ledger).devices(viewer, wanted))
    columns = ("device", "name", "kind", "state", "owner", "region", "identities")
    lines = [_device_line(hit) for hit in page.devices]
    show_table(output, lines, {name: name for name in columns}, as_csv=as_csv, bookmark=page.bookmark)


@group.command()
@click.argument("words", nargs=-1)
@_with_viewer
@click.option("--label", help="Exactly this label.")
@click.option("--type", "data_type", help="How the name ends, such as csv.")
@click.option("--unit", help="Exactly this unit, of the newest stored version.")
@with_csv
@with_party
@with_output
@with_model
def datasets(
    model: ReadModel,
    output: Output,
    party: PartyChoice,
    /,
    words: tuple[str, ...],
    label: str | None,
    data_type: str | None,
    unit: str | None,
    as_csv: bool,
    **options: Any,
) -> None:
    """Find datasets of lakes that hold all WORDS; an application those that admit its user's role."""
    wanted = WantedDatasets(
        words=" ".join(words),
        label=label,
        data_type=data_type,
        unit=unit,
        region=options["region"],
        owner=None if options["owner"] is None else SystemIdentifier(options["owner"]),
        size=options["size"],
        bookmark=options["bookmark"],
    )
    page = party.run(lambda one: Searcher(model, one.ledger).datasets(_viewer(options), wanted))
    columns = ("dataset", "title", "labels", "size_bytes", "unit", "days", "purposes", "owner")
    lines = [_dataset_line(hit) for hit in page.datasets]
    show_table(output, lines, {name: name for name in columns}, as_csv=as_csv, bookmark=page.bookmark)


@group.command()
@click.option(
    "--model",
    "path",
    type=click.Path(path_type=Path, dir_okay=False),
    required=True,
    envvar=MODEL_VARIABLE,
    show_envvar=True,
    help="The read model; made if there is none.",
)
@click.option("--once", is_flag=True, help="Take what there is now and end.")
@with_party
@with_output
@with_watching
def follow(output: Output, party: PartyChoice, path: Path, once: bool) -> None:
    """Fill a read model from the channel, until SIGINT or SIGTERM; it may be killed and started again."""

    def told(block: LedgerBlock) -> None:
        if block.transactions:
            taken: FieldValue = {"block": block.number, "transactions": len(block.transactions)}
            output.step(taken, lambda one: f"Block {one['block']}: {one['transactions']} transactions.")

    async def work(one: Party) -> None:
        chaincode = party.chaincode
        with ReadModel.feed(path, channel=one.network.channel, chaincode=chaincode) as model:
            feeder = Feeder(model, one.network, chaincode, on_block=None if once else told)
            if once:
                with output.progress("taking blocks"):
                    await feeder.catch_up()
                output.show(asdict(model.progress()), fields)
            else:
                await _until_told_to_end(feeder)

    party.run(work)


@group.command()
@with_output
@with_model
def status(model: ReadModel, output: Output, /) -> None:
    """Show how far a read model has come, and what it holds."""
    output.show(asdict(model.progress()), fields)


async def _until_told_to_end(feeder: Feeder) -> None:
    """Follow until a signal comes; an error ends it as well."""
    following = asyncio.ensure_future(feeder.follow())
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, following.cancel)
    try:
        await following
    except asyncio.CancelledError:
        if not following.cancelled():
            raise


def _field_line(hit: FieldHit) -> _FieldLine:
    device = hit.device
    return _FieldLine(
        field=str(hit.field),
        title=hit.title,
        unit=hit.unit,
        data_type=hit.data_type,
        frequency=hit.frequency.value,
        state=hit.state.value,
        yuan="" if hit.price_milliyuan is None else format_yuan(hit.price_milliyuan),
        device=device.name,
        kind=device.kind,
        identities=tuple(str(one) for one in device.identities),
        owner=device.owner,
        region=device.region,
    )


def _device_line(hit: DeviceHit) -> _DeviceLine:
    return _DeviceLine(
        device=str(hit.device),
        name=hit.name,
        kind=hit.kind,
        state=hit.state.value,
        identities=tuple(str(one) for one in hit.identities),
        owner=hit.owner,
        region=hit.region,
    )


def _dataset_line(hit: DatasetHit) -> _DatasetLine:
    return _DatasetLine(
        dataset=str(hit.dataset),
        title=hit.title,
        labels=hit.labels,
        data_type=hit.data_type,
        purposes=hit.purposes,
        withdrawn=hit.is_withdrawn,
        number=hit.number,
        size_bytes=hit.size_bytes,
        unit=hit.unit or "",
        days="" if hit.first is None else f"{hit.first}/{hit.last}",
        owner=hit.owner,
        region=hit.region,
    )
