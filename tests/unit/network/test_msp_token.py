"""An MSP folder whose key lies in a token is taken like any other."""

from __future__ import annotations

from pathlib import Path

import pytest

from gridledger.client import MspIdentity, Pem, TokenUri
from gridledger.model.errors import ConfigError
from gridledger.network.material import OrganisationKind, OrganisationMaterial


def test_key_in_a_token_counts_where_it_is_the_only_one(tmp_path: Path) -> None:
    organisation = OrganisationMaterial.create(tmp_path / "o", "org1", OrganisationKind.PEER)
    certificate = organisation.add_user("user1").msp.certificate.read_bytes()
    key = Pem(TokenUri(token="meters", object="user1").to_pem())
    folder = tmp_path / "msp"
    MspIdentity(certificate=certificate, private_key=key, roots=[certificate]).save(folder)
    assert MspIdentity.load(folder).credentials("Org1MSP").private_key == key
    (folder / "keystore" / "other_sk").write_bytes(key.content)
    with pytest.raises(ConfigError):
        MspIdentity.load(folder)
