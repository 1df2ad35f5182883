"""Sealed texts and custody files that nobody wrote in good faith."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from tests.unit.lake.ledger.sharing_lake import other_secret

from gridledger.crypto.dataset_key import DatasetKey
from gridledger.crypto.sealing import seal
from gridledger.crypto.secret_key import SecretKey
from gridledger.crypto.wrapping import seal_to
from gridledger.lake import LocalStore
from gridledger.lake.custody_file import check_frames, read_custody
from gridledger.lake.errors import LakeError, Malformed, NotGranted, PayloadCorrupt, PayloadNotFound
from gridledger.lake.frame import compress
from gridledger.lake.ledger.location import LakeLocation, hand_over, open_custody, take_over
from gridledger.lake.paths import custody_path
from gridledger.lake.varint import varint
from gridledger.model.dataset import DatasetIdentifier, VersionStatement
from gridledger.model.digest import Digest
from gridledger.model.sharing import AccessDecision, AccessRequest, Grant, SealedKey

KEY = SecretKey(bytes(32))
DATASET = DatasetIdentifier.parse("88.1042.1/meters.csv")
PATH = custody_path(bytes(16), 1)
_MAGIC = b"GLCUST01"


def decision() -> AccessDecision:
    request = AccessRequest(
        dataset=DATASET,
        application=DATASET.system,
        user="worker-1",
        user_role="planner",
        purpose="load-forecast",
        wanted_ms=60_000,
        recipient=other_secret().public.raw,
        made_ms=1,
        nonce="nonce-of-a-request",
    )
    return AccessDecision(
        id=request.id,
        request=request,
        organisation="Org1MSP",
        policy_version=1,
        decided_ms=1,
        valid_until_ms=60_001,
    )


def grant_of(sealed: SealedKey | None) -> Grant:
    return Grant(
        request=decision().id,
        dataset=DATASET,
        application=DATASET.system,
        valid_until_ms=60_001,
        sealed=sealed,
    )


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200)
@given(body=st.binary(max_size=200))
@example(body=b"\x01" + bytes(16) + b"\x01\x00\x00\x05" + bytes(32))
@example(body=b"\x00\xff\xff\xff\xff\x7f")
def test_custody_file_with_any_body_is_read_or_refused(folder: Path, body: bytes) -> None:
    store = LocalStore(folder)
    store.delete(PATH)
    store.publish(PATH, _MAGIC + seal(KEY.reveal(), compress(body), _MAGIC + PATH.encode()))
    try:
        frames = read_custody(store, PATH, KEY)
    except PayloadCorrupt:
        return
    if frames:
        with pytest.raises((PayloadCorrupt, PayloadNotFound)):
            check_frames(store, frames)


def test_custody_file_that_fills_a_custodians_memory_is_refused(folder: Path) -> None:
    # Some kibibytes that would become hundreds of thousands of frames.
    body = b"\x01" + bytes(16) + varint(300_000) + (b"\x00\x00\x05" + bytes(32)) * 300_000
    store = LocalStore(folder)
    store.publish(PATH, _MAGIC + seal(KEY.reveal(), compress(body), _MAGIC + PATH.encode()))
    assert store.size(PATH) < 100_000
    with pytest.raises(PayloadCorrupt, match="more than"):
        read_custody(store, PATH, KEY)


@given(data=st.binary(max_size=300))
def test_custody_file_of_any_bytes_is_refused(data: bytes, tmp_path_factory: pytest.TempPathFactory) -> None:
    store = LocalStore(tmp_path_factory.mktemp("store"))
    store.publish(PATH, data)
    with pytest.raises(PayloadCorrupt):
        read_custody(store, PATH, KEY)


@given(wrapped=st.binary(min_size=80, max_size=80), location=st.binary(min_size=29, max_size=200))
def test_grant_of_any_bytes_opens_nothing(wrapped: bytes, location: bytes) -> None:
    sealed = SealedKey(epoch=1, wrapped_key=wrapped, location=location)
    with pytest.raises(NotGranted):
        take_over(decision(), grant_of(sealed), other_secret())


@pytest.mark.parametrize(
    "path",
    ["datasets", "packs/" + "0" * 32, "datasets/../" + "0" * 32, "datasets/" + "0" * 31, "/etc/passwd"],
)
def test_grant_that_leads_elsewhere_is_refused(path: str) -> None:
    key = DatasetKey(dataset=bytes(16), epoch=1, secret=KEY)
    sealed = hand_over(decision(), other_secret().public, key, LakeLocation(store="file:///x", path=path))
    with pytest.raises(NotGranted):
        take_over(decision(), grant_of(sealed), other_secret())


def test_grant_that_was_revoked_before_it_was_given_opens_nothing() -> None:
    with pytest.raises(NotGranted):
        take_over(decision(), grant_of(None), other_secret())


@given(text=st.binary(max_size=100))
def test_custody_of_any_text_is_refused(text: bytes) -> None:
    root, secret = Digest.of(b"root"), other_secret()
    info = b"gridledger/custody/1\x00" + root.raw + (1).to_bytes(8, "big") + str(DATASET).encode()
    statement = VersionStatement(
        dataset=DATASET,
        number=1,
        root=root,
        content=root,
        blocks=1,
        size_bytes=1,
        epoch=1,
        location=bytes(60),
        custodian="0" * 32,
        custody=seal_to(text, secret.public, info=info),
    )
    with pytest.raises(NotGranted):
        open_custody(statement, secret)


def test_location_of_something_else_is_none() -> None:
    with pytest.raises(Malformed):
        LakeLocation(store="file:///x", path="packs/" + "0" * 32).dataset()
    assert issubclass(Malformed, LakeError)
