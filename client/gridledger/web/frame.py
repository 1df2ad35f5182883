"""The ASGI frame of a service: verified callers and parsed values in, signed replies out.

Every reply is signed, errors included, and bound to its request wherever that carries a signature. `/health`,
`/openapi.json` and a service's open routes take requests without a signature.
"""

from __future__ import annotations

import asyncio
import logging
import re
import secrets
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount
from starlette.routing import Route as StarletteRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from gridledger.host.metrics import HTTP_IN_FLIGHT
from gridledger.model.errors import FieldValue, GridLedgerError
from gridledger.web.access import Access, count_request
from gridledger.web.authorities import Caller
from gridledger.web.bundle_route import bundle_route
from gridledger.web.errors import (
    DeadlineExceeded,
    MediaTypeRefused,
    MethodNotAllowed,
    Misdirected,
    NoSuchResource,
    Overloaded,
    RequestMalformed,
    RequestTooLarge,
    ServiceDefect,
)
from gridledger.web.health import HEALTH_PATH
from gridledger.web.message import HeaderLines, RequestMessage, ResponseMessage
from gridledger.web.openapi import describe
from gridledger.web.problem import may_be_told, status_of, write_problem
from gridledger.web.route import JSON, Call, OpenCall, Route, Taken, media_type_of

if TYPE_CHECKING:
    from gridledger.web.service import Service

__all__ = ["Frame", "mounted"]

logger = logging.getLogger("gridledger.web")
_QUERY_FIELDS: Final = 100


@dataclass(kw_only=True)
class _Exchange:
    """One request on its way, as far as it is known."""

    scope: Scope
    message: RequestMessage | None
    request_id: str = field(default_factory=lambda: secrets.token_hex(8))
    started: float = field(default_factory=time.monotonic)
    body: bytes = b""
    caller: Caller | None = None
    route: str = ""
    """The template of its path; empty where there is none."""


