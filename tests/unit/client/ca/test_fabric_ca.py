"""A name's life at an authority: registered, enrolled, enrolled anew, revoked."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from cryptography import x509
from tests.ca.stand_in import ADMIN, StandInCa

from gridledger.client import MspIdentity, Pem, Wallet
from gridledger.client.ca import (
    CaNotPermitted,
    CaRefused,
    CaUnauthenticated,
    Enrolment,
    FabricCa,
    Registration,
    RevocationReason,
)
from gridledger.client.private_key import new_private_key, open_private_key
from gridledger.client.signing_identity import SigningIdentity
from gridledger.model.errors import ConfigError
from gridledger.model.roles import Role


async def enrolled(
    ca: FabricCa, registrar: SigningIdentity, registration: Registration, *attributes: str
) -> tuple[Enrolment, Pem]:
    """Register a name and enrol it."""
    secret = await ca.register(registration, by=registrar)
    key = new_private_key()
    return await ca.enrol(registration.name, secret, open_private_key(key), attributes=attributes), key


async def test_info_gives_name_and_root(ca: FabricCa, stand_in: StandInCa) -> None:
    info = await ca.info()
    assert (info.name, info.version) == ("ca-org1", "stand-in")
    assert info.roots == (stand_in.authority.credential.certificate,)
    assert info.intermediates == ()


async def test_roles_and_attributes_of_the_registration_stand_in_the_certificate(
    ca: FabricCa, registrar: SigningIdentity
) -> None:
    registration = Registration(
        name="agent1",
        roles=[Role.AUDITOR, Role.AGENT],
        attributes={"gridledger.enterprise": "91310000"},
        rights={"hf.Revoker": "true"},
    )
    enrolment, key = await enrolled(ca, registrar, registration)
    assert enrolment.attributes["gridledger.role"] == "agent,auditor"
    assert enrolment.attributes["gridledger.enterprise"] == "91310000"
    assert "hf.Revoker" not in enrolment.attributes
    credentials = enrolment.credentials("Org1MSP", key)
    assert credentials.identity().common_name == "agent1"


async def test_requested_attributes_alone_stand_in_the_certificate(
    ca: FabricCa, registrar: SigningIdentity
) -> None:
    registration = Registration(name="a", roles=[Role.AGENT], attributes={"other": "x"})
    enrolment, _ = await enrolled(ca, registrar, registration, "gridledger.role")
    assert enrolment.attributes == {"gridledger.role": "agent"}


async def test_attribute_that_the_name_does_not_have_is_refused(
    ca: FabricCa, registrar: SigningIdentity
) -> None:
    with pytest.raises(CaRefused):
        await enrolled(ca, registrar, Registration(name="a"), "gridledger.role")


async def test_wrong_secret_is_refused(ca: FabricCa) -> None:
    with pytest.raises(CaUnauthenticated) as caught:
        await ca.enrol(ADMIN, "wrong-secret", open_private_key(new_private_key()))
    assert caught.value.codes == (20,)
    assert caught.value.exit_code == 71
    assert "wrong-secret" not in str(caught.value)


async def test_secret_that_is_used_up_is_refused(ca: FabricCa, registrar: SigningIdentity) -> None:
    registration = Registration(name="once", max_enrolments=1)
    secret = await ca.register(registration, by=registrar, secret="chosen here")
    assert secret == "chosen here"
    await ca.enrol("once", secret, open_private_key(new_private_key()))
    with pytest.raises(CaUnauthenticated):
        await ca.enrol("once", secret, open_private_key(new_private_key()))


async def test_name_that_is_taken_is_refused(ca: FabricCa, registrar: SigningIdentity) -> None:
    await ca.register(Registration(name="a"), by=registrar)
    with pytest.raises(CaRefused) as caught:
        await ca.register(Registration(name="a"), by=registrar)
    assert caught.value.codes == (74,)


async def test_who_is_no_registrar_may_not_register(ca: FabricCa, registrar: SigningIdentity) -> None:
    enrolment, key = await enrolled(ca, registrar, Registration(name="a"))
    nobody = ca.speaker(enrolment.credentials("Org1MSP", key))
    with pytest.raises(CaNotPermitted) as caught:
        await ca.register(Registration(name="b"), by=nobody)
    assert caught.value.exit_code == 73


@pytest.mark.parametrize("keeps_key", [True, False])
async def test_reenrolment_gives_the_same_name_another_certificate(
    ca: FabricCa, registrar: SigningIdentity, keeps_key: bool
) -> None:
    first, key = await enrolled(ca, registrar, Registration(name="a", roles=[Role.AGENT]))
    by = ca.speaker(first.credentials("Org1MSP", key))
    new = key if keeps_key else new_private_key()
    second = await ca.reenrol(open_private_key(new), by=by)
    assert second.serial != first.serial
    assert second.attributes["gridledger.role"] == "agent"
    assert second.credentials("Org1MSP", new).identity().common_name == "a"


async def test_revoked_name_cannot_speak_or_enrol_again(
    ca: FabricCa, registrar: SigningIdentity, stand_in: StandInCa
) -> None:
    secret = await ca.register(Registration(name="a"), by=registrar)
    key = new_private_key()
    enrolment = await ca.enrol("a", secret, open_private_key(key))
    revocation = await ca.revoke("a", by=registrar, reason=RevocationReason.KEY_COMPROMISE, with_list=True)
    assert [one.serial for one in revocation.certificates] == [enrolment.serial]
    assert revocation.revocation_list is not None
    assert revocation.revocation_list.serials == {enrolment.serial}
    assert x509.load_pem_x509_crl(revocation.revocation_list.pem)
    assert (await ca.revocation_list(by=registrar)).serials == {enrolment.serial}
    with pytest.raises(CaUnauthenticated):
        await ca.enrol("a", secret, open_private_key(key))
    with pytest.raises(CaUnauthenticated):
        await ca.reenrol(open_private_key(key), by=ca.speaker(enrolment.credentials("Org1MSP", key)))


async def test_one_certificate_is_revoked_and_the_name_goes_on(
    ca: FabricCa, registrar: SigningIdentity
) -> None:
    enrolment, key = await enrolled(ca, registrar, Registration(name="a"))
    by = ca.speaker(enrolment.credentials("Org1MSP", key))
    second = await ca.reenrol(open_private_key(key), by=by)
    await ca.revoke(by=registrar, serial=second.serial, authority_key=second.authority_key)
    assert (await ca.reenrol(open_private_key(key), by=by)).name == "a"


async def test_revocation_of_nothing_in_particular_is_refused(
    ca: FabricCa, registrar: SigningIdentity
) -> None:
    for given in ({}, {"serial": "1"}, {"authority_key": "1"}):
        with pytest.raises(ConfigError):
            await ca.revoke(by=registrar, **given)


async def test_names_are_listed_and_shown(ca: FabricCa, registrar: SigningIdentity) -> None:
    await ca.register(Registration(name="b/c", roles=[Role.AGENT]), by=registrar)
    assert [one.name for one in await ca.identities(by=registrar)] == ["b/c", ADMIN]
    assert (await ca.identity("b/c", by=registrar)).attributes == {"gridledger.role": "agent"}
    with pytest.raises(CaRefused) as caught:
        await ca.identity("nobody", by=registrar)
    assert caught.value.status == 404


async def test_affiliations_are_a_tree(ca: FabricCa, registrar: SigningIdentity) -> None:
    await ca.add_affiliation("org2.grid.south", by=registrar)
    tree = await ca.affiliations(by=registrar)
    assert [*tree.names()] == ["org1", "org1.department1", "org2", "org2.grid", "org2.grid.south"]
    await ca.register(Registration(name="a", affiliation="org2.grid"), by=registrar)
    with pytest.raises(CaRefused):
        await ca.register(Registration(name="b", affiliation="elsewhere"), by=registrar)


async def test_hosts_stand_in_the_certificate(ca: FabricCa, registrar: SigningIdentity) -> None:
    secret = await ca.register(Registration(name="server1"), by=registrar)
    enrolment = await ca.enrol(
        "server1", secret, open_private_key(new_private_key()), hosts=["data.example", "127.0.0.1"]
    )
    names = enrolment.identity.x509.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["data.example"]
    with pytest.raises(ConfigError):
        await ca.enrol("server1", secret, open_private_key(new_private_key()), hosts=["ä.example"])


async def test_another_authority_of_the_server_is_asked_for_by_name(stand_in: StandInCa) -> None:
    from tests.unit.client.ca.conftest import ADDRESS

    from gridledger.client.ca import CaAddress

    other = CaAddress(url=ADDRESS.url, name="ca-of-others")
    async with FabricCa.open(other, transport=stand_in.transport()) as client:
        with pytest.raises(CaRefused) as caught:
            await client.info()
    assert caught.value.codes == (19,)


async def test_enrolment_is_kept_in_an_msp_folder_and_a_wallet(
    ca: FabricCa, registrar: SigningIdentity, tmp_path: Path
) -> None:
    enrolment, key = await enrolled(ca, registrar, Registration(name="a"))
    folder = tmp_path / "a" / "msp"
    enrolment.msp_identity(key).save(folder)
    assert (folder / "keystore" / "priv_sk").stat().st_mode & 0o777 == 0o600
    assert "OrganizationalUnitIdentifier: client" in (folder / "config.yaml").read_text()
    read = MspIdentity.load(folder).credentials("Org1MSP")
    assert read == enrolment.credentials("Org1MSP", key)
    Wallet(tmp_path / "wallet").put("a", read)
    assert Wallet(tmp_path / "wallet").get("a") == read


async def test_folder_is_replaced_whole(ca: FabricCa, registrar: SigningIdentity, tmp_path: Path) -> None:
    first, key = await enrolled(ca, registrar, Registration(name="a"))
    folder = tmp_path / "msp"
    first.msp_identity(key).save(folder)
    new = new_private_key()
    second = await ca.reenrol(open_private_key(new), by=ca.speaker(first.credentials("Org1MSP", key)))
    second.msp_identity(new).save(folder)
    assert MspIdentity.load(folder).credentials("O").identity().serial == second.serial
    assert os.listdir(tmp_path) == ["msp"]  # noqa: PTH208
