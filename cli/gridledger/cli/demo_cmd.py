"""`gridledger demo`: the worked example, each step with what stands on chain."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from gridledger.cli.command import with_output
from gridledger.cli.output import Output, table
from gridledger.cli.party_option import CHAINCODE, CHAINCODE_VARIABLE
from gridledger.client import Connection
from gridledger.exchange.demo.devices import MODULES
from gridledger.exchange.demo.play import play
from gridledger.exchange.demo.scene import Scene
from gridledger.exchange.demo.step import Step
from gridledger.model.errors import ConfigError, FieldValue
from gridledger.model.roles import CertificateAttribute, Role, write_roles
from gridledger.network import Network, World

if TYPE_CHECKING:
    from rich.console import RenderableType

__all__ = ["command"]

_MODULE: Final = "gridledger.chaincode:GridLedger"


@click.command("demo")
@click.option(
    "--world",
    type=click.Choice([world.value for world in World]),
    default=World.DEVNET.value,
    show_default=True,
    envvar="GRIDLEDGER_WORLD",
    help="The embedded network or real Fabric.",
)
@click.option(
    "--bin",
    "binaries",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder of Fabric's binaries; GRIDLEDGER_FABRIC_BIN or ~/.cache/gridledger/fabric/bin by default.",
)
@click.option(
    "--dir",
    "directory",
    type=click.Path(path_type=Path, file_okay=False),
    help="An empty folder to work in; a temporary one by default.",
)
@click.option(
    "--modules",
    type=click.IntRange(0, 10_000),
    default=MODULES,
    show_default=True,
    help="Modules of the plant that are registered beside its inverter.",
)
@click.option("--keep", is_flag=True, help="Keep the folder: ledgers, databases, configurations, logs.")
@click.option(
    "--network",
    "attached",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    help="Play on the network of this folder, such as an attached one, in place of one of its own.",
)
@click.option(
    "--chaincode",
    default=CHAINCODE,
    show_default=True,
    envvar=CHAINCODE_VARIABLE,
    show_envvar=True,
    help="The chaincode's name: it founds what cannot be founded twice, so each play wants one of its own.",
)
@with_output
def command(
    output: Output,
    world: str,
    binaries: Path | None,
    directory: Path | None,
    modules: int,
    keep: bool,
    attached: Path | None,
    chaincode: str,
) -> None:
    """Show a paid, proven look-up of a real PV plant's data, step by step.

    Five business systems that know plant R27 answer from databases of their own by servers of their own, two
    of them on PostgreSQL where its wheel is installed. Measured data and types are real; enterprises, prices,
    serial numbers and users are made. Everything that is started is stopped, but what --network names.
    """
    with _folder(directory, keep=keep) as folder:
        started = time.monotonic()
        network = (
            Network.open(attached)
            if attached is not None
            else Network.create(folder / "network", world=World(world), binaries=binaries)
        )
        try:
            asyncio.run(_play(output, network, chaincode, folder / "exchange", modules))
        finally:
            if attached is None:
                with output.progress("stopping"):
                    network.down()
        seconds = round(time.monotonic() - started, 1)
        last: dict[str, FieldValue] = {"world": network.world.value, "seconds": str(seconds)}
        if attached is not None:
            last["network"] = str(network.directory)
        if keep or directory:
            last["folder"] = str(folder)
        output.step(last, _end)


@contextmanager
def _folder(directory: Path | None, *, keep: bool) -> Iterator[Path]:
    if directory is not None:
        directory.mkdir(parents=True, exist_ok=True)
        if any(directory.iterdir()):
            raise ConfigError("is not empty", key="dir", source="--dir", value=str(directory))
        yield directory.absolute()
        return
    folder = Path(tempfile.mkdtemp(prefix="gridledger-demo-"))
    try:
        yield folder
    finally:
        if not keep:
            shutil.rmtree(folder)


async def _play(output: Output, network: Network, chaincode: str, folder: Path, modules: int) -> None:
    authorities = network.authorities
    start = _Start(network, chaincode)

    def enrol(organisation: str, user: str, role: Role) -> Connection:
        if user in network.organisation(organisation).users():
            connection = network.connection(org=organisation, user=user)
        else:
            attributes = {CertificateAttribute.ROLE.value: write_roles([role])}
            connection = network.enrol(org=organisation, user=user, attributes=attributes)
        # Everybody is enrolled before it is deployed.
        return replace(connection, chaincode=chaincode)

    async with AsyncExitStack() as stack:
        with output.progress(f"starting a network of world {network.world}, databases and servers"):
            scene = await stack.enter_async_context(
                Scene.set_up(folder, enrol, authorities, modules=modules, postgresql=True, start=start)
            )
        _say(output, 1, _network_step(network, chaincode, start.seconds))
        number = 2
        async for step in play(scene):
            _say(output, number, step)
            number += 1


class _Start:
    """Starts a network, with what the demo calls; blocks."""

    def __init__(self, network: Network, chaincode: str) -> None:
        self._network = network
        self._chaincode = chaincode
        self.seconds = 0.0

    def __call__(self) -> None:
        started = time.monotonic()
        self._network.up()
        self._network.deploy(self._chaincode, _MODULE)
        self.seconds = time.monotonic() - started


def _network_step(network: Network, chaincode: str, seconds: float) -> Step:
    organisations = ", ".join(one.msp_id for one in network.organisations)
    return Step(
        title="A network runs",
        text=f"World {network.world}, channel {network.channel}, organisations {organisations}; the chaincode"
        f" {chaincode} answers for each of them in a process of its own.",
        milliseconds=round(seconds * 1000),
    )


def _say(output: Output, number: int, step: Step) -> None:
    output.step({"number": number, **step.to_value()}, _drawn)


def _drawn(value: dict[str, Any]) -> RenderableType:
    from rich import box
    from rich.console import Group
    from rich.padding import Padding
    from rich.table import Table
    from rich.text import Text

    head = Text(f"{value['number']:>2}  {value['step']}", style="bold")
    head.append(f"  {value['milliseconds']} ms", style="dim")
    parts: list[RenderableType] = [head, Padding(Text(value["text"]), (0, 0, 0, 4))]
    if value["chain"]:
        drawn = Table(box=box.SIMPLE_HEAD, pad_edge=False)
        drawn.add_column("on chain", style="cyan", overflow="fold", ratio=2)
        drawn.add_column("says", overflow="fold", ratio=3)
        for entry in value["chain"]:
            drawn.add_row(entry["key"], entry["value"])
        parts.append(Padding(drawn, (0, 0, 0, 4)))
    for sheet in value["sheets"]:
        columns = {name: name for name in sheet["rows"][0]} if sheet["rows"] else {}
        parts.append(Padding(table(sheet["rows"], columns, title=sheet["title"]), (1, 0, 0, 4)))
    if not value["chain"] and not value["sheets"]:
        parts.append(Text())
    return Group(*parts)


def _end(value: dict[str, Any]) -> str:
    kept = f"; kept in {value['folder']}" if "folder" in value else ""
    end = f"{value['network']} goes on" if "network" in value else "everything is stopped"
    return f"Done in {value['seconds']} s on {value['world']}; {end}{kept}."
