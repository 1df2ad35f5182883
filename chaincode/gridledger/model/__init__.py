"""The words of the system: identifiers, records, canonical bytes, digests, Merkle proofs, money, errors.

This package exports what everything is built from; the decorators that make records stand in `record`. The
records of the exchange stand in modules of their own (`system`, `device`, `catalogue`, `resolution`,
`integrity`, `trade`), refusals in `refusals` and `exchange_refusals`, names that client and chaincode share
in `roles`, `events`, `keys` and `states`.
"""

from __future__ import annotations

from gridledger.model.argument import Argument, argument_codec, decode_argument, encode_argument
from gridledger.model.canonical import Value, WritableValue, canonical_bytes, parse_canonical
from gridledger.model.digest import Digest, DigestTag
from gridledger.model.errors import (
    ConfigError,
    ContractError,
    CryptoError,
    GatewayError,
    GridLedgerError,
    LakeError,
    ModelError,
    NetworkSetupError,
    ServiceError,
)
from gridledger.model.identifier import (
    DeviceIdentifier,
    FieldIdentifier,
    Identifier,
    SystemIdentifier,
    parse_identifier,
    parse_identifier_url,
)
from gridledger.model.jsonschema import json_schema
from gridledger.model.merkle import InclusionProof, MerkleTree, merkle_root, row_leaf
from gridledger.model.money import format_yuan, parse_yuan
from gridledger.model.record import ModelValue, Record
from gridledger.model.scalar import TextScalar

__all__ = [
    "Argument",
    "ConfigError",
    "ContractError",
    "CryptoError",
    "DeviceIdentifier",
    "Digest",
    "DigestTag",
    "FieldIdentifier",
    "GatewayError",
    "GridLedgerError",
    "Identifier",
    "InclusionProof",
    "LakeError",
    "MerkleTree",
    "ModelError",
    "ModelValue",
    "NetworkSetupError",
    "Record",
    "ServiceError",
    "SystemIdentifier",
    "TextScalar",
    "Value",
    "WritableValue",
    "argument_codec",
    "canonical_bytes",
    "decode_argument",
    "encode_argument",
    "format_yuan",
    "json_schema",
    "merkle_root",
    "parse_canonical",
    "parse_identifier",
    "parse_identifier_url",
    "parse_yuan",
    "row_leaf",
]
