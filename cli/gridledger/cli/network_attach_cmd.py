"""`gridledger network attach`, `approve`, `commit`: a network that others run, and agreeing with them."""

from __future__ import annotations

from pathlib import Path

import click

from gridledger.cli.command import with_output
from gridledger.cli.network_option import NetworkChoice, with_network
from gridledger.cli.output import Output, fields
from gridledger.host.ports import LOOPBACK
from gridledger.model.errors import ConfigError, FieldValue
from gridledger.network import OrganisationAccess, World
from gridledger.network import approve as approve_definition
from gridledger.network import attach as attach_network
from gridledger.network import commit as commit_definition

__all__ = ["COMMANDS"]

_folder = click.Path(path_type=Path, exists=True, file_okay=False)
_file = click.Path(path_type=Path, exists=True, dir_okay=False)


@click.command()
@click.argument("profile", type=_file)
@click.option(
    "--org", "names", multiple=True, required=True, help="Organisation by its name in PROFILE, such as Org1."
)
@click.option(
    "--msp", "folders", multiple=True, required=True, type=_folder, help="Its administrator's MSP folder."
)
@click.option(
    "--ca",
    "authorities",
    multiple=True,
    type=_folder,
    help="Folder of the authority of its users' certificates, with its key, if `network enrol` is to work.",
)
@click.option(
    "--user",
    "users",
    multiple=True,
    metavar="NAME=FOLDER",
    help="A further user of the one --org and the MSP folder of that user. May be given several times.",
)
@click.option("--channel", help="The channel; the only one that the peers have joined by default.")
@click.option(
    "--chaincode-host",
    default=LOOPBACK,
    show_default=True,
    help="Name or address by which the organisations' peers reach chaincode on this machine.",
)
@with_network
@with_output
def attach(
    output: Output,
    choice: NetworkChoice,
    profile: Path,
    names: tuple[str, ...],
    folders: tuple[Path, ...],
    authorities: tuple[Path, ...],
    users: tuple[str, ...],
    channel: str | None,
    chaincode_host: str,
) -> None:
    """Attach to the network of PROFILE, a connection profile, as administrator of organisations.

    --org, --msp and --ca go together in their order. Another call adds an organisation to the folder, or
    takes up its new certificate. Nothing of the network is changed; no key is copied.
    """
    organisations = _organisations(names, folders, authorities, users)
    with output.progress("Attaching"):
        network = attach_network(
            choice.folder(World.ATTACHED),
            profile,
            organisations,
            channel=channel,
            chaincode_host=chaincode_host,
        )
    value: dict[str, FieldValue] = {
        "directory": str(network.directory),
        "channel": network.channel,
        "organisations": [one.name for one in network.organisations],
        "members": [*sorted(network.authorities)],
    }
    output.show(value, fields)


@click.command()
@click.argument("definition", type=_file)
@click.option("--module", help="module:Class to serve; what DEFINITION names by default.")
@click.option(
    "--path",
    "paths",
    multiple=True,
    type=_folder,
    help="Folder to find the module in; the working directory by default. May be given several times.",
)
@click.option("--no-chaincode-tls", is_flag=True, help="Let peers and chaincode speak without TLS.")
@with_network
@with_output
def approve(
    output: Output,
    choice: NetworkChoice,
    definition: Path,
    module: str | None,
    paths: tuple[Path, ...],
    no_chaincode_tls: bool,
) -> None:
    """Approve DEFINITION, which another organisation's `deploy` wrote, and run its chaincode for ours."""
    with output.progress("Approving"):
        approved = approve_definition(
            choice.open(),
            definition,
            module=module,
            python_path=paths or [Path.cwd()],
            tls=not no_chaincode_tls,
        )
    output.show({"definition": str(definition), "approved": [*approved]}, fields)


@click.command()
@click.argument("name")
@with_network
@with_output
def commit(output: Output, choice: NetworkChoice, name: str) -> None:
    """Put the definition of the chaincode NAME into force that waited for other organisations."""
    network = choice.open()
    with output.progress(f"Committing {name}"):
        commit_definition(network, name)
    release = network.description.chaincode(name).current
    output.show({"name": name, "sequence": release.sequence if release else None}, fields)


def _organisations(
    names: tuple[str, ...], folders: tuple[Path, ...], authorities: tuple[Path, ...], users: tuple[str, ...]
) -> list[OrganisationAccess]:
    if len(names) != len(folders) or len(authorities) not in (0, len(names)):
        raise ConfigError("want as many as --org", key="msp, ca", source="--msp, --ca")
    if users and len(names) != 1:
        raise ConfigError("want one --org with --user", key="user", source="--user")
    pairs = [text.partition("=") for text in users]
    for name, separator, folder in pairs:
        if not separator or not name or not Path(folder).is_dir():
            raise ConfigError("want NAME=FOLDER", key="user", source="--user", value=name)
    further = {name: Path(folder) for name, _, folder in pairs}
    keys = authorities or (None,) * len(names)
    return [
        OrganisationAccess(name=name, msp=folder, users=further, authority=authority)
        for name, folder, authority in zip(names, folders, keys, strict=True)
    ]


COMMANDS = (attach, approve, commit)
