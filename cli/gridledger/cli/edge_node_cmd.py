"""`gridledger edge node`: storage nodes."""

from __future__ import annotations

from pathlib import Path

import click

from gridledger.cli.command import with_output
from gridledger.cli.output import Output, fields
from gridledger.cli.party_option import PartyChoice, with_party
from gridledger.cli.record_view import show_record, show_records
from gridledger.cli.watching_option import with_watching
from gridledger.edge import EdgeLedger, EnvelopeStore
from gridledger.edge.passing_on import bundle_period, check_bundle, pass_bundle_on, read_bundle
from gridledger.edge.replication import DEFAULT_FACTOR, Repair
from gridledger.edge.serving import serve_node
from gridledger.edge.storage_node import StorageNodeServer
from gridledger.exchange.party import Party
from gridledger.host.durable_file import write_file
from gridledger.model.dataset import DatasetIdentifier
from gridledger.model.edge import NodeEntry
from gridledger.model.errors import FieldValue
from gridledger.model.identifier import SystemIdentifier
from gridledger.web import Authorities

__all__ = ["factor_option", "group", "store_option"]

_file = click.Path(path_type=Path, dir_okay=False)
store_option = click.option(
    "--store", type=_file, required=True, help="File of the node's envelopes; made where it is missing."
)
factor_option = click.option(
    "--factor",
    type=click.IntRange(1, 20),
    default=DEFAULT_FACTOR,
    show_default=True,
    help="On how many nodes an envelope is kept.",
)
_period = click.argument("period", type=click.IntRange(1, 999_999))


@click.group("node")
def group() -> None:
    """Register, approve, serve and repair storage nodes; pass envelopes on into the lake."""


@group.command()
@click.argument("name")
@click.option("--server", required=True, help="Origin of its server, such as http://127.0.0.1:8500.")
@click.option("--root", required=True, help="The root whose platform approves it.")
@with_party
@with_output
def register(output: Output, party: PartyChoice, name: str, server: str, root: str) -> None:
    """Register the calling agent as storage node NAME; a platform administrator approves it."""
    entry, below = NodeEntry(name=name, server=server), SystemIdentifier(root)
    show_record(output, party.run(lambda one: EdgeLedger(one.network).register_node(below, entry)))


@group.command()
@click.argument("node")
@with_party
@with_output
def approve(output: Output, party: PartyChoice, node: str) -> None:
    """Approve NODE, as the root's platform administrator."""
    show_record(output, party.run(lambda one: EdgeLedger(one.network).approve_node(node)))


@group.command()
@click.argument("node")
@click.option("--reason", required=True, help="Why; everybody reads it.")
@with_party
@with_output
def reject(output: Output, party: PartyChoice, node: str, reason: str) -> None:
    """Reject NODE, or remove an approved one that is lost."""
    show_record(output, party.run(lambda one: EdgeLedger(one.network).reject_node(node, reason)))


@group.command("list")
@click.option("--root", required=True, help="Below which they registered.")
@with_party
@with_output
def list_(output: Output, party: PartyChoice, root: str) -> None:
    """List the storage nodes of a root."""
    found = party.run(lambda one: EdgeLedger(one.network).nodes(SystemIdentifier(root)))
    show_records(output, found, ("id", "entry.name", "entry.server", "agent.msp_id", "state", "reason"))


@group.command()
@store_option
@factor_option
@click.option("--host", default="127.0.0.1", show_default=True, help="Address that it listens on.")
@click.option("--port", type=click.IntRange(0, 65_535), default=0, show_default=True, help="0: a free one.")
@click.option("--port-file", type=_file, help="Gets the port once it answers.")
@click.option(
    "--repair", "repaired", type=(str, int), multiple=True, help="Issuer and period; may be repeated."
)
@with_party
@with_output
@with_watching
def serve(
    _output: Output,
    party: PartyChoice,
    store: Path,
    factor: int,
    host: str,
    port: int,
    port_file: Path | None,
    repaired: tuple[tuple[str, int], ...],
) -> None:
    """Serve the calling agent's storage node until SIGINT or SIGTERM; say `ready URL` once it answers."""
    node = party.run(lambda one: EdgeLedger(one.network).node(one.key_id))
    serve_node(
        party.connection(),
        Authorities.from_msp_folders(party.authorities()),
        node,
        store=store,
        factor=factor,
        host=host,
        port=port,
        repaired=[(SystemIdentifier(issuer), period) for issuer, period in repaired],
        port_file=port_file,
    )


@group.command()
@click.argument("issuer")
@_period
@store_option
@factor_option
@with_party
@with_output
def repair(output: Output, party: PartyChoice, issuer: str, period: int, store: Path, factor: int) -> None:
    """Fetch what the calling node should have of PERIOD and has not; exit code 1 if something is missing."""

    async def work(one: Party) -> Repair:
        node = await EdgeLedger(one.network).node(one.key_id)
        with EnvelopeStore(store) as envelopes:
            server = StorageNodeServer(one, node, envelopes, factor=factor)
            return await server.repair(SystemIdentifier(issuer), period)

    with output.progress("repairing"):
        done = party.run(work)
    missing: list[FieldValue] = [*done.missing]
    output.show({"checked": done.checked, "fetched": done.fetched, "missing": missing}, fields)
    if missing:
        raise click.exceptions.Exit(1)


@group.command()
@click.argument("issuer")
@_period
@click.argument("file", type=_file)
@click.option("--skip", type=click.IntRange(0), default=0, help="Deposits that earlier versions hold.")
@store_option
@with_party
@with_output
def bundle(
    output: Output, party: PartyChoice, issuer: str, period: int, file: Path, skip: int, store: Path
) -> None:
    """Write up to 500 envelopes of PERIOD into FILE, a payload for the lake."""

    async def work(one: Party) -> bytes:
        with EnvelopeStore(store) as envelopes:
            ledger = EdgeLedger(one.network)
            return await bundle_period(ledger, envelopes, SystemIdentifier(issuer), period, skip=skip)

    payload = party.run(work)
    write_file(file, payload)
    output.show({"file": str(file), "envelopes": len(read_bundle(payload))}, fields)


@group.command("pass-on")
@click.argument("dataset")
@click.argument("version", type=click.IntRange(1))
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, exists=True))
@with_party
@with_output
def pass_on(output: Output, party: PartyChoice, dataset: str, version: int, file: Path) -> None:
    """Say that VERSION of DATASET, which is stored in the lake, holds the envelopes of FILE."""
    identifier, payload = DatasetIdentifier.parse(dataset), file.read_bytes()
    show_record(
        output,
        party.run(lambda one: pass_bundle_on(EdgeLedger(one.network), identifier, version, payload)),
    )


@group.command()
@click.argument("dataset")
@click.argument("version", type=click.IntRange(1))
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, exists=True))
@with_party
@with_output
def check(output: Output, party: PartyChoice, dataset: str, version: int, file: Path) -> None:
    """Compare FILE, as it came from the lake, with the deposits that VERSION of DATASET holds."""
    identifier, payload = DatasetIdentifier.parse(dataset), file.read_bytes()
    wrong = party.run(lambda one: check_bundle(EdgeLedger(one.network), identifier, version, payload))
    changed: list[FieldValue] = [*wrong]
    output.show({"changed": changed}, fields)
    if changed:
        raise click.exceptions.Exit(1)
