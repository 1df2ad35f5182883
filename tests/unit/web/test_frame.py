"""The frame: what is answered, and that everything else is a coded, signed refusal."""

from __future__ import annotations

import asyncio
import json
import logging
from contextlib import asynccontextmanager

import httpx
import pytest

from gridledger.host.metrics import REGISTRY
from gridledger.model.errors import ConfigError, GatewayError, ServiceError
from gridledger.model.record import ModelValue, value
from gridledger.web.access import Access
from gridledger.web.errors import ServiceUnavailable
from gridledger.web.message import HeaderLines, RequestMessage
from gridledger.web.replay import SQLiteReplayStore
from gridledger.web.route import Call, Nothing
from gridledger.web.settings import Limits

BODY = b'{"field":"88.1/x#p","rows":1}'
URL = "https://provider.example:8443"


def _problem(response: httpx.Response, status: int, code: str) -> dict:
    problem = response.json()
    assert (response.status_code, problem["code"]) == (status, code), problem
    assert set(problem) >= {"code", "message", "fields"}
    assert "signature" in response.headers
    assert "signer-certificate" in response.headers
    fields: dict = problem["fields"]
    return fields


async def test_route_gets_the_verified_caller_and_the_parsed_value(world, raw) -> None:
    response = await raw.send(await world.request(BODY), BODY)
    assert response.status_code == 200
    assert response.json() == {
        "asked_by": "Org2MSP",
        "field": "88.1/x#p",
        "role": "data-application",
        "rows": 1,
    }


async def test_requests_are_counted_by_their_template_and_refusals_by_their_code(world, raw) -> None:
    def counted(name: str, **labels: str) -> float:
        return REGISTRY.get_sample_value(name, labels) or 0.0

    answered = {"method": "GET", "route": "/v1/fields/{name}", "status": "200"}
    unknown = {"method": "other", "route": "none", "status": "404"}
    names = [("gridledger_http_requests_total", answered), ("gridledger_http_requests_total", unknown)]
    names.append(("gridledger_http_refusals_total", {"code": "GL-SRV-016"}))
    before = [counted(name, **labels) for name, labels in names]
    for path in ("/v1/fields/one?rows=7", "/v1/fields/another?rows=7", "/made/up"):
        await raw.send(await world.request(b"", method="GET", path=path), b"")
    after = [counted(name, **labels) for name, labels in names]
    assert [now - then for now, then in zip(after, before, strict=True)] == [2, 1, 1]
    assert counted("gridledger_http_requests_in_flight") == 0


async def test_route_of_another_member_gets_that_one(world, raw, make_signer) -> None:
    message = await world.request(BODY, signer=make_signer(world.application.member("plain")))
    assert "role" not in (await raw.send(message, BODY)).json()


async def test_path_and_query_reach_the_handler(world, raw) -> None:
    message = await world.request(b"", method="GET", path="/v1/fields/88.1%2Fx?rows=7")
    # An escaped slash does not stand in one part of a path; a slash-free name does.
    _problem(await raw.send(message, b""), 404, "GL-SRV-016")
    message = await world.request(b"", method="GET", path="/v1/fields/a%20b?rows=7")
    assert (await raw.send(message, b"")).json() == {"asked_by": "Org2MSP", "field": "a b", "rows": 7}


@pytest.mark.parametrize("path", ["/v1/fields/a?rows=1&rows=2", "/v1/fields/a?rows", "/v1/fields/a?rows=%ff"])
async def test_query_that_cannot_be_read_is_refused(world, raw, path: str) -> None:
    response = await raw.send(await world.request(b"", method="GET", path=path), b"")
    _problem(response, 400, "GL-SRV-013")


async def test_request_unsigned_is_refused(raw) -> None:
    headers = HeaderLines([("host", "provider.example:8443"), ("content-type", "application/json")])
    message = RequestMessage(method="POST", url=f"{URL}/v1/answers", headers=headers)
    assert _problem(await raw.send(message, BODY), 401, "GL-SRV-002")["reason"] == "unsigned"


