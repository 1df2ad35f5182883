"""`gridledger network`: what changes a running network: organisations, certificates, binaries, roots."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gridledger.cli.administrator_option import with_administrator
from gridledger.cli.command import with_output
from gridledger.cli.network_option import NetworkChoice, with_network
from gridledger.cli.output import Output, fields, table
from gridledger.client.signing_identity import SigningIdentity
from gridledger.model.errors import FieldValue
from gridledger.network.fabric.peer_organisation import OrganisationEntry
from gridledger.network.fabric.root_exchange import ChannelRoots
from gridledger.network.fabric.rotation import CertificateRotation
from gridledger.network.fabric.trust import TrustUpdate
from gridledger.network.ordering.configuration_change import ConfigurationChange
from gridledger.network.rolling import roll
from gridledger.network.scraping import scrape_configuration

if TYPE_CHECKING:
    from rich.console import RenderableType

__all__ = ["add_organization", "roots", "rotate", "scrape", "sign", "trust", "upgrade"]

_file = click.Path(path_type=Path, exists=True, dir_okay=False)


@click.command("add-organization")
@click.argument("name")
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Only write the change of the channel, unsigned, for administrators elsewhere to sign.",
)
@click.option(
    "--signed",
    type=_file,
    multiple=True,
    help="A change that --out wrote and administrators signed; or copies of it.",
)
@click.option(
    "--sign-as",
    "organisations",
    multiple=True,
    help="Organisation of the folder whose administrator signs here; all by default.",
)
@click.option(
    "--snapshot",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Let its peer start from this snapshot instead of the first block.",
)
@with_network
@with_output
def add_organization(
    output: Output,
    choice: NetworkChoice,
    name: str,
    out: Path | None,
    signed: tuple[Path, ...],
    organisations: tuple[str, ...],
    snapshot: Path | None,
) -> None:
    """Let the peer organisation NAME into a running network on Fabric, while others use it.

    Makes its keys, lets the channel know it by the signatures of a majority of the organisations, starts its
    peer, and lets it approve and serve every chaincode. Called again after a crash it goes on.
    """
    network = choice.open()
    entry = OrganisationEntry(network, name)
    with output.progress(f"Adding {name}"):
        change = entry.propose()
        if out is not None:
            if change is not None:
                change.save(out)
        else:
            if signed:
                change = ConfigurationChange.load(signed[0])
                for copy in signed[1:]:
                    change = change.merged(ConfigurationChange.load(copy))
            if change is not None:
                here = organisations or (() if signed else tuple(one.name for one in network.organisations))
                change = entry.sign(change, here)
            entry.enter(change, snapshot=snapshot)
    value: dict[str, FieldValue] = {"organisation": name, "entered": out is None}
    if change is not None:
        value |= _change_value(change)
    output.show(value, fields)


@click.command()
@click.argument("change", type=_file)
@with_network
@with_administrator
@with_output
def sign(output: Output, choice: NetworkChoice, signing: SigningIdentity, change: Path) -> None:
    """Show what the CHANGE of a channel touches, and sign it in the file; needs no network."""
    del choice
    signed = asyncio.run(ConfigurationChange.load(change).signed_by(signing))
    signed.save(change)
    output.show(_change_value(signed), fields)


@click.command()
@click.argument("organisation")
@with_network
@with_output
def rotate(output: Output, choice: NetworkChoice, organisation: str) -> None:
    """Give all members of ORGANISATION new keys and certificates, one node at a time, on Fabric.

    The channel goes on, and old certificates stay valid until they run out. Called again it goes on.
    """
    network = choice.open()
    with output.progress(f"Rotating certificates of {organisation}") as tell:
        done = CertificateRotation(network, organisation).run(lambda one: tell(one.name))
    members: list[FieldValue] = [one.to_value() for one in done]
    value: dict[str, FieldValue] = {"organisation": organisation, "members": members}
    output.show(value, _members)


@click.command()
@click.argument("organisation")
@with_network
@with_output
def trust(output: Output, choice: NetworkChoice, organisation: str) -> None:
    """Let the channel know ORGANISATION as its folder msp is now: roots, and revocation lists in crls."""
    network = choice.open()
    with output.progress(f"Updating what the channel knows of {organisation}"):
        change = TrustUpdate(network, organisation).run()
    value: dict[str, FieldValue] = {"organisation": organisation, "changed": change is not None}
    if change is not None:
        value |= _change_value(change)
    output.show(value, fields)


@click.group()
def roots() -> None:
    """Exchange an organisation's roots on a running channel: add, rotate, drop."""


@roots.command("add")
@click.argument("organisation")
@with_network
@with_output
def add_roots(output: Output, choice: NetworkChoice, organisation: str) -> None:
    """Make new roots for ORGANISATION that count beside the old ones, and issue from now on."""
    network = choice.open()
    with output.progress(f"Adding roots of {organisation}"):
        restarted = ChannelRoots(network, organisation).add()
    output.show({"organisation": organisation, "restarted": [*restarted]}, fields)


@roots.command("drop")
@click.argument("organisation")
@with_network
@with_output
def drop_roots(output: Output, choice: NetworkChoice, organisation: str) -> None:
    """Let ORGANISATION's old roots count no more; refused while a member has a certificate of one."""
    network = choice.open()
    with output.progress(f"Dropping old roots of {organisation}"):
        restarted = ChannelRoots(network, organisation).drop()
    output.show({"organisation": organisation, "restarted": [*restarted]}, fields)


@click.command()
@with_network
@with_output
def upgrade(output: Output, choice: NetworkChoice) -> None:
    """Restart orderers, then peers, with the binaries of --bin: each is up to the others before the next."""
    network = choice.open()
    with output.progress("Restarting node by node") as tell:
        names = roll(network, binaries=choice.binaries, say=tell)
    value: dict[str, FieldValue] = {"restarted": [*names], "binaries": network.description.binaries}
    output.show(value, fields)


@click.command()
@click.option("--process", "processes", multiple=True, help="Address that a command got by --metrics.")
@with_network
@with_output
def scrape(output: Output, choice: NetworkChoice, processes: tuple[str, ...]) -> None:
    """Print what Prometheus is told to read: nodes over mutual TLS, chaincode, processes of --process."""
    import yaml

    network = choice.open()
    found = scrape_configuration(network.description, network.directory, processes=processes)
    output.show(found, lambda value: yaml.safe_dump(value, sort_keys=False).rstrip())


def _change_value(change: ConfigurationChange) -> dict[str, FieldValue]:
    return {
        "channel": change.channel,
        "sequence": change.sequence,
        "touched": [*change.touched()],
        "signed": [one.msp_id for one in change.signatures],
        "wanted": [f"{one.wanted} of {', '.join(one.msp_ids)}" for one in change.deciders()],
    }


def _members(value: Any) -> RenderableType:
    return table(value["members"], {"name": "member", "kind": "kind", "not_after": "holds until"})
