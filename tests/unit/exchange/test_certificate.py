"""Certificates recorded on both worlds: they hold offline, and whatever is changed in them is found."""

from __future__ import annotations

import copy
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridledger.client.block_proof import block_of
from gridledger.client.channel_trust import ConfiguredTrust
from gridledger.client.errors import ProofRefused
from gridledger.exchange.certificate import verify_certificate
from gridledger.model.canonical import canonical_bytes, parse_canonical
from gridledger.model.errors import GridLedgerError, ModelError
from gridledger.model.fieldtype import read_base64url, write_base64url
from gridledger.model.proof import OwnershipCertificate

RECORDED = Path(__file__).parents[2] / "data" / "certificates"
WORLDS = ("devnet", "fabric")
BYTES = {"identifier_header", "certificate", "signature", "previous_hash", "metadata", "endorser"} | {
    "channel_header",
    "signature_header",
    "payload",
    "response",
}


@cache
def recorded(world: str) -> bytes:
    return (RECORDED / f"{world}.json").read_bytes()


@cache
def trust(world: str) -> ConfiguredTrust:
    return ConfiguredTrust.from_block((RECORDED / f"{world}.block").read_bytes())


def certificate(world: str) -> OwnershipCertificate:
    return OwnershipCertificate.from_bytes(recorded(world))


@pytest.mark.parametrize(("world", "orderers"), [("devnet", 1), ("fabric", 3)])
def test_recorded_certificate_holds(world: str, orderers: int) -> None:
    verified = verify_certificate(certificate(world), trust(world))

    assert str(verified.ownership.field.identifier) == "88.3042.1/INV01#brand"
    assert verified.orderers == orderers
    assert verified.read_by == verified.executed_by == ("Org1MSP", "Org2MSP")


def test_certificate_under_another_channels_block_is_refused() -> None:
    with pytest.raises(ProofRefused):
        verify_certificate(certificate("fabric"), trust("devnet"))
    with pytest.raises(ProofRefused):
        verify_certificate(certificate("devnet"), trust("fabric"))


def test_fewer_orderers_than_a_quorum_are_refused() -> None:
    whole = certificate("fabric")
    registration = replace(whole.registration, signatures=whole.registration.signatures[1:])

    with pytest.raises(ProofRefused, match="3 are a quorum"):
        verify_certificate(replace(whole, registration=registration), trust("fabric"))


def test_orderer_that_signs_twice_counts_once() -> None:
    whole = certificate("fabric")
    first, second, _ = whole.registration.signatures
    registration = replace(whole.registration, signatures=(first, second, second))

    with pytest.raises(ProofRefused, match="signed twice"):
        verify_certificate(replace(whole, registration=registration), trust("fabric"))


def test_read_of_another_registration_is_refused() -> None:
    mine, theirs = certificate("fabric"), certificate("devnet")

    with pytest.raises(ProofRefused):
        verify_certificate(replace(mine, reading=theirs.reading), trust("fabric"))


def test_peer_that_signs_alone_or_twice_is_refused() -> None:
    whole = certificate("fabric")
    one, _ = whole.reading.endorsements
    for endorsements in ((one,), (one, one)):
        reading = replace(whole.reading, endorsements=endorsements)
        with pytest.raises(ProofRefused):
            verify_certificate(replace(whole, reading=reading), trust("fabric"))


@pytest.mark.parametrize("source", ["channel_header", "signature_header"])
def test_bytes_moved_between_the_parts_of_a_question_are_found(source: str) -> None:
    # The hash over the parts one after the other stays the same.
    whole = certificate("fabric")
    following = {"channel_header": "signature_header", "signature_header": "payload"}[source]
    given_part, next_part = getattr(whole.reading, source), getattr(whole.reading, following)
    for size in range(1, len(given_part) + 1):
        moved = {source: given_part[:-size], following: given_part[-size:] + next_part}
        reading = replace(whole.reading, **moved)
        with pytest.raises(ProofRefused):
            verify_certificate(replace(whole, reading=reading), trust("fabric"))


def leaves(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the paths of everything that is no object and no list."""
    if isinstance(value, dict):
        return [leaf for name, one in value.items() for leaf in leaves(one, (*path, name))]
    if isinstance(value, list):
        return [leaf for number, one in enumerate(value) for leaf in leaves(one, (*path, number))]
    return [path]


@pytest.mark.parametrize("world", WORLDS)
@given(data=st.data())
def test_any_changed_part_is_found(world: str, data: st.DataObject) -> None:
    document: Any = copy.deepcopy(parse_canonical(recorded(world)))
    *above, last = data.draw(st.sampled_from(leaves(document)))
    holder = document
    for step in above:
        holder = holder[step]
    present = holder[last]
    if isinstance(present, int):
        holder[last] = present + data.draw(st.integers(-3, 3).filter(bool))
    elif last in BYTES or "entries" in above:
        content = bytearray(read_base64url(present))
        bit = data.draw(st.integers(0, len(content) * 8 - 1)) if content else 0
        if content:
            content[bit // 8] ^= 1 << bit % 8
        else:
            content.append(bit)
        holder[last] = write_base64url(bytes(content))
    else:
        at = data.draw(st.integers(0, len(present) - 1))
        other = data.draw(st.characters(codec="ascii").filter(lambda one: one != present[at]))
        holder[last] = present[:at] + other + present[at + 1 :]

    with pytest.raises((ProofRefused, ModelError)):
        verify_certificate(OwnershipCertificate.from_bytes(canonical_bytes(document)), trust(world))


@given(noise=st.binary(max_size=200))
def test_noise_is_no_certificate_and_no_trust(noise: bytes) -> None:
    with pytest.raises(GridLedgerError):
        OwnershipCertificate.from_bytes(noise)
    with pytest.raises(ProofRefused):
        ConfiguredTrust.from_block(noise)


def test_block_of_a_proof_has_its_place_in_the_chain() -> None:
    block = block_of(certificate("fabric").registration)

    assert block.number == certificate("fabric").registration.number
    block.verify_data()
