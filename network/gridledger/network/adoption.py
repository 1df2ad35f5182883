"""Identities that an authority elsewhere has certified, taken into an organisation's folder as its users."""

from __future__ import annotations

import re
import shutil
import time
from typing import Final

from gridledger.client.errors import ProofRefused
from gridledger.client.membership import Membership
from gridledger.client.msp_identity import MspIdentity
from gridledger.host.durable_file import write_file
from gridledger.model.errors import ConfigError
from gridledger.network.errors import MaterialError
from gridledger.network.material import Member, OrganisationMaterial

__all__ = ["adopt_user"]

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}")


def adopt_user(organisation: OrganisationMaterial, name: str, identity: MspIdentity) -> Member:
    """Take an identity in, so that `network connection` and every command's `--user` find it.

    Parameters
    ----------
    organisation : OrganisationMaterial
        Whose authority, or one below it, has issued the certificate.
    name : str
        Short name; letters, digits, `_`, `.` and `-`, at most 63.
    identity : MspIdentity
        Certificate and key; a key in a token stays there.

    Raises
    ------
    MaterialError
        If the name breaks the rule, the user exists, or the organisation does not vouch for the certificate.

    Notes
    -----
    The user gets no TLS certificate: gateways ask for none.
    """
    if not _NAME.fullmatch(name):
        raise MaterialError(f"{name!r} is no name for a member: letters, digits, _ . -, at most 63")
    if name in organisation.users():
        raise MaterialError(f"the user {name} of {organisation.name} exists")
    try:
        credentials = identity.credentials(organisation.msp_id)
        Membership.from_folder(organisation.msp_id, organisation.msp.path).require(
            credentials.identity().x509, None, at_ms=int(time.time() * 1000)
        )
    except (ConfigError, ProofRefused) as error:
        raise MaterialError(f"{name} is no member of {organisation.name}: {error.message}") from error
    full = f"{name}@{organisation.domain}"
    member = Member(name=full, msp_id=organisation.msp_id, path=organisation.path / "users" / full)
    aside = Member(name=full, msp_id=organisation.msp_id, path=member.path.with_name(f".{full}"))
    shutil.rmtree(aside.path, ignore_errors=True)
    shutil.copytree(organisation.msp.path, aside.msp.path)
    write_file(aside.msp.certificate, identity.certificate, durable=False)
    write_file(aside.msp.key, identity.private_key.content, mode=0o600, durable=False)
    aside.path.replace(member.path)
    return member
