"""Private data: who gets it, who may read and write it, when it expires, and what a purge leaves."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from pathlib import Path

import grpc
import pytest
from fabric_protos.ledger.rwset.kvrwset import kv_rwset_pb2
from fabric_protos.peer import collection_pb2
from tests.unit.devnet.contract import NAMESPACE, keeper
from tests.unit.devnet.kit import Net, open_net
from tests.unit.devnet.messages import PEER, collection, make_material, policy_bytes

from gridledger.client.validation import ValidationCode
from gridledger.network.devnet.rpc_error import RpcError
from gridledger.network.material import OrganisationMaterial

EITHER = policy_bytes(1, ("Org1MSP", PEER), ("Org2MSP", PEER), ("Org3MSP", PEER))
ORGANISATIONS = ("Org1MSP", "Org2MSP", "Org3MSP")


@pytest.fixture(scope="module")
def three(tmp_path_factory: pytest.TempPathFactory) -> list[OrganisationMaterial]:
    """Return three peer organisations."""
    return make_material(tmp_path_factory.mktemp("three") / "organizations", organisations=3)


@pytest.fixture
async def trio(tmp_path: Path, three: list[OrganisationMaterial]) -> AsyncIterator[Net]:
    """Return a network of three organisations without chaincode."""
    opened = await open_net(tmp_path, three)
    yield opened
    await opened.close()


async def _deploy(net: Net, *collections: collection_pb2.CollectionConfig) -> None:
    await net.deploy(NAMESPACE, keeper, policy=EITHER, collections=collections)


async def _write(net: Net, name: str, key: str, value: str, *organisations: str) -> int:
    arguments = (b"put private", name.encode(), key.encode(), value.encode())
    return await net.invoke(
        net.user(), NAMESPACE, *arguments, organisations=list(organisations or ("Org1MSP",))
    )


def _held(net: Net, name: str, key: str) -> list[bytes | None]:
    """Return what each organisation holds of a private value."""
    with net.ledger.snapshot() as snapshot:
        found = [snapshot.private(msp_id, NAMESPACE, name, key) for msp_id in net.organisations]
    return [None if value is None else value.value for value in found]


def _hash(net: Net, name: str, key: str) -> bytes | None:
    with net.ledger.snapshot() as snapshot:
        found = snapshot.hashed(NAMESPACE, name, hashlib.sha256(key.encode()).digest())
    return None if found is None else found.value


async def _pass_blocks(net: Net, count: int) -> None:
    for number in range(count):
        await net.invoke(net.user(), NAMESPACE, b"put", b"tick", str(number).encode())


async def _failure(awaitable: object) -> RpcError:
    with pytest.raises(RpcError) as caught:
        await awaitable  # type: ignore[misc]
    return caught.value


async def test_members_get_the_value_and_everybody_the_hash(trio: Net) -> None:
    await _deploy(trio, collection("pair", "Org1MSP", "Org2MSP"))
    assert await _write(trio, "pair", "k", "secret") == ValidationCode.VALID
    assert _held(trio, "pair", "k") == [b"secret", b"secret", None]
    assert _hash(trio, "pair", "k") == hashlib.sha256(b"secret").digest()
    read = (b"get private", b"pair", b"k")
    assert await trio.evaluate(trio.user(2), NAMESPACE, *read, gateway="Org2MSP") == b"secret"
    error = await _failure(trio.evaluate(trio.user(3), NAMESPACE, *read, targets=["Org3MSP"]))
    assert "private data matching public hash version is not available" in error.details[0].message
    # Who leaves the choice to the gateway is answered by a peer that can; `memberOnlyRead` would hide it.
    assert await trio.evaluate(trio.user(3), NAMESPACE, *read, gateway="Org3MSP") == b"secret"
    digest = await trio.evaluate(trio.user(3), NAMESPACE, b"hash", b"pair", b"k", gateway="Org3MSP")
    assert digest == hashlib.sha256(b"secret").digest()


async def test_value_stands_in_no_block(trio: Net) -> None:
    await _deploy(trio, collection("pair", "Org1MSP", "Org2MSP"))
    secret = "a-secret-that-is-easy-to-find"
    await _write(trio, "pair", "the-key-of-the-secret", secret)
    block = trio.ledger.block(trio.ledger.height - 1)
    assert block is not None
    written = block.data.data[0].partition(b"put private")[2]
    # The arguments of the call are in the block, as on Fabric: who wants secrecy uses transient data.
    assert written.count(secret.encode()) == 1
    assert written.count(b"the-key-of-the-secret") == 1
    assert hashlib.sha256(secret.encode()).digest() in block.data.data[0]


async def test_endorser_that_is_no_member_keeps_nothing_after_the_commit(trio: Net) -> None:
    await _deploy(trio, collection("second", "Org2MSP"))
    assert await _write(trio, "second", "k", "v", "Org1MSP") == ValidationCode.VALID
    assert _held(trio, "second", "k") == [None, b"v", None]
    assert not trio.transient._connection.execute("SELECT count(*) FROM private").fetchone()[0]


async def test_collection_that_wants_more_peers_than_there_are_is_refused(trio: Net) -> None:
    await _deploy(trio, collection("pair", "Org1MSP", "Org2MSP", required=2))
    error = await _failure(_write(trio, "pair", "k", "v"))
    assert error.status is grpc.StatusCode.ABORTED
    assert "required to disseminate to at least 2 peers, but know of only 1" in error.details[0].message


async def test_member_whose_data_was_lost_knows_the_hash_and_no_value(trio: Net) -> None:
    await _deploy(trio, collection("pair", "Org1MSP", "Org2MSP"))
    envelope = await trio.endorse(
        trio.user(), NAMESPACE, b"put private", b"pair", b"k", b"v", organisations=["Org1MSP"]
    )
    trio.transient._connection.execute("DELETE FROM private WHERE msp_id = ?", ("Org2MSP",))
    assert (await trio.submit(envelope))[1] == ValidationCode.VALID
    assert _held(trio, "pair", "k") == [b"v", None, None]
    read = (b"get private", b"pair", b"k")
    error = await _failure(trio.evaluate(trio.user(2), NAMESPACE, *read, targets=["Org2MSP"]))
    assert "private data matching public hash version is not available" in error.details[0].message


async def test_value_expires_after_its_blocks(trio: Net) -> None:
    await _deploy(trio, collection("short", "Org1MSP", "Org2MSP", blocks=2))
    await _write(trio, "short", "k", "v")
    await _pass_blocks(trio, 2)
    assert _held(trio, "short", "k") == [b"v", b"v", None]
    await _pass_blocks(trio, 1)
    assert _held(trio, "short", "k") == [None, None, None]
    assert _hash(trio, "short", "k") is None
    read = (b"get private", b"short", b"k")
    assert await trio.evaluate(trio.user(), NAMESPACE, *read) == b""


async def test_value_written_again_lives_on(trio: Net) -> None:
    await _deploy(trio, collection("short", "Org1MSP", "Org2MSP", blocks=2))
    await _write(trio, "short", "k", "1")
    await _pass_blocks(trio, 1)
    await _write(trio, "short", "k", "2")
    await _pass_blocks(trio, 2)
    assert _held(trio, "short", "k")[0] == b"2"
    await _pass_blocks(trio, 1)
    assert _held(trio, "short", "k")[0] is None


async def test_purge_removes_every_trace_of_the_value(trio: Net) -> None:
    await _deploy(trio, collection("pair", "Org1MSP", "Org2MSP"))
    await _write(trio, "pair", "k", "1")
    await _write(trio, "pair", "other", "stays")
    await _write(trio, "pair", "k", "2")
    code = await trio.invoke(trio.user(), NAMESPACE, b"purge", b"pair", b"k", organisations=["Org1MSP"])
    assert code == ValidationCode.VALID
    assert _held(trio, "pair", "k") == [None, None, None]
    assert _held(trio, "pair", "other") == [b"stays", b"stays", None]
    assert _hash(trio, "pair", "k") is None
    keys = []
    with trio.ledger.snapshot() as snapshot:
        for number in range(trio.ledger.height):
            for _, namespace, name, data in snapshot.private_writes("Org1MSP", number):
                if (namespace, name) == (NAMESPACE, "pair"):
                    keys += [
                        (entry.key, entry.is_delete) for entry in kv_rwset_pb2.KVRWSet.FromString(data).writes
                    ]
    assert ("other", False) in keys
    assert ("k", False) not in keys


async def test_purge_in_the_block_of_the_write_removes_it_too(trio: Net) -> None:
    await _deploy(trio, collection("pair", "Org1MSP", "Org2MSP"))
    writing = await trio.endorse(
        trio.user(), NAMESPACE, b"put private", b"pair", b"k", b"v", organisations=["Org1MSP"]
    )
    purging = await trio.endorse(trio.user(), NAMESPACE, b"purge", b"pair", b"k", organisations=["Org1MSP"])
    trio.orderer.submit(writing)
    number, code = await trio.submit(purging)
    block = trio.ledger.block(number)
    assert (code, block is not None and len(block.data.data)) == (ValidationCode.VALID, 2)
    assert _held(trio, "pair", "k") == [None, None, None]
    with trio.ledger.snapshot() as snapshot:
        written = [
            kv_rwset_pb2.KVRWSet.FromString(data)
            for _, namespace, _, data in snapshot.private_writes("Org1MSP", number)
            if namespace == NAMESPACE
        ]
    assert all(entry.value != b"v" for each in written for entry in each.writes)


async def test_conflicting_private_writers_are_found_by_the_hash(trio: Net) -> None:
    await _deploy(trio, collection("pair", "Org1MSP", "Org2MSP"))
    add = (b"add private", b"pair", b"n", b"1")
    first = await trio.endorse(trio.user(), NAMESPACE, *add, organisations=["Org1MSP"])
    second = await trio.endorse(trio.user(), NAMESPACE, *add, organisations=["Org1MSP"])
    assert (await trio.submit(first))[1] == ValidationCode.VALID
    assert (await trio.submit(second))[1] == ValidationCode.MVCC_READ_CONFLICT
    assert _held(trio, "pair", "n")[0] == b"1"


async def test_implicit_collection_is_its_organisations_alone(trio: Net) -> None:
    await _deploy(trio)
    name = "_implicit_org_Org2MSP"
    assert await _write(trio, name, "k", "v", "Org1MSP") == ValidationCode.ENDORSEMENT_POLICY_FAILURE
    assert await _write(trio, name, "k", "v", "Org2MSP") == ValidationCode.VALID
    assert _held(trio, name, "k") == [None, b"v", None]


async def test_endorsers_are_chosen_by_the_collections_policy(trio: Net) -> None:
    own = policy_bytes(1, ("Org3MSP", PEER))
    await _deploy(trio, collection("third", "Org1MSP", "Org2MSP", "Org3MSP", endorsement=own))
    # Nobody is named: the gateway finds out that Org3 must endorse.
    code = await trio.invoke(trio.user(), NAMESPACE, b"put private", b"third", b"k", b"v")
    assert code == ValidationCode.VALID
    assert await _write(trio, "third", "k", "v", "Org1MSP") == ValidationCode.ENDORSEMENT_POLICY_FAILURE


async def test_transient_data_goes_to_members_only(trio: Net) -> None:
    own = policy_bytes(1, ("Org3MSP", PEER))
    await _deploy(trio, collection("pair", "Org1MSP", "Org2MSP", endorsement=own))
    arguments = (b"put private", b"pair", b"k", b"v")
    error = await _failure(trio.endorse(trio.user(), NAMESPACE, *arguments, transient={"secret": b"1"}))
    assert error.status is grpc.StatusCode.FAILED_PRECONDITION
    assert (
        "requires endorsement from organisation(s) that are not in the distribution policy" in error.message
    )
    assert "[pair]" in error.message
    # Who names the organisations has decided.
    envelope = await trio.endorse(
        trio.user(), NAMESPACE, *arguments, transient={"secret": b"1"}, organisations=["Org3MSP"]
    )
    assert (await trio.submit(envelope))[1] == ValidationCode.VALID


async def test_reader_of_private_data_must_be_a_member_to_endorse(trio: Net) -> None:
    everybody = policy_bytes(3, *((msp_id, PEER) for msp_id in ORGANISATIONS))
    await trio.deploy(
        NAMESPACE, keeper, policy=everybody, collections=[collection("pair", "Org1MSP", "Org2MSP")]
    )
    error = await _failure(trio.endorse(trio.user(), NAMESPACE, b"add private", b"pair", b"n", b"1"))
    assert error.status is grpc.StatusCode.FAILED_PRECONDITION
    assert error.message.startswith("no combination of peers can be derived")
