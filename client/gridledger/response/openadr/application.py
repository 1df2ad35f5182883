"""OpenADR over HTTP: bearer tokens and JSON in, objects and problems (RFC 9457) out.

Requests are not signed: a VEN has no identity of the network. What it may do follows from its token.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import json
import logging
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import parse_qsl, unquote_plus

from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gridledger.model.errors import GridLedgerError, ModelError
from gridledger.model.fieldtype import problems_of
from gridledger.response.openadr.clients import VenClient
from gridledger.response.openadr.description import describe
from gridledger.response.openadr.edition import Edition, ObjectType
from gridledger.response.openadr.operation import MAX_LIMIT, OPERATIONS, Asked, OpenAdrOperation, Parameter
from gridledger.response.openadr.vtn import Vtn
from gridledger.web import (
    DeadlineExceeded,
    MediaTypeRefused,
    MethodNotAllowed,
    NoSuchResource,
    Overloaded,
    RequestMalformed,
    RequestTooLarge,
    ServiceDefect,
    Unauthenticated,
)
from gridledger.web.problem import may_be_told, status_of
from gridledger.web.settings import Limits

__all__ = ["openadr_application"]

logger = logging.getLogger("gridledger.response.openadr")

_LIMITS: Final = Limits(body_bytes=256 * 1024, in_flight=64)
_PROBLEM: Final = "application/problem+json"
_FORM: Final = "application/x-www-form-urlencoded"
_FIELDS: Final = 20


def openadr_application(vtn: Vtn, wake: Callable[[], None], limits: Limits = _LIMITS) -> Starlette:
    """Return the application, to be mounted at `edition.BASE_PATH`.

    Parameters
    ----------
    vtn : Vtn
    wake : callable
        Told of each report that was taken, on the loop that serves.
    limits : Limits, optional
    """
    frame = _Frame(vtn, wake, limits)
    routes = []
    for edition in Edition:
        routes += [
            Route(f"/{edition}/auth/token", frame.token, methods=["POST"]),
            Route(f"/{edition}/auth/server", frame.server, methods=["GET"]),
            Route(f"/{edition}/notifiers", frame.notifiers, methods=["GET"]),
            Route(f"/{edition}/openapi.json", frame.description(edition), methods=["GET"]),
        ]
        paths = {one.path for one in OPERATIONS if edition in one.editions}
        for path in sorted(paths):
            methods = {one.method: one for one in OPERATIONS if one.path == path and edition in one.editions}
            route = Route(f"/{edition}{path}", frame.endpoint(edition, methods), methods=sorted(methods))
            if route.methods is not None:
                route.methods.discard("HEAD")
            routes.append(route)
    app = Starlette(routes=routes, exception_handlers={HTTPException: frame.no_route})
    app.router.redirect_slashes = False
    return app


class _Frame:
    """Serves the operations."""

    def __init__(self, vtn: Vtn, wake: Callable[[], None], limits: Limits) -> None:
        self._vtn = vtn
        self._wake = wake
        self._limits = limits
        self._in_flight = 0

    def endpoint(self, edition: Edition, methods: Mapping[str, OpenAdrOperation]) -> Callable[[Request], Any]:
        async def answer(request: Request) -> Response:
            operation = methods[request.method]
            return await self._guarded(lambda: self._answer(request, edition, operation))

        return answer

    def description(self, edition: Edition) -> Callable[[Request], Any]:
        text = describe(edition)

        async def answer(_: Request) -> Response:
            return _json(200, text)

        return answer

    async def token(self, request: Request) -> Response:
        """Give an access token for a client's secret, in the form or in Basic (RFC 6749, 4.4)."""
        return await self._guarded(lambda: self._token(request))

    async def server(self, request: Request) -> Response:
        """Tell where tokens are given."""
        origin = self._vtn.settings.url or f"{request.url.scheme}://{request.url.netloc}"
        path = request.url.path.removesuffix("/server")
        return _json(200, json.dumps({"tokenURL": f"{origin}{path}/token"}))

    async def notifiers(self, _: Request) -> Response:
        """Tell how subscribers are told: by calls, and by no message broker."""
        return _json(200, json.dumps({"WEBHOOK": True}))

    async def no_route(self, _: Request, raised: Exception) -> Response:
        status = raised.status_code if isinstance(raised, HTTPException) else 500
        if status == 404:
            return _problem(NoSuchResource("there is nothing at this path"))
        if status == 405:
            refused = _problem(MethodNotAllowed("VENs do not do this here"))
            refused.headers["allow"] = (getattr(raised, "headers", None) or {}).get("Allow", "")
            return refused
        return _problem(RequestMalformed("the request cannot be read"))

    async def _guarded(self, work: Callable[[], Any]) -> Response:
        """Answer within the limits; whatever goes wrong is a problem."""
        if self._in_flight >= self._limits.in_flight:
            return _problem(Overloaded("too many requests are under way"))
        self._in_flight += 1
        deadline = asyncio.timeout(self._limits.deadline_s)
        try:
            async with deadline:
                answered: Response = await work()
                return answered
        except GridLedgerError as error:
            return _problem(error)
        except Exception as failure:
            if isinstance(failure, TimeoutError) and deadline.expired():
                return _problem(DeadlineExceeded(f"not answered within {self._limits.deadline_s:g} s"))
            logger.exception("defect")
            return _problem(ServiceDefect("internal defect"))
        finally:
            self._in_flight -= 1

    async def _answer(self, request: Request, edition: Edition, operation: OpenAdrOperation) -> Response:
        client = await asyncio.to_thread(self._client, request)
        value = None
        if operation.takes is not None:
            value = _parsed(operation.takes, await self._body(request, "application/json"))
        asked = Asked(
            client=client,
            edition=edition,
            path={name: str(text) for name, text in request.path_params.items()},
            query=_query(request, operation.parameters),
            value=value,
        )
        found = await asyncio.to_thread(operation.does, self._vtn, asked)
        if operation.takes is not None and operation.kind is ObjectType.REPORT:
            self._wake()
        if operation.lists:
            first = asked.query.get("skip", 0)
            found = found[first : first + asked.query.get("limit", MAX_LIMIT)]
        return _json(operation.status, json.dumps(found))

    def _client(self, request: Request) -> VenClient:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        client = self._vtn.clients.bearer(token.strip()) if scheme.lower() == "bearer" else None
        if client is None:
            raise Unauthenticated("want a bearer token of this server")
        return client

    async def _token(self, request: Request) -> Response:
        try:
            pairs = parse_qsl(
                (await self._body(request, _FORM)).decode("ascii"),
                keep_blank_values=True,
                errors="strict",
                max_num_fields=_FIELDS,
            )
        except (ValueError, MediaTypeRefused):
            return _token_error(400, "invalid_request")
        form = dict(pairs)
        if len(form) != len(pairs):
            return _token_error(400, "invalid_request")
        if form.get("grant_type") != "client_credentials":
            return _token_error(
                400, "unsupported_grant_type" if form.get("grant_type") else "invalid_request"
            )
        name, secret = _basic(request) or (form.get("client_id", ""), form.get("client_secret", ""))
        lasting_s = self._vtn.settings.token_s
        token = await asyncio.to_thread(self._vtn.clients.token, name, secret, lasting_s)
        if token is None:
            return _token_error(401, "invalid_client")
        return _json(
            200, json.dumps({"access_token": token, "token_type": "Bearer", "expires_in": lasting_s})
        )

    async def _body(self, request: Request, wanted: str) -> bytes:
        media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        body = bytearray()
        async for part in request.stream():
            body += part
            if len(body) > self._limits.body_bytes:
                raise RequestTooLarge(f"the body is longer than {self._limits.body_bytes} bytes")
        # One of the VENs on PyPI names no type.
        if media_type not in {wanted, ""} and not (wanted != _FORM and media_type == "text/plain"):
            raise MediaTypeRefused(f"want {wanted}")
        return bytes(body)


