"""Blocks: how they are hashed, signed and put together, as Fabric's orderers and peers do it."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from typing import NamedTuple

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from fabric_protos.common import common_pb2

__all__ = ["BlockHeader", "Signer", "assemble", "data_hash", "orderer_metadata"]

_P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_HALF_ORDER = _P256_ORDER // 2
_SHA256 = ec.ECDSA(hashes.SHA256())
CONSENTER_ID = 1
"""The one orderer's number among the channel's consenters."""


class Signer:
    """A node's signing key with the identity that it signs as.

    Parameters
    ----------
    identity : bytes
        Serialised `msp.SerializedIdentity`.
    key : EllipticCurvePrivateKey
        On P-256.
    """

    __slots__ = ("_key", "identity")

    def __init__(self, identity: bytes, key: ec.EllipticCurvePrivateKey) -> None:
        self.identity = identity
        self._key = key

    def sign(self, data: bytes) -> bytes:
        """Return an ECDSA signature over SHA-256, in DER, with a low S."""
        signature = self._key.sign(data, _SHA256)
        r, s = decode_dss_signature(signature)
        return signature if s <= _HALF_ORDER else encode_dss_signature(r, _P256_ORDER - s)


class BlockHeader(NamedTuple):
    """What is hashed into the next block.

    Parameters
    ----------
    number : int
        Place in the chain, from 0.
    previous_hash, data_hash : bytes
        Hash of the header before, empty in block 0; hash of the transactions.
    """

    number: int
    previous_hash: bytes
    data_hash: bytes

    def to_bytes(self) -> bytes:
        """Return what is hashed and signed: DER of SEQUENCE (INTEGER, OCTET STRING, OCTET STRING)."""
        number = self.number.to_bytes(self.number.bit_length() // 8 + 1, "big")
        body = _der(0x02, number) + _der(0x04, self.previous_hash) + _der(0x04, self.data_hash)
        return _der(0x30, body)

    def hash(self) -> bytes:
        """Return the block's hash."""
        return hashlib.sha256(self.to_bytes()).digest()


def _der(tag: int, content: bytes) -> bytes:
    if len(content) < 0x80:
        return bytes((tag, len(content))) + content
    length = len(content).to_bytes((len(content).bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(length))) + length + content


def data_hash(envelopes: Sequence[bytes]) -> bytes:
    """Return the hash over a block's serialised envelopes."""
    digest = hashlib.sha256()
    for envelope in envelopes:
        digest.update(envelope)
    return digest.digest()


def orderer_metadata(header: BlockHeader, last_config: int, signer: Signer | None) -> bytes:
    """Return the SIGNATURES metadata of a block.

    Parameters
    ----------
    header : BlockHeader
        The block's header.
    last_config : int
        Number of the last configuration block.
    signer : Signer, optional
        The orderer; block 0 has no signature.

    Notes
    -----
    The signature has the form that Fabric's BFT orderers use: it names the signer by its number among the
    channel's consenters.
    """
    value = common_pb2.OrdererBlockMetadata(
        last_config=common_pb2.LastConfig(index=last_config)
    ).SerializeToString()
    metadata = common_pb2.Metadata(value=value)
    if signer is not None:
        identifier = common_pb2.IdentifierHeader(
            identifier=CONSENTER_ID, nonce=secrets.token_bytes(24)
        ).SerializeToString()
        signature = signer.sign(value + identifier + header.to_bytes())
        metadata.signatures.add(identifier_header=identifier, signature=signature)
    return bytes(metadata.SerializeToString())


def assemble(
    header: BlockHeader, envelopes: Sequence[bytes], signatures: bytes, flags: bytes
) -> common_pb2.Block:
    """Put a block together.

    Parameters
    ----------
    header : BlockHeader
        Its header.
    envelopes : sequence of bytes
        Serialised envelopes, in order.
    signatures : bytes
        What `orderer_metadata` returned.
    flags : bytes
        A validation code a transaction.
    """
    return common_pb2.Block(
        header=common_pb2.BlockHeader(
            number=header.number, previous_hash=header.previous_hash, data_hash=header.data_hash
        ),
        data=common_pb2.BlockData(data=envelopes),
        metadata=common_pb2.BlockMetadata(metadata=[signatures, b"", flags, b"", b""]),
    )
