"""`gridledger network compose`: one file for Fabric, chaincode and HDFS in containers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields as fields_of
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
import yaml

from gridledger.cli.command import with_output
from gridledger.cli.network_option import NetworkChoice, with_network
from gridledger.cli.output import Output, fields
from gridledger.host.durable_file import write_file
from gridledger.model.errors import ConfigError
from gridledger.network import ContainerImages
from gridledger.network.containers.whole_system import whole_system

__all__ = ["compose", "container_images"]


@click.command()
@click.argument("out", type=click.Path(path_type=Path, dir_okay=False))
@click.option(
    "--lake",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Folder of an HDFS of containers (`lake up --containers`), whose services go into the same file.",
)
@with_network
@with_output
def compose(output: Output, choice: NetworkChoice, out: Path, lake: Path | None) -> None:
    """Write OUT, a compose file of a network of containers: nodes, chaincode and, with --lake, HDFS.

    Compose starts the whole system from it, and again with the machine: `docker compose -f OUT up -d`.
    """
    content = whole_system(choice.open(), _lake_services(lake) if lake is not None else None)
    write_file(out, yaml.safe_dump(content, sort_keys=False).encode())
    output.show({"file": str(out), "services": [*sorted(content["services"])]}, fields)


def _lake_services(folder: Path) -> Mapping[str, Any]:
    # Slow to import, and other commands of networks do without.
    from gridledger.lake.hdfs import HdfsCluster
    from gridledger.lake.hdfs.container_cluster import ContainerCluster

    cluster = HdfsCluster.open(folder)
    if not isinstance(cluster, ContainerCluster):
        raise ConfigError("runs as processes", key="lake", source="--lake", value=str(folder))
    return cluster.compose_content()


def container_images(given: tuple[str, ...]) -> ContainerImages:
    """Return the official images, but for those that are given as KIND=IMAGE; ConfigError for other kinds."""
    images = ContainerImages()
    kinds = {one.name for one in fields_of(ContainerImages)}
    for text in given:
        kind, separator, image = text.partition("=")
        if kind not in kinds or not separator:
            wanted = f"want one of {', '.join(sorted(kinds))}, =, and an image"
            raise ConfigError(wanted, key="image", source="--image", value=text[:80])
        try:
            images = replace(images, **{kind: image})
        except ValueError as error:
            raise ConfigError("is no image", key=kind, source="--image", value=image[:80]) from error
    return images
