"""schemathesis against an owner's server: it answers as its description says, whatever comes."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from typing import Any

import httpx
import pytest
import requests
import requests.auth
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from gridledger.exchange.demo.scene import APPLICATION, Scene
from gridledger.model.canonical import canonical_bytes
from gridledger.model.errors import ModelError
from gridledger.web import MessageSigner
from gridledger.web.bundle import BUNDLES_PATH, ReplyBundle
from gridledger.web.message import HeaderLines, RequestMessage

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
REFUSED = {400, 401, 402, 403, 404, 405, 409, 410, 413, 415}
EXAMPLES = 8
_TYPE = "content-type"


class Signature(requests.auth.AuthBase):
    """Signs what schemathesis sends, as a member of the network does."""

    def __init__(self, signer: MessageSigner) -> None:
        self._signer = signer

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        body: Any = request.body or b""
        data = body.encode("utf-8") if isinstance(body, str) else bytes(body)
        with suppress(ValueError, ModelError, RecursionError):
            data = canonical_bytes(json.loads(data))  # the one spelling that is taken
        request.prepare_body(data, None)
        url = str(request.url)
        lines = [("host", httpx.URL(url).netloc.decode())]
        lines += [(name, str(value)) for name, value in request.headers.items() if name.lower() == _TYPE]
        message = RequestMessage(method=str(request.method), url=url, headers=HeaderLines(lines))
        asyncio.run(self._signer.sign_request(message, data))
        request.headers.update(dict(message.headers.items()))
        return request


def explore(operation: Any, url: str, signature: Signature, mode: GenerationMode) -> set[int]:
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
        response = case.call(base_url=url, auth=signature, timeout=60)
        if operation.path == BUNDLES_PATH and response.status_code == 200:
            statuses.update(one.status for one in ReplyBundle.from_bytes(response.content).replies)
        else:
            statuses.add(response.status_code)
        case.validate_response(response, checks=CHECKS)

    call()
    return statuses


@pytest.mark.timeout(300)
async def test_server_answers_as_its_description_says(scene: Scene) -> None:
    url = scene.servers.urls["monitoring"]
    async with httpx.AsyncClient(trust_env=False) as client:
        document = (await client.get(f"{url}/openapi.json")).json()
    schema: Any = schemathesis.openapi.from_dict(document)
    operations = [result.ok() for result in schema.get_all_operations()]
    assert {one.path for one in operations} == set(document["paths"])
    signature = Signature(scene.cast[APPLICATION].signer)

    for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
        for operation in operations:
            found = await asyncio.to_thread(explore, operation, url, signature, mode)
            assert found, operation.path
            assert found <= REFUSED, operation.path
