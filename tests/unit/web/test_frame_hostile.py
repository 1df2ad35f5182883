"""Whatever is sent, the server answers with a coded error and lives."""

from __future__ import annotations

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

BODY = b'{"field":"88.1/x#p","rows":1}'
URL = "https://provider.example:8443"

_NAMES = st.sampled_from(
    [
        "signature",
        "signature-input",
        "signer-certificate",
        "content-digest",
        "content-type",
        "content-length",
        "host",
    ]
)
_HOSTILE = settings(
    max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)


@pytest.fixture(scope="module")
def app(world):
    return world.service().app([URL])


async def _send_raw(
    app, *, method: str, path: bytes, headers: list[tuple[bytes, bytes]], body: bytes
) -> tuple:
    sent: list[dict] = []
    events = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> dict:
        return events.pop() if events else {"type": "http.disconnect"}

    async def send(event: dict) -> None:
        sent.append(event)

    plain, _, query = path.partition(b"?")
    scope = {
        "type": "http",
        "method": method,
        "path": plain.decode("utf-8", errors="replace"),
        "raw_path": plain,
        "query_string": query,
        "headers": headers,
    }
    await app(scope, receive, send)
    return sent[0]["status"], b"".join(event.get("body", b"") for event in sent[1:])


def _assert_coded(status: int, body: bytes) -> None:
    problem = json.loads(body)
    assert 400 <= status < 500, problem
    assert problem["code"].startswith("GL-")


@_HOSTILE
@given(
    fields=st.lists(st.tuples(_NAMES, st.binary(max_size=200)), max_size=6),
    body=st.binary(max_size=200),
    method=st.sampled_from(["POST", "post", "GET", "X-Y"]),
)
async def test_fields_of_any_bytes_never_break_the_server(app, fields, body: bytes, method: str) -> None:
    headers = [(b"host", b"provider.example:8443"), *((name.encode(), value) for name, value in fields)]
    _assert_coded(*await _send_raw(app, method=method, path=b"/v1/answers", headers=headers, body=body))


@_HOSTILE
@given(data=st.data())
async def test_signed_request_with_one_field_changed_never_breaks_the_server(app, world, data) -> None:
    lines = dict((await world.request(BODY)).headers.items())
    name = data.draw(
        st.sampled_from(["signature", "signature-input", "signer-certificate", "content-digest"])
    )
    value = lines[name]
    start = data.draw(st.integers(0, len(value) - 1))
    end = data.draw(st.integers(start, min(len(value), start + 8)))
    changed = value[:start] + data.draw(st.text(st.characters(max_codepoint=255), max_size=8)) + value[end:]
    if changed == value:
        return
    headers = [(key.encode(), text.encode("latin-1")) for key, text in (lines | {name: changed}).items()]
    status, body = await _send_raw(app, method="POST", path=b"/v1/answers", headers=headers, body=BODY)
    if status == 200:
        # The label's white space and the like mean the same; everything that is covered was equal but for
        # white space around it, which is no part of a field's value.
        assert name in {"signature", "signature-input"} or changed.strip() == value
        return
    _assert_coded(status, body)


@_HOSTILE
@given(body=st.binary(max_size=300) | st.text(max_size=100).map(str.encode), target=st.binary(max_size=40))
async def test_signed_garbage_never_breaks_the_server(app, world, body: bytes, target: bytes) -> None:
    message = await world.request(body)
    headers = message.headers.to_raw()
    status, reply = await _send_raw(app, method="POST", path=b"/v1/answers", headers=headers, body=body)
    if body:
        _assert_coded(status, reply)
    path = b"/v1/fields/" + target
    _assert_coded(*await _send_raw(app, method="GET", path=path, headers=headers, body=body))
