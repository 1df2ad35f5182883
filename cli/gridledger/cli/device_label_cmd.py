"""`gridledger device label`, `labels`, `read-label`: QR codes of identifiers, written and read back."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import click

from gridledger.cli.command import with_output
from gridledger.cli.output import Output, fields
from gridledger.cli.party_option import PartyChoice, with_party
from gridledger.exchange.label import Label, label_sheet, read_label
from gridledger.exchange.party import Party
from gridledger.host.durable_file import write_file
from gridledger.model.device import Device
from gridledger.model.errors import ConfigError
from gridledger.model.identifier import SystemIdentifier, parse_identifier

__all__ = ["all_devices", "label", "labels", "read"]

_OUT: Final = click.Path(path_type=Path, dir_okay=False)

_resolver = click.option(
    "--resolver",
    required=True,
    envvar="GRIDLEDGER_RESOLVER",
    show_envvar=True,
    help="Origin of the server that answers for identifiers, such as https://id.example.",
)


@click.command()
@click.argument("identifier")
@_resolver
@click.option("--out", type=_OUT, required=True, help="Image to write; its name ends in .png or .svg.")
@click.option("--scale", type=click.IntRange(1, 64), default=8, show_default=True, help="Pixels a module.")
@with_output
def label(output: Output, identifier: str, resolver: str, out: Path, scale: int) -> None:
    """Write the QR code of IDENTIFIER as an image; needs no network."""
    made = Label(identifier=parse_identifier(identifier), resolver=resolver)
    kind = out.suffix.lower()
    if kind == ".png":
        _write(out, made.png(scale=scale))
    elif kind == ".svg":
        _write(out, made.svg().encode("utf-8"))
    else:
        raise ConfigError("want a name that ends in .png or .svg", key="out", source="--out", value=str(out))
    output.show({"identifier": str(made.identifier), "url": made.url, "out": str(out)}, fields)


@click.command()
@click.argument("system")
@_resolver
@click.option("--out", type=_OUT, required=True, help="Page to write, HTML to print.")
@click.option("--columns", type=click.IntRange(1, 12), default=4, show_default=True, help="Labels a row.")
@with_party
@with_output
def labels(output: Output, party: PartyChoice, system: str, resolver: str, out: Path, columns: int) -> None:
    """Write a printable sheet with the labels of all devices of SYSTEM."""
    owner = SystemIdentifier(system)
    devices = party.run(lambda one: all_devices(one, owner))
    made = [Label(identifier=one.identifier, resolver=resolver, title=one.name) for one in devices]
    page = label_sheet(made, columns=columns, heading=f"Labels of {owner}")
    _write(out, page.encode("utf-8"))
    output.show({"system": str(owner), "labels": len(made), "out": str(out)}, fields)


@click.command("read-label")
@click.argument("image", type=_OUT)
@_resolver
@click.option("--root", help="The aggregation system's root: identifiers of others are refused.")
@with_output
def read(output: Output, image: Path, resolver: str, root: str | None) -> None:
    """Read the label in IMAGE, a PNG or JPEG photograph; needs no network."""
    below = None if root is None else SystemIdentifier(root)
    found = read_label(image, resolver=resolver, root=below)
    output.show({"identifier": str(found.identifier), "url": found.url}, fields)


async def all_devices(party: Party, system: SystemIdentifier) -> list[Device]:
    """Read all pages of a system's devices."""
    found: list[Device] = []
    bookmark = ""
    while True:
        page = await party.ledger.devices(system, bookmark)
        found.extend(page.devices)
        bookmark = page.bookmark
        if not bookmark:
            return found


def _write(path: Path, data: bytes) -> None:
    try:
        write_file(path, data)
    except OSError as error:
        raise ConfigError(
            f"cannot be written: {error}", key="out", source="--out", value=str(path)
        ) from error
