"""Real Fabric only: certificates and roots are exchanged under load, and the channel goes on."""

from __future__ import annotations

import asyncio
import datetime as dt

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from tests.conformance.probe.steps import do, encode_steps
from tests.faults.conftest import Gateways
from tests.faults.load import CHANNEL
from tests.operating.patient_load import SECONDS, PatientLoad, command, level

from gridledger.host.durable_file import write_file
from gridledger.model.errors import GatewayError
from gridledger.network import Network, OrganisationMaterial
from gridledger.network.ordering.live_ordering import LiveOrdering


async def consenters(network: Network) -> list[bytes]:
    """Return the identities that the channel has of its consenters, by number."""
    async with LiveOrdering(network.connection(org="org1", user="admin")) as ordering:
        return [one.identity for one in (await ordering.configuration())._mapping()]


@pytest.mark.timeout(900)
async def test_certificates_of_peers_users_and_orderers_rotated_under_load(
    fabric: Network, gateways: Gateways
) -> None:
    gateway = await gateways.open(fabric)
    load = PatientLoad(gateway.network(CHANNEL).contract("script"), "k")
    before = await consenters(fabric)
    async with load.running():
        async with asyncio.timeout(SECONDS):
            await load.more(10)
        for organisation in ("orderer1", "orderer2", "org2"):
            old = fabric.description
            done = await command(fabric, "network", "rotate", organisation)
            assert fabric.description == old
            kinds = {one["kind"] for one in done["members"]}
            assert kinds == ({"user", "peer"} if organisation == "org2" else {"user", "orderer"})
            async with asyncio.timeout(SECONDS):
                await load.more(20)
    after = await consenters(fabric)
    assert [one != other for one, other in zip(before, after, strict=True)] == [True, True, False, False]
    assert load.failed == {}
    await level(fabric)
    await load.check(gateway)
    # The rotated orderers are needed for a quorum now, and the new keys are those that work.
    await asyncio.to_thread(fabric.stop, "orderer4")
    second = PatientLoad((await gateways.open(fabric, "org2")).network(CHANNEL).contract("script"), "m")
    async with second.running(), asyncio.timeout(SECONDS):
        await second.more(10)
    assert second.failed == {}


@pytest.mark.timeout(900)
async def test_roots_added_certificates_rotated_old_roots_dropped_under_load(
    fabric: Network, gateways: Gateways
) -> None:
    gateway = await gateways.open(fabric)
    load = PatientLoad(gateway.network(CHANNEL).contract("script"), "k")
    former = await gateways.open(fabric, "org2")
    async with load.running():
        async with asyncio.timeout(SECONDS):
            await load.more(10)
        for organisation in ("org2", "orderer3"):
            await command(fabric, "network", "roots", "add", organisation)
            refused = await command(fabric, "network", "roots", "drop", organisation, code=89)
            assert refused["error"]["code"] == "GL-NET-010"
            await command(fabric, "network", "rotate", organisation)
            await command(fabric, "network", "roots", "drop", organisation)
            async with asyncio.timeout(SECONDS):
                await load.more(20)
    assert load.failed == {}
    await level(fabric)
    await load.check(gateway)
    # Who has a certificate of the old root is nobody now; who has a new one is served.
    with pytest.raises(Exception, match=r"UNAUTHENTICATED|access denied|creator|UNAVAILABLE|FAILED"):
        await former.network(CHANNEL).contract("script").submit("Run", b"[]")
    second = PatientLoad((await gateways.open(fabric, "org2")).network(CHANNEL).contract("script"), "m")
    async with second.running(), asyncio.timeout(SECONDS):
        await second.more(5)
    assert second.failed == {}


@pytest.mark.timeout(900)
async def test_user_whose_certificate_is_revoked_is_served_no_more(
    fabric: Network, gateways: Gateways
) -> None:
    await asyncio.to_thread(fabric.enrol, org="org2", user="lost")
    lost = (await gateways.open(fabric, "org2", "lost")).network(CHANNEL).contract("script")
    kept = (await gateways.open(fabric, "org2")).network(CHANNEL).contract("script")
    before = [PatientLoad(contract, name) for contract, name in ((lost, "a"), (kept, "b"))]
    for load in before:
        async with load.running(), asyncio.timeout(SECONDS):
            await load.more(2)
    organisation = fabric.organisation("org2")
    write_file(
        organisation.msp.path / "crls" / "revoked.pem",
        revocation_list(organisation, organisation.user("lost").msp.certificate.read_bytes()),
    )
    assert (await command(fabric, "network", "trust", "org2"))["changed"]
    await level(fabric)
    with pytest.raises(GatewayError):
        await lost.submit("Run", encode_steps([do.put_state("revoked", b"1")]))
    async with before[1].running(), asyncio.timeout(SECONDS):
        await before[1].more(2)
    assert before[1].failed == {}


def revocation_list(organisation: OrganisationMaterial, certificate: bytes) -> bytes:
    """Return a list of one certificate, signed by the organisation's authority, PEM."""
    authority = organisation.signing_authority().credential
    now = dt.datetime.now(dt.UTC)
    revoked = x509.RevokedCertificateBuilder().revocation_date(now)
    revoked = revoked.serial_number(x509.load_pem_x509_certificate(certificate).serial_number)
    identifier = authority.certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(authority.certificate.subject)
        .last_update(now - dt.timedelta(hours=1))
        .next_update(now + dt.timedelta(days=30))
        .add_revoked_certificate(revoked.build())
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier), critical=False
        )
    )
    return builder.sign(authority.key, hashes.SHA256()).public_bytes(Encoding.PEM)
