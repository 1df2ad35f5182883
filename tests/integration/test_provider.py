"""An owner's server as a process: what it lets out, what it refuses, what it survives."""

from __future__ import annotations

import json
import signal
import sqlite3
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import replace
from typing import Any

import httpx
import pytest
from tests.integration.exchange import fund, signed_request

from gridledger.exchange import provider
from gridledger.exchange.data_application import check_delivery
from gridledger.exchange.delivery_page import CsvPage, PageCursor, PageQuestion, join_pages
from gridledger.exchange.delivery_reader import read_delivery, read_pages
from gridledger.exchange.demo.scene import APPLICATION, Scene
from gridledger.exchange.demo.systems import METER
from gridledger.exchange.errors import DeliveryTooLong
from gridledger.exchange.handoff import until_seen
from gridledger.exchange.messages import (
    AGREED_ROOTS_PATH,
    COUNTERSIGNATURES_PATH,
    DELIVERIES_PATH,
    DELIVERY_PAGES_CSV_PATH,
    DELIVERY_PAGES_PATH,
    ROOTS_PATH,
    OfferedContract,
)
from gridledger.exchange.party import Party
from gridledger.exchange.provider import Provider
from gridledger.model.delivery import DeliveredRow, Delivery
from gridledger.model.digest import Digest
from gridledger.model.identifier import FieldIdentifier
from gridledger.model.integrity import SignedRoots
from gridledger.model.period import Period
from gridledger.model.resolution import Resolution
from gridledger.model.trade import CountersignedContract, Order, TransactionContract
from gridledger.web import (
    LocalServer,
    MemoryReplayStore,
    MessageSigner,
    NotPaid,
    SignedClient,
    Unauthenticated,
)
from gridledger.web.bundle import BUNDLES_PATH, BundledRequest, ReplyBundle, RequestBundle
from gridledger.web.health import HEALTH_PATH
from gridledger.web.message import HeaderLines, RequestMessage
from gridledger.web.problem import read_problem

MONITORING = "monitoring"


async def ordered(scene: Scene) -> tuple[Resolution, Order]:
    await fund(scene, 30_000)
    resolution = await scene.application.resolve(await signed_request(scene))
    order = await scene.application.order(resolution)
    await scene.cast.even()
    return resolution, order


async def kill(scene: Scene, name: str) -> None:
    """End a server's process as a power cut does."""
    process = scene.servers._processes[name]
    process.send_signal(signal.SIGKILL)
    await process.wait()


async def start(scene: Scene, name: str, more: str = "") -> None:
    """Start a server at the address that the ledger knows, with more in its configuration."""
    config = scene.folder / name / "system.toml"
    port = scene.servers.urls[name].rpartition(":")[2]
    changed = config.with_name("restarted.toml")
    changed.write_text(f"{config.read_text('utf-8')}\n[server]\nport = {port}\n{more}", encoding="utf-8")
    scene.servers._processes[name] = await scene.servers._start(changed)
    assert await scene.servers._ready(name) == scene.servers.urls[name]


@asynccontextmanager
async def restarted(scene: Scene, more: str) -> AsyncIterator[None]:
    """Run a server with more in its configuration while the body does."""
    await scene.servers.stop(MONITORING)
    await start(scene, MONITORING, more)
    try:
        yield
    finally:
        await scene.servers.stop(MONITORING)
        await start(scene, MONITORING)


def log_of(scene: Scene, name: str) -> list[dict[str, Any]]:
    text = (scene.folder / name / "access.jsonl").read_text("ascii")
    return [json.loads(line) for line in text.splitlines()]


async def description(scene: Scene, http: httpx.AsyncClient) -> dict[str, Any]:
    found: dict[str, Any] = (await http.get(f"{scene.servers.urls[MONITORING]}/openapi.json")).json()
    return found


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(trust_env=False, timeout=60, verify=False) as client:  # noqa: S501 - no TLS
        yield client


async def signed(
    http: httpx.AsyncClient, party: Party | None, url: str, method: str, body: bytes
) -> httpx.Response:
    """Send a request with a party's signature, or with none, and return whatever comes back."""
    headers = HeaderLines([("host", httpx.URL(url).netloc.decode()), ("content-type", "application/json")])
    message = RequestMessage(method=method, url=url, headers=headers)
    if party is not None:
        await party.signer.sign_request(message, body)
    return await http.request(method, url, headers=message.headers.items(), content=body)


