"""Cross-platform, cross-domain sharing by commands: one refused, one granted for a day, one revoked."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from io import BytesIO
from pathlib import Path

import pytest
from tests.integration.lake.sharing_world import ROLE, USER, SharingWorld, sharing_world
from tests.unit.lake.payloads import meter_csv

from gridledger.crypto.secret_key import SecretKey
from gridledger.crypto.wrapping import RecipientSecret
from gridledger.lake.errors import NotGranted
from gridledger.lake.granted import granted_reader
from gridledger.lake.ledger import CustodianAgent, OwnedLake, OwnerAgent, publish_version
from gridledger.lake.ledger.location import take_over
from gridledger.lake.settings import LakeSettings
from gridledger.lake.store_address import open_store
from gridledger.model.dataset import CustodianEntry, DatasetEntry, DatasetIdentifier
from gridledger.model.sharing import AccessDecision, AccessRequest, PolicyRule, PowerPlatform
from gridledger.network import Network

NAME = "charging/stations.csv"
PURPOSE = "load-forecast"
FIRST, SECOND = meter_csv(3_000), meter_csv(4_000)


@pytest.fixture(scope="module")
async def sharing(exchange_network: Network) -> AsyncIterator[SharingWorld]:
    async with sharing_world(exchange_network, "88.8142", "sharing") as found:
        yield found


def put(config: Path, folder: Path, payload: bytes) -> int:
    """Put a payload; return its number in the lake."""
    settings = LakeSettings.from_file(config)
    file = folder / "payload.csv"
    file.write_bytes(payload)
    with file.open("rb") as opened:
        return settings.open().put(NAME, opened).version


async def assert_found_by_who_is_admitted(sharing: SharingWorld, dataset: str, folder: Path) -> None:
    """Find a dataset in a read model: distribution is admitted, marketing is not, the platform sees all."""
    await sharing.even()
    model = ("--model", folder / "model.db")
    await sharing("distribution", "search", "follow", "--once", *model)

    async def find(name: str, system: object, *more: object) -> list[str]:
        search = ("search", "datasets", "stations", "--label", "charging", "--as", system, *more, *model)
        return [one["dataset"] for one in (await sharing(name, *search))["rows"]]

    worker = ("--on-behalf-of", USER, "--role", ROLE)
    assert await find("distribution", sharing.systems["distribution"], *worker) == [dataset]
    assert await find("marketing", sharing.systems["marketing"], *worker) == []
    assert await find("administrator", sharing.root) == [dataset]


async def test_three_platforms_share_a_dataset_by_commands(sharing: SharingWorld, tmp_path: Path) -> None:
    config, lake_folder = tmp_path / "lake.toml", tmp_path / "lake"
    LakeSettings.create(config, store=str(lake_folder))
    address = lake_folder.resolve().as_uri()
    put(config, tmp_path, FIRST)
    keys = {
        name: tmp_path / f"{name}.key" for name in ("custodian", "marketing", "distribution", "dispatching")
    }
    dataset = f"{sharing.systems['owner']}/{NAME}"
    here = ("--config", config)

    # A custodian registers, and is approved by the platform of the root.
    for file in keys.values():
        SecretKey.generate().save(file)
    registered = await sharing(
        "custodian", "custodian", "register", "keeper", "--root", sharing.root, "--key", keys["custodian"]
    )
    custodian = registered["id"]
    await sharing("administrator", "custodian", "approve", custodian, "--root", sharing.root)

    # The owner registers the dataset and proposes its version; it counts once the custodian has signed.
    await sharing(
        "owner", "dataset", "register", dataset, "--title", "Charging stations", "--label", "charging"
    )
    proposed = await sharing(
        "owner",
        "dataset",
        "version",
        dataset,
        "--custodian",
        custodian,
        "--unit",
        "kWh",
        "--wait",
        0.1,
        *here,
    )
    assert "receipt" not in proposed
    keep = ("custodian", "watch", custodian, "--key", keys["custodian"], "--store", address, "--once")
    keep += ("--checkpoint", tmp_path / "custodian.checkpoint")
    (signed,) = await sharing("custodian", *keep)
    assert signed["identifier"] == proposed["statement"]["root"]
    (version,) = (await sharing("owner", "dataset", "versions", dataset))["versions"]
    assert version["receipt"]["receipt"]["custodian"] == custodian
    (found,) = (await sharing("dispatching", "dataset", "list", "--label", "charging"))["datasets"]
    assert found["entry"]["identifier"] == dataset

    # Distribution and dispatching are admitted for a day, marketing is not.
    for platform in ("distribution", "dispatching"):
        rule = ("--platform", platform, "--role", ROLE, "--purpose", PURPOSE, "--longest", "1d")
        await sharing("owner", "dataset", "admit", dataset, *rule, "--organisation", "Org2MSP")
    await assert_found_by_who_is_admitted(sharing, dataset, tmp_path)
    decisions = {}
    for name in ("marketing", "distribution", "dispatching"):
        asked = ("--application", sharing.systems[name], "--for-user", USER, "--role", ROLE)
        asked += ("--purpose", PURPOSE, "--for", "1d", "--key", keys[name])
        decisions[name] = await sharing(name, "lake", "request", dataset, *asked)
    assert decisions["marketing"]["problems"] == ["platform"]
    assert decisions["distribution"]["problems"] == decisions["dispatching"]["problems"] == []
    target = tmp_path / "got.csv"

    def opening(name: str, *more: object) -> tuple[object, ...]:
        return ("lake", "open", decisions[name]["id"], target, "--key", keys[name], "--replace", *more)

    refused = await sharing("marketing", *opening("marketing"), code=27)
    assert refused["error"]["code"] == "GL-CHN-105"
    waiting = await sharing("distribution", *opening("distribution"), code=27)
    assert waiting["error"]["code"] == "GL-CHN-106"

    # The owner's agent hands key and location over, once.
    watch = ("dataset", "watch", sharing.systems["owner"], "--once", *here)
    watch += ("--checkpoint", tmp_path / "owner.checkpoint")
    assert len(await sharing("owner", *watch)) == 2
    assert await sharing("owner", *watch) == []
    for name in ("distribution", "dispatching"):
        target.unlink(missing_ok=True)
        assert (await sharing(name, *opening(name)))["number"] == 1
        assert target.read_bytes() == FIRST
    stolen = await sharing(
        "distribution", *opening("distribution")[:-2], keys["marketing"], "--replace", code=63
    )
    assert stolen["error"]["code"] == "GL-LAK-004"

    # Dispatching loses the right: the dataset is sealed anew, distribution gets the next key.
    lost = decisions["dispatching"]["id"]
    before = await sharing.ledger("dispatching").access(lost)
    said = await sharing("owner", "lake", "revoke", dataset, lost, "--reason", "project over", *here)
    assert [one["sealed"]["epoch"] for one in said["grants"]] == [1]
    assert said["still_open_versions"] == []
    over = await sharing("dispatching", *opening("dispatching"), code=27)
    assert over["error"]["code"] == "GL-CHN-105"
    listed = (await sharing("owner", "lake", "requests", dataset, "--granted"))["accesses"]
    assert [(one["decision"]["id"], one["grant"]["sealed"]["epoch"]) for one in listed] == [
        (decisions["distribution"]["id"], 2)
    ]
    # The agent meets the revocation's event later, and finds nothing left to do.
    assert await sharing("owner", *watch) == []

    # What the revoked reader kept opens neither the newest version nor a new one.
    assert put(config, tmp_path, SECOND) == 2
    await sharing("owner", "dataset", "version", dataset, "--custodian", custodian, *here)
    assert len(await sharing("custodian", *keep)) == 1
    assert before.grant is not None
    kept, folder = take_over(
        before.decision, before.grant, RecipientSecret(SecretKey.load(keys["dispatching"]))
    )
    for number in (1, 2):
        with open_store(folder.store) as store, pytest.raises(NotGranted):
            granted_reader(store, folder.of_version(number).path, kept)
    said = await sharing("distribution", *opening("distribution"))
    assert (said["number"], said["newest"], target.read_bytes()) == (2, 2, SECOND)
    await sharing("distribution", *opening("distribution", "--version", 1))
    assert target.read_bytes() == FIRST

    # A store that was rolled back is found, by the owner and by a reader.
    checks = await sharing("owner", "dataset", "check", dataset, *here)
    assert [one["state"] for one in checks] == ["intact", "intact"]
    (manifest,) = (lake_folder / folder.path).glob("2.*.manifest")
    manifest.unlink()
    checks = await sharing("owner", "dataset", "check", dataset, *here, code=1)
    assert [one["state"] for one in checks] == ["intact", "missing"]
    gone = await sharing("distribution", *opening("distribution"), code=61)
    assert gone["error"]["code"] == "GL-LAK-002"

    steps = [one["step"] for one in (await sharing("owner", "lake", "log", dataset))["entries"]]
    assert steps[:5] == ["refused", "admitted", "admitted", "granted", "granted"]
    assert steps[5:].count("opened") == 6
    assert "revoked" in steps


async def test_remaining_commands_of_datasets_and_custodians(sharing: SharingWorld, tmp_path: Path) -> None:
    config, lake_folder = tmp_path / "lake.toml", tmp_path / "lake"
    LakeSettings.create(config, store=str(lake_folder))
    put(config, tmp_path, FIRST)
    owner, here = sharing.systems["owner"], ("--config", config)
    dataset = f"{owner}/{NAME}.copy"
    drawn = await sharing.plain("lake", "key", tmp_path / "second.key")

    # A custodian is registered, refused, and registers again.
    register = ("custodian", "register", "second", "--root", sharing.root, "--key", tmp_path / "second.key")
    second = await sharing("aggregation-agent", *register)
    assert second["entry"]["sealing_key"] == drawn["public_key"]
    removed = await sharing(
        "administrator", "custodian", "reject", second["id"], "--root", sharing.root, "--reason", "unknown"
    )
    assert (removed["state"], removed["reason"]) == ("rejected", "unknown")
    await sharing("aggregation-agent", *register)
    await sharing("administrator", "custodian", "approve", second["id"], "--root", sharing.root)
    moved = await sharing("administrator", "lake", "assign", sharing.systems["marketing"], "marketing")
    assert moved["platform"] == "marketing"

    # A dataset's life but for its payload.
    await sharing("owner", "dataset", "register", dataset, "--title", "Copy")
    described = await sharing("owner", "dataset", "describe", dataset, "--title", "A copy", "--label", "copy")
    assert (await sharing("marketing", "dataset", "show", dataset)) == described
    listed = (await sharing("marketing", "dataset", "list", owner))["datasets"]
    assert described in listed
    missing = await sharing(
        "owner", "dataset", "version", dataset, "--custodian", second["id"], *here, code=61
    )
    assert missing["error"]["code"] == "GL-LAK-002"
    rule = ("--platform", "marketing", "--role", ROLE, "--purpose", PURPOSE, "--longest", "12h")
    await sharing("owner", "dataset", "admit", dataset, *rule, "--until", "2999-01-01")
    (shown,) = await sharing("owner", "dataset", "policy", dataset)
    assert (shown["platform"], shown["longest_ms"]) == ("marketing", 12 * 3_600_000)
    closed = await sharing("owner", "dataset", "close", dataset)
    assert (closed["version"], closed["rules"]) == (2, [])
    withdrawn = await sharing("owner", "dataset", "withdraw", dataset, "--reason", "made by mistake")
    assert withdrawn["reason"] == "made by mistake"
    for words in (("dataset", "list"), ("lake", "requests")):
        await sharing("owner", *words, code=2)

    # The owner grants by hand what its agent would have granted.
    by_hand = f"{owner}/{NAME}.by-hand"
    settings = LakeSettings.from_file(config)
    settings.open().put(f"{NAME}.by-hand", BytesIO(FIRST))
    await sharing("owner", "dataset", "register", by_hand, "--title", "By hand")
    await sharing("owner", "dataset", "version", by_hand, "--custodian", second["id"], *here)
    keep = ("custodian", "watch", second["id"], "--key", tmp_path / "second.key", "--once")
    (signed,) = await sharing("aggregation-agent", *keep, "--store", lake_folder.resolve().as_uri())
    assert "code" not in signed
    await sharing("owner", "dataset", "admit", by_hand, *rule)
    asked = ("--application", sharing.systems["marketing"], "--for-user", USER, "--role", ROLE)
    asked += ("--purpose", PURPOSE, "--for", "30m", "--key", tmp_path / "second.key")
    decision = await sharing("marketing", "lake", "request", by_hand, *asked)
    (granted,) = await sharing("owner", "lake", "grant", by_hand, decision["id"], *here)
    assert granted["sealed"]["epoch"] == 1
    mine = await sharing("marketing", "lake", "requests", "--application", sharing.systems["marketing"])
    assert decision["id"] in [one["decision"]["id"] for one in mine["accesses"]]
    target = tmp_path / "by-hand.csv"
    await sharing("marketing", "lake", "open", decision["id"], target, "--key", tmp_path / "second.key")
    assert target.read_bytes() == FIRST


async def test_many_ask_at_once_while_a_version_is_stored(sharing: SharingWorld, tmp_path: Path) -> None:
    config, lake_folder = tmp_path / "lake.toml", tmp_path / "lake"
    LakeSettings.create(config, store=str(lake_folder))
    address = lake_folder.resolve().as_uri()
    secret = RecipientSecret.generate()
    keeper, owner, reader = (sharing.ledger(name) for name in ("marketing-agent", "owner", "marketing"))
    entry = CustodianEntry(name="third", sealing_key=secret.public.raw)
    custodian = (await keeper.register_custodian(sharing.root, entry)).id
    await sharing.ledger("administrator").approve_custodian(sharing.root, custodian)
    dataset = DatasetIdentifier(sharing.systems["owner"], "many.csv")
    await owner.register_dataset(DatasetEntry(identifier=dataset, title="Many", description=""))
    rule = PolicyRule(
        platform=PowerPlatform.MARKETING, roles=(ROLE,), purposes=(PURPOSE,), longest_ms=3_600_000
    )
    await owner.set_sharing_policy(dataset, (rule,))
    lake = LakeSettings.from_file(config).open()
    with lake.store:
        owned = OwnedLake(lake=lake, address=address)
        agent = CustodianAgent(
            keeper, custodian, secret, sharing.parties["marketing-agent"].sign, {address: lake.store}
        )

        async def store(payload: bytes) -> None:
            await asyncio.to_thread(lake.put, "many.csv", BytesIO(payload))
            proposed = await publish_version(owner, owned, dataset, custodian)
            await keeper.deposit_receipt(await agent.check(proposed))

        async def ask(number: int) -> AccessDecision:
            request = AccessRequest(
                dataset=dataset,
                application=sharing.systems["marketing"],
                user=USER,
                user_role=ROLE,
                purpose=PURPOSE,
                wanted_ms=60_000,
                recipient=secret.public.raw,
                made_ms=time.time_ns() // 1_000_000,
                nonce=f"nonce-of-request-{number:04}",
            )
            return await reader.request_access(request)

        await store(FIRST)
        *decisions, _ = await asyncio.gather(*(ask(number) for number in range(20)), store(SECOND))
        assert all(decision is not None and decision.is_admitted for decision in decisions)
        grants = await OwnerAgent(owner, dataset.system, owned).grant(
            dataset, [decision.id for decision in decisions if decision is not None]
        )
        assert len(grants) == 20
    assert (await owner.head(dataset)).number == 2
