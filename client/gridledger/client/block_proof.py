"""Proving that a block was ordered: its entries, its header, and a quorum of its orderers' signatures.

What an orderer signs, in this order: the metadata of the block (``common.OrdererBlockMetadata``: number of
the configuration in force, consensus), the identifier header (its number among the consenters, a nonce; with
Raft the signature header, its certificate and a nonce), the header (ASN.1 DER of number, hash of the header
before, hash of the entries). The hash of the entries is
computed here, so entries, place in the chain and configuration are all under each signature.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Final

from cryptography.hazmat.primitives.serialization import Encoding
from fabric_protos.common import common_pb2
from fabric_protos.msp import identities_pb2
from google.protobuf.message import DecodeError

from gridledger.client.block import Block, BlockTransaction
from gridledger.client.channel_trust import ChannelTrust, ConfiguredTrust
from gridledger.client.errors import ProofRefused
from gridledger.client.validation import ValidationCode
from gridledger.crypto.certificate import load_certificate, load_der_certificate
from gridledger.model.errors import CryptoError
from gridledger.model.proof import BlockProof, OrdererSignature
from gridledger.model.signature import verify_signature

__all__ = ["block_of", "configuration_of", "make_block_proof", "verify_block", "verify_blocks"]

_SIGNATURES: Final = common_pb2.BlockMetadataIndex.SIGNATURES


def make_block_proof(block: Block, trust: ConfiguredTrust) -> BlockProof:
    """Take out of a block what a third party needs.

    Parameters
    ----------
    block : Block
        As a peer gave it out.
    trust : ConfiguredTrust
        The configuration in force, which knows the orderers' certificates.

    Raises
    ------
    ProofRefused
        If its orderers' signatures cannot be read.
    """
    metadata = _signed_metadata(block)
    signatures = []
    for one in metadata.signatures:
        if bool(one.signature_header) == bool(one.identifier_header):
            raise ProofRefused(f"block {block.number} is signed by nobody who is named")
        certificate = (
            trust.certificate(_identifier(one.identifier_header))
            if one.identifier_header
            else _creator_certificate(one.signature_header)
        )
        signatures.append(
            OrdererSignature(
                identifier_header=one.identifier_header,
                signature_header=one.signature_header or None,
                certificate=certificate,
                signature=one.signature,
            )
        )
    return BlockProof(
        number=block.number,
        previous_hash=block.previous_hash,
        entries=tuple(one.envelope for one in block.transactions),
        metadata=metadata.value,
        signatures=tuple(signatures),
    )


def configuration_of(block: Block) -> int:
    """Return the number of the configuration block that was in force for a block; its own for one itself.

    Raises
    ------
    ProofRefused
        If its metadata cannot be read.
    """
    return _last_configuration(_signed_metadata(block).value)


def block_of(proof: BlockProof) -> Block:
    """Return the block that a proof is of; its validation codes are not known."""
    return Block(
        number=proof.number,
        previous_hash=proof.previous_hash,
        data_hash=hashlib.sha256(b"".join(proof.entries)).digest(),
        transactions=tuple(
            BlockTransaction(envelope=entry, validation_code=ValidationCode.NOT_VALIDATED)
            for entry in proof.entries
        ),
    )


def verify_block(proof: BlockProof, trust: ChannelTrust, *, configuration: int | None = None) -> Block:
    """Check that a quorum of the channel's orderers signed a block.

    Parameters
    ----------
    proof : BlockProof
    trust : ChannelTrust
        In force at this block.
    configuration : int, optional
        Number of the configuration block that the orderers must have signed as the one in force.

    Returns
    -------
    Block
        Its entries are those that were ordered; whether each is valid, no orderer says.

    Raises
    ------
    ProofRefused
        If one signature does not hold, there are fewer than a quorum, or another configuration was in force.

    Notes
    -----
    Every signature must hold, not only a quorum: a proof with a broken part is refused.
    """
    block = block_of(proof)
    subject = f"block {proof.number}"
    header = block.header_bytes
    at_ms = max((one.claimed_time_ms for one in block.transactions), default=0)
    signers: set[str] = set()
    for one in proof.signatures:
        try:
            certificate = load_der_certificate(one.certificate)
        except ValueError as error:
            raise ProofRefused(f"{subject}: an orderer's certificate cannot be read") from error
        number = _identifier(one.identifier_header) if one.signature_header is None else None
        if one.signature_header is not None and _creator_certificate(one.signature_header) != one.certificate:
            raise ProofRefused(f"{subject}: the certificate is not the one that was signed with")
        name, key = trust.signer(number, certificate, at_ms=at_ms)
        if name in signers:
            raise ProofRefused(f"{subject}: orderer {name} signed twice")
        try:
            verify_signature(key, proof.metadata + one.header + header, one.signature)
        except CryptoError as error:
            raise ProofRefused(f"{subject}: the signature of orderer {name} does not hold") from error
        signers.add(name)
    if len(signers) < trust.quorum:
        raise ProofRefused(f"{subject}: {len(signers)} orderers signed, {trust.quorum} are a quorum")
    if configuration is not None and _last_configuration(proof.metadata) != configuration:
        raise ProofRefused(f"{subject}: the configuration of block {configuration} was not in force")
    return block


def verify_blocks(
    configurations: Sequence[BlockProof], proof: BlockProof, trust: ChannelTrust
) -> tuple[Block, ChannelTrust]:
    """Check a block by way of the configurations that changed the channel before it.

    Parameters
    ----------
    configurations : sequence of BlockProof
        The channel's configuration blocks up to the one in force at the block, in order; those up to the
        trusted one are not needed, and not read.
    proof : BlockProof
        The block.
    trust : ChannelTrust
        What the verifier trusts to begin with.

    Returns
    -------
    tuple of Block and ChannelTrust
        The block, and what is trusted at it.

    Raises
    ------
    ProofRefused
        If a block is not signed by a quorum of those in force, or the trusted configuration is later than the
        block.
    """
    start = trust.starts_at()
    if start is not None and start > _last_configuration(proof.metadata):
        raise ProofRefused(
            f"the trusted configuration, block {start}, is later than the one in force at block "
            f"{proof.number}: give an earlier one, such as the channel's first block"
        )
    number = start
    for one in configurations:
        if start is not None and one.number <= start:
            continue
        if len(one.entries) != 1 or _last_configuration(one.metadata) != one.number:
            raise ProofRefused(f"block {one.number} is no configuration block")
        verify_block(one, trust)
        trust = trust.follow(one.number, one.entries[0])
        number = one.number
    if number is None:
        number = 0  # organisations are trusted, and the channel's first configuration was still in force
    return verify_block(proof, trust, configuration=number), trust


def _signed_metadata(block: Block) -> common_pb2.Metadata:
    try:
        if len(block.metadata) > _SIGNATURES:
            return common_pb2.Metadata.FromString(block.metadata[_SIGNATURES])
    except DecodeError as error:
        raise ProofRefused(f"the signatures of block {block.number} cannot be read") from error
    raise ProofRefused(f"block {block.number} came without its orderers' signatures")


def _last_configuration(metadata: bytes) -> int:
    try:
        return int(common_pb2.OrdererBlockMetadata.FromString(metadata).last_config.index)
    except DecodeError as error:
        raise ProofRefused("the metadata that orderers signed cannot be read") from error


def _creator_certificate(header: bytes) -> bytes:
    """Return the certificate in a signature header, DER."""
    try:
        creator = common_pb2.SignatureHeader.FromString(header).creator
        identity = identities_pb2.SerializedIdentity.FromString(creator)
        return load_certificate(identity.id_bytes).public_bytes(Encoding.DER)
    except (DecodeError, ValueError) as error:
        raise ProofRefused("an orderer's signature header cannot be read") from error


def _identifier(header: bytes) -> int:
    try:
        return int(common_pb2.IdentifierHeader.FromString(header).identifier)
    except DecodeError as error:
        raise ProofRefused("an orderer's identifier cannot be read") from error
