"""A network that others run, attached to by profile and administrators; by default the tests run it."""

from __future__ import annotations

import asyncio
import io
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.attaching import access, chaincode_host, common_profile, write_profile
from tests.worlds import attached_network, running_network

from gridledger.cli.main import run
from gridledger.cli.output import Output
from gridledger.client import Gateway
from gridledger.model.errors import ConfigError
from gridledger.model.roles import CertificateAttribute, Role
from gridledger.network import Network, OrganisationAccess, World, approve, attach, commit
from gridledger.network.authority import CertificateAuthority, NodeRole
from gridledger.network.errors import (
    ApprovalsMissing,
    AttachError,
    DeployError,
    MaterialError,
    UnknownComponent,
)
from gridledger.network.msp import MspFolder

ROOT = Path(__file__).resolve().parents[3]
COUNTER = "tests.integration.network.counter:Counter"
BOTH = "AND('Org1MSP.peer','Org2MSP.peer')"
_RUN = os.urandom(4).hex()
COUNTED, MARKED, AGREED, RIVAL = (f"{name}-{_RUN}" for name in ("counted", "marked", "agreed", "rival"))
"""On a network that outlives the tests, what an earlier run deployed is still there."""


@pytest.fixture(scope="module")
def theirs(world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Network]:
    """Give a network that the tests of this file attach to."""
    folder = tmp_path_factory.mktemp("theirs")
    given = (
        attached_network(folder / "network") if world is World.ATTACHED else running_network(world, folder)
    )
    with given as running:
        yield running


@contextmanager
def attached(directory: Path, network: Network, *organisations: str, **options: Any) -> Iterator[Network]:
    """Attach as administrators of organisations; stop our chaincode at the end."""
    profile = write_profile(directory.with_suffix(".json"), common_profile(network, *organisations))
    given = [access(network, name, **options) for name in organisations]
    made = attach(directory, profile, given, chaincode_host=chaincode_host(network))
    try:
        yield made
    finally:
        made.down()


def call(*words: object) -> Any:
    results, errors = io.StringIO(), io.StringIO()
    code = run([*map(str, words), "--json"], Output(stream=results, errors=errors))
    assert code == 0, errors.getvalue()
    return json.loads(results.getvalue())


async def count(network: Network, organisation: str, user: str, chaincode: str) -> bytes:
    connection = network.connection(org=organisation, user=user, chaincode=chaincode)
    async with Gateway.connect(connection) as gateway:
        return await gateway.network().contract().submit("Count")


def snapshot(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted((folder / "organizations").rglob("*"))
        if path.is_file()
    }


def test_attached_network_lives_by_commands(theirs: Network, tmp_path: Path) -> None:
    before = snapshot(theirs.directory)
    pids = {one.name: one.pid for one in theirs.status().components}
    folder = tmp_path / "attached"
    for name in ("org1", "org2"):
        profile = write_profile(tmp_path / f"connection-{name}.yaml", common_profile(theirs, name))
        material = theirs.organisation(name)
        shown = call(
            *(
                "network",
                "attach",
                profile,
                "--org",
                name.capitalize(),
                "--msp",
                material.user("admin").msp.path,
            ),
            *(
                "--user",
                f"user1={material.user('user1').path}",
                "--ca",
                material.path / "ca",
                "--chaincode-host",
                chaincode_host(theirs),
                "--dir",
                folder,
            ),
        )
    assert shown["organisations"] == ["org1", "org2"]
    assert (shown["channel"], shown["members"]) == (theirs.channel, ["Org1MSP", "Org2MSP"])
    dir_option = ("--dir", folder)
    deployed = call(
        *("network", "deploy", COUNTED, COUNTER, "--policy", BOTH, "--path", ROOT, "--world", "attached"),
        *dir_option,
    )
    assert (deployed["sequence"], deployed["policy"]) == (1, BOTH)
    ours = Network.open(folder)
    try:
        assert asyncio.run(count(ours, "org1", "user1", COUNTED)) == b"1"
        made = call("network", "enrol", "--org", "org2", "--user", "made", *dir_option)
        assert made["msp_id"] == "Org2MSP"
        assert asyncio.run(count(ours, "org2", "made", COUNTED)) == b"2"
        status = call("network", "status", *dir_option)
        assert (status["world"], status["agreed"], status["running"]) == ("attached", True, True)
        assert [one["name"] for one in status["components"]] == [f"{COUNTED}_1.org1", f"{COUNTED}_1.org2"]
        # Ours ends, comes back, and is forgotten; theirs goes on as it was.
        call("network", "down", *dir_option)
        call("network", "up", *dir_option)
        assert asyncio.run(count(ours, "org1", "user1", COUNTED)) == b"3"
    finally:
        call("network", "down", "--wipe", *dir_option)
    assert not folder.exists()
    assert snapshot(theirs.directory) == before
    assert {one.name: one.pid for one in theirs.status().components} == pids


def test_agent_renews_the_mark_of_an_attached_ledger(theirs: Network, tmp_path: Path) -> None:
    with (
        attached(tmp_path / "net", theirs, "org1", "org2") as keyless,
        pytest.raises(MaterialError, match="authority of Org1MSP is not here"),
    ):
        keyless.enrol(org="org1", user="agent")
    profile = write_profile(tmp_path / "again.json", common_profile(theirs, "org1", "org2"))
    given = [
        access(theirs, name, authority=theirs.organisation(name).path / "ca") for name in ("org1", "org2")
    ]
    ours = attach(tmp_path / "net", profile, given, chaincode_host=chaincode_host(theirs))
    try:
        ours.deploy(MARKED, "tests.conformance.probe.typed:TypedProbe", python_path=[ROOT])
        role = {CertificateAttribute.ROLE.value: Role.AGENT.value}
        ours.enrol(org="org1", user="agent", attributes=role)
        mark = call("agent", "run", "--org", "org1", "--chaincode", MARKED, "--once", "--dir", ours.directory)
        assert mark["time_ms"] > 0
    finally:
        ours.down()


