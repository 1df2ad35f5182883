"""An identity: a certificate of one MSP, what its OUs make of it, and the signatures that it made."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, NamedTuple

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed, decode_dss_signature
from cryptography.x509.oid import NameOID

from gridledger.network.devnet.errors import Refused

if TYPE_CHECKING:
    from gridledger.network.devnet.msp import Msp

__all__ = ["Identity", "SignedData"]

_HALF_ORDERS = {
    "secp256r1": 0x7FFFFFFF800000007FFFFFFFFFFFFFFFDE737D56D38BCF4279DCE5617E3192A8,
    "secp384r1": int(
        "7fffffffffffffffffffffffffffffffffffffffffffffffe3b1a6c0fa1b96efac0d06d9245853bd76760cb5666294b9", 16
    ),
}
_PREHASHED = ec.ECDSA(Prehashed(hashes.SHA256()))


class SignedData(NamedTuple):
    """What was signed, by whom, and the signature.

    Parameters
    ----------
    data : bytes
        The signed bytes.
    identity : bytes
        The signer as a serialised `msp.SerializedIdentity`.
    signature : bytes
        ECDSA over SHA-256 in DER with a low S, or Ed25519.
    """

    data: bytes
    identity: bytes
    signature: bytes


class Identity:
    """A certificate as its MSP sees it.

    Parameters
    ----------
    msp : Msp
        Where it belongs, as its holder says.
    certificate : x509.Certificate
        The certificate.

    Raises
    ------
    Refused
        If its public key is of a kind that Fabric does not know.
    """

    __slots__ = (
        "_invalid",
        "_key",
        "_validated",
        "certificate",
        "der",
        "expires_at",
        "identifier",
        "msp",
        "satisfied",
        "units",
    )

    def __init__(self, msp: Msp, certificate: x509.Certificate, der: bytes) -> None:
        key = certificate.public_key()
        if not isinstance(key, ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey):
            raise Refused("failed to import certificate's public key: unsupported key type")
        self.msp = msp
        self.certificate = certificate
        self.der = der
        self.identifier = hashlib.sha256(der).hexdigest()
        self.expires_at = certificate.not_valid_after_utc.timestamp()
        self.units: tuple[str, ...] = tuple(
            str(unit.value)
            for unit in certificate.subject.get_attributes_for_oid(NameOID.ORGANIZATIONAL_UNIT_NAME)
        )
        self.satisfied: dict[tuple[int, bytes], bool] = {}
        self._key = key
        self._validated = False
        self._invalid: str | None = None

    @property
    def msp_id(self) -> str:
        """The MSP's id."""
        return self.msp.msp_id

    def validate(self) -> None:
        """Check the chain of certificates and the node OU; the outcome is kept.

        Raises
        ------
        Refused
            If the MSP does not stand for this certificate. Expiry is not looked at here, as in Fabric: what
            came in while it was valid stays valid. `expires_at` is checked where requests come in.
        """
        if not self._validated:
            try:
                self.msp.check(self)
            except Refused as refusal:
                self._invalid = refusal.message
            self._validated = True
        if self._invalid is not None:
            raise Refused(self._invalid)

    def verify(self, digest: bytes, data: bytes, signature: bytes) -> None:
        """Check a signature.

        Parameters
        ----------
        digest : bytes
            SHA-256 of `data`; the caller has it already.
        data, signature : bytes
            What was signed, and the signature.

        Raises
        ------
        Refused
            If the signature is malformed, has a high S, or is not this identity's.
        """
        try:
            if isinstance(self._key, ed25519.Ed25519PublicKey):
                self._key.verify(signature, data)
                return
            _, s = decode_dss_signature(signature)
            half = _HALF_ORDERS.get(self._key.curve.name)
            if half is None or s > half:
                raise Refused(
                    "could not determine the validity of the signature: Invalid S. Must be smaller than half "
                    "the order"
                )
            self._key.verify(signature, digest, _PREHASHED)
        except ValueError as error:
            raise Refused(
                "could not determine the validity of the signature: failed unmarshalling signature"
            ) from error
        except InvalidSignature as error:
            raise Refused("The signature is invalid") from error
