"""Custodian's and owner's agents on a real lake and the real contract: what they do, and what they refuse."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import pytest
import zstandard
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from tests.unit.chaincode.scene import Scene
from tests.unit.lake.ledger.sharing_lake import ADDRESS, SharingLake, other_secret
from tests.unit.lake.payloads import meter_csv

from gridledger.chaincode import GridLedger
from gridledger.crypto.errors import SealBroken
from gridledger.crypto.secret_key import SecretKey
from gridledger.crypto.wrapping import open_sealed
from gridledger.lake import LocalStore
from gridledger.lake.custody_file import check_frames, read_custody
from gridledger.lake.errors import NotGranted, PayloadCorrupt, PayloadNotFound
from gridledger.lake.granted import granted_reader
from gridledger.lake.ledger import LakeLocation, VersionState, check_versions
from gridledger.lake.ledger.location import open_custody, take_over
from gridledger.lake.paths import custody_path
from gridledger.model.dataset import VersionStatement
from gridledger.model.lake_refusals import AccessOver, KeyOutdated, VersionOutOfTurn
from gridledger.model.merkle import merkle_root
from gridledger.model.sharing import PowerPlatform
from gridledger.shim.testing import MemoryPeer

MARKETING, DISTRIBUTION, DISPATCHING = PowerPlatform
FIRST, SECOND = meter_csv(400), meter_csv(400, seed=2)


@pytest.fixture
async def shared(folder: Path) -> AsyncIterator[SharingLake]:
    async with MemoryPeer(GridLedger()) as peer:
        yield await SharingLake.make(Scene.on(peer), folder)


async def test_version_is_checked_signed_and_opened_by_whom_it_was_granted(shared: SharingLake) -> None:
    version = await shared.store(FIRST)
    decision = await shared.ask(DISPATCHING)
    (granted,) = await shared.run(shared.owner_agent())
    assert granted.accepted
    async with await shared.open(DISPATCHING, decision) as opened:
        assert opened.reader.read() == FIRST
    assert version.receipt is not None
    assert version.receipt.receipt.root == version.statement.root == opened.reader.manifest.root


async def test_nobody_reads_an_address_before(shared: SharingLake) -> None:
    await shared.store(FIRST)
    await shared.ask(DISPATCHING)
    await shared.run(shared.owner_agent())
    dataset = shared.lake.keys.dataset(shared.sharing.dataset.name)
    hidden = [
        ADDRESS.encode(),
        dataset.hex().encode(),
        dataset,
        shared.lake.dataset_key(shared.sharing.dataset.name).secret.reveal(),
    ]
    for value in shared.sharing.scene.peer.ledger.state.values():
        assert not [one for one in hidden if one in value]


async def test_list_of_frames_is_cleared_once_the_receipt_stands(shared: SharingLake) -> None:
    dataset = shared.lake.keys.dataset(shared.sharing.dataset.name)
    await shared.publish(FIRST)
    assert shared.lake.store.size(custody_path(dataset, 1)) > 0
    await shared.run(shared.custodian_agent())
    await shared.run(shared.owner_agent())
    with pytest.raises(PayloadNotFound):
        shared.lake.store.size(custody_path(dataset, 1))


async def test_custodian_signs_nothing_for_changed_or_missing_frames(shared: SharingLake) -> None:
    proposed = await shared.publish(FIRST)
    pack = next((shared.folder / "packs").iterdir())
    data = bytearray(pack.read_bytes())
    data[100] ^= 1
    pack.chmod(0o644)
    pack.write_bytes(data)
    (refused,) = await shared.run(shared.custodian_agent())
    assert refused.code == PayloadCorrupt.code
    pack.unlink()
    shared.handled.clear()
    (refused,) = await shared.run(shared.custodian_agent())
    assert refused.code == PayloadNotFound.code
    current = await shared.owner_ledger.version(shared.sharing.dataset, proposed.statement.number)
    assert not current.is_stored


async def test_custodian_reads_only_stores_that_it_keeps(shared: SharingLake) -> None:
    await shared.publish(FIRST)
    (refused,) = await shared.run(shared.custodian_agent(stores={}))
    assert refused.code == NotGranted.code


async def test_custodian_opens_only_what_is_sealed_to_it(shared: SharingLake) -> None:
    proposed = await shared.publish(FIRST)
    (refused,) = await shared.run(shared.custodian_agent(secret=other_secret()))
    assert refused.code == NotGranted.code
    moved = replace(proposed.statement, number=2)
    with pytest.raises(NotGranted):
        open_custody(moved, shared.custodian_secret)


async def test_custodian_computes_the_root_itself(shared: SharingLake) -> None:
    proposed = await shared.publish(FIRST)
    statement = proposed.statement
    custody = open_custody(statement, shared.custodian_secret)
    frames = read_custody(shared.lake.store, custody.location.path, custody.key)
    checked = check_frames(shared.lake.store, frames)
    assert (checked.root, checked.blocks) == (statement.root, statement.blocks)
    fewer = check_frames(shared.lake.store, frames[:-1])
    assert fewer.root != statement.root
    swapped = [*frames]
    swapped[0], swapped[1] = swapped[1], swapped[0]
    assert check_frames(shared.lake.store, swapped).root != statement.root


async def test_frames_that_overlap_are_not_read(shared: SharingLake) -> None:
    proposed = await shared.publish(FIRST)
    custody = open_custody(proposed.statement, shared.custodian_secret)
    frames = read_custody(shared.lake.store, custody.location.path, custody.key)
    for overlapping in (frames[0], replace(frames[0], offset=frames[0].offset + 1)):
        with pytest.raises(PayloadCorrupt):
            check_frames(shared.lake.store, [*frames, overlapping])


async def test_grants_that_fail_do_not_stop_the_others(shared: SharingLake) -> None:
    await shared.store(FIRST)
    refused, waiting = await shared.ask(MARKETING), await shared.ask(DISPATCHING)
    grants = await shared.owner_agent().grant(shared.sharing.dataset, (refused.id, waiting.id))
    assert [grant.request for grant in grants] == [waiting.id]
    with pytest.raises(AccessOver):
        await shared.owner_agent().grant(shared.sharing.dataset, (refused.id,))


@pytest.mark.parametrize("place", [0, 7, 8, 30, -1])
async def test_changed_custody_file_is_no_ground_for_a_receipt(shared: SharingLake, place: int) -> None:
    proposed = await shared.publish(FIRST)
    custody = open_custody(proposed.statement, shared.custodian_secret)
    file = shared.folder / custody.location.path
    data = bytearray(file.read_bytes())
    data[place] ^= 1
    file.chmod(0o644)
    file.write_bytes(data)
    (refused,) = await shared.run(shared.custodian_agent())
    assert refused.code == PayloadCorrupt.code


@pytest.mark.parametrize("path", ["../../etc/passwd", "lake.json", "custody/x", "packs/" + "0" * 32])
def test_custody_elsewhere_is_not_read(folder: Path, path: str) -> None:
    with pytest.raises(PayloadCorrupt):
        read_custody(LocalStore(folder), path, SecretKey(bytes(32)))


async def test_agents_do_nothing_twice(shared: SharingLake) -> None:
    await shared.store(FIRST)
    await shared.ask(DISPATCHING)
    await shared.run(shared.owner_agent())
    before = dict(shared.sharing.scene.peer.ledger.state)
    shared.handled.clear()
    assert await shared.run(shared.custodian_agent()) == []
    assert await shared.run(shared.owner_agent()) == []
    assert shared.sharing.scene.peer.ledger.state == before


async def test_version_proposed_anew_is_checked_as_it_stands(shared: SharingLake) -> None:
    await shared.publish(FIRST)
    await shared.publish(FIRST)
    results = await shared.run(shared.custodian_agent())
    assert [result.accepted for result in results] == [True]
    with pytest.raises(VersionOutOfTurn):
        await shared.publish(FIRST)


async def test_revocation_seals_anew_and_others_go_on(shared: SharingLake) -> None:
    await shared.store(FIRST)
    kept, lost = await shared.ask(DISTRIBUTION), await shared.ask(DISPATCHING)
    agent = shared.owner_agent()
    await shared.run(agent)
    access = await shared.owner_ledger.access(lost.id)
    assert access.grant is not None
    old_key, place = take_over(lost, access.grant, shared.secrets[DISPATCHING])

    await shared.owner_ledger.revoke_access(shared.sharing.dataset, (lost.id,), "project over")
    # Between revocation and re-keying nothing new gets out under the old key.
    with pytest.raises(KeyOutdated):
        await shared.publish(SECOND)
    results = await shared.run(agent)

    assert [result.identifier for result in results] == [f"{kept.request.application} epoch 2"]
    version = await shared.store(SECOND)
    assert version.statement.epoch == 2
    store, number = LocalStore(shared.folder), version.statement.number
    with pytest.raises(NotGranted):
        granted_reader(store, place.of_version(number).path, old_key)
    # Version 1 was sealed when the key was good, and was not the newest when it was outdated.
    assert granted_reader(store, place.of_version(1).path, old_key).read() == FIRST
    async with await shared.open(DISTRIBUTION, kept) as opened:
        assert opened.reader.read() == SECOND
    with pytest.raises(AccessOver):
        await shared.open(DISPATCHING, lost)


async def test_agent_that_stopped_between_sealing_and_granting_goes_on(shared: SharingLake) -> None:
    await shared.store(FIRST)
    kept, lost = await shared.ask(DISTRIBUTION), await shared.ask(DISPATCHING)
    await shared.run(shared.owner_agent())
    await shared.owner_ledger.revoke_access(shared.sharing.dataset, (lost.id,), "project over")
    shared.lake.rotate(shared.sharing.dataset.name)  # and here it stopped
    (result,) = await shared.run(shared.owner_agent())
    assert result.identifier == f"{kept.request.application} epoch 2"
    assert shared.lake.dataset_key(shared.sharing.dataset.name).epoch == 2


async def test_old_versions_are_sealed_anew_only_when_told(shared: SharingLake) -> None:
    for all_versions, payload in ((False, FIRST), (True, SECOND)):
        await shared.store(payload)
        decision = await shared.ask(DISPATCHING)
        agent = shared.owner_agent(all_versions=all_versions)
        await shared.run(agent)
        await agent.revoke(shared.sharing.dataset, (decision.id,), "over")
        await shared.run(agent)
    dataset = shared.lake.keys.dataset(shared.sharing.dataset.name)
    epochs = {
        number: shared.lake.manifest(dataset, number, generation)[0].epoch
        for number, generation in shared.lake.versions(dataset).items()
    }
    assert epochs == {1: 3, 2: 3}


async def test_grant_that_ran_out_outdates_its_key(shared: SharingLake) -> None:
    await shared.store(FIRST)
    decision = await shared.ask(DISPATCHING)
    agent = shared.owner_agent()
    await shared.run(agent)
    assert await agent.expire() == ()
    await shared.pass_days(2)
    (over,) = await agent.expire()
    assert (over.request, over.reason) == (decision.id, "has run out")
    assert await agent.expire() == ()
    assert await shared.run(agent) == []
    assert shared.lake.dataset_key(shared.sharing.dataset.name).epoch == 2


async def test_grant_by_an_outdated_key_seals_anew_first(shared: SharingLake) -> None:
    await shared.store(FIRST)
    lost = await shared.ask(DISPATCHING)
    agent = shared.owner_agent()
    await shared.run(agent)
    await shared.owner_ledger.revoke_access(shared.sharing.dataset, (lost.id,), "over")
    late = await shared.ask(DISTRIBUTION)
    (grant,) = await agent.grant(shared.sharing.dataset, (late.id,))
    assert grant.sealed is not None
    assert grant.sealed.epoch == 2


async def test_request_with_a_key_that_nobody_can_seal_to_is_revoked(shared: SharingLake) -> None:
    await shared.store(FIRST)
    decision = await shared.ask(DISPATCHING, recipient=bytes(32))
    assert await shared.run(shared.owner_agent()) == []
    access = await shared.owner_ledger.access(decision.id)
    assert access.grant is not None
    assert (access.grant.sealed, access.grant.revoked_ms is not None) == (None, True)


async def test_grant_opens_for_its_recipient_and_decision_only(shared: SharingLake) -> None:
    await shared.store(FIRST)
    mine, theirs = await shared.ask(DISTRIBUTION), await shared.ask(DISPATCHING)
    await shared.run(shared.owner_agent())
    grant = (await shared.owner_ledger.access(theirs.id)).grant
    assert grant is not None
    assert grant.sealed is not None
    with pytest.raises(NotGranted):
        take_over(theirs, grant, shared.secrets[DISTRIBUTION])
    with pytest.raises(NotGranted):
        take_over(mine, grant, shared.secrets[DISPATCHING])
    later = replace(grant, sealed=replace(grant.sealed, epoch=2))
    with pytest.raises(NotGranted):
        take_over(theirs, later, shared.secrets[DISPATCHING])


async def test_rolled_back_store_is_found(shared: SharingLake) -> None:
    for payload in (FIRST, SECOND):
        await shared.store(payload)
    decision = await shared.ask(DISPATCHING)
    await shared.run(shared.owner_agent())
    dataset = shared.lake.keys.dataset(shared.sharing.dataset.name)
    manifests = shared.folder / "datasets" / dataset.hex()
    kept = (manifests / "2.1.manifest").read_bytes()

    async def states() -> list[VersionState]:
        checks = await check_versions(shared.owner_ledger, shared.owned, shared.sharing.dataset)
        return [one.state for one in checks]

    assert await states() == [VersionState.INTACT, VersionState.INTACT]
    (manifests / "2.1.manifest").unlink()
    assert await states() == [VersionState.INTACT, VersionState.MISSING]
    with pytest.raises(PayloadNotFound):
        await shared.open(DISPATCHING, decision)
    # The old version under the new one's name is another version's manifest.
    (manifests / "2.1.manifest").write_bytes((manifests / "1.1.manifest").read_bytes())
    assert await states() == [VersionState.INTACT, VersionState.CHANGED]
    with pytest.raises(PayloadCorrupt):
        await shared.open(DISPATCHING, decision)
    (manifests / "2.1.manifest").unlink()
    (manifests / "2.1.manifest").write_bytes(kept)
    shared.lake.put(shared.sharing.dataset.name, BytesIO(FIRST[:5000]))
    assert await states() == [VersionState.INTACT, VersionState.INTACT, VersionState.UNPUBLISHED]


async def test_payload_that_the_owner_replaced_is_told_from_the_ledgers(shared: SharingLake) -> None:
    await shared.store(FIRST)
    decision = await shared.ask(DISPATCHING)
    await shared.run(shared.owner_agent())
    # The owner puts something else under the same number, sealed with the right key.
    shared.lake.forget(shared.sharing.dataset.name, 1)
    dataset = shared.lake.keys.dataset(shared.sharing.dataset.name)
    access = await shared.owner_ledger.access(decision.id)
    assert access.grant is not None
    key, _ = take_over(decision, access.grant, shared.secrets[DISPATCHING])
    shared.lake.put("other", BytesIO(SECOND))
    _, _, manifest = shared.owned.lake.manifest(shared.lake.keys.dataset("other"), 1, 1)
    path = f"datasets/{dataset.hex()}/1.2.manifest"
    shared.lake.store.publish(
        path, manifest.to_bytes(key, shared.lake.keys.datasets, version=1, generation=2)
    )
    with pytest.raises(PayloadCorrupt) as caught:
        await shared.open(DISPATCHING, decision)
    assert caught.value.fields["actual"] == str(manifest.content)


async def test_sealed_texts_are_those_of_the_document(shared: SharingLake) -> None:
    """Open location and custody file with nothing but what LAYOUT.md, 3.1 and 3.9, says."""
    statement = (await shared.publish(FIRST)).statement
    key = shared.lake.dataset_key(shared.sharing.dataset.name).secret.reveal()
    number = (1).to_bytes(8, "big")

    def opened(secret: bytes, sealed: bytes, associated: bytes) -> bytes:
        return AESGCM(secret).decrypt(sealed[:12], sealed[12:], associated)

    location = json.loads(opened(key, statement.location, b"gridledger/location/1\0" + number))
    dataset = shared.lake.keys.dataset(shared.sharing.dataset.name).hex()
    assert location == {"path": f"datasets/{dataset}/1", "schema": "lake-location/1", "store": ADDRESS}
    info = b"gridledger/custody/1\0" + statement.root.raw + number + str(statement.dataset).encode()
    text = open_sealed(statement.custody, shared.custodian_secret, info=info)
    path = json.loads(text[32:])["path"]
    data = (shared.folder / path).read_bytes()
    assert data[:8] == b"GLCUST01"
    packed = opened(text[:32], data[8:], b"GLCUST01" + path.encode())
    body = packed[1:] if packed[:1] == b"\0" else zstandard.ZstdDecompressor().decompress(packed[1:])
    packs = body[0]
    assert packs < 128
    assert {body[1 + 16 * place :][:16].hex() for place in range(packs)} <= {
        file.stem for file in (shared.folder / "packs").iterdir()
    }
    leaves = []
    place = 1 + 16 * packs
    place += 1 + (body[place] > 127)  # the number of frames: one byte or two
    while place < len(body):
        for _ in range(3):
            while body[place] > 127:
                place += 1
            place += 1
        leaves.append(body[place : place + 32])
        place += 32
    assert merkle_root(leaves) == statement.root


async def test_location_of_a_version_is_bound_to_its_number_and_key(shared: SharingLake) -> None:
    statement: VersionStatement = (await shared.store(FIRST)).statement
    key = shared.lake.dataset_key(shared.sharing.dataset.name)
    location = LakeLocation.open(statement.location, key, 1)
    assert location == shared.owned.folder(shared.sharing.dataset.name).of_version(1)
    with pytest.raises(SealBroken):
        LakeLocation.open(statement.location, key, 2)
    with pytest.raises(SealBroken):
        LakeLocation.open(statement.location, key.rotated(), 1)