class Frame:
    """Serves one Service at the given origins, by authority."""

    def __init__(self, service: Service, origins: Mapping[str, str]) -> None:
        self._service = service
        self._origins = origins
        self._in_flight = 0
        self._routes = [*service.routes, *bundle_route(service)]
        self._description = describe(service.title, service.version, self._routes)

    def starlette(self) -> Starlette:
        routes = [_starlette_route(r.path, r.method, _Endpoint(self, r)) for r in self._routes]
        routes.append(_starlette_route(HEALTH_PATH, "GET", self._health))
        routes.append(_starlette_route("/openapi.json", "GET", self._openapi))
        mounts = [mounted(path, app) for path, app in self._service.mounts.items()]
        app = Starlette(
            routes=[*routes, *mounts],
            exception_handlers={HTTPException: self._on_http_exception},
            lifespan=self._lifespan,
        )
        app.router.redirect_slashes = False
        return app

    @asynccontextmanager
    async def _lifespan(self, _app: Starlette) -> AsyncIterator[None]:
        async with self._service.lifespan():
            yield

    async def answer(self, route: Route, scope: Scope, receive: Receive) -> Response:
        exchange = self._exchange(scope)
        exchange.route = route.path
        limits = self._service.limits
        error: GridLedgerError
        deadline = asyncio.timeout(limits.deadline_s)
        try:
            async with deadline:
                body = await self._result(route, exchange, receive)
            return await self._reply(exchange, 200, body, media_type=media_type_of(route.gives))
        except GridLedgerError as refusal:
            error = refusal
        except Exception as failure:
            if isinstance(failure, TimeoutError) and deadline.expired():
                error = DeadlineExceeded(f"not answered within {limits.deadline_s:g} s")
            else:
                logger.exception("request %s: defect", exchange.request_id)
                error = ServiceDefect("internal defect", request_id=exchange.request_id)
        return await self._refuse(exchange, error)

    async def _result(self, route: Route, exchange: _Exchange, receive: Receive) -> bytes:
        limits = self._service.limits
        if self._in_flight >= limits.in_flight:
            raise Overloaded("too many requests are under way", limit=limits.in_flight)
        self._in_flight += 1
        HTTP_IN_FLIGHT.inc()
        try:
            message = self._require_message(exchange)
            exchange.body = await _read_body(message.headers, receive, limits.body_bytes)
            call = _open_call if route.is_open else self._signed_call
            result = await route.handler(await call(route, message, exchange))
            if not isinstance(result, route.gives):
                raise TypeError(f"{route.method} {route.path} gave {type(result).__name__}")
            given: bytes = result.to_bytes()
            return given
        finally:
            self._in_flight -= 1
            HTTP_IN_FLIGHT.dec()

    async def _signed_call(self, route: Route, message: RequestMessage, exchange: _Exchange) -> Call[Any]:
        verified = await self._service.verifier.verify(message, exchange.body)
        exchange.caller = verified.caller
        return Call(
            caller=verified.caller,
            value=_parse(route.takes, message.headers, exchange.body),
            path=_path_of(exchange),
            query=_parse_query(exchange.scope),
            request_id=exchange.request_id,
            nonce=verified.nonce or "",
            message=message,
            body=exchange.body,
        )

    def _exchange(self, scope: Scope) -> _Exchange:
        """Note what the request claims to be; the scheme is the outside's, since a proxy may end TLS."""
        headers = HeaderLines.from_raw(scope["headers"])
        origin = self._origins.get(",".join(headers.values("host")).lower())
        path = scope.get("raw_path") or scope["path"].encode("utf-8")
        query = scope.get("query_string", b"")
        target = path.decode("latin-1") + ("?" + query.decode("latin-1") if query else "")
        message = (
            None
            if origin is None
            else RequestMessage(method=scope["method"], url=origin + target, headers=headers)
        )
        return _Exchange(scope=scope, message=message)

    def _require_message(self, exchange: _Exchange) -> RequestMessage:
        if exchange.message is None:
            known: list[FieldValue] = [*sorted(self._origins.values())]
            raise Misdirected("this server does not answer for that host", origins=known)
        return exchange.message

    async def _refuse(
        self, exchange: _Exchange, error: GridLedgerError, fields: Mapping[str, str] | None = None
    ) -> Response:
        if not may_be_told(error):
            logger.error("request %s: %s", exchange.request_id, error, exc_info=error)
            error = ServiceDefect("internal defect", request_id=exchange.request_id)
        return await self._reply(
            exchange, status_of(error), write_problem(error), code=error.code, fields=fields
        )

    async def _reply(
        self,
        exchange: _Exchange,
        status: int,
        body: bytes,
        *,
        code: str = "",
        fields: Mapping[str, str] | None = None,
        media_type: str = JSON,
    ) -> Response:
        lines = [("request-id", exchange.request_id), ("cache-control", "no-store"), *(fields or {}).items()]
        if body:
            lines.append(("content-type", media_type))
        headers = HeaderLines(lines)
        message = ResponseMessage(status_code=status, headers=headers, request=exchange.message)
        await self._service.signer.sign_response(message, body)
        response = Response(body, status)
        response.raw_headers.extend(headers.to_raw())
        count_request(
            method=exchange.scope["method"],
            route=exchange.route,
            status=status,
            code=code,
            received=len(exchange.body),
            sent=len(body),
            seconds=time.monotonic() - exchange.started,
        )
        self._service.on_access(
            Access(
                request_id=exchange.request_id,
                method=exchange.scope["method"],
                path=exchange.scope["path"],
                status=status,
                code=code,
                msp_id=exchange.caller.msp_id if exchange.caller else "",
                fingerprint=exchange.caller.fingerprint if exchange.caller else "",
                bytes_in=len(exchange.body),
                bytes_out=len(body),
                seconds=time.monotonic() - exchange.started,
            )
        )
        return response

    async def _on_http_exception(self, request: Request, raised: Exception) -> Response:
        status = raised.status_code if isinstance(raised, HTTPException) else 500
        error: GridLedgerError
        if status == 404:
            error = NoSuchResource("there is nothing at this path")
        elif status == 405:
            error = MethodNotAllowed("this path does not take this method")
        else:
            error = RequestMalformed("the request cannot be read")
        allow = (getattr(raised, "headers", None) or {}).get("Allow")
        return await self._refuse(self._exchange(request.scope), error, {"allow": allow} if allow else None)

    async def _health(self, request: Request) -> Response:
        exchange = self._exchange(request.scope)
        deadline = asyncio.timeout(self._service.limits.deadline_s)
        error: GridLedgerError
        try:
            async with deadline:
                await self._service.check()
            return await self._reply(exchange, 200, self._service.health().to_bytes())
        except GridLedgerError as trouble:
            error = trouble
        except TimeoutError:
            if not deadline.expired():
                raise
            error = DeadlineExceeded("the service's check took too long")
        return await self._refuse(exchange, error)

    async def _openapi(self, request: Request) -> Response:
        return await self._reply(self._exchange(request.scope), 200, self._description)


