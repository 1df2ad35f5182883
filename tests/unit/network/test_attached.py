"""What attaching reads: MSP folders, profiles, definitions, a channel's configuration."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridledger.client.collection import collections_of
from gridledger.client.lifecycle import ChaincodeDefinition
from gridledger.client.msp_identity import MspFiles, MspIdentity, find_key
from gridledger.client.policy import EndorsementPolicy
from gridledger.client.profile import ConnectionProfile
from gridledger.model.errors import ConfigError, ModelError
from gridledger.network import OrganisationAccess, attach
from gridledger.network.attached.channel_members import ChannelMembers
from gridledger.network.attached.definition_file import DefinitionFile
from gridledger.network.authority import CertificateAuthority, NodeRole
from gridledger.network.description import AttachedPeer, Attachment, OrganisationDescription
from gridledger.network.errors import MaterialError
from gridledger.network.material import OrganisationKind, OrganisationMaterial

COLLECTIONS = [
    {
        "name": "shared",
        "policy": "OR('Org1MSP.member','Org2MSP.member')",
        "requiredPeerCount": 0,
        "maxPeerCount": 1,
        "blockToLive": 3,
        "memberOnlyRead": True,
        "memberOnlyWrite": False,
        "endorsementPolicy": {"channelConfigPolicy": "/Channel/Application/Endorsement"},
    }
]
DEFINITION = ChaincodeDefinition(
    name="probe",
    version="1",
    sequence=1,
    policy=EndorsementPolicy("AND('Org1MSP.peer','Org2MSP.peer')"),
    collections=collections_of(COLLECTIONS, source="test"),
)
TEXTS = st.text(max_size=12)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)
ORGANISATIONS = st.fixed_dictionaries(
    {}, optional={"mspid": JSON, "peers": JSON, "users": JSON, "certificateAuthorities": JSON}
)
PEERS = st.fixed_dictionaries({}, optional={"url": JSON, "tlsCACerts": JSON, "grpcOptions": JSON})
PROFILES = st.fixed_dictionaries(
    {
        "organizations": JSON | st.dictionaries(st.just("Org1"), ORGANISATIONS | JSON, min_size=1),
        "peers": JSON | st.dictionaries(TEXTS, PEERS | JSON, max_size=2),
    }
)


@pytest.fixture(scope="module")
def material(tmp_path_factory: pytest.TempPathFactory) -> OrganisationMaterial:
    made = OrganisationMaterial.create(tmp_path_factory.mktemp("msp"), "org1", OrganisationKind.PEER)
    made.add_user("admin", role=NodeRole.ADMIN)
    made.add_user("user1")
    return made


@given(content=PROFILES)
def test_hostile_profile_is_refused_before_anybody_is_asked(
    content: object, material: OrganisationMaterial, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("profile")
    path = folder / "profile.json"
    path.write_text(json.dumps(content))
    # Names that no peer can have: what is read in full fails at the first peer's address.
    msp = material.user("admin").msp.path
    try:
        profile = ConnectionProfile.from_file(path)
        msp_id, peers = profile.msp_id("Org1"), profile.peers("Org1")
        credentials = MspIdentity.load(msp).credentials(msp_id)
        for peer in peers:
            profile.connection("Org1", credentials=credentials, peer=peer)
    except ConfigError:
        with pytest.raises(ConfigError):
            attach(folder / "net", path, [OrganisationAccess(name="Org1", msp=msp)])
    assert not (folder / "net" / "network.json").exists()


def test_organisation_is_called_by_small_letters_and_digits(tmp_path: Path) -> None:
    named = {
        name: OrganisationAccess(name=name, msp=tmp_path).short_name
        for name in ("Org1", "My-Company 2", "org.example.com")
    }
    assert named == {"Org1": "org1", "My-Company 2": "mycompany2", "org.example.com": "orgexamplecom"}
    for name in ("", "1", "电", "-"):
        with pytest.raises(ConfigError):
            _ = OrganisationAccess(name=name, msp=tmp_path).short_name


def test_signer_is_found_whatever_the_files_are_called(
    material: OrganisationMaterial, tmp_path: Path
) -> None:
    admin = material.user("admin")
    assert MspFiles.find(admin.msp.path).key == MspFiles.find(admin.path).key == admin.msp.key
    copy = tmp_path / "msp"
    for part, name, source in (
        ("signcerts", "cert.pem", admin.msp.certificate),
        ("keystore", "b7_sk", admin.msp.key),
        ("keystore", "a1_sk", material.user("user1").msp.key),
    ):
        (copy / part).mkdir(parents=True, exist_ok=True)
        (copy / part / name).write_bytes(source.read_bytes())
    (copy / "keystore" / "0_note.txt").write_text("not a key")
    found = MspFiles.find(copy)
    assert (found.certificate.name, found.key.name) == ("cert.pem", "b7_sk")
    assert "b7_sk" not in repr(found)
    (copy / "keystore" / "b7_sk").unlink()
    with pytest.raises(ConfigError, match="no key that belongs"):
        MspFiles.find(copy)
    (copy / "signcerts" / "other.pem").write_text("x")
    with pytest.raises(ConfigError, match="found 2"):
        MspFiles.find(copy)


@given(data=st.binary(max_size=200))
def test_hostile_certificate_is_refused(data: bytes, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("pem") / "cert.pem"
    path.write_bytes(b"-----BEGIN CERTIFICATE-----\n" + data)
    with pytest.raises(ConfigError):
        find_key(path, [])


@given(block=st.binary(max_size=400))
def test_hostile_configuration_is_refused(block: bytes) -> None:
    with pytest.raises(ModelError):
        ChannelMembers.from_block(block)


def test_definition_goes_through_its_file_unchanged(tmp_path: Path) -> None:
    path = tmp_path / "definition.json"
    DefinitionFile.of("energy", DEFINITION, module="probe:Probe", approved=["Org1MSP"]).save(path)
    read = DefinitionFile.load(path)
    assert (read.channel, read.module, read.approved) == ("energy", "probe:Probe", ["Org1MSP"])
    assert read.collections == COLLECTIONS
    again = read.definition()
    assert (again.name, again.version, again.sequence) == ("probe", "1", 1)
    assert again.policy is not None
    assert DEFINITION.policy is not None
    assert again.policy.to_bytes() == DEFINITION.policy.to_bytes()
    assert [one.to_message() for one in again.collections] == [
        one.to_message() for one in DEFINITION.collections
    ]


@given(
    change=st.tuples(
        st.sampled_from(
            [
                "channel",
                "name",
                "version",
                "sequence",
                "policy",
                "collections",
                "module",
                "approved",
                "schema",
                "x",
            ]
        ),
        JSON,
    )
)
def test_changed_definition_is_read_or_refused(
    change: tuple[str, object], tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("definition") / "definition.json"
    DefinitionFile.of("energy", DEFINITION, module="probe:Probe", approved=["Org1MSP"]).save(path)
    content = json.loads(path.read_text())
    content[change[0]] = change[1]
    path.write_text(json.dumps(content))
    try:
        read = DefinitionFile.load(path)
    except ConfigError:
        return
    assert read.definition().sequence >= 1


@pytest.mark.parametrize(
    "data", [b"", b"[]", b"{}", b"\xff", b"[" * 100_000, b'{"schema": "gridledger-definition/2"}']
)
def test_file_that_is_no_definition_is_refused(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "definition.json"
    path.write_bytes(data)
    with pytest.raises(ConfigError):
        DefinitionFile.load(path)
    with pytest.raises(ConfigError):
        DefinitionFile.load(tmp_path / "missing.json")


def test_attached_material_has_the_given_msp_and_makes_users_by_the_given_authority(
    material: OrganisationMaterial, tmp_path: Path
) -> None:
    attached = OrganisationMaterial(
        name="org1", kind=OrganisationKind.PEER, root=tmp_path, attached_msp_id="EnergyMSP"
    )
    with pytest.raises(MaterialError, match="authority of EnergyMSP is not here"):
        attached.add_user("made")
    for name in (f"ca.{material.domain}-cert.pem", "priv_sk"):
        (attached.path / "ca").mkdir(parents=True, exist_ok=True)
        (attached.path / "ca" / name).symlink_to(material.path / "ca" / name)
    (attached.msp.path / "cacerts").mkdir(parents=True)
    made = attached.add_user("made", attributes={"gridledger.role": "agent"})
    assert made.msp_id == "EnergyMSP"
    assert attached.users() == ["made"]
    authority = CertificateAuthority.open(material.path / "ca", f"ca.{material.domain}")
    made.msp.signer().certificate.verify_directly_issued_by(authority.credential.certificate)
    with pytest.raises(MaterialError, match="exists"):
        attached.add_user("made")


def test_description_of_an_attached_organisation_is_checked() -> None:
    peer = AttachedPeer(name="peer0", endpoint="localhost:7051", tls_host=None, uses_tls=False)
    good = Attachment(msp_id="Org1MSP", peers=[peer], chaincode_host="host.docker.internal")
    assert OrganisationDescription(name="org1", port=7051, attachment=good).attachment == good
    for change in ({"msp_id": ""}, {"peers": []}, {"chaincode_host": "a b"}):
        with pytest.raises(ValueError):
            Attachment(**{"msp_id": "Org1MSP", "peers": [peer], "chaincode_host": "h", **change})  # type: ignore[arg-type]
