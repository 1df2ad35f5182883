"""fabric-sdk-py and our client on one network: what one writes the other reads; one profile, one wallet."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator

import pytest
from tests.hfc.conftest import CHAINCODE, Hfc

from gridledger.client import ConnectionProfile, Contract, Gateway, HfcWallet, Network


@pytest.fixture
def key() -> str:
    """Return a key that no other test has."""
    return uuid.uuid4().hex


@pytest.fixture
async def ours(hfc: Hfc) -> AsyncIterator[Network]:
    """Return the network by our client, as the same user, from hfc's own profile."""
    profile = ConnectionProfile.from_file(hfc.profile)
    connection = profile.connection(user="user1", channel=hfc.request["channel"], chaincode=CHAINCODE)
    async with Gateway.connect(connection) as gateway:
        yield gateway.network()


@pytest.fixture
def contract(ours: Network) -> Contract:
    """Return the chaincode by our client."""
    return ours.contract()


async def test_hfc_queries_what_our_client_wrote(hfc: Hfc, contract: Contract, key: str) -> None:
    assert await contract.submit("Greet", key, "grid") == b"hello grid"
    assert await hfc("query", key=key) == "hello grid"


async def test_our_client_reads_what_hfc_invoked(hfc: Hfc, contract: Contract, key: str) -> None:
    assert await hfc("invoke", key=key, name="meter") == "hello meter"
    assert await contract.evaluate("Read", key) == b"hello meter"


async def test_hfc_hears_events_of_the_chaincode(hfc: Hfc, key: str) -> None:
    heard = await hfc("events", key=key, name="plant")
    assert (heard["name"], heard["payload"]) == ("Greeted", "plant")
    assert heard["status"] in (0, "VALID")


async def test_our_client_hears_events_of_what_hfc_invoked(hfc: Hfc, ours: Network, key: str) -> None:
    async with ours.chaincode_events(CHAINCODE) as events:
        await hfc("invoke", key=key, name="heard")
        async for event in events:
            if event.payload == b"heard":
                break
    assert event.name == "Greeted"


async def test_both_see_the_same_chain(hfc: Hfc, ours: Network) -> None:
    before = (await ours.chain_info()).height
    seen = (await hfc("info"))["height"]
    assert before <= seen <= (await ours.chain_info()).height


async def test_wallet_that_hfc_wrote_is_read(hfc: Hfc, key: str) -> None:
    folder = hfc.folder / "wallet"
    await hfc("wallet", wallet=str(folder), label="user1")
    credentials = HfcWallet(folder, msp_id="Org1MSP").get("user1")
    profile = ConnectionProfile.from_file(hfc.profile)
    connection = profile.connection(
        credentials=credentials, channel=hfc.request["channel"], chaincode=CHAINCODE
    )
    async with Gateway.connect(connection) as gateway:
        assert await gateway.network().contract().submit("Greet", key, "wallet") == b"hello wallet"