@pytest.mark.timeout(300)
async def test_no_route_lets_content_out_but_to_who_paid(scene: Scene, http: httpx.AsyncClient) -> None:
    """Walk all routes as everybody else, and look for every value and salt of the owner in the replies."""
    resolution, order = await ordered(scene)
    target = resolution.target(scene.systems[MONITORING])
    assert target is not None
    owner, url = scene.owners[MONITORING], scene.servers.urls[MONITORING]
    secrets = set()
    for field in target.fields:
        for check in field.checks:
            for row in (await owner.read(field.field, check.period)).rows:
                secrets.add(salt_text(row))
                secrets.add(f'"key":"{row.key}"')
                if row.value is not None:
                    secrets.add(f'"value":"{row.value}"')
    assert len(secrets) > 500

    contract = TransactionContract(
        order=order.id,
        resolution=resolution.id,
        application=scene.systems[APPLICATION],
        owner=target.system,
        fields=tuple(field.field for field in target.forwarded()),
        first=resolution.request.first,
        last=resolution.request.last,
        rows=1,
        content=Digest.of(b"x"),
        amount_milliyuan=target.amount_milliyuan(),
        concluded_ms=int(time.time() * 1000),
    )
    question = await scene.application.ask_for(resolution, order, target.system)
    payer = scene.cast[APPLICATION]
    offered = OfferedContract(contract=contract, signature=await payer.sign(contract))
    bodies = {
        ROOTS_PATH: (await signed_request(scene)).to_bytes(),
        AGREED_ROOTS_PATH: b"{}",
        DELIVERIES_PATH: question.to_bytes(),
        DELIVERY_PAGES_PATH: PageQuestion(question=question).to_bytes(),
        DELIVERY_PAGES_CSV_PATH: PageQuestion(question=question).to_bytes(),
        COUNTERSIGNATURES_PATH: offered.to_bytes(),
        HEALTH_PATH: b"",
        "/openapi.json": b"",
    }
    bodies[BUNDLES_PATH] = RequestBundle(
        requests=tuple(BundledRequest(path=path, body=body) for path, body in bodies.items())
    ).to_bytes()
    described = await description(scene, http)
    assert {*described["paths"], HEALTH_PATH, "/openapi.json"} == {*bodies}
    operations = {path: one for path, of in described["paths"].items() for one in of.values()}
    replies = {path: one["responses"]["200"]["content"] for path, one in operations.items()}
    schemas = described["components"]["schemas"]
    content = {DELIVERIES_PATH, DELIVERY_PAGES_PATH, DELIVERY_PAGES_CSV_PATH}
    assert {
        path
        for path, reply in replies.items()
        if "text/csv" in reply or reaches(json.dumps(reply), "DeliveredRow", schemas)
    } == content

    seen = 0
    everybody = [None, *(scene.cast[name] for name in ("aggregation", "construction", "auditor", "agent"))]
    for path, body in bodies.items():
        for method in ("GET", "POST"):
            for party in (*everybody, *([] if path in {*content, BUNDLES_PATH} else [payer])):
                reply = await signed(http, party, url + path, method, body)
                seen += 1
                text = reply.text
                if path == BUNDLES_PATH and reply.status_code == 200:
                    text = told_together(reply.content)
                found = [secret for secret in secrets if secret in text]
                assert found == [], (method, path, party)
                if path in content:
                    assert reply.status_code >= 400
    assert seen > 60

    # The one who paid gets them by the same question.
    reply = await signed(http, payer, url + DELIVERIES_PATH, "POST", question.to_bytes())
    assert reply.status_code == 200
    assert [secret for secret in secrets if secret not in reply.text] == []
    reply = await signed(http, payer, url + BUNDLES_PATH, "POST", bodies[BUNDLES_PATH])
    together = ReplyBundle.from_bytes(reply.content).replies
    assert [one.status for one in together[2:5]] == [200, 404, 404]
    assert [secret for secret in secrets if secret not in together[2].body.decode()] == []


def told_together(content: bytes) -> str:
    """Return all that the replies of a bundle say; what is content is refused to who has not paid."""
    replies = ReplyBundle.from_bytes(content).replies
    assert [one.status for one in replies[2:5]] == [403, 404, 404]
    return "".join(one.body.decode() for one in replies)


def salt_text(row: DeliveredRow) -> str:
    """Return a row's salt as deliveries write it."""
    return str(row.to_value()["salt"])


def reaches(schema: str, name: str, schemas: dict[str, Any]) -> bool:
    """Tell whether a schema holds another, however deep."""
    waiting, seen = [schema], set()
    while waiting:
        text = waiting.pop()
        for other in schemas:
            if f'"#/components/schemas/{other}"' in text and other not in seen:
                seen.add(other)
                waiting.append(json.dumps(schemas[other]))
    return name in seen


