"""Blocks: the bytes that are hashed and signed, and who signed them."""

from __future__ import annotations

import hashlib

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from fabric_protos.common import common_pb2
from hypothesis import given
from hypothesis import strategies as st

from gridledger.network.devnet.block import BlockHeader, Signer, assemble, data_hash, orderer_metadata

KEY = ec.generate_private_key(ec.SECP256R1())
SIGNER = Signer(b"orderer", KEY)
HALF_ORDER = 0x7FFFFFFF800000007FFFFFFFFFFFFFFFDE737D56D38BCF4279DCE5617E3192A8


@pytest.mark.parametrize(
    ("number", "integer"),
    [(0, "020100"), (1, "020101"), (127, "02017f"), (128, "02020080"), (65535, "020300ffff")],
)
def test_header_bytes_are_der(number: int, integer: str) -> None:
    header = BlockHeader(number, b"\xaa" * 32, b"\xbb" * 32)
    body = bytes.fromhex(integer) + b"\x04\x20" + b"\xaa" * 32 + b"\x04\x20" + b"\xbb" * 32
    assert header.to_bytes() == bytes([0x30, len(body)]) + body
    assert header.hash() == hashlib.sha256(header.to_bytes()).digest()


def test_header_of_block_0_has_an_empty_previous_hash() -> None:
    assert BlockHeader(0, b"", b"\xbb" * 32).to_bytes()[2:7] == bytes.fromhex("0201000400")


@given(st.binary(max_size=200))
def test_long_parts_get_long_lengths(data: bytes) -> None:
    encoded = BlockHeader(0, data, b"").to_bytes()
    assert data in encoded
    assert encoded[0] == 0x30


def test_data_hash_is_over_the_envelopes_as_they_are() -> None:
    assert data_hash([b"ab", b"c"]) == hashlib.sha256(b"abc").digest()


def test_every_signature_has_a_low_s() -> None:
    for number in range(40):
        signature = SIGNER.sign(bytes([number]))
        assert decode_dss_signature(signature)[1] <= HALF_ORDER
        KEY.public_key().verify(signature, bytes([number]), ec.ECDSA(hashes.SHA256()))


def test_orderer_signs_value_identifier_and_header() -> None:
    header = BlockHeader(7, b"\x01" * 32, b"\x02" * 32)
    metadata = common_pb2.Metadata.FromString(orderer_metadata(header, 0, SIGNER))
    [signature] = metadata.signatures
    assert common_pb2.IdentifierHeader.FromString(signature.identifier_header).identifier == 1
    assert common_pb2.OrdererBlockMetadata.FromString(metadata.value).last_config.index == 0
    KEY.public_key().verify(
        signature.signature,
        metadata.value + signature.identifier_header + header.to_bytes(),
        ec.ECDSA(hashes.SHA256()),
    )


def test_block_has_flags_where_tools_look_for_them() -> None:
    header = BlockHeader(1, b"\x01" * 32, data_hash([b"x", b"y"]))
    block = assemble(header, [b"x", b"y"], b"signatures", bytes([0, 11]))
    assert block.header.number == 1
    assert list(block.data.data) == [b"x", b"y"]
    assert block.metadata.metadata[common_pb2.BlockMetadataIndex.TRANSACTIONS_FILTER] == bytes([0, 11])
    assert len(block.metadata.metadata) == 5


def test_key_stands_in_no_repr() -> None:
    assert "private" not in repr(SIGNER).lower()
