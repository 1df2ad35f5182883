"""From a registrar's first secret to transactions of those it registered, by commands alone."""

from __future__ import annotations

import uuid
from pathlib import Path

import pytest
from tests.ca.server import CaServer
from tests.integration.ca.authority import Authority, transact
from tests.integration.commands import Commands
from tests.integration.exchange import CHAINCODE
from tests.softhsm import SoftHsm

from gridledger.client import HfcWallet, Wallet
from gridledger.client.ca import CaAddress, CaUnavailable, FabricCa
from gridledger.model.roles import Role
from gridledger.network import Network

pytestmark = pytest.mark.xdist_group("softhsm")


async def test_authority_is_shown(authority: Authority, tmp_path: Path) -> None:
    shown = await authority.ca("show", "--out", tmp_path / "chain.pem")
    assert shown["name"] == "ca-org1"
    assert (tmp_path / "chain.pem").read_text().startswith("-----BEGIN CERTIFICATE-----")


async def test_role_of_the_registration_works_on_the_network(
    authority: Authority, exchange_network: Network
) -> None:
    name, secret = await authority.registered("--role", Role.AGENT.value)
    home = ("--dir", exchange_network.directory)
    shown = await authority.identity("enrol", name, "--secret-file", secret, "--org", "org1", *home)
    assert shown["roles"] == ["agent"]
    await transact(exchange_network, name)
    as_agent = ("--org", "org1", "--user", name, "--chaincode", CHAINCODE)
    await authority.commands("agent", "run", "--once", *as_agent, *home)
    listed = await authority.managed("identities", name)
    assert listed["attributes"]["gridledger.role"] == "agent"


async def test_wallet_identity_is_renewed_and_revoked(authority: Authority, tmp_path: Path) -> None:
    name, secret = await authority.registered()
    wallet = tmp_path / "wallet"
    kept = ("--wallet", wallet, "--msp-id", "Org1MSP")
    first = await authority.identity("enrol", name, "--secret-file", secret, *kept)
    who = ("--as", name, "--from-wallet", wallet)
    second = await authority.identity("reenrol", *who)
    third = await authority.identity("reenrol", *who, "--keep-key")
    serials = {one["serial"] for one in (first, second, third)}
    assert len(serials) == 3
    assert (await authority.commands("identity", "show", *who))["serial"] == third["serial"]
    assert Wallet(wallet).get(name).msp_id == "Org1MSP"
    crl = tmp_path / "crl.pem"
    revoked = await authority.managed("revoke", name, "--reason", "superseded", "--crl", crl)
    assert {one["serial"] for one in revoked["revoked"]} == serials
    assert crl.read_text().startswith("-----BEGIN X509 CRL-----")
    refused = await authority.identity("reenrol", *who, code=71)
    assert refused["error"]["code"] == "GL-SRV-081"
    assert (await authority.managed("crl", "--out", tmp_path / "again.pem"))["revoked"] >= 3


async def test_one_certificate_is_revoked_by_what_show_tells(authority: Authority, tmp_path: Path) -> None:
    name, secret = await authority.registered()
    shown = await authority.identity("enrol", name, "--secret-file", secret, "--msp", tmp_path / "msp")
    one = ("--serial", shown["serial"], "--authority-key", shown["authority_key"])
    revoked = await authority.managed("revoke", *one)
    assert [entry["serial"] for entry in revoked["revoked"]] == [shown["serial"]]


async def test_key_in_a_token_transacts(
    authority: Authority, exchange_network: Network, softhsm: SoftHsm
) -> None:
    name, secret = await authority.registered("--role", Role.AGENT.value)
    token = ("--token", softhsm.uri("meters"))
    home = ("--dir", exchange_network.directory)
    shown = await authority.identity("enrol", name, "--secret-file", secret, *token, "--org", "org1", *home)
    assert shown["key"].startswith("pkcs11:token=meters;object=")
    connection = exchange_network.connection(org="org1", user=name, chaincode=CHAINCODE)
    assert b"PRIVATE KEY" not in (connection.read("private_key") or b"")
    await transact(exchange_network, name)


async def test_identity_of_another_authority_is_no_user_of_the_network(
    authority: Authority, exchange_network: Network, tmp_path: Path
) -> None:
    name, secret = await authority.registered()
    folder = tmp_path / "msp"
    await authority.identity("enrol", name, "--secret-file", secret, "--msp", folder)
    place = ("--org", "org2", "--dir", exchange_network.directory)
    refused = await authority.commands("identity", "import", folder, *place, code=89)
    assert "no member of org2" in refused["error"]["message"]


async def test_hfc_identity_is_taken_over(network: Network, commands: Commands, tmp_path: Path) -> None:
    user = network.organisation("org1").user("user1")
    place = tmp_path / "hfc" / "user1"
    place.mkdir(parents=True)
    (place / "private_sk").write_bytes(user.msp.key.read_bytes())
    (place / "enrollmentCert.pem").write_bytes(user.msp.certificate.read_bytes())
    kept = ("--name", "mine", "--wallet", tmp_path / "wallet", "--msp-id", "Org1MSP")
    shown = await commands("identity", "import", place, *kept)
    assert (shown["label"], shown["key"]) == ("mine", "file")
    theirs = HfcWallet(tmp_path / "hfc", msp_id="Org1MSP").get("user1")
    assert Wallet(tmp_path / "wallet").get("mine") == theirs


async def test_refused_registration_leaves_no_secret_behind(authority: Authority, tmp_path: Path) -> None:
    name, _ = await authority.registered()
    secret = tmp_path / "again"
    await authority.managed("register", name, "--secret-out", secret, code=79)
    assert not secret.exists()


async def test_secret_is_asked_for_and_never_an_argument(
    authority: Authority, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    name, secret = await authority.registered()
    folder = tmp_path / "msp"
    nothing = await authority.identity("enrol", name, "--msp", folder, code=3)
    assert "GRIDLEDGER_CA_SECRET" in nothing["error"]["message"]
    monkeypatch.setenv("GRIDLEDGER_CA_SECRET", secret.read_text().strip())
    await authority.identity("enrol", name, "--msp", folder)
    taken = await authority.identity("enrol", name, "--msp", folder, code=3)
    assert "already" in taken["error"]["message"]


async def test_affiliations_are_listed_and_added(authority: Authority) -> None:
    name = f"grid{uuid.uuid4().hex[:8]}"
    shown = await authority.managed("affiliations", "--add", f"{name}.south")
    assert {name, f"{name}.south"} <= set(shown)


async def test_server_that_strangers_vouch_for_gets_no_secret(ca_server: CaServer, network: Network) -> None:
    stranger = network.organisation("org2").tls_root
    async with FabricCa.open(CaAddress(url=ca_server.address.url, tls_root_cert=stranger)) as ca:
        with pytest.raises(CaUnavailable, match="certificate verify failed"):
            await ca.info()
