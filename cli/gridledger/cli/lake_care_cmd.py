"""`gridledger lake`: begin a lake, count it, check it, and delete what nothing names."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gridledger.cli.command import with_output
from gridledger.cli.lake_option import config_option, directory_option, with_lake
from gridledger.cli.output import Output, fields, table
from gridledger.lake.backup import copy_lake
from gridledger.lake.hdfs import HdfsCluster
from gridledger.lake.inspection import check as check_lake
from gridledger.lake.lake import Lake
from gridledger.lake.pruning import GRACE_S
from gridledger.lake.pruning import prune as prune_lake
from gridledger.lake.rebuilding import rebuild as rebuild_table
from gridledger.lake.settings import LakeSettings
from gridledger.lake.statistics import stat as stat_lake
from gridledger.lake.store_address import open_store
from gridledger.model.errors import FieldValue

if TYPE_CHECKING:
    from rich.console import RenderableType

__all__ = ["commands"]

_DAMAGED = 1
_HOUR_S = 3600.0


@click.command()
@click.option("--store", help="A folder, or an address of HDFS; the HDFS of `lake up` by default.")
@directory_option
@config_option
@with_output
def init(output: Output, config: Path, directory: Path, store: str | None) -> None:
    """Begin a lake: write its configuration and an owner key, and make it in the store.

    Who loses the owner key loses the lake; who has it reads all of it. Keep a copy apart from the store.
    """
    if store is None:
        address = f"{HdfsCluster.open(directory).url}/lake"
    else:
        address = store if "://" in store else str(Path(store).absolute())
    settings = LakeSettings.create(config, store=address)
    value: dict[str, FieldValue] = {
        "config": str(settings.source),
        "owner_key": str(settings.owner_key),
        "store": settings.store,
    }
    output.show(value, fields)


@click.command()
@with_output
@with_lake
def stat(lake: Lake, output: Output) -> None:
    """Count datasets, versions, blocks and every byte that lies in the store."""
    with output.progress("reading manifests"):
        found = stat_lake(lake)
    output.show({**asdict(found), "stored_bytes": found.stored_bytes}, fields)


@click.command()
@click.option("--read-data", is_flag=True, help="Read and open every block, too.")
@with_output
@with_lake
def check(lake: Lake, output: Output, read_data: bool) -> None:
    """Find what is broken, by file and place; exit code 1 if anything is."""
    with output.progress("checking"):
        report = check_lake(lake, read_data=read_data)
    damage: list[FieldValue] = [asdict(one) for one in report.damage]
    lost: list[FieldValue] = [*report.lost]
    unpublished: list[FieldValue] = [*report.unpublished]
    value: dict[str, FieldValue] = {
        "packs": report.packs,
        "versions": report.versions,
        "blocks": report.blocks,
        "dead_bytes": report.dead_bytes,
        "read_bytes": report.read_bytes,
        "unpublished": unpublished,
        "lost": lost,
        "damage": damage,
    }
    output.show(value, _checked)
    if report.damage or report.lost:
        raise click.exceptions.Exit(_DAMAGED)


@click.command()
@click.option(
    "--grace-hours",
    type=click.FloatRange(0),
    default=GRACE_S / _HOUR_S,
    show_default=True,
    help="How long packs stay after they were written and retired; 0 only where nobody else is at work.",
)
@with_output
@with_lake
def prune(lake: Lake, output: Output, grace_hours: float) -> None:
    """Delete blocks that no version names, while others read and write."""
    with output.progress("pruning"):
        report = prune_lake(lake, grace_s=grace_hours * _HOUR_S)
    output.show(asdict(report), fields)


@click.command()
@click.argument("target")
@config_option
@with_output
def backup(output: Output, config: Path, target: str) -> None:
    """Copy the lake to TARGET, a folder or an address of HDFS, while others use it; again, what is new.

    Every copy is read again. No key is needed, and none is copied: keep the owner key apart.
    """
    settings = LakeSettings.from_file(config)
    with (
        settings.open_store() as source,
        open_store(target, source="TARGET") as copy,
        output.progress("Copying the lake") as tell,
    ):
        report = copy_lake(source, copy, say=tell)
    output.show({"source": settings.store, "target": target, **asdict(report)}, fields)


@click.command()
@click.argument("source")
@config_option
@with_output
def restore(output: Output, config: Path, source: str) -> None:
    """Copy what `lake backup` wrote to SOURCE into the configured store, an empty one or what is left."""
    settings = LakeSettings.from_file(config)
    with (
        open_store(source, source="SOURCE") as copy,
        settings.open_store() as target,
        output.progress("Restoring the lake") as tell,
    ):
        report = copy_lake(copy, target, say=tell)
    output.show({"source": source, "target": settings.store, **asdict(report)}, fields)


@click.command()
@click.argument("name")
@click.option("--version", type=click.IntRange(1), required=True, help="Which one.")
@with_output
@with_lake
def forget(lake: Lake, output: Output, name: str, version: int) -> None:
    """Delete a version of the dataset NAME; `prune` then deletes what no other version names."""
    lake.forget(name, version)
    output.show(
        {"name": name, "version": version}, lambda one: f"{one['name']}@{one['version']} is forgotten"
    )


@click.command()
@with_output
@with_lake
def rebuild(lake: Lake, output: Output) -> None:
    """Write the hash index table anew, from packs and, for what they lack, from blocks."""
    with output.progress("reading packs"):
        made = rebuild_table(lake)
    output.show({"rows_made_from_blocks": made}, fields)


commands = (init, stat, check, backup, restore, prune, forget, rebuild)


def _checked(value: dict[str, Any]) -> RenderableType:
    from rich.console import Group

    counted = {key: value[key] for key in ("packs", "versions", "blocks", "dead_bytes", "read_bytes")}
    head = fields({**counted, "unpublished": len(value["unpublished"])})
    if not value["damage"] and not value["lost"]:
        return Group(head, "nothing is broken")
    columns = {name: name for name in ("path", "offset", "problem")}
    return Group(head, table(value["damage"], columns), f"cannot be read: {', '.join(value['lost']) or '-'}")
