"""`gridledger identity`: enrol at a Fabric CA server, renew, show and take over identities."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gridledger.cli.ca_option import CaChoice, Speaker, read_secret, with_ca, with_speaker
from gridledger.cli.command import with_output
from gridledger.cli.keeping_option import KeepingChoice, with_keeping
from gridledger.cli.output import Output, fields
from gridledger.model.errors import ConfigError, FieldValue

if TYPE_CHECKING:
    from gridledger.client.pem import Pem
    from gridledger.client.private_key import KeySigner

__all__ = ["group"]

_TOKEN = click.option(
    "--token",
    metavar="URI",
    help="Make the key in this PKCS#11 token, such as pkcs11:token=meters?module-path=/usr/lib/module.so.",
)
_SIGNING_PROFILE = click.option("--signing-profile", default="", help="The authority's profile, such as tls.")
_HOSTS = click.option("--host", "hosts", multiple=True, help="Host name or IP address for the certificate.")
_ATTRIBUTES = click.option(
    "--attribute",
    "attributes",
    multiple=True,
    metavar="NAME",
    help="Put this attribute into the certificate, and no others; by default all registered for it.",
)


@click.group("identity")
def group() -> None:
    """Enrol at a Fabric CA server, renew, show and take over identities.

    Keys are made here, or in a PKCS#11 token, and never sent. PINs come from the file that the URI's
    pin-source names, from GRIDLEDGER_PKCS11_PIN_FILE or GRIDLEDGER_PKCS11_PIN.
    """


@group.command()
@click.argument("name")
@click.option(
    "--secret-file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="File with the secret; else GRIDLEDGER_CA_SECRET, else the terminal is asked.",
)
@_TOKEN
@_ATTRIBUTES
@_SIGNING_PROFILE
@_HOSTS
@with_keeping
@with_ca
@with_output
def enrol(
    output: Output,
    choice: CaChoice,
    keeping: KeepingChoice,
    name: str,
    secret_file: Path | None,
    token: str | None,
    attributes: tuple[str, ...],
    signing_profile: str,
    hosts: tuple[str, ...],
) -> None:
    """Make a key for NAME, get its certificate by its secret, and keep both."""
    keeping.check(name)
    secret = read_secret(secret_file, name)
    signer, private_key = _new_key(token, name)
    with output.progress(f"Enrolling {name}"):
        enrolment = choice.run(
            lambda ca: ca.enrol(
                name, secret, signer, attributes=attributes, profile=signing_profile, hosts=hosts
            )
        )
    kept = keeping.keep(name, enrolment.msp_identity(private_key))
    output.show(_shown(enrolment.certificate, private_key) | kept, fields)


@group.command()
@click.option("--keep-key", is_flag=True, help="Certify the present key again; by default a new one is made.")
@_TOKEN
@_ATTRIBUTES
@_SIGNING_PROFILE
@_HOSTS
@with_speaker
@with_ca
@with_output
def reenrol(
    output: Output,
    choice: CaChoice,
    speaker: Speaker,
    keep_key: bool,
    token: str | None,
    attributes: tuple[str, ...],
    signing_profile: str,
    hosts: tuple[str, ...],
) -> None:
    """Get a new certificate by the present one, and put it in its place."""
    if keep_key and token:
        raise ConfigError("want either a new key or the present one", key="token", source="--token")
    present = speaker.credentials()
    by = speaker.signing()
    if keep_key:
        signer, private_key = present.signer(), present.private_key
    else:
        # A token keeps the old key: labels differ.
        label = f"{by.identity.common_name} after {by.identity.serial}"[:64]
        signer, private_key = _new_key(token, label)
    enrolment = choice.run(
        lambda ca: ca.reenrol(signer, by=by, attributes=attributes, profile=signing_profile, hosts=hosts)
    )
    identity = enrolment.msp_identity(private_key)
    if speaker.wallet is None:
        identity.save(Path(speaker.name))
    else:
        from gridledger.client.wallet import Wallet

        Wallet(speaker.wallet).put(speaker.name, identity.credentials(present.msp_id), replace=True)
    output.show(_shown(enrolment.certificate, private_key), fields)


@group.command()
@with_speaker
@with_output
def show(output: Output, speaker: Speaker) -> None:
    """Show an identity: name, roles, validity, where its key lies. No key is opened and no PIN asked for."""
    credentials = speaker.credentials()
    output.show(_shown(credentials.certificate, credentials.private_key), fields)


@group.command("import")
@click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--name", help="Name to keep it under; the certificate's by default.")
@with_keeping
@with_output
def import_command(output: Output, keeping: KeepingChoice, folder: Path, name: str | None) -> None:
    """Take over an identity from FOLDER: an MSP folder, or an identity's folder in a wallet of hfc."""
    from gridledger.client.hfc_wallet import HfcWallet
    from gridledger.client.identity import Identity
    from gridledger.client.msp_identity import MspIdentity

    if HfcWallet.is_identity(folder):
        identity = HfcWallet.read(folder)
        if keeping.msp is not None:
            raise ConfigError("hfc's wallets name no authority", key="msp", source="--msp")
    else:
        identity = MspIdentity.load(folder)
    known = name or Identity(msp_id="member", certificate=identity.certificate).common_name
    keeping.check(known)
    kept = keeping.keep(known, identity)
    output.show(_shown(identity.certificate, identity.private_key) | kept, fields)


def _new_key(token: str | None, label: str) -> tuple[KeySigner, Pem]:
    from gridledger.client.private_key import new_private_key, open_private_key
    from gridledger.client.token_signer import TokenSigner
    from gridledger.client.token_uri import TokenUri

    if token is None:
        private_key = new_private_key()
        return open_private_key(private_key), private_key
    signer = TokenSigner.generate(TokenUri.parse(token, source="--token"), label)
    return signer, signer.private_key()


def _shown(certificate: bytes, private_key: Pem) -> dict[str, Any]:
    """Return what anybody may know of an identity."""
    from gridledger.client.identity import Identity
    from gridledger.client.token_uri import TokenUri
    from gridledger.model.roles import CertificateAttribute, read_roles

    identity = Identity(msp_id="member", certificate=certificate)
    attributes = identity.attributes
    key: FieldValue = "file"
    if TokenUri.is_pem(private_key.content):
        key = str(TokenUri.from_pem(private_key.content))
    return {
        "name": identity.common_name,
        "subject": identity.x509.subject.rfc4514_string(),
        "issuer": identity.x509.issuer.rfc4514_string(),
        "serial": identity.serial,
        "authority_key": identity.authority_key,
        "valid_from": identity.x509.not_valid_before_utc.isoformat(),
        "valid_until": identity.x509.not_valid_after_utc.isoformat(),
        "roles": sorted(role.value for role in read_roles(attributes.get(CertificateAttribute.ROLE, ""))),
        "attributes": dict(sorted(attributes.items())),
        "key": key,
    }
