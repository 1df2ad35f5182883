"""An authority in memory, and who may do everything there."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from tests.ca.stand_in import ADMIN, ADMIN_SECRET, StandInCa

from gridledger.client.ca import CaAddress, FabricCa
from gridledger.client.private_key import new_private_key, open_private_key
from gridledger.client.signing_identity import SigningIdentity
from gridledger.network.authority import CertificateAuthority

ADDRESS = CaAddress(url="http://127.0.0.1:7054", name="ca-org1")


@pytest.fixture(scope="session")
def authority() -> CertificateAuthority:
    """Return a root of an organisation."""
    return CertificateAuthority.create("ca.org1.example", "org1.example")


@pytest.fixture
def stand_in(authority: CertificateAuthority) -> StandInCa:
    """Return a server in memory."""
    return StandInCa(authority)


@pytest.fixture
async def ca(stand_in: StandInCa) -> AsyncIterator[FabricCa]:
    """Return a client of it."""
    async with FabricCa.open(ADDRESS, transport=stand_in.transport()) as client:
        yield client


@pytest.fixture
async def registrar(ca: FabricCa) -> SigningIdentity:
    """Return the registrar, enrolled."""
    key = new_private_key()
    enrolment = await ca.enrol(ADMIN, ADMIN_SECRET, open_private_key(key))
    return ca.speaker(enrolment.credentials("Org1MSP", key))
