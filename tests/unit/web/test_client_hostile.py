"""Whatever a server answers, the client raises an error of the tree."""

from __future__ import annotations

import json

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gridledger.model.errors import GridLedgerError
from gridledger.web.evidence import Evidence
from gridledger.web.problem import read_problem
from gridledger.web.route import Nothing

_HOSTILE = settings(
    max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
_FIELDS = st.sampled_from(
    [
        "signature",
        "signature-input",
        "signer-certificate",
        "content-digest",
        "content-type",
        "content-encoding",
    ]
)
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=8,
)


@_HOSTILE
@given(
    status=st.integers(200, 599),
    fields=st.lists(st.tuples(_FIELDS, st.binary(max_size=100)), max_size=6),
    body=st.binary(max_size=100),
)
async def test_reply_of_any_bytes_is_refused(world, status: int, fields, body: bytes) -> None:
    def answer(_request: httpx.Request) -> httpx.Response:
        headers = [(name.encode(), value) for name, value in fields]
        return httpx.Response(status, headers=headers, stream=httpx.ByteStream(body))

    async with world.client(httpx.MockTransport(answer)) as client:
        with pytest.raises(GridLedgerError):
            await client.call("POST", "/v1/nothings", gives=Nothing)


@_HOSTILE
@given(
    status=st.integers(400, 599),
    body=st.fixed_dictionaries(
        {
            "code": st.sampled_from(["GL-SRV-004", "GL-MOD-001", "GL-CHN-001", "GL-GTW-001", "x"]) | _JSON,
            "message": st.text(max_size=20) | _JSON,
            "fields": st.dictionaries(st.sampled_from(["message", "self", "problems", "x"]), _JSON) | _JSON,
        },
        optional={"refusal": st.text(max_size=40) | _JSON},
    )
    | _JSON,
)
def test_error_body_of_any_json_is_an_error_of_the_tree(status: int, body: object) -> None:
    error = read_problem(status, json.dumps(body).encode())
    assert isinstance(error, GridLedgerError)
    assert str(error)


@_HOSTILE
@given(data=st.binary(max_size=200) | _JSON.map(lambda value: json.dumps(value).encode()))
def test_evidence_of_any_bytes_is_refused(data: bytes) -> None:
    with pytest.raises(GridLedgerError):
        Evidence.from_bytes(data)
