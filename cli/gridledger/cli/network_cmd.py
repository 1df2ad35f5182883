"""`gridledger network`: a network of either world, by the same commands."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gridledger.cli.command import with_output
from gridledger.cli.network_attach_cmd import COMMANDS as ATTACH_COMMANDS
from gridledger.cli.network_change_cmd import add_organization, roots, rotate, scrape, sign, trust, upgrade
from gridledger.cli.network_compose_cmd import compose, container_images
from gridledger.cli.network_option import NetworkChoice, with_network
from gridledger.cli.network_snapshot_cmd import snapshot
from gridledger.cli.output import Output, fields, table
from gridledger.model.errors import ConfigError, FieldValue
from gridledger.network import ContainerImages, Network, NodeRole, World
from gridledger.network.description import FILE_NAME

if TYPE_CHECKING:
    from rich.console import RenderableType

    from gridledger.client import Connection

__all__ = ["group"]

_CONNECTION_KEYS = (
    "endpoint",
    "tls_root_cert",
    "tls_host_override",
    "msp_id",
    "certificate",
    "private_key",
    "channel",
    "chaincode",
)


@click.group("network")
def group() -> None:
    """Run a network of either world, or attach to one that others run, and deploy to it.

    devnet is one process with all organisations; fabric is real Hyperledger Fabric, an orderer for each of
    four organisations and a peer for each other one.
    """


@group.command()
@click.option("--orgs", type=click.IntRange(1, 20), help="Peer organisations of a new network; 2 by default.")
@click.option(
    "--waiting-orderers",
    "waiting",
    type=click.IntRange(0, 40),
    default=0,
    help="Fabric: orderers of a new network's peer organisations that wait to be elected; none by default.",
)
@click.option("--containers", is_flag=True, help="Fabric: run a new network by Docker Compose on Linux.")
@click.option(
    "--image",
    "images",
    multiple=True,
    metavar="KIND=IMAGE",
    help="With --containers: image of peer, orderer, authority or chaincode in place of the official one.",
)
@with_network
@with_output
def up(
    output: Output,
    choice: NetworkChoice,
    orgs: int | None,
    waiting: int,
    containers: bool,
    images: tuple[str, ...],
) -> None:
    """Create the network if there is none, start what does not run, and wait until it serves."""
    is_new = not (choice.directory / FILE_NAME).exists()
    chosen = container_images(images) if containers else None
    network = _create(choice, orgs or 2, waiting, chosen) if is_new else choice.open()
    if containers and network.description.containers is None:
        raise ConfigError("this network runs as processes", key="containers", source="--containers")
    if orgs is not None and orgs != len(network.organisations):
        raise ConfigError(
            f"the network has {len(network.organisations)} organisations",
            key="orgs",
            source="--orgs",
            value=orgs,
        )
    with output.progress(f"Starting {network.world}"):
        network.up()
    output.show(network.status().to_value(), _status)


@group.command()
@click.option("--wipe", is_flag=True, help="Remove the folder, too: ledgers, keys, certificates.")
@with_network
@with_output
def down(output: Output, choice: NetworkChoice, wipe: bool) -> None:
    """Stop everything; ledgers stay, and `up` goes on with them."""
    network = choice.open()
    with output.progress(f"Stopping {network.world}"):
        if wipe:
            network.remove()
        else:
            network.down()
    value: FieldValue = {"directory": str(network.directory), "removed": wipe}
    output.show(value, lambda said: f"{said['directory']} is {'removed' if said['removed'] else 'stopped'}")


@group.command()
@with_network
@with_output
def status(output: Output, choice: NetworkChoice) -> None:
    """Show processes, whether all peers have the same last block, and how far the orderers are."""
    output.show(choice.open().status().to_value(), _status)


@group.command()
@click.argument("component", required=False)
@click.option("--lines", type=click.IntRange(1, 10_000), default=20, show_default=True, help="How many.")
@with_network
@with_output
def logs(output: Output, choice: NetworkChoice, component: str | None, lines: int) -> None:
    """Show the end of COMPONENT's log, or of every component's."""
    network = choice.open()
    names = [component] if component else [entry.name for entry in network.status().components]
    value: dict[str, FieldValue] = {}
    for name in names:
        value[name] = [*network.logs(name, lines=lines).splitlines()]
    output.show(value, _logs)


@group.command()
@click.argument("component")
@click.option("--wipe", is_flag=True, help="Remove what it keeps first: it catches up from the others.")
@with_network
@with_output
def restart(output: Output, choice: NetworkChoice, component: str, wipe: bool) -> None:
    """Stop COMPONENT, start it, and wait until it serves."""
    network = choice.open()
    with output.progress(f"Restarting {component}"):
        if wipe:
            network.wipe(component)
        network.restart(component)
    output.show(network.status().to_value(), _status)


@group.command()
@click.argument("name")
@click.argument("module")
@click.option("--policy", help="Endorsement policy: AND, OR, OutOf over 'MSP.role'; a majority by default.")
@click.option(
    "--collections",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Private data collections, Fabric's JSON.",
)
@click.option(
    "--path",
    "paths",
    multiple=True,
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Folder to find MODULE in; the working directory by default. May be given several times.",
)
@click.option("--no-chaincode-tls", is_flag=True, help="Let peers and chaincode speak without TLS.")
@with_network
@with_output
def deploy(
    output: Output,
    choice: NetworkChoice,
    name: str,
    module: str,
    policy: str | None,
    collections: Path | None,
    paths: tuple[Path, ...],
    no_chaincode_tls: bool,
) -> None:
    """Deploy the Python chaincode MODULE (module:Class) as NAME, or its next definition if there is one."""
    network = choice.open()
    with output.progress(f"Deploying {name}"):
        network.deploy(
            name,
            module,
            policy=policy,
            collections=collections or (),
            python_path=paths or [Path.cwd()],
            tls=not no_chaincode_tls,
        )
    value = next(entry for entry in _chaincodes(network) if entry["name"] == name)
    output.show(value, fields)


@group.command()
@click.option("--org", required=True, help="Organisation, such as org1.")
@click.option("--user", required=True, help="User of the organisation, such as user1.")
@click.option("--chaincode", help="Chaincode to name; the only one that is deployed by default.")
@with_network
@with_output
def connection(output: Output, choice: NetworkChoice, org: str, user: str, chaincode: str | None) -> None:
    """Show all that a program in any language needs to connect as USER."""
    made = choice.open().connection(org=org, user=user, chaincode=chaincode)
    output.show(_connection(made), fields)


@group.command()
@click.option("--org", required=True, help="Organisation, such as org1.")
@click.option("--user", required=True, help="Name of the new user.")
@click.option(
    "--role",
    type=click.Choice([NodeRole.CLIENT.value, NodeRole.ADMIN.value]),
    default=NodeRole.CLIENT.value,
    show_default=True,
    help="The certificate's organisational unit.",
)
@click.option("--attribute", "attributes", multiple=True, metavar="NAME=VALUE", help="For contracts to read.")
@with_network
@with_output
def enrol(
    output: Output, choice: NetworkChoice, org: str, user: str, role: str, attributes: tuple[str, ...]
) -> None:
    """Make keys and certificate for a new user, and show the user's connection."""
    made = choice.open().enrol(org=org, user=user, role=NodeRole(role), attributes=_attributes(attributes))
    output.show(_connection(made), fields)


