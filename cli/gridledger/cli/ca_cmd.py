"""`gridledger ca`: register, revoke and list at a Fabric CA server."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from gridledger.cli.ca_option import CaChoice, Speaker, with_ca, with_speaker, write_new_file
from gridledger.cli.command import with_output
from gridledger.cli.output import Output, fields, table
from gridledger.model.errors import ConfigError, FieldValue
from gridledger.model.roles import Role

if TYPE_CHECKING:
    from gridledger.client.ca import CaInfo, RegisteredIdentity, Revocation

__all__ = ["group"]

_SECRET_BYTES: Final = 24
_OUT = click.option(
    "--out", type=click.Path(path_type=Path, dir_okay=False), help="Write it to this new file, PEM."
)


@click.group("ca")
def group() -> None:
    """Register, revoke and list names at an organisation's Fabric CA server.

    What a name does with its secret is `gridledger identity`.
    """


@group.command()
@_OUT
@with_ca
@with_output
def show(output: Output, choice: CaChoice, out: Path | None) -> None:
    """Show the authority's name, version and certificates; anybody may ask."""
    info = choice.run(lambda ca: ca.info())
    if out is not None:
        write_new_file(out, info.chain_pem)
    output.show(_info(info), fields)


@group.command()
@click.argument("name")
@click.option(
    "--role", "roles", multiple=True, type=click.Choice([role.value for role in Role]), help="In contracts."
)
@click.option(
    "--type",
    "kind",
    type=click.Choice(["client", "peer", "orderer", "admin"]),
    default="client",
    show_default=True,
    help="The certificates' organisational unit.",
)
@click.option("--affiliation", default="", help="Such as org1.department1; the registrar's by default.")
@click.option("--attribute", "attributes", multiple=True, metavar="NAME=VALUE", help="In the certificates.")
@click.option(
    "--right", "rights", multiple=True, metavar="hf.NAME=VALUE", help="By which the authority decides."
)
@click.option("--max-enrolments", type=click.IntRange(min=-1), help="How often the secret is good.")
@click.option(
    "--secret-out",
    type=click.Path(path_type=Path, dir_okay=False),
    required=True,
    help="New file for the name's secret, readable by its owner alone.",
)
@with_speaker
@with_ca
@with_output
def register(
    output: Output,
    choice: CaChoice,
    speaker: Speaker,
    name: str,
    roles: tuple[str, ...],
    kind: str,
    affiliation: str,
    attributes: tuple[str, ...],
    rights: tuple[str, ...],
    max_enrolments: int | None,
    secret_out: Path,
) -> None:
    """Make NAME known with roles and attributes, so that whoever has its secret can enrol."""
    from gridledger.client.ca import CaRefused, Registration

    registration = Registration(
        name=name,
        type=kind,
        affiliation=affiliation,
        roles=[Role(role) for role in roles],
        attributes=_pairs(attributes, "--attribute"),
        rights=_pairs(rights, "--right"),
        max_enrolments=max_enrolments,
    )
    by = speaker.signing()
    # Kept before it is used: whatever becomes of the answer, the secret is there.
    secret = secrets.token_urlsafe(_SECRET_BYTES)
    write_new_file(secret_out, f"{secret}\n".encode(), private=True)
    try:
        choice.run(lambda ca: ca.register(registration, by=by, secret=secret))
    except CaRefused:
        secret_out.unlink(missing_ok=True)
        raise
    value: dict[str, FieldValue] = {
        "name": name,
        "type": kind,
        "affiliation": affiliation,
        "attributes": {**registration.certificate_attributes},
        "secret_file": str(secret_out),
    }
    output.show(value, fields)


