"""schemathesis against OpenADR: it answers as our own description says, whatever comes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from starlette.applications import Starlette
from tests.unit.response.openadr_world import EVENT, OpenAdrWorld

from gridledger.response.openadr.edition import BASE_PATH, Edition
from gridledger.web.frame import mounted

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
ANSWERED = {200, 201, 400, 401, 403, 404, 405, 409, 415}
EXAMPLES = 3


@pytest.fixture
def world(tmp_path: Path) -> Iterator[OpenAdrWorld]:
    world = OpenAdrWorld(tmp_path)
    yield world
    world.close()


def explore(operation: Any, token: str, mode: GenerationMode) -> set[int]:
    """Call an operation with made data; return the statuses that came."""
    statuses: set[int] = set()

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        phases=[Phase.explicit, Phase.generate],  # a failure is told as it was found
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def call(case: Any) -> None:
        if isinstance(case.body, dict) and "eventID" in case.body and mode is GenerationMode.POSITIVE:
            case.body["eventID"] = EVENT
        response = case.call(headers={"authorization": f"Bearer {token}"})
        statuses.add(response.status_code)
        case.validate_response(response, checks=CHECKS)

    call()
    return statuses


@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    ("edition", "mode"),
    [
        (Edition.V3_0, GenerationMode.POSITIVE),
        (Edition.V3_1, GenerationMode.POSITIVE),
        (Edition.V3_1, GenerationMode.NEGATIVE),
    ],
    ids=["old-good", "good", "bad"],
)
def test_server_answers_as_its_description_says(
    world: OpenAdrWorld, edition: Edition, mode: GenerationMode
) -> None:
    app = Starlette(routes=[mounted(BASE_PATH, world.app)])
    schema: Any = schemathesis.openapi.from_asgi(f"{BASE_PATH}/{edition}/openapi.json", app)
    operations = [result.ok() for result in schema.get_all_operations()]
    assert len(operations) >= 25
    if mode is GenerationMode.NEGATIVE:
        operations = [one for one in operations if one.body or one.query or one.path_parameters]
    found = {one.label: explore(one, world.token(), mode) for one in operations}
    assert all(found.values())
    assert set().union(*found.values()) <= ANSWERED, found
    if mode is GenerationMode.POSITIVE:
        assert 201 in found["POST /reports"]
        assert 200 in found["GET /events"]