def test_two_organisations_agree_through_a_file(theirs: Network, tmp_path: Path) -> None:
    with (
        attached(tmp_path / "one", theirs, "org1") as one,
        attached(tmp_path / "two", theirs, "org2") as two,
    ):
        with pytest.raises(ApprovalsMissing) as missing:
            one.deploy(AGREED, COUNTER, policy=BOTH, python_path=[ROOT])
        assert missing.value.fields["missing"] == ["Org2MSP"]
        # Nothing is lost meanwhile, and it does not count as deployed.
        one.down()
        one.up()
        assert one.status().chaincodes == []
        with pytest.raises(ApprovalsMissing):
            commit(one, AGREED)
        file = Path(str(missing.value.fields["file"]))
        assert approve(two, file, python_path=[ROOT]) == ["Org1MSP", "Org2MSP"]
        shown = call("network", "commit", AGREED, "--dir", one.directory)
        assert shown == {"name": AGREED, "sequence": 1}
        two.up()
        assert [each.name for each in two.status().chaincodes] == [AGREED]
        assert asyncio.run(count(one, "org1", "admin", AGREED)) == b"1"
        assert asyncio.run(count(two, "org2", "admin", AGREED)) == b"2"
        with pytest.raises(ConfigError, match="waits for no approval"):
            commit(two, AGREED)
        with pytest.raises(ConfigError, match="the channel wants 2"):
            approve(two, file, python_path=[ROOT])


def test_another_definition_that_was_committed_is_not_taken_for_ours(theirs: Network, tmp_path: Path) -> None:
    with (
        attached(tmp_path / "one", theirs, "org1") as one,
        attached(tmp_path / "both", theirs, "org1", "org2") as both,
    ):
        with pytest.raises(ApprovalsMissing):
            one.deploy(RIVAL, COUNTER, policy=BOTH, python_path=[ROOT])
        both.deploy(RIVAL, COUNTER, python_path=[ROOT])
        with pytest.raises(DeployError, match="another definition"):
            commit(one, RIVAL)
        assert one.status().components == []


def test_what_does_not_fit_is_refused_and_leaves_nothing(theirs: Network, tmp_path: Path) -> None:
    good = common_profile(theirs, "org1")
    profile = write_profile(tmp_path / "good.json", good)
    admin = access(theirs, "org1")
    folder = tmp_path / "net"

    def refused(kind: type[Exception], words: str, *, path: Path = profile, **options: Any) -> None:
        given = options.pop("given", admin)
        with pytest.raises(kind, match=words):
            attach(folder, path, [given], **options)
        assert not (folder / "network.json").exists()

    refused(UnknownComponent, "no channel 'other'", channel="other")
    refused(ConfigError, "organizations.Org9", given=OrganisationAccess(name="Org9", msp=admin.msp))
    empty = {**good, "organizations": {"Org1": {"mspid": "Org1MSP", "peers": []}}}
    refused(ConfigError, "want a list with a peer", path=write_profile(tmp_path / "empty.json", empty))
    (tmp_path / "nothing").mkdir()
    refused(ConfigError, "found 0", given=OrganisationAccess(name="Org1", msp=tmp_path / "nothing"))
    # A user is no administrator; another organisation's administrator is none here.
    user = theirs.organisation("org1").user("user1").msp.path
    refused(AttachError, "Org1", given=OrganisationAccess(name="Org1", msp=user))
    other = theirs.organisation("org2").user("admin").msp.path
    refused(AttachError, "Org1", given=OrganisationAccess(name="Org1", msp=other))
    refused(
        AttachError, "Org1", given=OrganisationAccess(name="Org1", msp=_foreign(tmp_path / "foreign" / "msp"))
    )
    # A key of somebody else beside the right certificate.
    mixed = MspFolder(path=tmp_path / "mixed", name="x")
    mixed.path.mkdir()
    for part, source in (("signcerts", admin.msp), ("keystore", user)):
        (mixed.path / part).symlink_to(source / part)
    refused(ConfigError, "does not belong", given=OrganisationAccess(name="Org1", msp=mixed.path))
    nobody = {
        **good,
        "peers": {name: {**peer, "url": "grpcs://127.0.0.1:9"} for name, peer in good["peers"].items()},
    }
    refused(AttachError, "Org1", path=write_profile(tmp_path / "nobody.json", nobody))


def test_folder_of_another_kind_is_refused(theirs: Network, tmp_path: Path) -> None:
    profile = write_profile(tmp_path / "profile.json", common_profile(theirs, "org1"))
    made = Network.create(tmp_path / "made")
    with pytest.raises(ConfigError, match="holds a network of world"):
        attach(made.directory, profile, [access(theirs, "org1")])
    with pytest.raises(ConfigError, match="is attached to, not made"):
        Network.create(tmp_path / "new", world=World.ATTACHED)
    with pytest.raises(ConfigError, match="is not attached"):
        commit(made, "any")


def _foreign(folder: Path) -> Path:
    authority = CertificateAuthority.create("ca.org1.gridledger.local", "org1.gridledger.local")
    msp = MspFolder(path=folder, name="admin")
    msp.write_signer(authority.issue("admin", "org1.gridledger.local", role=NodeRole.ADMIN))
    return folder