@group.command()
@click.argument("name", default="")
@click.option("--serial", default="", help="One certificate: its serial number, hexadecimal.")
@click.option("--authority-key", default="", help="One certificate: its issuer's key identifier.")
@click.option("--reason", default="unspecified", show_default=True, help="Such as keycompromise, superseded.")
@click.option(
    "--crl",
    type=click.Path(path_type=Path, dir_okay=False),
    help="New file for the list of all that the authority has revoked, for the channel's MSP.",
)
@with_speaker
@with_ca
@with_output
def revoke(
    output: Output,
    choice: CaChoice,
    speaker: Speaker,
    name: str,
    serial: str,
    authority_key: str,
    reason: str,
    crl: Path | None,
) -> None:
    """Revoke NAME with all its certificates, or one certificate (`gridledger identity show` tells which)."""
    from gridledger.client.ca import RevocationReason

    if reason not in [one.value for one in RevocationReason]:
        known = ", ".join(one.value for one in RevocationReason)
        raise ConfigError(f"want one of {known}", key="reason", source="--reason", value=reason)
    by = speaker.signing()
    revocation = choice.run(
        lambda ca: ca.revoke(
            name,
            by=by,
            serial=serial,
            authority_key=authority_key,
            reason=RevocationReason(reason),
            with_list=crl is not None,
        )
    )
    if crl is not None:
        revocations = revocation.revocation_list or choice.run(lambda ca: ca.revocation_list(by=by))
        write_new_file(crl, revocations.pem)
    output.show(_revocation(revocation, crl), fields)


@group.command()
@click.option(
    "--out", type=click.Path(path_type=Path, dir_okay=False), required=True, help="The new file, PEM."
)
@with_speaker
@with_ca
@with_output
def crl(output: Output, choice: CaChoice, speaker: Speaker, out: Path) -> None:
    """Write the list of all unexpired certificates that the authority has revoked."""
    by = speaker.signing()
    revocations = choice.run(lambda ca: ca.revocation_list(by=by))
    write_new_file(out, revocations.pem)
    output.show({"file": str(out), "revoked": len(revocations.serials)}, fields)


@group.command()
@click.argument("name", required=False)
@with_speaker
@with_ca
@with_output
def identities(output: Output, choice: CaChoice, speaker: Speaker, name: str | None) -> None:
    """List the names that the authority knows, or show NAME."""
    by = speaker.signing()
    if name is not None:
        output.show(_identity(choice.run(lambda ca: ca.identity(name, by=by))), fields)
        return
    found = choice.run(lambda ca: ca.identities(by=by))
    columns = {"name": "name", "type": "type", "affiliation": "affiliation", "attributes": "attributes"}
    output.show([_identity(one) for one in found], lambda rows: table(rows, columns))


@group.command()
@click.option("--add", metavar="NAME", help="Add one, such as org1.department1, and those above it.")
@with_speaker
@with_ca
@with_output
def affiliations(output: Output, choice: CaChoice, speaker: Speaker, add: str | None) -> None:
    """List the affiliations by which the authority delegates who may register whom."""
    by = speaker.signing()
    if add is not None:
        choice.run(lambda ca: ca.add_affiliation(add, by=by))
    found = choice.run(lambda ca: ca.affiliations(by=by))
    output.show([*found.names()], lambda names: "\n".join(names))


def _pairs(given: tuple[str, ...], source: str) -> dict[str, str]:
    pairs = [text.partition("=") for text in given]
    for name, separator, _ in pairs:
        if not separator or not name:
            raise ConfigError("want NAME=VALUE", key=source.strip("-"), source=source, value=name)
    return {name: value for name, _, value in pairs}


def _info(info: CaInfo) -> dict[str, FieldValue]:
    chain = (*info.intermediates, *info.roots)
    return {
        "name": info.name,
        "version": info.version,
        "certificates": [one.subject.rfc4514_string() for one in chain],
        "valid_until": min(one.not_valid_after_utc for one in chain).isoformat(),
    }


def _identity(one: RegisteredIdentity) -> dict[str, Any]:
    return {
        "name": one.name,
        "type": one.type,
        "affiliation": one.affiliation,
        "attributes": dict(sorted(one.attributes.items())),
        "max_enrolments": one.max_enrolments,
    }


def _revocation(revocation: Revocation, crl: Path | None) -> dict[str, FieldValue]:
    revoked: list[FieldValue] = [
        {"serial": one.serial, "authority_key": one.authority_key} for one in revocation.certificates
    ]
    return {"revoked": revoked, "crl": None if crl is None else str(crl)}
