"""What a certificate authority says of itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Self

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from gridledger.client.ca.errors import CaReplyInvalid
from gridledger.client.ca.reply import Result
from gridledger.crypto.certificate import load_certificates

__all__ = ["CaInfo"]

_LONGEST_CHAIN: Final = 8


@dataclass(frozen=True, kw_only=True)
class CaInfo:
    """An authority's name and its certificates."""

    name: str
    """Its name within its server."""

    version: str
    """The server's version; empty where it does not say."""

    roots: tuple[x509.Certificate, ...]
    """Self-signed certificates of the chain, at least one."""

    intermediates: tuple[x509.Certificate, ...]
    """The others, each an authority's."""

    @classmethod
    def read(cls, result: Result) -> Self:
        """Read it from an answer.

        Raises
        ------
        CaReplyInvalid
            When the chain cannot be read, has no root, or holds what is no authority's.
        """
        try:
            chain = load_certificates(result.decoded("CAChain"))
        except ValueError as error:
            raise CaReplyInvalid("the certificate authority's chain cannot be read") from error
        if len(chain) > _LONGEST_CHAIN:
            raise CaReplyInvalid(f"the certificate authority's chain has more than {_LONGEST_CHAIN} links")
        if not all(_is_authority(one) for one in chain):
            raise CaReplyInvalid("the certificate authority's chain holds what is no authority's")
        roots = tuple(one for one in chain if one.subject == one.issuer)
        if not roots:
            raise CaReplyInvalid("the certificate authority's chain has no root")
        return cls(
            name=result.text("CAName", ""),
            version=result.text("Version", ""),
            roots=roots,
            intermediates=tuple(one for one in chain if one.subject != one.issuer),
        )

    @property
    def root_pems(self) -> tuple[bytes, ...]:
        """The roots, PEM each."""
        return tuple(one.public_bytes(Encoding.PEM) for one in self.roots)

    @property
    def intermediate_pems(self) -> tuple[bytes, ...]:
        """The others, PEM each; the issuer of certificates first."""
        return tuple(one.public_bytes(Encoding.PEM) for one in self.intermediates)

    @property
    def chain_pem(self) -> bytes:
        """All certificates, PEM."""
        return b"".join((*self.intermediate_pems, *self.root_pems))


def _is_authority(certificate: x509.Certificate) -> bool:
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        return False