class _Endpoint:
    """A route as an ASGI application."""

    def __init__(self, frame: Frame, route: Route) -> None:
        self._frame = frame
        self._route = route

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        response = await self._frame.answer(self._route, scope, receive)
        await response(scope, receive, send)


def mounted(path: str, app: ASGIApp) -> Mount:
    """Return a mount that takes every path below its own, also one with line ends."""
    mount = Mount(path, app)
    mount.path_regex = re.compile(mount.path_regex.pattern, re.DOTALL)
    return mount


def _starlette_route(path: str, method: str, endpoint: Callable[..., Any]) -> StarletteRoute:
    route = StarletteRoute(path, endpoint, methods=[method])
    if route.methods is not None:
        route.methods.discard("HEAD")  # A reply to HEAD has no body, so its digest could not be checked.
    return route


async def _open_call(route: Route, message: RequestMessage, exchange: _Exchange) -> OpenCall[Any]:
    return OpenCall(
        value=_parse(route.takes, message.headers, exchange.body),
        path=_path_of(exchange),
        query=_parse_query(exchange.scope),
        request_id=exchange.request_id,
    )


def _path_of(exchange: _Exchange) -> dict[str, str]:
    return {name: str(value) for name, value in exchange.scope.get("path_params", {}).items()}


async def _read_body(headers: HeaderLines, receive: Receive, limit: int) -> bytes:
    too_large = RequestTooLarge(f"the body is longer than {limit} bytes", limit_bytes=limit)
    announced = ",".join(headers.values("content-length"))
    if announced.isdecimal() and announced.isascii() and int(announced[:20]) > limit:
        raise too_large
    body = bytearray()
    while True:
        event = await receive()
        if event["type"] == "http.disconnect":
            raise RequestMalformed("the request ended early")
        body += event.get("body", b"")
        if len(body) > limit:
            raise too_large
        if not event.get("more_body", False):
            return bytes(body)


def _parse(kind: type[Taken], headers: HeaderLines, body: bytes) -> Taken:
    media_type = ",".join(headers.values("content-type")).partition(";")[0].strip().lower()
    if body and media_type != JSON:
        raise MediaTypeRefused(f"want {JSON}", media_type=media_type[:100])
    return kind.from_bytes(body)


def _parse_query(scope: Scope) -> dict[str, str]:
    try:
        text = scope.get("query_string", b"").decode("ascii")
        pairs = parse_qsl(
            text,
            keep_blank_values=True,
            strict_parsing=bool(text),
            errors="strict",
            max_num_fields=_QUERY_FIELDS,
        )
    except ValueError as error:
        raise RequestMalformed("the query cannot be read") from error
    query = dict(pairs)
    if len(query) != len(pairs):
        raise RequestMalformed("a parameter of the query is repeated")
    return query
