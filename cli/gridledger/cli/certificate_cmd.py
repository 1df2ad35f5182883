"""`gridledger catalogue certify`, `verify`, `trust`: statements of ownership that need no network."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from gridledger.cli.command import with_output
from gridledger.cli.output import Output, fields
from gridledger.cli.party_option import PartyChoice, with_party
from gridledger.cli.trust_option import OUT, TrustChoice, read_file, with_trust, write_out
from gridledger.exchange.certificate import VerifiedOwnership, certify, verify_certificate
from gridledger.exchange.party import Party
from gridledger.model.errors import FieldValue
from gridledger.model.identifier import FieldIdentifier
from gridledger.model.proof import OwnershipCertificate

__all__ = ["certify_command", "trust_command", "verify_command"]


@click.command("certify")
@click.argument("field")
@click.option("--by", "organizations", multiple=True, help="MSP whose peer reads the record; two by default.")
@OUT
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
    write_out(out, data)
    output.show({"field": field, "file": str(out), "bytes": len(data)}, fields)


@click.command("trust")
@OUT
@with_party
@with_output
def trust_command(output: Output, party: PartyChoice, out: Path) -> None:
    """Write the channel's first block, which third parties trust once it comes from a source of theirs."""

    async def read(one: Party) -> bytes:
        return (await one.network.block(0)).to_bytes()

    data = party.run(read)
    write_out(out, data)
    output.show({"file": str(out), "bytes": len(data)}, fields)


@click.command("verify")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@with_trust
@with_output
def verify_command(output: Output, trust: TrustChoice, file: Path) -> None:
    """Verify the statement of ownership in FILE, without a network.

    What is believed of the channel is given: its configuration block, or its organisations' MSP folders.
    """
    certificate = OwnershipCertificate.from_bytes(read_file(file))
    verified = verify_certificate(certificate, trust.open())
    output.show(_value(verified), _drawn)


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
