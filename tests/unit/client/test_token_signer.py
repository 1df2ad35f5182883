"""Keys in a token: made, found, used, and everything that a token refuses."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils
from tests.ca.stand_in import ADMIN, ADMIN_SECRET, StandInCa
from tests.softhsm import SoftHsm
from tests.unit.client.fakes import CERTIFICATE

from gridledger.client import (
    Credentials,
    MspIdentity,
    PinRefused,
    TokenError,
    TokenKeyMissing,
    TokenMissing,
    TokenSigner,
    TokenUri,
    low_s,
    open_private_key,
)
from gridledger.client.ca import CaAddress, FabricCa
from gridledger.model.errors import ConfigError
from gridledger.network.authority import CertificateAuthority

pytestmark = pytest.mark.xdist_group("softhsm")
DIGEST = hashlib.sha256(b"message").digest()


def verify(signer: TokenSigner, signature: bytes) -> None:
    signer.public_key.verify(signature, DIGEST, ec.ECDSA(utils.Prehashed(hashes.SHA256())))


async def test_key_made_in_a_token_signs_with_low_s(softhsm: SoftHsm) -> None:
    signer = TokenSigner.generate(softhsm.uri("meters"), "signs")
    for _ in range(16):
        signature = await signer.sign(DIGEST)
        verify(signer, signature)
        assert low_s(signature) == signature
    assert "pin-of-a-test" not in repr(signer) + str(signer.private_key().content)


async def test_key_is_found_again_by_label_by_identifier_and_in_pem(softhsm: SoftHsm) -> None:
    made = TokenSigner.generate(softhsm.uri("meters"), "found again")
    assert made.uri.id is not None
    assert len(made.uri.id) == 32
    token = softhsm.uri("meters")
    for uri in (replace(token, object="found again"), replace(token, id=made.uri.id)):
        signer = TokenSigner(uri)
        assert signer.public_numbers == made.public_numbers
        verify(made, await signer.sign(DIGEST))
    assert open_private_key(made.private_key()).public_numbers == made.public_numbers


async def test_private_key_does_not_leave_the_token(softhsm: SoftHsm) -> None:
    import pkcs11

    signer = TokenSigner.generate(softhsm.uri("meters"), "stays")
    assert signer._key[pkcs11.Attribute.EXTRACTABLE] is False
    with pytest.raises(pkcs11.AttributeSensitive):
        signer._key[pkcs11.Attribute.VALUE]


def test_label_that_is_taken_is_refused(softhsm: SoftHsm) -> None:
    TokenSigner.generate(softhsm.uri("meters"), "taken")
    with pytest.raises(TokenError, match="already"):
        TokenSigner.generate(softhsm.uri("meters"), "taken")


def test_wrong_pin_is_refused_and_not_tried_twice(softhsm: SoftHsm, tmp_path: Path) -> None:
    wrong = tmp_path / "pin"
    wrong.write_text("another pin")
    uri = replace(softhsm.uri("locked"), pin_file=wrong)
    for said in ("PinIncorrect", "not tried again"):
        with pytest.raises(PinRefused, match=said) as caught:
            TokenSigner.generate(uri, "a")
        assert "another pin" not in str(caught.value)
        assert caught.value.exit_code == 35
    # The right one opens all the same, and the wrong one not even then.
    TokenSigner.generate(softhsm.uri("locked"), "b")
    with pytest.raises(PinRefused):
        TokenSigner(replace(uri, object="b"))


@pytest.mark.parametrize("uri", [TokenUri(token="no such token"), TokenUri(token="meters", serial="ffff")])
def test_token_that_is_not_there_is_missing(softhsm: SoftHsm, uri: TokenUri) -> None:
    token = softhsm.uri("meters")
    with pytest.raises(TokenMissing):
        TokenSigner(replace(uri, module_path=token.module_path, pin_file=token.pin_file, object="a"))


def test_module_that_is_none_is_missing(softhsm: SoftHsm, tmp_path: Path) -> None:
    no_module = tmp_path / "module.so"
    no_module.write_text("no library")
    for path in (no_module, tmp_path / "nothing"):
        with pytest.raises(TokenMissing):
            TokenSigner(replace(softhsm.uri("meters"), module_path=path, object="a"))


def test_key_that_is_not_there_is_missing(softhsm: SoftHsm) -> None:
    with pytest.raises(TokenKeyMissing):
        TokenSigner(replace(softhsm.uri("meters"), object="no such key"))


async def test_token_that_was_taken_out_fails_each_signature(softhsm: SoftHsm) -> None:
    signer = TokenSigner.generate(softhsm.uri("taken-out"), "a")
    verify(signer, await signer.sign(DIGEST))
    places = {
        path.parent: path.parent.parent / f".{path.parent.name}" for path in tokens(softhsm, "taken-out")
    }
    for place, aside in places.items():
        place.rename(aside)
    for _ in range(2):
        with pytest.raises(TokenError):
            await signer.sign(DIGEST)
    for place, aside in places.items():
        aside.rename(place)


def tokens(softhsm: SoftHsm, label: str) -> list[Path]:
    """Return the files of a token's own object, which holds its label."""
    found = (softhsm.folder / "tokens").glob("*/token.object")
    return [path for path in found if label.encode() in path.read_bytes()]


async def test_digest_of_another_length_is_refused(softhsm: SoftHsm) -> None:
    signer = TokenSigner.generate(softhsm.uri("meters"), "digests")
    with pytest.raises(ConfigError):
        await signer.sign(b"short")


def test_certificate_of_another_key_is_refused(softhsm: SoftHsm) -> None:
    signer = TokenSigner.generate(softhsm.uri("meters"), "other")
    credentials = Credentials(msp_id="Org1MSP", certificate=CERTIFICATE, private_key=signer.private_key())
    with pytest.raises(ConfigError, match="does not belong"):
        credentials.signer()


async def test_key_in_a_token_is_enrolled_and_enrols_anew(softhsm: SoftHsm, tmp_path: Path) -> None:
    stand_in = StandInCa(CertificateAuthority.create("ca.org1.example", "org1.example"))
    address = CaAddress(url="http://127.0.0.1:7054")
    async with FabricCa.open(address, transport=stand_in.transport()) as ca:
        signer = TokenSigner.generate(softhsm.uri("meters"), "enrolled")
        enrolment = await ca.enrol(ADMIN, ADMIN_SECRET, signer)
        enrolment.msp_identity(signer.private_key()).save(tmp_path / "msp")
        credentials = MspIdentity.load(tmp_path / "msp").credentials("Org1MSP")
        again = await ca.reenrol(credentials.signer(), by=ca.speaker(credentials))
    assert isinstance(again.identity.x509, x509.Certificate)
    assert again.identity.public_numbers == signer.public_numbers
    assert b"PRIVATE KEY" not in (tmp_path / "msp" / "keystore" / "priv_sk").read_bytes()
