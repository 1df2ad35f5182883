"""Agents that run, over a real HDFS: versions are signed and keys handed over without anybody's doing."""

from __future__ import annotations

import asyncio
import json
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import TypeVar

import pytest
from tests.integration.exchange import CHAINCODE
from tests.integration.lake.sharing_world import ROLE, USER, SharingWorld, sharing_world
from tests.unit.lake.payloads import meter_csv

from gridledger.client import FileCheckpoint
from gridledger.crypto.secret_key import SecretKey
from gridledger.crypto.wrapping import RecipientSecret
from gridledger.lake import Lake, open_store
from gridledger.lake.errors import NotGranted
from gridledger.lake.hdfs import HdfsCluster
from gridledger.lake.ledger import (
    CustodianAgent,
    OwnedLake,
    OwnerAgent,
    ReaderSettings,
    publish_version,
)
from gridledger.lake.ledger.follower import EventFollower
from gridledger.model.dataset import CustodianEntry, DatasetEntry, DatasetIdentifier
from gridledger.model.refusals import NotFound
from gridledger.model.sharing import AccessDecision, AccessRequest, PolicyRule, PowerPlatform
from gridledger.network import Network

pytestmark = [pytest.mark.xdist_group("hdfs"), pytest.mark.timeout(300)]

T = TypeVar("T")
NAME = "meters.csv"
PURPOSE = "load-forecast"
DAY_MS = 24 * 3600 * 1000
FIRST, SECOND = meter_csv(3_000), meter_csv(4_000)


@pytest.fixture(scope="module")
async def sharing(exchange_network: Network) -> AsyncIterator[SharingWorld]:
    async with sharing_world(exchange_network, "88.8242", "hdfs-sharing") as found:
        yield found


async def until(ask: Callable[[], Awaitable[T]], is_there: Callable[[T], bool]) -> T:
    async with asyncio.timeout(60):
        while True:
            try:
                found = await ask()
            except NotFound:
                pass  # This peer is a block behind.
            else:
                if is_there(found):
                    return found
            await asyncio.sleep(0.1)


@asynccontextmanager
async def running(agent: EventFollower) -> AsyncIterator[None]:
    task = asyncio.create_task(agent.run())
    try:
        yield
    finally:
        task.cancel()
        (ended,) = await asyncio.gather(task, return_exceptions=True)
        assert isinstance(ended, asyncio.CancelledError), ended


async def test_agents_do_their_part_while_they_run(
    sharing: SharingWorld, hdfs: HdfsCluster, tmp_path: Path
) -> None:
    address = f"{hdfs.url}/sharing/{secrets.token_hex(8)}"
    opener = partial(open_store, settings=hdfs.client_configuration)
    dataset = DatasetIdentifier(sharing.systems["owner"], NAME)
    keeper_secret = RecipientSecret.generate()
    keeper, owner = sharing.ledger("custodian"), sharing.ledger("owner")
    registered = await keeper.register_custodian(
        sharing.root, CustodianEntry(name="keeper", sealing_key=keeper_secret.public.raw)
    )
    await sharing.even()
    await sharing.ledger("administrator").approve_custodian(sharing.root, registered.id)
    await owner.register_dataset(DatasetEntry(identifier=dataset, title="Meters", description=""))
    rules = [
        PolicyRule(platform=platform, roles=(ROLE,), purposes=(PURPOSE,), longest_ms=DAY_MS)
        for platform in (PowerPlatform.DISTRIBUTION, PowerPlatform.DISPATCHING)
    ]
    await owner.set_sharing_policy(dataset, rules)
    with opener(address) as store:
        lake = await asyncio.to_thread(Lake.create, store, SecretKey.generate())
        owned = OwnedLake(lake=lake, address=address)
        await asyncio.to_thread(lake.put, NAME, BytesIO(FIRST))
        custodian_agent = CustodianAgent(
            keeper,
            registered.id,
            keeper_secret,
            sharing.parties["custodian"].sign,
            {address: store},
            FileCheckpoint(tmp_path / "custodian"),
        )

        def owner_agent() -> OwnerAgent:
            return OwnerAgent(owner, dataset.system, owned, checkpoint=FileCheckpoint(tmp_path / "owner"))

        keys = {name: tmp_path / f"{name}.key" for name in ("distribution", "dispatching")}
        async with running(custodian_agent):
            async with running(owner_agent()):
                await publish_version(owner, owned, dataset, registered.id, unit="kWh")
                await until(lambda: owner.version(dataset, 1), lambda version: version.is_stored)
                await sharing.even()
                decisions = {name: await ask(sharing, name, dataset, file) for name, file in keys.items()}
                for name, decision in decisions.items():
                    ledger = sharing.ledger(name)
                    await until(partial(ledger.access, decision.id), lambda one: one.grant is not None)
            settings = {name: reader(sharing, name, file, tmp_path) for name, file in keys.items()}
            url = dataset.to_url()
            for one in settings.values():
                with await asyncio.to_thread(one.open, url, store_opener=opener) as granted:
                    assert await asyncio.to_thread(granted.reader.read) == FIRST

            # While no agent runs a right is revoked; the next one seals anew from where the last one stopped.
            lost, kept = decisions["dispatching"], decisions["distribution"]
            await owner.revoke_access(dataset, (lost.id,), "project over")
            async with running(owner_agent()):
                found = await until(
                    partial(owner.access, kept.id),
                    lambda one: (
                        one.grant is not None and one.grant.sealed is not None and one.grant.sealed.epoch == 2
                    ),
                )
                assert found.grant is not None
                await asyncio.to_thread(lake.put, NAME, BytesIO(SECOND))
                await publish_version(owner, owned, dataset, registered.id)
                await until(lambda: owner.version(dataset, 2), lambda version: version.is_stored)
            await sharing.even()
            with await asyncio.to_thread(settings["distribution"].open, url, store_opener=opener) as granted:
                assert await asyncio.to_thread(granted.reader.read) == SECOND
            with pytest.raises(NotGranted):
                await asyncio.to_thread(settings["dispatching"].open, url, store_opener=opener)


async def ask(sharing: SharingWorld, name: str, dataset: DatasetIdentifier, key_file: Path) -> AccessDecision:
    secret = SecretKey.generate()
    secret.save(key_file)
    request = AccessRequest(
        dataset=dataset,
        application=sharing.systems[name],
        user=USER,
        user_role=ROLE,
        purpose=PURPOSE,
        wanted_ms=DAY_MS,
        recipient=RecipientSecret(secret).public.raw,
        made_ms=time.time_ns() // 1_000_000,
        nonce=secrets.token_urlsafe(16),
    )
    return await sharing.ledger(name).request_access(request)


def reader(sharing: SharingWorld, name: str, key_file: Path, folder: Path) -> ReaderSettings:
    """Write a reader's configuration, and read it."""
    connection = sharing.network.connection(
        org=sharing.organisation(name), user=f"{sharing.prefix}-{name}", chaincode=CHAINCODE
    )
    named = ("endpoint", "msp_id", "certificate", "private_key", "tls_root_cert", "channel", "chaincode")
    values = {key: str(value) for key in named if (value := getattr(connection, key)) is not None}
    (folder / f"{name}.json").write_text(json.dumps(values))
    config = folder / f"{name}.toml"
    config.write_text(
        f'connection = "{name}.json"\napplication = "{sharing.systems[name]}"\nkey = "{key_file.name}"\n'
    )
    return ReaderSettings.from_file(config)
