"""What an organisation's administrator signs of a configuration update; signatures travel in files."""

from __future__ import annotations

import hashlib
import secrets
from typing import Final, Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from fabric_protos.common import common_pb2
from google.protobuf.message import DecodeError

from gridledger.client.errors import ProofRefused
from gridledger.client.membership import read_identity
from gridledger.client.signing_identity import SigningIdentity
from gridledger.model.digest import Digest
from gridledger.model.record import ModelValue, value
from gridledger.network.ordering.orderer_card import MspId

__all__ = ["AdministratorSignature"]

_NONCE_BYTES: Final = 24


@value
class AdministratorSignature(ModelValue):
    """An administrator's signature of one update."""

    msp_id: MspId
    update: Digest
    """SHA-256 of the update."""
    header: bytes
    """``common.SignatureHeader``, which is signed with the update."""
    signature: bytes

    @classmethod
    async def make(cls, update: bytes, administrator: SigningIdentity) -> Self:
        """Sign a ``common.ConfigUpdate``.

        Raises
        ------
        ConfigError
            If the identity has no signer.
        """
        header = common_pb2.SignatureHeader(
            creator=administrator.creator, nonce=secrets.token_bytes(_NONCE_BYTES)
        ).SerializeToString(deterministic=True)
        return cls(
            msp_id=administrator.identity.msp_id,
            update=Digest.of(update),
            header=header,
            signature=await administrator.sign(hashlib.sha256(header + update).digest()),
        )

    def holds(self, update: bytes) -> bool:
        """Tell whether it is what it says; whether its certificate counts is for the orderers to say."""
        try:
            header = common_pb2.SignatureHeader.FromString(self.header)
            msp_id, certificate = read_identity(header.creator)
            key = certificate.public_key()
            if msp_id != self.msp_id or not isinstance(key, ec.EllipticCurvePublicKey):
                return False
            key.verify(self.signature, self.header + update, ec.ECDSA(hashes.SHA256()))
        except (DecodeError, InvalidSignature, ProofRefused, ValueError):
            return False
        return True