async def test_access_log_says_who_got_which_fields_of_which_order_and_no_values(scene: Scene) -> None:
    resolution, order = await ordered(scene)
    fetched = await scene.application.fetch(resolution, order)
    delivery = next(one.delivery for one in fetched if one.owner == scene.systems[MONITORING])
    assert delivery is not None

    lines = [line for line in log_of(scene, MONITORING) if line["order"] == order.id]

    assert [line["path"] for line in lines] == [DELIVERIES_PATH, COUNTERSIGNATURES_PATH]
    given = lines[0]
    assert (given["status"], given["code"], given["rows"]) == (200, "", delivery.rows())
    assert given["fields"] == sorted({str(period.field) for period in delivery.periods})
    assert given["resolution"] == resolution.id
    assert given["fingerprint"] == scene.cast[APPLICATION].signer.fingerprint
    assert "lifecycle" in given["caller"]
    asked = [line for line in log_of(scene, MONITORING) if line["resolution"] == resolution.id]
    assert asked[0]["path"] == ROOTS_PATH
    text = (scene.folder / MONITORING / "access.jsonl").read_text("ascii")
    rows = [row for period in delivery.periods for row in period.rows]
    assert not any(salt_text(row) in text for row in rows)
    assert not any(row.key in text for row in rows)


async def test_provider_that_dies_after_the_hold_and_comes_back_delivers(scene: Scene) -> None:
    resolution, order = await ordered(scene)
    await kill(scene, MONITORING)
    without = {one.owner: one for one in await scene.application.fetch(resolution, order)}
    assert without[scene.systems[MONITORING]].error is not None
    assert without[scene.systems[MONITORING]].contract is None

    await start(scene, MONITORING)
    fetched = {one.owner: one for one in await scene.application.fetch(resolution, order)}

    assert {one.error for one in fetched.values()} == {None}
    settled = await scene.application.settle(list(fetched.values()))
    assert scene.systems[MONITORING] in {line.owner for line in settled}


async def test_provider_that_dies_between_delivery_and_countersignature_signs_for_what_it_delivered(
    scene: Scene, http: httpx.AsyncClient
) -> None:
    resolution, order = await ordered(scene)
    target = resolution.target(scene.systems[MONITORING])
    assert target is not None
    url = scene.servers.urls[MONITORING]
    question = await scene.application.ask_for(resolution, order, target.system)
    reply = await signed(http, scene.cast[APPLICATION], url + DELIVERIES_PATH, "POST", question.to_bytes())
    assert reply.status_code == 200
    await kill(scene, MONITORING)
    await start(scene, MONITORING)

    fetched = {one.owner: one for one in await scene.application.fetch(resolution, order)}

    assert fetched[target.system].contract is not None


async def test_contract_of_a_settled_order_is_not_countersigned_again(scene: Scene) -> None:
    resolution, order = await ordered(scene)
    fetched = await scene.application.fetch(resolution, order)
    assert [one.error for one in fetched] == [None] * len(fetched)
    await scene.application.settle(fetched)
    await scene.cast.even()
    contract = next(one.contract for one in fetched if one.owner == scene.systems[MONITORING])
    assert contract is not None
    offered = OfferedContract(contract=contract.contract, signature=contract.application_signature)

    with pytest.raises(NotPaid):
        await scene.cast[APPLICATION].call(
            scene.servers.urls[MONITORING], COUNTERSIGNATURES_PATH, offered, gives=CountersignedContract
        )


async def test_replayed_request_is_refused_after_a_restart_too(scene: Scene, http: httpx.AsyncClient) -> None:
    resolution, order = await ordered(scene)
    target = resolution.target(scene.systems[MONITORING])
    assert target is not None
    party, url = scene.cast[APPLICATION], scene.servers.urls[MONITORING] + DELIVERIES_PATH
    body = (await scene.application.ask_for(resolution, order, target.system)).to_bytes()
    headers = HeaderLines([("host", httpx.URL(url).netloc.decode()), ("content-type", "application/json")])
    message = RequestMessage(method="POST", url=url, headers=headers)
    await party.signer.sign_request(message, body)

    async def send() -> httpx.Response:
        return await http.post(url, headers=message.headers.items(), content=body)

    assert (await send()).status_code == 200
    assert (await send()).json()["code"] == "GL-SRV-003"
    await kill(scene, MONITORING)
    await start(scene, MONITORING)
    assert (await send()).json()["code"] == "GL-SRV-003"


@pytest.mark.parametrize("ahead_s", [-600, 600])
async def test_clocks_that_differ_are_told_by_how_much(scene: Scene, ahead_s: int) -> None:
    party = scene.cast[APPLICATION]
    identity = party._identity
    wrong = MessageSigner(identity.identity, identity, clock=lambda: time.time() + ahead_s)
    url = scene.servers.urls[MONITORING]

    async with SignedClient(url, signer=wrong, authorities=party.authorities) as client:
        with pytest.raises(Unauthenticated) as caught:
            await client.call("POST", ROOTS_PATH, await signed_request(scene), gives=SignedRoots)

    assert caught.value.fields["reason"] == "out-of-window"
    told = caught.value.fields["ahead_s"]
    assert isinstance(told, int)
    assert abs(told - ahead_s) <= 30


