"""The client: verified replies, our own errors, and only what did nothing is sent again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace

import httpx
import pytest

from gridledger.model.errors import ConfigError, ContractError, GatewayError, ModelError
from gridledger.web.client import SignedClient
from gridledger.web.errors import (
    Fault,
    NotPermitted,
    Overloaded,
    RemoteFailure,
    ReplyUnknown,
    ReplyUnproven,
    ServiceUnavailable,
    Unauthenticated,
)
from gridledger.web.evidence import Evidence
from gridledger.web.message import HeaderLines, RequestMessage, ResponseMessage
from gridledger.web.problem import write_problem
from gridledger.web.route import Call, Nothing
from gridledger.web.settings import Patience

from .conftest import ORIGIN, Answer, Question

QUESTION = Question(field="88.1/x#p", rows=3)


@dataclass(frozen=True)
class Passing:
    """A response on the wire."""

    status: int
    headers: dict[str, str]
    body: bytes

    def response(self) -> httpx.Response:
        return httpx.Response(self.status, headers=self.headers, stream=httpx.ByteStream(self.body))


class Wire(httpx.AsyncBaseTransport):
    """Carries requests to an application, and lets a test spoil what passes."""

    def __init__(
        self,
        inner: httpx.AsyncBaseTransport,
        *,
        response: Callable[[Passing], Passing] = lambda passing: passing,
    ) -> None:
        self._inner = inner
        self._response = response
        self.sent: list[httpx.Request] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.sent.append(request)
        response = await self._inner.handle_async_request(request)
        body = b"".join([part async for part in response.stream])
        return self._response(Passing(response.status_code, dict(response.headers), body)).response()


async def test_call_returns_the_value_its_signer_and_evidence(world) -> None:
    async with world.client() as client:
        reply = await client.call("POST", "/v1/answers", QUESTION, gives=Answer)
    assert reply.value == Answer(field="88.1/x#p", rows=3, asked_by="Org2MSP", role="data-application")
    assert reply.signer.common_name == "provider"
    asked, answered = reply.evidence.verify(world.authorities)
    assert (asked.msp_id, answered.msp_id) == ("Org2MSP", "Org1MSP")


async def test_call_with_query_and_empty_bodies(world) -> None:
    async with world.client() as client:
        reply = await client.call("GET", "/v1/fields/a%20b", gives=Answer, query={"rows": "2"})
        assert (reply.value.field, reply.value.rows) == ("a b", 2)
        nothing = await client.call("POST", "/v1/nothings", gives=Nothing)
        assert nothing.value == Nothing()


async def test_health_shows_who_holds_the_key(world) -> None:
    async with world.client() as client:
        health = await client.health()
    assert health.value.fingerprint == health.signer.fingerprint == world.server_signer.fingerprint


async def test_refusal_comes_back_as_the_same_class(world) -> None:
    async with world.client() as client:
        with pytest.raises(NotPermitted) as caught:
            await client.call("POST", "/v1/refusals", gives=Nothing)
    assert caught.value.fields == {"wanted_role": "auditor"}
    assert caught.value.message == "not for you"


@pytest.mark.parametrize(
    ("error", "kind", "text"),
    [
        (ContractError("no such system", contract="registry"), ContractError, "registry: no such system"),
        (ModelError({"rows": "must be positive"}, subject="Question"), ModelError, "rows: must be positive"),
        (GatewayError("no peer"), RemoteFailure, "GL-GTW-001"),
        (KeyError("secret"), RemoteFailure, "GL-SRV-019"),
    ],
)
async def test_error_of_the_server_comes_back(world, error: Exception, kind: type, text: str) -> None:
    service = world.service()

    @service.post("/v1/failures", takes=Nothing, gives=Nothing)
    async def fail(call: Call[Nothing]) -> Nothing:
        raise error

    async with world.client(world.transport(service)) as client:
        with pytest.raises(kind) as caught:
            await client.call("POST", "/v1/failures", gives=Nothing)
    assert text in str(caught.value)
    assert "secret" not in str(caught.value)


def _spoil_body(passing: Passing) -> Passing:
    return replace(passing, body=passing.body.replace(b'"rows":3', b'"rows":4'))


def _spoil_status(passing: Passing) -> Passing:
    return replace(passing, status=201)


def _strip(passing: Passing) -> Passing:
    headers = {name: value for name, value in passing.headers.items() if not name.startswith("sign")}
    return replace(passing, headers=headers)


@pytest.mark.parametrize("spoil", [_spoil_body, _spoil_status, _strip])
async def test_reply_altered_on_the_way_is_unproven(world, spoil) -> None:
    async with world.client(Wire(world.transport(), response=spoil)) as client:
        with pytest.raises(ReplyUnproven):
            await client.call("POST", "/v1/answers", QUESTION, gives=Answer)


async def test_reply_to_another_request_is_unproven(world) -> None:
    kept: list[Passing] = []

    def swap(passing: Passing) -> Passing:
        kept.append(passing)
        return kept[0]

    async with world.client(Wire(world.transport(), response=swap)) as client:
        await client.call("POST", "/v1/answers", QUESTION, gives=Answer)
        with pytest.raises(ReplyUnproven) as caught:
            await client.call("POST", "/v1/answers", QUESTION, gives=Answer)
    assert caught.value.fields["reason"] == Fault.SIGNATURE_INVALID


async def test_reply_of_another_owner_is_unproven(world) -> None:
    async with world.client(msp_id="Org2MSP") as client:
        with pytest.raises(ReplyUnproven) as caught:
            await client.call("POST", "/v1/answers", QUESTION, gives=Answer)
    assert caught.value.fields["reason"] == Fault.OTHER_SIGNER
    async with world.client(fingerprint="00" * 32) as client:
        with pytest.raises(ReplyUnproven):
            await client.call("POST", "/v1/answers", QUESTION, gives=Answer)
    async with world.client(fingerprint=world.server_signer.fingerprint) as client:
        await client.call("POST", "/v1/answers", QUESTION, gives=Answer)


async def test_reply_too_long_is_not_read(world) -> None:
    async with world.client(patience=Patience(reply_bytes=10)) as client:
        with pytest.raises(ReplyUnproven):
            await client.call("POST", "/v1/answers", QUESTION, gives=Answer)


async def test_redirect_is_not_followed(world) -> None:
    def redirect(_passing: Passing) -> Passing:
        return Passing(307, {"location": "https://other.example/"}, b"")

    wire = Wire(world.transport(), response=redirect)
    async with world.client(wire) as client:
        with pytest.raises(ReplyUnproven):
            await client.call("POST", "/v1/answers", QUESTION, gives=Answer)
    assert len(wire.sent) == 1


class Failing(httpx.AsyncBaseTransport):
    """Fails with each error in turn, then hands on."""

    def __init__(self, inner: httpx.AsyncBaseTransport, errors: list[Exception | int]) -> None:
        self._inner = inner
        self._errors = errors
        self.attempts = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.attempts += 1
        if not self._errors:
            return await self._inner.handle_async_request(request)
        error = self._errors.pop(0)
        if isinstance(error, int):
            return Passing(error, {}, b"").response()
        raise error


async def test_server_that_cannot_be_reached_is_tried_again(world) -> None:
    transport = Failing(world.transport(), [httpx.ConnectError("refused"), httpx.ConnectTimeout("late")])
    async with world.client(transport) as client:
        await client.call("POST", "/v1/answers", QUESTION, gives=Answer)
    assert transport.attempts == 3


async def test_server_that_stays_away_is_given_up(world) -> None:
    transport = Failing(world.transport(), [httpx.ConnectError("refused")] * 9)
    async with world.client(transport) as client:
        with pytest.raises(ServiceUnavailable):
            await client.call("GET", "/v1/fields/a", gives=Answer)
    assert transport.attempts == 3


@pytest.mark.parametrize("error", [httpx.ReadTimeout("late"), httpx.ReadError("cut"), 502, 503, 504])
async def test_missing_reply_is_unknown_and_sent_again_only_where_that_is_harmless(world, error) -> None:
    transport = Failing(world.transport(), [error])
    async with world.client(transport) as client:
        with pytest.raises(ReplyUnknown):
            await client.call("POST", "/v1/answers", QUESTION, gives=Answer)
        assert transport.attempts == 1
    for method, path, value, idempotent in (
        ("POST", "/v1/answers", QUESTION, True),
        ("GET", "/v1/fields/a", None, None),
    ):
        transport = Failing(world.transport(), [error])
        async with world.client(transport) as client:
            await client.call(method, path, value, gives=Answer, idempotent=idempotent)
        assert transport.attempts == 2


async def test_refusal_that_says_retriable_is_sent_again_signed_anew(world) -> None:
    service = world.service()
    calls: list[str] = []

    @service.post("/v1/busy", takes=Nothing, gives=Nothing)
    async def busy(call: Call[Nothing]) -> Nothing:
        calls.append(call.nonce)
        if len(calls) < 3:
            raise Overloaded("later")
        return call.value

    async with world.client(world.transport(service)) as client:
        await client.call("POST", "/v1/busy", gives=Nothing)
    assert len(set(calls)) == 3


async def test_refusal_that_says_nothing_is_not_sent_again(world) -> None:
    wire = Wire(world.transport())
    async with world.client(wire) as client:
        with pytest.raises(NotPermitted):
            await client.call("POST", "/v1/refusals", gives=Nothing)
    assert len(wire.sent) == 1


async def test_call_past_its_deadline_is_unknown(world) -> None:
    class Silent(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            await asyncio.Event().wait()
            raise AssertionError

    async with world.client(Silent(), patience=Patience(deadline_s=0.05)) as client:
        with pytest.raises(ReplyUnknown):
            await client.call("GET", "/v1/fields/a", gives=Answer)


async def test_client_of_a_stranger_gets_the_refusal(world, make_authority, make_signer) -> None:
    stranger = make_signer(make_authority("Org3MSP").member())
    async with world.client(signer=stranger) as client:
        with pytest.raises(Unauthenticated) as caught:
            await client.call("POST", "/v1/answers", QUESTION, gives=Answer)
    assert caught.value.fields["reason"] == Fault.CERTIFICATE_FOREIGN


@pytest.mark.parametrize("url", ["provider.example", "ftp://x", "http://x/path", "http://x?y=1", "http://"])
def test_url_that_is_no_origin_is_refused(world, url: str) -> None:
    with pytest.raises(ConfigError):
        SignedClient(url, signer=world.caller_signer, authorities=world.authorities)


async def _evidence(world) -> Evidence:
    async with world.client() as client:
        return (await client.call("POST", "/v1/answers", QUESTION, gives=Answer)).evidence


async def test_evidence_is_written_read_and_verified_long_after(world) -> None:
    evidence = Evidence.from_bytes((await _evidence(world)).to_bytes())
    world.clock.now += 10**6 + 5
    asked, answered = evidence.verify(world.authorities)
    assert (asked.common_name, answered.common_name) == ("user1", "provider")
    assert Answer.from_bytes(evidence.body).rows == 3


@pytest.mark.parametrize("change", ["request_body", "body", "status", "url"])
async def test_evidence_altered_is_refused(world, change: str) -> None:
    evidence = await _evidence(world)
    changes: dict = {
        "request_body": {"request_body": evidence.request_body.replace(b"3", b"4")},
        "body": {"body": evidence.body.replace(b"3", b"4")},
        "status": {"status": 201},
        "url": {
            "request": RequestMessage(
                method="POST", url=f"{ORIGIN}/v1/other", headers=evidence.request.headers
            )
        },
    }
    parts = {
        name: getattr(evidence, name) for name in ("request", "request_body", "status", "headers", "body")
    }
    with pytest.raises((Unauthenticated, ReplyUnproven)):
        Evidence(**(parts | changes[change])).verify(world.authorities)


async def test_evidence_of_two_exchanges_mixed_is_refused(world) -> None:
    first, second = await _evidence(world), await _evidence(world)
    mixed = Evidence(
        request=first.request,
        request_body=first.request_body,
        status=second.status,
        headers=second.headers,
        body=second.body,
    )
    with pytest.raises(ReplyUnproven):
        mixed.verify(world.authorities)


@pytest.mark.parametrize(
    "data", [b"", b"[]", b"{}", b'{"format":"gridledger-evidence/1"}', b"\xff", b"[" * 9999]
)
def test_evidence_of_garbage_is_refused(data: bytes) -> None:
    with pytest.raises(ModelError):
        Evidence.from_bytes(data)


async def test_error_body_of_garbage_is_a_remote_failure(world) -> None:
    for body in (b"", b"[]", b"{", b'{"code":1}', b'{"code":"GL-SRV-004","message":"m","fields":[]}'):

        async def answer(request: httpx.Request, body: bytes = body) -> httpx.Response:
            lines = HeaderLines.from_raw(request.headers.raw)
            asked = RequestMessage(method=request.method, url=str(request.url), headers=lines)
            headers = HeaderLines()
            message = ResponseMessage(status_code=418, headers=headers, request=asked)
            assert await world.server_signer.sign_response(message, body)
            return Passing(418, dict(headers.items()), body).response()

        async with world.client(httpx.MockTransport(answer)) as client:
            with pytest.raises(RemoteFailure):
                await client.call("POST", "/v1/answers", QUESTION, gives=Answer)


def test_error_body_is_ascii_whatever_stands_in_it() -> None:
    body = write_problem(NotPermitted("不允许 \ud800", name="设备"))
    assert body.isascii()
