"""Vectors of other implementations, and our functions as they call them (hexadecimal in and out)."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from gridledger.crypto.cryptonote.hash_to_point import hash_to_ec
from gridledger.crypto.cryptonote.keys import (
    derive_public_key,
    derive_secret_key,
    generate_key_derivation,
    generate_key_image,
    secret_key_to_public_key,
    underive_public_key,
)
from gridledger.crypto.cryptonote.point import check_key
from gridledger.crypto.cryptonote.ring import check_ring_signature
from gridledger.crypto.cryptonote.scalar import check_scalar, hash_to_scalar
from gridledger.crypto.cryptonote.signature import check_signature
from gridledger.crypto.cryptonote.signing import generate_ring_signature, generate_signature
from gridledger.model.errors import CryptoError

__all__ = ["FUNCTIONS", "call", "read"]

_FOLDER = Path(__file__).parents[3] / "conformance/vectors/cryptonote"

FUNCTIONS: dict[str, Callable[..., Any]] = {
    function.__name__: function
    for function in (
        check_key,
        check_ring_signature,
        check_scalar,
        check_signature,
        derive_public_key,
        derive_secret_key,
        generate_key_derivation,
        generate_key_image,
        generate_ring_signature,
        generate_signature,
        hash_to_ec,
        hash_to_scalar,
        secret_key_to_public_key,
        underive_public_key,
    )
}


def read(name: str) -> Any:
    """Return a file of vectors."""
    return json.loads((_FOLDER / name).read_text(encoding="utf-8"))


def call(name: str, *given: Any) -> Any:
    """Call one of our functions; None where it refuses."""
    try:
        result = FUNCTIONS[name](*(_bytes(value) for value in given))
    except CryptoError:
        return None
    return result.hex() if isinstance(result, bytes) else result


def _bytes(value: Any) -> Any:
    if isinstance(value, list):
        return [bytes.fromhex(each) for each in value]
    return bytes.fromhex(value) if isinstance(value, str) else value
