"""Certificates of ownership from a running network, verified without one; in both worlds."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.integration.small_scene import SmallScene, small_scene

from gridledger.client.channel_trust import ConfiguredTrust, FolderTrust
from gridledger.client.errors import ProofRefused
from gridledger.exchange.certificate import certify, verify_certificate
from gridledger.model.identifier import FieldIdentifier, SystemIdentifier
from gridledger.model.proof import OwnershipCertificate
from gridledger.model.refusals import NotFound
from gridledger.network import Network, World


@pytest.fixture(scope="session")
async def small(exchange_network: Network) -> AsyncIterator[SmallScene]:
    async with small_scene(exchange_network, SystemIdentifier("88.3042"), "certificate") as scene:
        yield scene


@pytest.fixture(scope="session")
async def field(small: SmallScene) -> FieldIdentifier:
    return (await small.device("one", "INV01", fields=["brand"])).field("brand")


@pytest.fixture
async def certificate(small: SmallScene, field: FieldIdentifier) -> OwnershipCertificate:
    """Make one, and read it back from its bytes as a third party does."""
    made = await certify(small.parties["two"], field)
    return OwnershipCertificate.from_bytes(made.to_bytes())


@pytest.fixture
async def trust(small: SmallScene) -> ConfiguredTrust:
    block = await small.parties["auditor"].network.block(0)
    return ConfiguredTrust.from_block(block.to_bytes())


def folders(network: Network) -> tuple[dict[str, Path], dict[str, Path]]:
    """Return the MSP folders of orderers and peers."""
    return network.orderer_authorities, {one.msp_id: one.msp.path for one in network.organisations}


async def test_certificate_holds_under_the_first_block(
    small: SmallScene,
    certificate: OwnershipCertificate,
    trust: ConfiguredTrust,
    field: FieldIdentifier,
    world: World,
) -> None:
    verified = verify_certificate(certificate, trust)

    assert verified.ownership.owner.identifier == field.system
    assert verified.ownership.field.identifier == field
    assert verified.read_by == verified.executed_by == ("Org1MSP", "Org2MSP")
    assert verified.orderers >= (3 if world is World.FABRIC else 1)
    block = await small.parties["auditor"].network.block(verified.block_number)
    assert block.header_hash == verified.block_hash
    assert verified.tx_id in {one.tx_id for one in block.transactions}
    assert verified.ownership.rivals == ()


async def test_certificate_holds_under_the_organisations_folders(
    exchange_network: Network,
    certificate: OwnershipCertificate,
    trust: ConfiguredTrust,
    field: FieldIdentifier,
) -> None:
    orderers, peers = folders(exchange_network)

    verified = verify_certificate(
        certificate, FolderTrust(orderers=orderers, peers=peers, raft=trust.is_raft)
    )

    assert verified.ownership.field.identifier == field


async def test_certificate_under_other_organisations_is_refused(
    exchange_network: Network, certificate: OwnershipCertificate, trust: ConfiguredTrust
) -> None:
    orderers, peers = folders(exchange_network)
    first, second = peers
    swapped = {first: peers[second], second: peers[first]}

    def verify(orderers: dict[str, Path], peers: dict[str, Path], *, raft: bool = trust.is_raft) -> None:
        verify_certificate(certificate, FolderTrust(orderers=orderers, peers=peers, raft=raft))

    with pytest.raises(ProofRefused, match="issuer"):
        verify(orderers, swapped)
    with pytest.raises(ProofRefused, match="not trusted"):
        verify(orderers, {first: peers[first]})
    with pytest.raises(ProofRefused, match=r"vouches for (the )?orderer"):
        verify(peers, peers)
    with pytest.raises(ProofRefused, match="number"):
        verify(orderers, peers, raft=not trust.is_raft)


async def test_certificate_of_an_unknown_field_is_refused(small: SmallScene, field: FieldIdentifier) -> None:
    with pytest.raises(NotFound):
        await certify(small.parties["two"], field.device.field("nothing"))


async def test_certificate_of_one_organisations_read_is_refused(
    small: SmallScene, field: FieldIdentifier, trust: ConfiguredTrust
) -> None:
    alone = await certify(small.parties["two"], field, organizations=["Org1MSP"])

    with pytest.raises(ProofRefused, match="1 organisation"):
        verify_certificate(alone, trust)
