"""URIs of keys in tokens: RFC 7512, and the PEM form."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.client.fakes import CERTIFICATE, KEY_PEM

from gridledger.client import Credentials, Pem, TokenUri, Wallet, open_private_key
from gridledger.model.errors import ConfigError

PLAIN = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=30)
PATHS = PLAIN.filter(lambda text: not text.startswith("file:")).map(Path)
URIS = st.builds(
    TokenUri,
    token=PLAIN,
    serial=PLAIN | st.none(),
    manufacturer=PLAIN | st.none(),
    model=PLAIN | st.none(),
    object=PLAIN | st.none(),
    id=st.binary(min_size=1, max_size=40) | st.none(),
    module_path=PATHS | st.none(),
    pin_file=PATHS | st.none(),
)


@given(URIS)
def test_uri_is_read_as_it_was_written(uri: TokenUri) -> None:
    assert TokenUri.parse(str(uri)) == uri
    assert TokenUri.from_pem(uri.to_pem()) == uri
    assert TokenUri.is_pem(uri.to_pem())


def test_uri_of_other_tools_is_read() -> None:
    # As p11tool lists keys.
    uri = TokenUri.parse(
        "pkcs11:model=SoftHSM%20v2;manufacturer=SoftHSM%20project;serial=0a1b;token=My%20token;"
        "id=%01%ff;object=agent;type=private?pin-source=/etc/pin&module-path=/usr/lib/m.so"
    )
    assert (uri.model, uri.token, uri.id) == ("SoftHSM v2", "My token", b"\x01\xff")
    assert (uri.pin_file, uri.module_path) == (Path("/etc/pin"), Path("/usr/lib/m.so"))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "pkcs11:",
        "pkcs11:object=a",
        "pkcs12:token=a",
        "pkcs11:token=a;token=b",
        "pkcs11:token=",
        "pkcs11:token",
        "pkcs11:token=a;colour=red",
        "pkcs11:token=a?colour=red",
        "pkcs11:token=a;type=public",
        "pkcs11:token=a b",
        "pkcs11:token=%zz",
        "pkcs11:token=%00",
        "pkcs11:token=%ff",
        "pkcs11:token=a?module-path=/m?pin-source=/p",
        "pkcs11:token=" + "a" * 5000,
    ],
)
def test_text_that_is_no_uri_of_a_key_is_refused(text: str) -> None:
    with pytest.raises(ConfigError):
        TokenUri.parse(text)


def test_pin_in_a_uri_is_refused_and_not_repeated() -> None:
    with pytest.raises(ConfigError) as caught:
        TokenUri.parse("pkcs11:token=a?pin-value=secret1234")
    assert "secret1234" not in str(caught.value)


def test_pem_that_was_changed_is_refused() -> None:
    pem = TokenUri(token="meters", object="agent1").to_pem()
    lines = pem.splitlines()
    for broken in (
        b"\n".join([lines[0], b"AAAA", *lines[2:]]),
        b"\n".join(lines[:-1]),
        b"\n".join([lines[0], lines[-1]]),
        pem.replace(b"M", b"*", 1),
        pem + b"more",
    ):
        with pytest.raises(ConfigError):
            TokenUri.from_pem(broken)


@given(st.binary(max_size=100))
def test_any_bytes_for_pem_are_refused_in_the_tree(junk: bytes) -> None:
    with pytest.raises(ConfigError):
        TokenUri.from_pem(b"-----BEGIN PKCS#11 PROVIDER URI-----" + junk)


def test_wallet_keeps_a_key_in_a_token_without_opening_it(tmp_path: Path) -> None:
    key = Pem(TokenUri(token="nowhere", object="agent1").to_pem())
    credentials = Credentials(msp_id="Org1MSP", certificate=CERTIFICATE, private_key=key)
    Wallet(tmp_path).put("agent1", credentials)
    assert Wallet(tmp_path).get("agent1") == credentials


def test_key_in_a_file_opens_as_before() -> None:
    assert open_private_key(KEY_PEM).public_numbers == open_private_key(Pem(KEY_PEM)).public_numbers


def test_key_in_a_token_wants_a_pin_and_a_module(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("GRIDLEDGER_PKCS11_PIN", "GRIDLEDGER_PKCS11_PIN_FILE", "GRIDLEDGER_PKCS11_MODULE"):
        monkeypatch.delenv(name, raising=False)
    pem = TokenUri(token="nowhere", object="agent1").to_pem()
    with pytest.raises(ConfigError, match="GRIDLEDGER_PKCS11_PIN"):
        open_private_key(pem)
    monkeypatch.setenv("GRIDLEDGER_PKCS11_PIN", "1234")
    with pytest.raises(ConfigError, match="GRIDLEDGER_PKCS11_MODULE"):
        open_private_key(pem)
    pin = tmp_path / "pin"
    monkeypatch.setenv("GRIDLEDGER_PKCS11_PIN_FILE", str(pin))
    for content in (b"", b"\n", b"\xff\xfe", b"1" * 300):
        pin.write_bytes(content)
        with pytest.raises(ConfigError, match="pin"):
            open_private_key(pem)