async def test_body_altered_on_the_way_is_refused(world, raw) -> None:
    _problem(await raw.send(await world.request(BODY), BODY.replace(b"1}", b"2}")), 401, "GL-SRV-002")


async def test_request_replayed_is_refused(world, raw) -> None:
    message = await world.request(BODY)
    assert (await raw.send(message, BODY)).status_code == 200
    _problem(await raw.send(message, BODY), 409, "GL-SRV-003")


async def test_request_replayed_across_restart_is_refused(world, raw_of, tmp_path) -> None:
    message = await world.request(BODY)
    for expected in (200, 409, 409):
        async with SQLiteReplayStore(tmp_path / "replay.db") as replay:
            response = await raw_of(world.service(replay=replay)).send(message, BODY)
        assert response.status_code == expected


async def test_request_for_another_server_is_refused(world, raw) -> None:
    headers = HeaderLines([("host", "other.example:8443"), ("content-type", "application/json")])
    message = RequestMessage(method="POST", url="https://other.example:8443/v1/answers", headers=headers)
    await world.caller_signer.sign_request(message, BODY)
    _problem(await raw.send(message, BODY), 421, "GL-SRV-015")


async def test_body_of_wrong_content_is_refused(world, raw) -> None:
    for body in (
        b"{",
        b"[]",
        b"null",
        b'{"field":"x"}',
        b'{"field":"x","rows":"1"}',
        b"\xff\xfe",
        b'{"field": 1}',
    ):
        _problem(await raw.send(await world.request(body), body), 400, "GL-MOD-001")


async def test_body_of_wrong_type_is_refused(world, raw) -> None:
    headers = HeaderLines([("host", "provider.example:8443"), ("content-type", "text/plain")])
    message = RequestMessage(method="POST", url=f"{URL}/v1/answers", headers=headers)
    await world.caller_signer.sign_request(message, BODY)
    _problem(await raw.send(message, BODY), 415, "GL-SRV-018")


async def test_body_where_none_is_taken_is_refused(world, raw) -> None:
    _problem(await raw.send(await world.request(b"{}", path="/v1/nothings"), b"{}"), 400, "GL-MOD-001")
    response = await raw.send(await world.request(b"", path="/v1/nothings"), b"")
    assert (response.status_code, response.content) == (200, b"")


@pytest.mark.parametrize(("length", "status"), [(100, 200), (101, 413)])
async def test_body_over_the_limit_is_refused(world, raw_of, length: int, status: int) -> None:
    body = b'{"field":"' + b"x" * (length - 21) + b'","rows":1}'
    assert len(body) == length
    raw = raw_of(world.service(limits=Limits(body_bytes=100)))
    response = await raw.send(await world.request(body), body)
    assert response.status_code == status
    if status != 200:
        assert _problem(response, 413, "GL-SRV-014") == {"limit_bytes": 100}


async def test_body_over_the_limit_is_not_read_to_its_end(world) -> None:
    app = world.service(limits=Limits(body_bytes=100)).app([URL])
    received = 0
    sent: list[dict] = []

    async def receive() -> dict:
        nonlocal received
        received += 1
        return {"type": "http.request", "body": b"x" * 60, "more_body": True}

    async def send(event: dict) -> None:
        sent.append(event)

    scope = {
        "type": "http",
        "method": "POST",
        "path": "/v1/answers",
        "raw_path": b"/v1/answers",
        "query_string": b"",
        "headers": [(b"host", b"provider.example:8443")],
    }
    await app(scope, receive, send)
    assert sent[0]["status"] == 413
    assert received == 2


async def test_client_that_goes_away_is_noted(world) -> None:
    seen: list[Access] = []
    app = world.service(on_access=seen.append).app([URL])

    async def receive() -> dict:
        return {"type": "http.disconnect"}

    async def send(event: dict) -> None:
        pass

    scope = {
        "type": "http",
        "method": "POST",
        "path": "/v1/answers",
        "headers": [(b"host", b"provider.example:8443")],
    }
    await app(scope, receive, send)
    assert [access.code for access in seen] == ["GL-SRV-013"]


