"""The route that takes bundles: each request is answered as though it had come alone."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final

from gridledger.model.errors import GridLedgerError
from gridledger.web.access import Access
from gridledger.web.bundle import BUNDLES_PATH, BundledReply, BundledRequest, ReplyBundle, RequestBundle
from gridledger.web.errors import DeadlineExceeded, NoSuchResource, ServiceDefect
from gridledger.web.problem import may_be_told, status_of, write_problem
from gridledger.web.route import Call, Route

if TYPE_CHECKING:
    from gridledger.web.service import Service

__all__ = ["bundle_route"]

_logger: Final = logging.getLogger("gridledger.web")

_SHARE: Final = 0.75
"""Of the service's deadline: a request that is slow ends before its bundle does."""


def bundle_route(service: Service) -> list[Route]:
    """Return the route for a service's bundles; none where no route takes part."""
    known = {route.path: route for route in service.routes if route.bundled}
    if not known:
        return []
    return [
        Route(
            method="POST",
            path=BUNDLES_PATH,
            takes=RequestBundle,
            gives=ReplyBundle,
            handler=_Bundles(service, known.values()).answer,
            summary="Answer requests that go together, each as though it had come alone.",
        )
    ]


class _Bundles:
    def __init__(self, service: Service, routes: Iterable[Route]) -> None:
        self._service = service
        self._routes = {route.path: route for route in routes}

    async def answer(self, call: Call[RequestBundle]) -> ReplyBundle:
        requests = call.value.requests
        replies = await asyncio.gather(
            *(self._answer(call, place, request) for place, request in enumerate(requests))
        )
        return ReplyBundle(replies=tuple(replies))

    async def _answer(self, bundle: Call[RequestBundle], place: int, request: BundledRequest) -> BundledReply:
        started = time.monotonic()
        request_id = f"{bundle.request_id}.{place}"
        error: GridLedgerError | None = None
        body = b""
        deadline = asyncio.timeout(_SHARE * self._service.limits.deadline_s)
        try:
            async with deadline:
                body = await self._result(bundle, place, request, request_id)
        except GridLedgerError as refusal:
            error = refusal
        except Exception as failure:
            if isinstance(failure, TimeoutError) and deadline.expired():
                error = DeadlineExceeded("not answered in time")
            else:
                _logger.exception("request %s: defect", request_id)
                error = ServiceDefect("internal defect", request_id=request_id)
        if error is not None:
            if not may_be_told(error):
                _logger.error("request %s: %s", request_id, error, exc_info=error)
                error = ServiceDefect("internal defect", request_id=request_id)
            body = write_problem(error)
        status = 200 if error is None else status_of(error)
        self._service.on_access(
            Access(
                request_id=request_id,
                method="POST",
                path=request.path[:200],
                status=status,
                code="" if error is None else error.code,
                msp_id=bundle.caller.msp_id,
                fingerprint=bundle.caller.fingerprint,
                bytes_in=len(request.body),
                bytes_out=len(body),
                seconds=time.monotonic() - started,
            )
        )
        return BundledReply(status=status, body=body)

    async def _result(
        self, bundle: Call[RequestBundle], place: int, request: BundledRequest, request_id: str
    ) -> bytes:
        route = self._routes.get(request.path)
        if route is None:
            raise NoSuchResource("there is nothing for bundles at this path")
        call: Call[Any] = Call(
            caller=bundle.caller,
            value=route.takes.from_bytes(request.body),
            path={},
            query={},
            request_id=request_id,
            nonce=f"{bundle.nonce}.{place}",
            message=bundle.message,
            body=request.body,
            is_bundled=True,
        )
        result = await route.handler(call)
        if not isinstance(result, route.gives):
            raise TypeError(f"{route.method} {route.path} gave {type(result).__name__}")
        given: bytes = result.to_bytes()
        return given
