"""`gridledger network snapshot`: what a peer's ledger is backed up by, and started from."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gridledger.cli.command import with_output
from gridledger.cli.network_option import NetworkChoice, with_network
from gridledger.cli.output import Output, fields, table
from gridledger.model.errors import FieldValue
from gridledger.network.fabric.snapshots import PeerSnapshots
from gridledger.network.snapshot import LedgerSnapshot

if TYPE_CHECKING:
    from rich.console import RenderableType

__all__ = ["snapshot"]

_folder = click.Path(path_type=Path, exists=True, file_okay=False)
_org = click.option("--org", required=True, help="Organisation whose peer it is, such as org1.")


@click.group()
def snapshot() -> None:
    """Take snapshots of a peer's ledger while it works, and let a peer start from one; on Fabric."""


@snapshot.command()
@_org
@click.option(
    "--block", type=click.IntRange(1), help="Last block that it is to hold; the peer's own by default."
)
@click.option("--no-wait", is_flag=True, help="Come back at once; `list` shows when it is complete.")
@click.option(
    "--timeout", type=click.FloatRange(1), default=120.0, show_default=True, help="Seconds to wait for it."
)
@with_network
@with_output
def request(
    output: Output, choice: NetworkChoice, org: str, block: int | None, no_wait: bool, timeout: float
) -> None:
    """Let the peer of --org take a snapshot of its ledger."""
    with output.progress("Taking a snapshot"):
        made = PeerSnapshots(choice.open(), org).request(block=block, seconds=None if no_wait else timeout)
    value: dict[str, FieldValue] = {"organisation": org, "complete": made is not None}
    output.show(value | (made.to_value() if made is not None else {}), fields)


@snapshot.command("list")
@_org
@with_network
@with_output
def list_snapshots(output: Output, choice: NetworkChoice, org: str) -> None:
    """Show the complete snapshots of --org's peer, and the blocks that one is still to be taken at."""
    found = PeerSnapshots(choice.open(), org)
    complete: list[FieldValue] = [one.to_value() for one in found.completed()]
    output.show({"complete": complete, "pending": [*found.pending()]}, _listed)


@snapshot.command()
@click.argument("block", type=click.IntRange(0))
@click.argument("target", type=click.Path(path_type=Path, file_okay=False))
@_org
@with_network
@with_output
def export(output: Output, choice: NetworkChoice, org: str, block: int, target: Path) -> None:
    """Copy the snapshot at BLOCK to the new folder TARGET, and check the copy."""
    with output.progress("Copying the snapshot"):
        made = PeerSnapshots(choice.open(), org).export(block, target)
    output.show(made.to_value(), fields)


@snapshot.command()
@click.argument("path", type=_folder)
@with_output
def check(output: Output, path: Path) -> None:
    """Compare every file of the snapshot in PATH with its hash; needs no network."""
    found = LedgerSnapshot.open(path)
    with output.progress("Reading the snapshot"):
        found.check()
    output.show(found.to_value(), fields)


@snapshot.command()
@click.argument("path", type=_folder)
@_org
@click.option(
    "--timeout",
    type=click.FloatRange(1),
    default=300.0,
    show_default=True,
    help="Seconds to come up to the others.",
)
@with_network
@with_output
def restore(output: Output, choice: NetworkChoice, org: str, path: Path, timeout: float) -> None:
    """Remove what --org's peer keeps, and let it start from the snapshot in PATH.

    Private data that only this peer had are lost: a snapshot holds their hashes alone.
    """
    with output.progress("Restoring the peer"):
        made = PeerSnapshots(choice.open(), org).restore(path, seconds=timeout)
    value: dict[str, FieldValue] = {"organisation": org}
    output.show(value | made.to_value(), fields)


def _listed(value: Any) -> RenderableType | str:
    from rich.console import Group

    columns = {"block": "block", "bytes": "bytes", "snapshot_hash": "hash", "path": "folder"}
    waiting = ", ".join(str(one) for one in value["pending"])
    return Group(table(value["complete"], columns), *([f"Still to be taken: {waiting}."] if waiting else []))
