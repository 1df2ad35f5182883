"""OpenADR at a server of demand response: what VENs read, send, and are refused."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.response.openadr_world import DEMAND, EVENT, OpenAdrWorld, report

from gridledger.model.errors import ConfigError
from gridledger.response.errors import ObjectExists, RecordUnknown
from gridledger.response.message import DemandReply, LoadReading
from gridledger.response.openadr import Edition, OpenAdrSettings
from gridledger.response.openadr.edition import targets_of
from gridledger.response.openadr.event import demand_id, event_id
from gridledger.response.openadr.notifier import Notifier

EDITIONS = [one.value for one in Edition]
FORM = {"grant_type": "client_credentials", "client_id": "ven-1"}


@pytest.fixture
def world(tmp_path: Path) -> Iterator[OpenAdrWorld]:
    world = OpenAdrWorld(tmp_path, callbacks=("ven.example",))
    yield world
    world.close()


# --- tokens


@pytest.mark.parametrize("edition", EDITIONS)
async def test_token_is_given_for_the_secret_alone(world: OpenAdrWorld, edition: str) -> None:
    secret = world.secrets["ven-1"]
    async with world.http(None, edition) as http:
        where = (await http.get("/auth/server")).json()["tokenURL"]
        assert where == f"http://server/{edition}/auth/token"
        given = (await http.post(where, data=FORM | {"client_secret": secret})).json()
        assert (given["token_type"], given["expires_in"]) == ("Bearer", 3600)
        basic = await http.post(where, data={"grant_type": "client_credentials"}, auth=("ven-1", secret))
        assert basic.status_code == 200
        bearer = {"authorization": f"Bearer {given['access_token']}"}
        assert (await http.get("/programs", headers=bearer)).status_code == 200
        for wrong in (
            FORM,
            FORM | {"client_secret": "x"},
            FORM | {"client_id": "ven-2", "client_secret": secret},
        ):
            refused = await http.post(where, data=wrong)
            assert (refused.status_code, refused.json()) == (401, {"error": "invalid_client"})
        other = await http.post(where, data={"grant_type": "password"})
        assert (other.status_code, other.json()) == (400, {"error": "unsupported_grant_type"})


async def test_token_ends_with_its_time_its_client_and_a_changed_letter(world: OpenAdrWorld) -> None:
    token = world.token()
    assert world.clients.bearer(token) is not None
    name, end_s, salt, seal = token.split(".")
    for forged in (
        "",
        "x",
        "é",
        f"ven-2.{end_s}.{salt}.{seal}",
        f"{name}.{int(end_s) + 1}.{salt}.{seal}",
        token[:-1],
    ):
        assert world.clients.bearer(forged) is None
    world.clock.now_ms += 3_600_000
    assert world.clients.bearer(token) is None
    token = world.token()
    world.clients.remove("ven-1")
    assert world.clients.bearer(token) is None
    world.clients.add("ven-1", "house-1")
    assert world.clients.bearer(token) is None


def test_client_is_taken_up_once_and_its_secret_is_kept_nowhere(world: OpenAdrWorld, tmp_path: Path) -> None:
    with pytest.raises(ObjectExists):
        world.clients.add("ven-1", "house-1")
    with pytest.raises(ConfigError):
        world.clients.add("No Name", "house-1")
    with pytest.raises(RecordUnknown):
        world.clients.remove("nobody")
    assert [one.client for one in world.clients.list()] == ["ven-1", "ven-2"]
    world.database.rows("PRAGMA wal_checkpoint(TRUNCATE)")
    assert world.secrets["ven-1"].encode() not in (tmp_path / "server.db").read_bytes()


async def test_caller_without_a_token_reads_nothing(world: OpenAdrWorld) -> None:
    async with world.http(None) as http:
        for path in ("/programs", "/events", "/reports", "/vens", "/resources", "/subscriptions"):
            refused = await http.get(path)
            assert refused.status_code == 401
            assert refused.headers["www-authenticate"] == "Bearer"


# --- programmes and events


@pytest.mark.parametrize("edition", EDITIONS)
async def test_demand_is_an_event_of_the_one_programme(world: OpenAdrWorld, edition: str) -> None:
    async with world.http(edition=edition) as http:
        (program,) = (await http.get("/programs")).json()
        (event,) = (await http.get("/events", params={"programID": program["id"]})).json()
        assert (await http.get(f"/events/{event['id']}")).json() == event
        assert (await http.get(f"/programs/{program['id']}")).json() == program
        assert (await http.get("/events", params={"programID": "other"})).status_code == 404
        assert (await http.get("/events/other")).status_code == 404
        assert (await http.get("/events", params={"skip": 1})).json() == []
        assert (await http.get("/events", params={"limit": 51})).status_code == 400
    assert (event["eventName"], event["programID"]) == (DEMAND.id, program["id"])
    assert event["intervalPeriod"]["duration"] == "PT3600S"
    payloads = {one["type"]: one["values"] for one in event["intervals"][0]["payloads"]}
    assert payloads == {"SIMPLE": [1], "DISPATCH_SETPOINT_RELATIVE": [-8.5]}


async def test_events_that_are_over_are_told_from_those_that_are_not(world: OpenAdrWorld) -> None:
    async with world.http() as http:
        assert len((await http.get("/events?active=true")).json()) == 1
        assert (await http.get("/events?active=false")).json() == []
    world.clock.now_ms = DEMAND.start_ms + 3_600_000
    async with world.http() as http:
        assert (await http.get("/events?active=true")).json() == []
        assert len((await http.get("/events?active=false")).json()) == 1


@given(st.from_regex(r"[A-Za-z0-9._-]{1,60}", fullmatch=True))
def test_names_of_demands_and_events_lead_to_each_other(name: str) -> None:
    assert demand_id(event_id(name)) == name
    assert "." not in event_id(name)


# --- reports


async def test_usage_becomes_records_of_loads_and_a_shed_a_reply(world: OpenAdrWorld) -> None:
    async with world.http() as http:
        made = await http.post("/reports", json=report("USAGE", 1.5, 2.25))
        assert made.status_code == 201, made.text
        shed = await http.post("/reports", json=report("LOAD_SHED_DELTA_AVAILABLE", -0.75))
        assert shed.status_code == 201, shed.text
    assert world.records() == [
        ("88.1042.7/ven-1.iot", 1, "request-completed"),
        ("88.1042.7/ven-1.iot", 2, "request-completed"),
        ("88.1042.7/ven-1.user", 1, "request-completed"),
    ]
    data = [bytes(one) for (one,) in world.database.rows("SELECT data FROM record ORDER BY terminal, number")]
    first_ms = 1_699_999_200_000
    assert LoadReading.from_bytes(data[0]) == LoadReading(start_ms=first_ms, length_s=3600, energy_wh=1500)
    assert LoadReading.from_bytes(data[1]).start_ms == first_ms + 3_600_000
    assert DemandReply.from_bytes(data[2]) == DemandReply(demand=DEMAND.id, reduction_wh=750)
    assert world.woken == 2
    assert world.store.comparisons() == {"closed": 2}


async def test_report_that_comes_twice_makes_no_second_record(world: OpenAdrWorld) -> None:
    async with world.http() as http:
        assert (await http.post("/reports", json=report("USAGE", 1))).status_code == 201
        again = await http.post("/reports", json=report("USAGE", 1))
        assert (again.status_code, again.json()["code"]) == (409, "GL-SRV-067")
        (kept,) = (await http.get("/reports", params={"eventID": EVENT})).json()
        changed = await http.put(f"/reports/{kept['id']}", json=report("USAGE", 1, 2))
        assert changed.status_code == 200
        assert len(world.records()) == 2
        assert (await http.delete(f"/reports/{kept['id']}")).status_code == 200
        assert (await http.get("/reports")).json() == []
    assert len(world.records()) == 2, "records stay"


async def test_loads_of_several_resources_are_added_up(world: OpenAdrWorld) -> None:
    sent = report("USAGE", 1)
    sent["resources"] *= 2
    async with world.http() as http:
        assert (await http.post("/reports", json=sent)).status_code == 201
    world.records()
    assert world.database.rows("SELECT energy_wh FROM load") == [(2000,)]


async def test_other_payloads_are_kept_and_make_no_record(world: OpenAdrWorld) -> None:
    async with world.http() as http:
        assert (await http.post("/reports", json=report("OPERATING_STATE", 1))).status_code == 201
    assert world.records() == []


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (report("USAGE", 1e300), 400),
        (report("USAGE", -1), 400),
        (report("USAGE", 10**7), 400),
        (report("USAGE", 1, event="nothing"), 404),
        (report("USAGE", 1, event="no dots."), 400),
        (report("USAGE", 1, programID="other"), 404),
        (report("USAGE", 1, payloadDescriptors=[{"payloadType": "USAGE", "units": "VOLTS"}]), 400),
        ({}, 400),
        ([], 400),
    ],
)
async def test_report_that_cannot_be_taken_is_refused_whole(
    world: OpenAdrWorld, sent: object, status: int
) -> None:
    async with world.http() as http:
        refused = await http.post("/reports", json=sent)
        assert refused.status_code == status, refused.text
        assert refused.headers["content-type"] == "application/problem+json"
        assert refused.json()["status"] == status
        assert (await http.get("/reports")).json() == []
    assert world.records() == []


async def test_reply_to_a_demand_that_is_over_is_refused_with_its_code(world: OpenAdrWorld) -> None:
    world.clock.now_ms = DEMAND.start_ms + 10**9
    async with world.http() as http:
        refused = await http.post("/reports", json=report("LOAD_SHED_DELTA_AVAILABLE", 1))
    assert refused.status_code == 400
    assert "no-demand" in refused.json()["detail"]
    assert world.records() == []


# --- VENs, resources, subscriptions


async def test_ven_and_its_resources_live_in_both_editions(world: OpenAdrWorld) -> None:
    ven = {
        "venName": "home\x00",
        "resources": [{"resourceName": "meter"}],
        "targets": [{"type": "GROUP", "values": ["a"]}],
    }
    async with world.http(edition="3.0.1") as old, world.http() as new, world.http("ven-2") as other:
        made = (await old.post("/vens", json=ven)).json()
        assert [one["resourceName"] for one in made["resources"]] == ["meter"]
        assert (await old.post("/vens", json=ven)).status_code == 409
        (seen,) = (await new.get("/vens", params={"targets": "a"})).json()
        assert (seen["clientID"], seen["targets"], seen["venName"]) == ("ven-1", ["a"], "home\x00")
        assert (await new.get("/vens", params={"targets": "b"})).json() == []
        path = f"/vens/{made['id']}/resources"
        (meter,) = (await old.get(path)).json()
        added = await new.post("/resources", json={"resourceName": "pump", "venID": made["id"]})
        assert added.status_code == 201
        assert (
            await new.post("/resources", json={"resourceName": "pump", "venID": made["id"]})
        ).status_code == 409
        assert len((await old.get(path)).json()) == 2
        (event,) = (await old.get("/events")).json()
        assert event["targets"] == [{"type": "RESOURCE_NAME", "values": ["meter", "pump"]}]
        assert (await new.put(f"/resources/{meter['id']}", json={"resourceName": "other"})).status_code == 400
        for method, address in (("GET", f"/vens/{made['id']}"), ("DELETE", f"/resources/{meter['id']}")):
            assert (await other.request(method, address)).status_code == 404
        assert (await other.get("/vens")).json() == []
        assert (await new.delete(f"/vens/{made['id']}")).status_code == 200
        assert (await new.get("/resources")).json() == []


def _wish(url: str = "https://ven.example/told") -> dict[str, object]:
    operation = {"objects": ["EVENT"], "operations": ["CREATE"], "callbackUrl": url, "bearerToken": "abc"}
    return {"clientName": "ven", "programID": "demand-response", "objectOperations": [operation]}


async def test_subscription_is_taken_for_listed_hosts_only(world: OpenAdrWorld) -> None:
    async with world.http() as http:
        for url in (
            "http://127.0.0.1/",
            "https://ven.example.evil/",
            "https://ven.example@evil/",
            "http://[",
        ):
            assert (await http.post("/subscriptions", json=_wish(url))).status_code == 403
        made = await http.post("/subscriptions", json=_wish())
        assert made.status_code == 201
        assert len((await http.get("/subscriptions?objects=EVENT")).json()) == 1
        assert (await http.get("/subscriptions?objects=VEN")).json() == []
        assert (await http.delete(f"/subscriptions/{made.json()['id']}")).status_code == 200


@pytest.mark.parametrize(("edition", "word"), [("3.0.1", "POST"), ("3.1.0", "CREATE")])
async def test_subscribers_are_told_of_new_demands(world: OpenAdrWorld, edition: str, word: str) -> None:
    import asyncio

    async with world.http(edition=edition) as http:
        assert (await http.post("/subscriptions", json=_wish())).status_code == 201
    told: list[httpx.Request] = []
    done = asyncio.Event()

    def answer(request: httpx.Request) -> httpx.Response:
        told.append(request)
        done.set()
        return httpx.Response(200)

    notifier = Notifier(world.vtn, httpx.MockTransport(answer))
    notifier.announce([DEMAND])
    task = asyncio.create_task(notifier.run())
    await asyncio.wait_for(done.wait(), 60)
    task.cancel()
    await asyncio.wait([task])
    (request,) = told
    assert (str(request.url), request.headers["authorization"]) == ("https://ven.example/told", "Bearer abc")
    body = httpx.Response(200, content=request.content).json()
    assert (body["operation"], body["object"]["id"]) == (word, EVENT)


async def test_what_only_the_operator_does_is_no_method(world: OpenAdrWorld) -> None:
    async with world.http() as http:
        for method, path in (("POST", "/programs"), ("POST", "/events"), ("DELETE", f"/events/{EVENT}")):
            refused = await http.request(method, path, json={})
            assert (refused.status_code, refused.headers["content-type"]) == (405, "application/problem+json")
        assert (await http.get("/nothing")).status_code == 404


@pytest.mark.parametrize("edition", list(Edition))
def test_targets_take_the_form_of_an_edition(edition: Edition) -> None:
    once = targets_of(["a", {"type": "GROUP", "values": ["b", 1]}], edition)
    assert targets_of(once, edition) == once
    assert targets_of(None, edition) is None


@pytest.mark.parametrize(
    "wrong", [{"share_per_mille": 1001}, {"url": "ftp://x"}, {"url": "http://x/y"}, {"token_s": 1}]
)
def test_settings_out_of_range_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ConfigError):
        OpenAdrSettings(**wrong)