_CHANGES = (add_organization, rotate, roots, scrape, sign, snapshot, trust, upgrade)

for _command in (*ATTACH_COMMANDS, *_CHANGES, compose):
    group.add_command(_command)


def _create(
    choice: NetworkChoice, organisations: int, waiting: int, containers: ContainerImages | None
) -> Network:
    return Network.create(
        choice.directory,
        world=choice.world or World.DEVNET,
        organisations=organisations,
        binaries=choice.binaries,
        waiting_orderers=waiting,
        containers=containers,
    )


def _attributes(given: tuple[str, ...]) -> dict[str, str]:
    pairs = [text.partition("=") for text in given]
    for name, separator, _ in pairs:
        if not separator or not name:
            raise ConfigError("want NAME=VALUE", key="attribute", source="--attribute", value=name)
    return {name: value for name, _, value in pairs}


def _connection(made: Connection) -> dict[str, FieldValue]:
    values = {key: getattr(made, key) for key in _CONNECTION_KEYS}
    return {key: None if value is None else str(value) for key, value in values.items()}


def _chaincodes(network: Network) -> list[dict[str, FieldValue]]:
    listed = network.status().to_value()["chaincodes"]
    return [entry for entry in listed if isinstance(entry, dict)] if isinstance(listed, list) else []


def _status(value: Any) -> RenderableType:
    from rich.console import Group

    running = [{**entry, "state": "runs" if entry["pid"] else "down"} for entry in value["components"]]
    parts: list[RenderableType] = [
        f"{value['world']} in {value['directory']}, channel {value['channel']}",
        table(running, {"name": "component", "kind": "kind", "port": "port", "pid": "pid", "state": "state"}),
        table(
            value["peers"], {"organisation": "organisation", "height": "height", "block_hash": "last block"}
        ),
    ]
    if value["chaincodes"]:
        columns = {"name": "chaincode", "sequence": "sequence", "module": "module", "policy": "policy"}
        parts.append(table(value["chaincodes"], columns))
    parts.append(table(value["orderers"], {"name": "orderer", "height": "height", "consenter": "consenter"}))
    parts += [f"Warning: {warning}." for warning in value["warnings"]]
    agreed = "have the same last block" if value["agreed"] else "do not have the same last block"
    return Group(*parts, f"The peers {agreed}.")


def _logs(value: Any) -> str:
    if len(value) == 1:
        return "\n".join(next(iter(value.values())))
    return "\n\n".join("\n".join([f"== {name} ==", *lines]) for name, lines in value.items())