async def test_unknown_path_and_method_are_refused(world, raw) -> None:
    _problem(await raw.send(await world.request(BODY, path="/v2/answers"), BODY), 404, "GL-SRV-016")
    _problem(await raw.send(await world.request(BODY, path="/v1/answers/"), BODY), 404, "GL-SRV-016")
    response = await raw.send(await world.request(b"", method="GET", path="/v1/answers"), b"")
    _problem(response, 405, "GL-SRV-017")
    assert response.headers["allow"] == "POST"
    response = await raw.http.head(f"{URL}/v1/fields/a")
    assert response.status_code == 405


async def test_refusal_of_a_handler_carries_its_fields(world, raw) -> None:
    response = await raw.send(await world.request(b"", path="/v1/refusals"), b"")
    assert _problem(response, 403, "GL-SRV-004") == {"wanted_role": "auditor"}


def _failing(world, error: Exception, **settings_of_service):
    service = world.service(**settings_of_service)

    @service.post("/v1/failures", takes=Nothing, gives=Nothing)
    async def fail(call: Call[Nothing]) -> Nothing:
        raise error

    return service


async def test_defect_of_a_handler_is_logged_and_not_told(world, raw_of, caplog) -> None:
    raw = raw_of(_failing(world, KeyError("a secret")))
    with caplog.at_level(logging.ERROR, logger="gridledger.web"):
        response = await raw.send(await world.request(b"", path="/v1/failures"), b"")
    fields = _problem(response, 500, "GL-SRV-019")
    assert "secret" not in response.text
    assert fields["request_id"] in caplog.text
    assert "a secret" in caplog.text


async def test_setting_error_of_a_handler_is_not_told(world, raw_of, caplog) -> None:
    raw = raw_of(_failing(world, ConfigError("missing", key="database", source="/etc/owner.toml")))
    response = await raw.send(await world.request(b"", path="/v1/failures"), b"")
    _problem(response, 500, "GL-SRV-019")
    assert "owner.toml" not in response.text
    assert "owner.toml" in caplog.text


async def test_timeout_inside_a_handler_is_its_defect_and_not_the_deadline(world, raw_of) -> None:
    raw = raw_of(_failing(world, TimeoutError()))
    response = await raw.send(await world.request(b"", path="/v1/failures"), b"")
    _problem(response, 500, "GL-SRV-019")


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [(GatewayError("no peer"), 502, "GL-GTW-001"), (ServiceError("something"), 500, "GL-SRV-001")],
)
async def test_errors_of_the_tree_have_a_status(world, raw_of, error, status: int, code: str) -> None:
    raw = raw_of(_failing(world, error))
    _problem(await raw.send(await world.request(b"", path="/v1/failures"), b""), status, code)


async def test_handler_that_gives_another_type_is_a_defect(world, raw_of) -> None:
    service = world.service()

    @service.post("/v1/mistakes", takes=Nothing, gives=Nothing)
    async def mistake(call: Call[Nothing]) -> Nothing:
        return "text"  # type: ignore[return-value]

    response = await raw_of(service).send(await world.request(b"", path="/v1/mistakes"), b"")
    _problem(response, 500, "GL-SRV-019")


async def test_request_past_its_deadline_is_ended(world, raw_of) -> None:
    service = world.service(limits=Limits(deadline_s=0.05))
    ended = asyncio.Event()

    @service.post("/v1/waits", takes=Nothing, gives=Nothing)
    async def wait(call: Call[Nothing]) -> Nothing:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()
        return call.value

    _problem(await raw_of(service).send(await world.request(b"", path="/v1/waits"), b""), 504, "GL-SRV-009")
    assert ended.is_set()


async def test_requests_over_the_limit_are_turned_away(world, raw_of) -> None:
    service = world.service(limits=Limits(in_flight=1))
    go, entered = asyncio.Event(), asyncio.Event()

    @service.post("/v1/waits", takes=Nothing, gives=Nothing)
    async def wait(call: Call[Nothing]) -> Nothing:
        entered.set()
        await go.wait()
        return call.value

    raw = raw_of(service)
    first = asyncio.create_task(raw.send(await world.request(b"", path="/v1/waits"), b""))
    await entered.wait()
    _problem(await raw.send(await world.request(b"", path="/v1/waits"), b""), 503, "GL-SRV-008")
    go.set()
    assert (await first).status_code == 200
    assert (await raw.send(await world.request(b"", path="/v1/waits"), b"")).status_code == 200