async def test_schedule_deposits_in_the_server_and_goes_on_after_a_kill(scene: Scene) -> None:
    field = scene.systems[MONITORING].device(METER).field("ac_power")
    ledger = scene.cast[MONITORING].ledger

    def insert(day: str) -> None:
        with closing(sqlite3.connect(scene.folder / MONITORING / "data.db")) as connection, connection:
            values = (METER, f"{day}T12:00", 1.5, 7, None)
            connection.execute("INSERT INTO reading VALUES (?, ?, ?, ?, ?)", values)

    insert("2018-11-01")
    async with restarted(scene, "[deposits]\ngrace_s = 0\ncheck_s = 1\n"):
        first = await until_seen(lambda: ledger.deposit(field, Period("2018-11-01")), deadline_s=60)
        assert first.root.rows == 1
        await kill(scene, MONITORING)
        insert("2018-11-02")
        await start(scene, MONITORING, "[deposits]\ngrace_s = 0\ncheck_s = 1\n")
        second = await until_seen(lambda: ledger.deposit(field, Period("2018-11-02")), deadline_s=60)
        assert second.root.rows == 1
        again = await ledger.deposit(field, Period("2018-11-01"))
        assert again == first
    runs = scene.owners[MONITORING].vault.runs(1000)
    assert sum(run.deposited for run in runs) == 6
    assert {run.refused for run in runs} == {0}


async def test_delivery_in_pages_is_the_delivery_and_csv_has_the_same_rows(
    scene: Scene, http: httpx.AsyncClient
) -> None:
    resolution, order = await ordered(scene)
    target = resolution.target(scene.systems[MONITORING])
    assert target is not None
    party, owner = scene.cast[APPLICATION], await scene.cast[APPLICATION].ledger.system(target.system)
    question = await scene.application.ask_for(resolution, order, target.system)
    whole, _ = await read_delivery(party, owner, target.server, question)

    third = whole.rows() // 3 - 1
    reading = read_pages(party, owner, target.server, question, rows=third)
    pages = [page async for page, _ in reading]

    assert len(pages) == 4
    assert join_pages(pages) == whole.periods
    fetched = {one.owner: one for one in await scene.application.fetch(resolution, order)}
    assert fetched[target.system].contract is not None

    day = resolution.request.first
    some = [page async for page, _ in read_pages(party, owner, target.server, question, first=day, last=day)]
    expected = tuple(one for one in whole.periods if str(one.period) == str(day))
    assert join_pages(some) == expected
    assert 0 < len(expected) < len(whole.periods)

    asked = PageQuestion(question=question, rows=100)
    url = target.server + DELIVERY_PAGES_CSV_PATH
    reply = await signed(http, party, url, "POST", asked.to_bytes())
    assert (reply.status_code, reply.headers["content-type"]) == (200, "text/csv")
    assert CsvPage.from_bytes(reply.content).periods[0].rows == whole.periods[0].rows[:100]
    unpaid = await signed(http, scene.cast["construction"], url, "POST", asked.to_bytes())
    assert unpaid.json()["code"] == "GL-SRV-004"
    strange = replace(asked, after=PageCursor(field=owner_field(scene), period=Period("1999-01-01"), key="x"))
    refused = await signed(http, party, url, "POST", strange.to_bytes())
    assert refused.json()["code"] == "GL-SRV-013"


def owner_field(scene: Scene) -> FieldIdentifier:
    return scene.systems[MONITORING].device(METER).field("ac_power")


async def test_delivery_that_is_too_long_for_one_answer_is_fetched_in_pages(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(provider, "MAX_BUNDLED_ROWS", 10)
    owner = scene.owners[MONITORING]
    resolution, order = await ordered(scene)
    target = resolution.target(scene.systems[MONITORING])
    assert target is not None
    async with LocalServer(Provider(owner).service(MemoryReplayStore())) as server:
        party = scene.cast[APPLICATION]
        system = await party.ledger.system(target.system)
        question = await scene.application.ask_for(resolution, order, target.system)
        asked = BundledRequest(path=DELIVERIES_PATH, body=question.to_bytes())
        bundle = RequestBundle(requests=(asked,))
        together = await party.call(server.url, BUNDLES_PATH, bundle, gives=ReplyBundle)
        (refused,) = together.value.replies
        assert isinstance(read_problem(refused.status, refused.body), DeliveryTooLong)
        await party.call(server.url, DELIVERIES_PATH, question, gives=Delivery)

        monkeypatch.setattr(provider, "MAX_WHOLE_ROWS", 10)
        with pytest.raises(DeliveryTooLong):
            await party.call(server.url, DELIVERIES_PATH, question, gives=Delivery)

        delivery, evidence = await read_delivery(party, system, server.url, question)

    check_delivery(delivery, order, target)
    evidence.verify(party.authorities)