def _parsed(kind: Any, body: bytes) -> Any:
    try:
        return kind.model_validate_json(body)
    except ValidationError as error:
        raise ModelError(problems_of(error), subject="body") from error


def _query(request: Request, parameters: tuple[Parameter, ...]) -> dict[str, Any]:
    """Read the parameters that an operation knows; others are left out."""
    found: dict[str, Any] = {}
    for one in parameters:
        texts = request.query_params.getlist(one.name)
        if not texts:
            continue
        if one.is_list:
            found[one.name] = [_read(one.name, one.schema["items"], text) for text in texts]
        elif len(texts) > 1:
            raise RequestMalformed(f"{one.name} is repeated")
        else:
            found[one.name] = _read(one.name, one.schema, texts[0])
    return found


def _read(name: str, schema: Mapping[str, Any], text: str) -> Any:
    if schema["type"] == "integer":
        good = text.isascii() and text.isdigit() and len(text) <= 10
        if not good or not schema["minimum"] <= int(text) <= schema["maximum"]:
            raise RequestMalformed(f"{name} is a number up to {schema['maximum']}")
        return int(text)
    if schema["type"] == "boolean":
        if text.lower() not in {"true", "false"}:
            raise RequestMalformed(f"{name} is true or false")
        return text.lower() == "true"
    if not 1 <= len(text) <= schema.get("maxLength", 128) or text not in schema.get("enum", [text]):
        raise RequestMalformed(f"{name} is malformed")
    return text


def _basic(request: Request) -> tuple[str, str] | None:
    """Return name and secret of HTTP Basic; None where there is none, or one that cannot be read."""
    scheme, _, coded = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        name, _, secret = base64.b64decode(coded.strip(), validate=True).decode("utf-8").partition(":")
    except (binascii.Error, ValueError):
        return None
    return unquote_plus(name), unquote_plus(secret)


def _json(status: int, text: str, media_type: str = "application/json") -> Response:
    return Response(text, status, {"cache-control": "no-store"}, media_type)


def _token_error(status: int, code: str) -> Response:
    answered = _json(status, json.dumps({"error": code}))
    if status == 401:
        answered.headers["www-authenticate"] = "Basic"
    return answered


def _problem(error: GridLedgerError) -> Response:
    if not may_be_told(error):
        logger.error("defect: %s", error, exc_info=error)
        error = ServiceDefect("internal defect")
    status = status_of(error)
    body = {"type": "about:blank", "title": type(error).__name__, "status": status, "detail": error.message}
    answered = _json(status, json.dumps(body | {"code": error.code}), _PROBLEM)
    if status == 401:
        answered.headers["www-authenticate"] = "Bearer"
    return answered
