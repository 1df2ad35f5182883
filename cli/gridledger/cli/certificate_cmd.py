"""`gridledger catalogue certify`, `verify`, `trust`: statements of ownership that need no network."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from gridledger.cli.command import with_output
from gridledger.cli.output import Output, fields
from gridledger.cli.party_option import PartyChoice, with_party
from gridledger.client.channel_trust import ChannelTrust, ConfiguredTrust, FolderTrust
from gridledger.exchange.certificate import VerifiedOwnership, certify, verify_certificate
from gridledger.exchange.party import Party
from gridledger.host.durable_file import write_file
from gridledger.model.errors import ConfigError, FieldValue
from gridledger.model.identifier import FieldIdentifier
from gridledger.model.proof import OwnershipCertificate

__all__ = ["certify_command", "trust_command", "verify_command"]

_OUT = click.option(
    "--out", type=click.Path(path_type=Path, dir_okay=False), required=True, help="File to write."
)
_FOLDER = "MSP=FOLDER"


@click.command("certify")
@click.argument("field")
@click.option("--by", "organizations", multiple=True, help="MSP whose peer reads the record; two by default.")
@_OUT
@with_party
@with_output
def certify_command(
    output: Output, party: PartyChoice, field: str, organizations: tuple[str, ...], out: Path
) -> None:
    """Write a statement of who owns FIELD, which a third party verifies offline."""
    parsed = FieldIdentifier.parse(field)
    with output.progress(f"Certifying {field}"):
        certificate = party.run(lambda one: certify(one, parsed, organizations=organizations))
    data = certificate.to_bytes()
    _write(out, data)
    output.show({"field": field, "file": str(out), "bytes": len(data)}, fields)


@click.command("trust")
@_OUT
@with_party
@with_output
def trust_command(output: Output, party: PartyChoice, out: Path) -> None:
    """Write the channel's first block, which third parties trust once it comes from a source of theirs."""

    async def read(one: Party) -> bytes:
        return (await one.network.block(0)).to_bytes()

    data = party.run(read)
    _write(out, data)
    output.show({"file": str(out), "bytes": len(data)}, fields)


@click.command("verify")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option(
    "--trust",
    "block",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="The channel's first block, or a later configuration block.",
)
@click.option(
    "--orderers", multiple=True, metavar=_FOLDER, help="An orderer organisation, instead of --trust."
)
@click.option("--peers", multiple=True, metavar=_FOLDER, help="A peer organisation, instead of --trust.")
@with_output
def verify_command(
    output: Output, file: Path, block: Path | None, orderers: tuple[str, ...], peers: tuple[str, ...]
) -> None:
    """Verify the statement of ownership in FILE, without a network.

    What is believed of the channel is given: its configuration block, or its organisations' MSP folders.
    """
    trust = _trust(block, orderers, peers)
    certificate = OwnershipCertificate.from_bytes(_read(file))
    verified = verify_certificate(certificate, trust)
    output.show(_value(verified), _drawn)


def _trust(block: Path | None, orderers: Sequence[str], peers: Sequence[str]) -> ChannelTrust:
    if block is not None and not orderers and not peers:
        return ConfiguredTrust.from_block(_read(block))
    if block is None and (orderers or peers):
        return FolderTrust(orderers=_folders(orderers), peers=_folders(peers))
    raise click.UsageError("give --trust, or --orderers and --peers")


def _folders(given: Sequence[str]) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for text in given:
        msp_id, sign, folder = text.partition("=")
        if not sign or not msp_id or not folder:
            raise click.UsageError(f"want {_FOLDER}, not {text}")
        found[msp_id] = Path(folder)
    return found


def _value(verified: VerifiedOwnership) -> dict[str, FieldValue]:
    ownership = verified.ownership
    return {
        "field": str(ownership.field.identifier),
        "owner": str(ownership.owner.identifier),
        "enterprise": ownership.owner.profile.enterprise.name,
        "enterprise_code": ownership.owner.profile.enterprise.code,
        "title": ownership.field.metadata.title,
        "registered_ms": ownership.field.registered_ms,
        "registered_by": verified.registered_by,
        "transaction": verified.tx_id,
        "channel": verified.channel,
        "block": verified.block_number,
        "block_hash": verified.block_hash.hex(),
        "orderers": verified.orderers,
        "executed_by": list(verified.executed_by),
        "read_by": list(verified.read_by),
        "read_mark_ms": ownership.mark_ms,
        "state": ownership.field.state.value,
        "rivals": [str(rival.field) for rival in ownership.rivals],
    }


def _drawn(value: Any) -> Any:
    return fields({name: ", ".join(one) if isinstance(one, list) else one for name, one in value.items()})


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise ConfigError(f"cannot be read: {error.strerror}", key="file", source=str(file)) from error


def _write(file: Path, data: bytes) -> None:
    try:
        write_file(file, data)
    except OSError as error:
        raise ConfigError(f"cannot be written: {error.strerror}", key="out", source=str(file)) from error
