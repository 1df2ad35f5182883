"""Wallets of fabric-sdk-py, and other folders that identities come from."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.unit.client.fakes import CERTIFICATE, KEY_PEM, OTHER_KEY_PEM

from gridledger.client import HfcWallet, MspIdentity, Pem
from gridledger.model.errors import ConfigError


def keep(folder: Path, certificate: bytes = CERTIFICATE, key: bytes = KEY_PEM) -> None:
    """Write an identity as hfc's ``Identity.CreateIdentity`` does."""
    folder.mkdir(parents=True)
    (folder / "private_sk").write_bytes(key)
    (folder / "enrollmentCert.pem").write_bytes(certificate)


def test_identities_are_listed_and_read(tmp_path: Path) -> None:
    keep(tmp_path / "user1")
    keep(tmp_path / "admin")
    (tmp_path / "state.json").write_text("{}")
    wallet = HfcWallet(tmp_path, msp_id="Org1MSP")
    assert wallet.labels() == ["admin", "user1"]
    credentials = wallet.get("user1")
    assert (credentials.msp_id, credentials.certificate) == ("Org1MSP", CERTIFICATE)
    assert credentials.private_key == Pem(KEY_PEM)


@pytest.mark.parametrize("label", ["", ".", "..", "../user1", "nobody", "a/b", "a\0b"])
def test_name_that_is_none_is_refused(tmp_path: Path, label: str) -> None:
    keep(tmp_path / "wallet" / "user1")
    with pytest.raises(ConfigError):
        HfcWallet(tmp_path / "wallet", msp_id="Org1MSP").get(label)


def test_key_of_another_is_refused(tmp_path: Path) -> None:
    keep(tmp_path / "user1", key=OTHER_KEY_PEM)
    with pytest.raises(ConfigError, match="does not belong"):
        HfcWallet(tmp_path, msp_id="Org1MSP").get("user1")


def test_wallet_names_no_authority_for_an_msp_folder(tmp_path: Path) -> None:
    keep(tmp_path / "user1")
    with pytest.raises(ConfigError, match="root"):
        HfcWallet.read(tmp_path / "user1").save(tmp_path / "msp")


def test_msp_folder_with_former_keys_gives_the_one_that_belongs(tmp_path: Path) -> None:
    files = {"signcerts/c.pem": CERTIFICATE, "keystore/1_sk": OTHER_KEY_PEM, "keystore/2_sk": KEY_PEM}
    for name, data in files.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(data)
    (tmp_path / "keystore" / "0_sk").write_text("no key")
    assert MspIdentity.load(tmp_path).credentials("O").private_key == Pem(KEY_PEM)
    (tmp_path / "keystore" / "2_sk").unlink()
    with pytest.raises(ConfigError, match="keystore"):
        MspIdentity.load(tmp_path)
    (tmp_path / "signcerts" / "c.pem").unlink()
    with pytest.raises(ConfigError, match="signcerts"):
        MspIdentity.load(tmp_path)