async def test_access_is_noted_for_answers_and_refusals(world, raw_of) -> None:
    seen: list[Access] = []
    raw = raw_of(world.service(on_access=seen.append))
    response = await raw.send(await world.request(BODY), BODY)
    await raw.send(await world.request(BODY), b"{}")
    answered, refused = seen
    assert (answered.status, answered.code, answered.msp_id) == (200, "", "Org2MSP")
    assert answered.fingerprint == world.caller_signer.fingerprint
    assert (answered.bytes_in, answered.bytes_out) == (len(BODY), len(response.content))
    assert answered.request_id == response.headers["request-id"]
    assert (refused.status, refused.code, refused.msp_id) == (401, "GL-SRV-002", "")


async def test_health_and_description_are_open(raw) -> None:
    health = await raw.http.get(f"{URL}/health")
    assert health.status_code == 200
    assert health.json()["msp_id"] == "Org1MSP"
    assert "signature" in health.headers
    description = (await raw.http.get(f"{URL}/openapi.json")).json()
    assert description["openapi"] == "3.1.0"


async def test_health_of_a_service_that_cannot_work_is_refused(world, raw_of) -> None:
    async def check() -> None:
        raise ServiceUnavailable("the database is locked")

    response = await raw_of(world.service(check=check)).http.get(f"{URL}/health")
    _problem(response, 503, "GL-SRV-007")


async def test_description_names_routes_types_and_errors(raw) -> None:
    description = (await raw.http.get(f"{URL}/openapi.json")).json()
    operation = description["paths"]["/v1/answers"]["post"]
    assert operation["summary"] == "Answer a question."
    content = operation["requestBody"]["content"]["application/json"]
    assert content["schema"] == {"$ref": "#/components/schemas/Question"}
    question = description["components"]["schemas"]["Question"]
    assert question["required"] == ["field", "rows"]
    assert question["properties"]["rows"]["type"] == "integer"
    assert question["additionalProperties"] is False
    assert "null" not in json.dumps(description["components"]["schemas"]["Answer"])
    read = description["paths"]["/v1/fields/{name}"]["get"]
    assert read["parameters"][0]["name"] == "name"
    assert "requestBody" not in read
    text = json.dumps(description)
    for reference in {part.partition('"')[0] for part in text.split("#/components/schemas/")[1:]}:
        assert reference in description["components"]["schemas"]


async def test_lifespan_is_entered_and_left(world) -> None:
    states: list[str] = []

    @asynccontextmanager
    async def lifespan():
        states.append("entered")
        yield
        states.append("left")

    app = world.service(lifespan=lifespan).app([URL])
    async with app.router.lifespan_context(app):
        assert states == ["entered"]
    assert states == ["entered", "left"]


@pytest.mark.parametrize("origins", [[], ["provider.example"], ["ftp://x"], ["http://x/path"], ["http://"]])
def test_origins_that_are_none_are_refused(world, origins: list[str]) -> None:
    with pytest.raises(ConfigError):
        world.service().app(origins)


@value
class _Row(ModelValue):
    time_ms: int


@value
class _Rows(ModelValue):
    rows: tuple[_Row, ...]
    first: _Row


async def test_description_of_nested_types_refers_to_components(world, raw_of) -> None:
    service = world.service()

    @service.post("/v1/rows", takes=_Rows, gives=_Row)
    async def first(call: Call[_Rows]) -> _Row:
        return call.value.first

    description = (await raw_of(service).http.get(f"{URL}/openapi.json")).json()
    schemas = description["components"]["schemas"]
    assert schemas["_Rows"]["properties"]["first"] == {"$ref": "#/components/schemas/_Row"}
    assert schemas["_Row"]["properties"]["time_ms"]["type"] == "integer"
