"""Bundles of requests: one signed message, each request with its own reply, error, and line in the log."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from gridledger.model.errors import ModelError
from gridledger.model.refusals import NotFound
from gridledger.web.access import Access
from gridledger.web.bundle import (
    BUNDLES_PATH,
    MAX_REQUESTS,
    BundledReply,
    BundledRequest,
    ReplyBundle,
    RequestBundle,
)
from gridledger.web.errors import (
    NoSuchResource,
    Overloaded,
    RemoteFailure,
    ReplyUnproven,
)
from gridledger.web.problem import read_problem
from gridledger.web.route import Call
from gridledger.web.service import Service
from gridledger.web.settings import Limits

from .conftest import ORIGIN, Answer, Question
from .test_client import Passing, Wire

ANSWERS = "/v1/asked-together"
PATHS = "/v1/asked-alone"


def question(rows: int) -> Question:
    return Question(field="88.1/x#p", rows=rows)


def service_of(world, accesses: list[Access] | None = None, **settings: object) -> Service:
    service: Service = world.service(
        on_access=(lambda _: None) if accesses is None else accesses.append, **settings
    )

    @service.post(ANSWERS, takes=Question, gives=Answer, bundled=True)
    async def answer(call: Call[Question]) -> Answer:
        """Answer."""
        await asyncio.sleep(0)
        if call.value.rows == 13:
            raise NotFound("field", call.value.field, contract="registry")
        if call.value.rows == 14:
            raise KeyError("secret")
        if call.value.rows == 15:
            await asyncio.sleep(3600)
        return Answer(field=call.request_id, rows=call.value.rows, asked_by=call.caller.msp_id)

    @service.post(PATHS, takes=Question, gives=Answer)
    async def alone(call: Call[Question]) -> Answer:
        """Answer, but in no bundle."""
        return Answer(field="", rows=call.value.rows, asked_by=call.caller.msp_id)

    return service


async def ask_together(client, *rows: int) -> list[object]:
    return await asyncio.gather(
        *(client.call_bundled(ANSWERS, question(one), gives=Answer) for one in rows), return_exceptions=True
    )


async def test_requests_of_a_moment_go_in_one_message(world) -> None:
    wire = Wire(world.transport(service_of(world)))
    async with world.client(wire) as client:
        replies = await ask_together(client, *range(8))

    assert [one.value.rows for one in replies] == list(range(8))
    assert {one.value.asked_by for one in replies} == {"Org2MSP"}
    assert [str(one.url.path) for one in wire.sent] == [BUNDLES_PATH]
    asked, answered = replies[0].evidence.verify(world.authorities)
    assert (asked.msp_id, answered.msp_id) == ("Org2MSP", "Org1MSP")


async def test_request_that_waits_for_nobody_goes_alone(world) -> None:
    wire = Wire(world.transport(service_of(world)))
    async with world.client(wire) as client:
        reply = await client.call_bundled(ANSWERS, question(3), gives=Answer)

    assert reply.value.rows == 3
    assert [str(one.url.path) for one in wire.sent] == [ANSWERS]


async def test_error_of_one_request_leaves_the_others_alone(world) -> None:
    async with world.client(world.transport(service_of(world))) as client:
        first, refused, broken, last = await ask_together(client, 1, 13, 14, 2)

    assert (first.value.rows, last.value.rows) == (1, 2)
    assert isinstance(refused, NotFound)
    assert isinstance(broken, RemoteFailure)
    assert "secret" not in str(broken)


async def test_request_that_takes_too_long_ends_before_its_bundle(world) -> None:
    service = service_of(world, limits=Limits(deadline_s=4.0))
    async with world.client(world.transport(service)) as client:
        reply = await client.call(
            "POST",
            BUNDLES_PATH,
            RequestBundle(
                requests=tuple(
                    BundledRequest(path=ANSWERS, body=question(rows).to_bytes()) for rows in (1, 15)
                )
            ),
            gives=ReplyBundle,
        )
    assert [one.status for one in reply.value.replies] == [200, 504]


async def test_every_request_has_a_name_and_a_line_of_its_own(world) -> None:
    accesses: list[Access] = []
    async with world.client(world.transport(service_of(world, accesses))) as client:
        replies = await ask_together(client, 1, 13, 2)

    lines = {one.request_id: one for one in accesses}
    whole = [one for one in accesses if one.path == BUNDLES_PATH]
    assert len(lines) == 4
    assert len(whole) == 1
    assert {one.request_id for one in accesses if one.path == ANSWERS} == {
        f"{whole[0].request_id}.{place}" for place in range(3)
    }
    assert replies[2].value.field == f"{whole[0].request_id}.2"
    refused = lines[f"{whole[0].request_id}.1"]
    assert (refused.status, refused.code, refused.msp_id) == (404, "GL-CHN-005", "Org2MSP")


@pytest.mark.parametrize("path", [PATHS, BUNDLES_PATH, "/health", "/v1/fields/a", "/v1/nowhere", ""])
async def test_path_that_takes_no_part_is_refused(world, path: str) -> None:
    bundle = RequestBundle(
        requests=(
            BundledRequest(path=path, body=question(1).to_bytes()),
            BundledRequest(path=ANSWERS, body=question(2).to_bytes()),
        )
    )
    async with world.client(world.transport(service_of(world))) as client:
        reply = await client.call("POST", BUNDLES_PATH, bundle, gives=ReplyBundle)

    refused, answered = reply.value.replies
    assert isinstance(read_problem(refused.status, refused.body), NoSuchResource)
    assert Answer.from_bytes(answered.body).rows == 2


async def test_body_that_cannot_be_read_is_refused_alone(world) -> None:
    bundle = RequestBundle(
        requests=tuple(
            BundledRequest(path=ANSWERS, body=body)
            for body in (b"", b"{", b'{"field":"x","rows":1,"more":1}', question(2).to_bytes())
        )
    )
    async with world.client(world.transport(service_of(world))) as client:
        reply = await client.call("POST", BUNDLES_PATH, bundle, gives=ReplyBundle)

    assert [one.status for one in reply.value.replies] == [400, 400, 400, 200]


async def test_bundle_of_no_or_too_many_requests_is_refused(world) -> None:
    one = BundledRequest(path=ANSWERS, body=b"{}")
    for requests in ((), (one,) * (MAX_REQUESTS + 1)):
        with pytest.raises(ModelError):
            RequestBundle(requests=requests)


async def test_service_without_bundles_is_asked_one_by_one(world) -> None:
    service = world.service()
    wire = Wire(world.transport(service))
    async with world.client(wire) as client:
        found = await asyncio.gather(
            *(client.call_bundled("/v1/answers", question(one), gives=Answer) for one in range(3))
        )
    assert [one.value.rows for one in found] == [0, 1, 2]
    assert [str(one.url.path) for one in wire.sent] == [BUNDLES_PATH, *["/v1/answers"] * 3]


async def test_request_that_was_turned_away_is_sent_again_alone(world) -> None:
    service = world.service()
    turned: list[int] = []

    @service.post(ANSWERS, takes=Question, gives=Answer, bundled=True)
    async def answer(call: Call[Question]) -> Answer:
        """Answer the second time."""
        if not turned.count(call.value.rows) and call.value.rows == 1:
            turned.append(call.value.rows)
            raise Overloaded("not now", limit=1)
        return Answer(field="", rows=call.value.rows, asked_by="")

    wire = Wire(world.transport(service))
    async with world.client(wire) as client:
        found = await ask_together(client, 0, 1, 2)
    assert [one.value.rows for one in found] == [0, 1, 2]
    assert [str(one.url.path) for one in wire.sent] == [BUNDLES_PATH, ANSWERS]


async def test_spoiled_bundle_is_not_believed(world) -> None:
    def spoil(passing: Passing) -> Passing:
        bundle = ReplyBundle(replies=(BundledReply(status=200, body=b"{}"),) * 2)
        return Passing(passing.status, passing.headers, bundle.to_bytes())

    async with world.client(Wire(world.transport(service_of(world)), response=spoil)) as client:
        found = await ask_together(client, 1, 2)
    assert all(isinstance(one, ReplyUnproven) for one in found)


async def test_bundles_are_described(world) -> None:
    async with httpx.AsyncClient(transport=world.transport(service_of(world))) as http:
        response = await http.get(ORIGIN + "/openapi.json")
    assert BUNDLES_PATH in response.json()["paths"]
