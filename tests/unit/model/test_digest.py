"""Digests: the type, and that digests of different things never meet."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridledger.model.digest import Digest, DigestTag, check_salt
from gridledger.model.errors import ModelError

parts = st.lists(st.binary(max_size=12), max_size=4)


@given(st.binary())
def test_digest_is_sha256_and_reads_back(data: bytes) -> None:
    digest = Digest.of(data)
    assert str(digest) == hashlib.sha256(data).hexdigest()
    assert digest.raw == bytes(digest) == hashlib.sha256(data).digest()
    assert Digest.parse(str(digest)) == Digest(digest.raw) == digest


@pytest.mark.parametrize(
    "text", ["", "0" * 63, "0" * 65, "A" * 64, "g" * 64, " " + "0" * 63, "0" * 64 + "\n"]
)
def test_text_of_another_form_is_refused(text: str) -> None:
    with pytest.raises(ModelError):
        Digest.parse(text)


@pytest.mark.parametrize("length", [0, 31, 33])
def test_bytes_of_another_length_are_refused(length: int) -> None:
    with pytest.raises(ModelError):
        Digest(bytes(length))


def test_tagged_digest_follows_its_format() -> None:
    expected = hashlib.sha256(b"gridledger/evidence\x00" + b"\x00" * 7 + b"\x03abc" + b"\x00" * 8).hexdigest()
    assert str(Digest.tagged(DigestTag.EVIDENCE, b"abc", b"")) == expected


@given(parts, parts)
def test_tagged_digests_of_different_parts_differ(first: list[bytes], second: list[bytes]) -> None:
    tag = DigestTag.DELIVERY
    assert (Digest.tagged(tag, *first) == Digest.tagged(tag, *second)) == (first == second)


@given(parts)
def test_tagged_digests_of_different_tags_differ(some: list[bytes]) -> None:
    assert len({Digest.tagged(tag, *some) for tag in DigestTag}) == len(DigestTag)


def test_tags_do_not_begin_one_another() -> None:
    assert all("\0" not in tag and tag.isascii() for tag in DigestTag)


@given(st.binary(min_size=16, max_size=16), st.binary(min_size=16, max_size=16), st.binary(max_size=9))
def test_salted_digest_depends_on_the_salt(salt: bytes, other: bytes, data: bytes) -> None:
    assert (Digest.salted(salt, data) == Digest.salted(other, data)) == (salt == other)


@pytest.mark.parametrize("length", [0, 15, 17, 32])
def test_salt_of_another_length_is_refused(length: int) -> None:
    with pytest.raises(ModelError):
        Digest.salted(bytes(length), b"")
    with pytest.raises(ModelError):
        check_salt(bytes(length))
