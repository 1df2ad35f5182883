"""turtlecoin-crypto checks what we make, and we what it makes; its JavaScript build needs no compiler."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from tests.nodejs import NodeProgram
from tests.unit.crypto.cryptonote.vectors import call

from gridledger.crypto.cryptonote.signing import generate_keys

pytestmark = [pytest.mark.node, pytest.mark.timeout(600)]

_RUN_SECONDS = 300.0
_RING = 3


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> NodeProgram:
    """Return turtlecoin-crypto, ready to be called."""
    return NodeProgram(Path(__file__).parent, tmp_path_factory.mktemp("cryptonote"))


async def theirs(program: NodeProgram, *calls: list[Any]) -> list[Any]:
    """Return what turtlecoin-crypto answers."""
    request = {"engine": "js", "calls": calls}
    answer = await program.run("calls.mjs", request, seconds=_RUN_SECONDS)
    results: list[Any] = answer["results"]
    assert len(results) == len(calls)
    return results


def pairs() -> tuple[list[str], list[str]]:
    """Return public and secret keys of a ring."""
    drawn = [generate_keys() for _ in range(_RING)]
    return [public.hex() for public, _ in drawn], [secret.hex() for _, secret in drawn]


async def test_it_checks_our_signatures_and_refuses_them_for_another_hash(program: NodeProgram) -> None:
    ring, secrets = pairs()
    said, other = os.urandom(32).hex(), os.urandom(32).hex()
    images = [call("generate_key_image", *pair) for pair in zip(ring, secrets, strict=True)]
    rings = [
        call("generate_ring_signature", said, image, ring, secret, index)
        for index, (image, secret) in enumerate(zip(images, secrets, strict=True))
    ]
    signature = call("generate_signature", said, ring[0], secrets[0])
    answers = await theirs(
        program,
        *(
            ["check_ring_signature", said, image, ring, made]
            for image, made in zip(images, rings, strict=True)
        ),
        ["check_ring_signature", other, images[0], ring, rings[0]],
        ["check_ring_signature", said, images[1], ring, rings[0]],
        ["check_signature", said, ring[0], signature],
        ["check_signature", other, ring[0], signature],
    )
    assert answers == [True] * _RING + [False, False, True, False]


async def test_we_check_its_signatures_and_refuse_them_for_another_hash(program: NodeProgram) -> None:
    ring, secrets = pairs()
    said, other = os.urandom(32).hex(), os.urandom(32).hex()
    images = [call("generate_key_image", *pair) for pair in zip(ring, secrets, strict=True)]
    *rings, signature = await theirs(
        program,
        *(
            ["generate_ring_signature", said, image, ring, secret, index]
            for index, (image, secret) in enumerate(zip(images, secrets, strict=True))
        ),
        ["generate_signature", said, ring[0], secrets[0]],
    )
    for image, made in zip(images, rings, strict=True):
        assert call("check_ring_signature", said, image, ring, made) is True
        assert call("check_ring_signature", other, image, ring, made) is False
    assert call("check_ring_signature", said, images[1], ring, rings[0]) is False
    assert call("check_signature", said, ring[0], signature) is True
    assert call("check_signature", other, ring[0], signature) is False


async def test_keys_of_each_are_those_of_the_other(program: NodeProgram) -> None:
    (public, other), (secret, _) = (values[:2] for values in pairs())
    derivation = call("generate_key_derivation", other, secret)
    calls = [
        ["secret_key_to_public_key", secret],
        ["generate_key_derivation", other, secret],
        *([name, derivation, index, public] for name in _DERIVE for index in (0, 127, 128, 70_000)),
        ["derive_secret_key", derivation, 5, secret],
        ["hash_to_ec", public],
        ["generate_key_image", public, secret],
        ["hash_to_scalar", os.urandom(32).hex()],
    ]
    assert await theirs(program, *calls) == [call(*each) for each in calls]


_DERIVE = ("derive_public_key", "underive_public_key")
