"""The published vectors of Monero, from the package `monero-ed25519` (vectors/cryptonote/README.md)."""

from __future__ import annotations

from pathlib import Path

import pytest

from gridledger.crypto.cryptonote.hash_to_point import hash_to_ec
from gridledger.crypto.cryptonote.point import check_key

FILE = Path(__file__).parents[3] / "conformance/vectors/cryptonote/monero.txt"
LINES = [line.split() for line in FILE.read_text(encoding="ascii").splitlines()]


def cases(name: str) -> list[list[str]]:
    found = [words[1:] for words in LINES if words[0] == name]
    assert len(found) > 200
    return found


def test_keys_are_taken_and_refused_as_published() -> None:
    found = [(key, check_key(bytes.fromhex(key))) for key, _ in cases("check_key")]
    assert found == [(key, said == "true") for key, said in cases("check_key")]


def test_keys_are_hashed_to_the_published_points() -> None:
    found = [(key, hash_to_ec(bytes.fromhex(key)).hex()) for key, _ in cases("hash_to_ec")]
    assert found == [(key, point) for key, point in cases("hash_to_ec")]


@pytest.mark.parametrize("length", [0, 31, 33])
def test_key_of_another_length_is_none(length: int) -> None:
    assert not check_key(bytes(length))
