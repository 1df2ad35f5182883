"""`gridledger lake`: the data lake."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gridledger.cli.command import with_output
from gridledger.cli.lake_access_cmd import commands as access_commands
from gridledger.cli.lake_care_cmd import commands as care_commands
from gridledger.cli.lake_data_cmd import commands as data_commands
from gridledger.cli.lake_option import directory_option
from gridledger.cli.output import Output, fields, table
from gridledger.lake.hdfs import IMAGE, HdfsCluster, build_image
from gridledger.lake.hdfs.description import FILE_NAME
from gridledger.model.errors import ConfigError, FieldValue

if TYPE_CHECKING:
    from rich.console import RenderableType

__all__ = ["group"]


@click.group("lake")
def group() -> None:
    """Keep payloads in a data lake, and run its HDFS: a NameNode and DataNodes on this machine."""


@group.command()
@click.option("--datanodes", type=click.IntRange(1, 20), help="DataNodes of a new HDFS; 3 by default.")
@click.option("--replication", type=click.IntRange(1, 20), help="Copies of a block; 3 by default.")
@click.option("--containers", is_flag=True, help="Run each process in a container; wants Docker on Linux.")
@click.option("--image", default=IMAGE, show_default=True, help="Of the containers; built if it is missing.")
@click.option("--base", help="What a missing image is built on; Debian's image by default.")
@directory_option
@with_output
def up(
    output: Output,
    directory: Path,
    datanodes: int | None,
    replication: int | None,
    containers: bool,
    image: str,
    base: str | None,
) -> None:
    """Make HDFS if there is none, start what does not run, and wait until it takes writes.

    Wants Java 17 or later. The one jar that Spark does not bring is fetched at the first start.
    """
    if (directory / FILE_NAME).exists():
        cluster = HdfsCluster.open(directory)
        if containers and cluster.description.image is None:
            raise ConfigError("this HDFS runs as processes", key="containers", source="--containers")
        for name, given, found in (
            ("datanodes", datanodes, len(cluster.datanodes)),
            ("replication", replication, cluster.description.replication),
        ):
            if given not in (None, found):
                raise ConfigError(f"this HDFS has {found}", key=name, source=f"--{name}", value=given)
    else:
        number = datanodes or 3
        cluster = HdfsCluster.create(
            directory,
            datanodes=number,
            replication=replication or min(3, number),
            image=image if containers else None,
        )
    if base is not None and cluster.description.image is not None:
        with output.progress("Building the image"):
            build_image(cluster.directory / "image", base=base, image=cluster.description.image)
    with output.progress("Starting HDFS"):
        cluster.up()
    output.show(cluster.status().to_value(), _status)


@group.command()
@click.option("--wipe", is_flag=True, help="Remove the folder, too: all that the lake keeps.")
@directory_option
@with_output
def down(output: Output, directory: Path, wipe: bool) -> None:
    """Stop HDFS; data stay, and `up` goes on with them."""
    cluster = HdfsCluster.open(directory)
    with output.progress("Stopping HDFS"):
        if wipe:
            cluster.remove()
        else:
            cluster.down()
    value: FieldValue = {"directory": str(cluster.directory), "removed": wipe}
    output.show(value, lambda said: f"{said['directory']} is {'removed' if said['removed'] else 'stopped'}")


@group.command()
@directory_option
@with_output
def status(output: Output, directory: Path) -> None:
    """Show processes, DataNodes that the NameNode hears of, and blocks that lack copies."""
    output.show(HdfsCluster.open(directory).status().to_value(), _status)


@group.command()
@click.argument("process")
@click.option("--lines", type=click.IntRange(1, 10_000), default=20, show_default=True, help="How many.")
@directory_option
@with_output
def logs(output: Output, directory: Path, process: str, lines: int) -> None:
    """Show the end of the log of PROCESS: namenode, datanode1, …"""
    output.show(HdfsCluster.open(directory).logs(process, lines))


for _command in (*data_commands, *care_commands, *access_commands):
    group.add_command(_command)


def _status(value: dict[str, Any]) -> RenderableType:
    from rich.console import Group

    shown = {key: value[key] for key in ("url", "web_url", "healthy", "namenode_pid")}
    columns = {"name": "process", "pid": "pid", "live": "live"}
    return Group(fields({**shown, **(value["state"] or {})}), table(value["datanodes"], columns))
