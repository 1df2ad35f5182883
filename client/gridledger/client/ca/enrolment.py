"""An enrolment: the certificate that an authority gave to a name, checked before anybody uses it."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final, Self

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from gridledger.client.ca.ca_info import CaInfo
from gridledger.client.ca.errors import CaReplyInvalid
from gridledger.client.ca.reply import Result
from gridledger.client.credentials import Credentials
from gridledger.client.errors import ProofRefused
from gridledger.client.identity import Identity
from gridledger.client.membership import Membership
from gridledger.client.msp_identity import MspIdentity
from gridledger.client.pem import Pem
from gridledger.crypto.certificate import load_certificate
from gridledger.model.errors import ConfigError

__all__ = ["Enrolment"]

_ANY_MSP: Final = "member"


@dataclass(frozen=True, kw_only=True)
class Enrolment:
    """What an enrolment or re-enrolment gave; its private key stays where it was made."""

    name: str
    """The identity's name at the authority, its certificate's common name."""

    certificate: bytes
    """The certificate, PEM."""

    authority: CaInfo
    """Who issued it."""

    @classmethod
    def read(
        cls,
        result: Result,
        *,
        name: str,
        public_key: ec.EllipticCurvePublicKey,
        attributes: Iterable[str] = (),
    ) -> Self:
        """Read it from an answer, and check it.

        Parameters
        ----------
        result : Result
            The answer's.
        name : str
            For whom it was asked.
        public_key : EllipticCurvePublicKey
            For which key.
        attributes : iterable of str, optional
            Names of the attributes that must stand in it.

        Raises
        ------
        CaReplyInvalid
            When the certificate is malformed, for another name or key, an authority's, not valid now, lacks
            an attribute, or does not lead to the chain that came with it.
        """
        authority = CaInfo.read(result.item("ServerInfo"))
        pem = result.decoded("Cert")
        try:
            certificate = load_certificate(pem)
            holds_key = certificate.public_key() == public_key
        except (ValueError, TypeError) as error:
            raise CaReplyInvalid("the certificate that was issued cannot be read") from error
        if not holds_key:
            raise CaReplyInvalid("the certificate that was issued is for another key")
        made = cls(name=name, certificate=certificate.public_bytes(Encoding.PEM), authority=authority)
        if made.identity.common_name != name:
            raise CaReplyInvalid("the certificate that was issued is for another name")
        membership = Membership(authority.name or "ca", authority.roots, authority.intermediates)
        try:
            membership.require(certificate, None, at_ms=int(time.time() * 1000))
        except ProofRefused as error:
            raise CaReplyInvalid(f"the certificate that was issued does not hold: {error.message}") from error
        try:
            missing = sorted(set(attributes) - set(made.attributes))
        except ConfigError as error:
            raise CaReplyInvalid("the attributes in the certificate cannot be read") from error
        if missing:
            raise CaReplyInvalid(f"the certificate that was issued lacks attributes: {', '.join(missing)}")
        return made

    @cached_property
    def identity(self) -> Identity:
        """The certificate as an identity; which MSP's it is, nobody has said."""
        return Identity(msp_id=_ANY_MSP, certificate=self.certificate, source="enrolment")

    @property
    def attributes(self) -> Mapping[str, str]:
        """The attributes in the certificate."""
        return self.identity.attributes

    @property
    def serial(self) -> str:
        """The certificate's serial number as Fabric CA writes it, hexadecimal; for `FabricCa.revoke`."""
        return self.identity.serial

    @property
    def authority_key(self) -> str:
        """The issuer's key identifier as Fabric CA writes it, hexadecimal; for `FabricCa.revoke`."""
        return self.identity.authority_key

    def credentials(self, msp_id: str, private_key: Pem) -> Credentials:
        """Return certificate and key as wallets and connections take them.

        Parameters
        ----------
        msp_id : str
            MSP whose root the authority is, such as ``Org1MSP``.
        private_key : Pem
            The key, or where it lies in a token.

        Raises
        ------
        ConfigError
            When the key is another's.
        """
        return Credentials(msp_id=msp_id, certificate=self.certificate, private_key=private_key)

    def msp_identity(self, private_key: Pem) -> MspIdentity:
        """Return what an MSP folder holds: ``enrolment.msp_identity(key).save(folder)`` writes one."""
        return MspIdentity(
            certificate=self.certificate,
            private_key=private_key,
            roots=self.authority.root_pems,
            intermediates=self.authority.intermediate_pems,
        )
