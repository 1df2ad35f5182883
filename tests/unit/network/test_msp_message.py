"""MSP folders as messages: a revocation list that would lock an organisation out is refused."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
from fabric_protos.msp import msp_config_pb2
from tests.ca.stand_in import StandInCa

from gridledger.network.devnet.errors import Malformed
from gridledger.network.material import OrganisationKind, OrganisationMaterial
from gridledger.network.msp_message import msp_message


def test_revocation_list_stands_in_the_message(tmp_path: Path) -> None:
    organisation = OrganisationMaterial.create(tmp_path, "org1", OrganisationKind.PEER)
    folder = organisation.msp.path
    stand_in = StandInCa(organisation.signing_authority())
    (folder / "crls").mkdir()
    usable = base64.b64decode(stand_in._crl())
    (folder / "crls" / "a.pem").write_bytes(usable)
    message = msp_config_pb2.MSPConfig.FromString(msp_message(folder, "Org1MSP"))
    assert [*msp_config_pb2.FabricMSPConfig.FromString(message.config).revocation_list] == [usable]
    for content in (base64.b64decode(stand_in._crl(names_signer=False)), b"no PEM"):
        (folder / "crls" / "b.pem").write_bytes(content)
        with pytest.raises(Malformed, match="revocation list"):
            msp_message(folder, "Org1MSP")
