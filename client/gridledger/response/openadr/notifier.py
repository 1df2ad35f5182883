"""Tells subscribers of new events: a request to each address that they named, at a host that was listed.

A call is tried three times and then let go: events stay to be read, as VENs that missed a call do.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from typing import Any, Final

import httpx

from gridledger.response.message import Demand
from gridledger.response.openadr.clients import VenClient
from gridledger.response.openadr.edition import Edition, ObjectType, Operation
from gridledger.response.openadr.event import event_of
from gridledger.response.openadr.vtn import Vtn

__all__ = ["Notifier"]

_log: Final = logging.getLogger("gridledger.response.openadr")
_WAITING: Final = 1_000
_AT_ONCE: Final = 8
_ATTEMPTS: Final = 3
_DEADLINE_S: Final = 5.0
_PAUSE_S: Final = 1.0


class Notifier:
    """Calls subscribers.

    Parameters
    ----------
    vtn : Vtn
    transport : httpx.AsyncBaseTransport, optional
        What carries the calls.
    """

    def __init__(self, vtn: Vtn, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._vtn = vtn
        self._transport = transport
        self._waiting: asyncio.Queue[Demand] = asyncio.Queue(_WAITING)

    def announce(self, demands: Sequence[Demand]) -> None:
        """Have demands told; never waits."""
        for one in demands:
            try:
                self._waiting.put_nowait(one)
            except asyncio.QueueFull:
                _log.warning("subscribers are not told of %s", one.id)

    async def run(self) -> None:
        """Tell, until it is cancelled."""
        places = asyncio.Semaphore(_AT_ONCE)
        async with httpx.AsyncClient(
            timeout=_DEADLINE_S, transport=self._transport, trust_env=False, follow_redirects=False
        ) as http:
            while True:
                demand = await self._waiting.get()
                calls = await asyncio.to_thread(self._calls, demand)
                await asyncio.gather(*(self._call(http, places, *one) for one in calls))

    def _calls(self, demand: Demand) -> list[tuple[str, str | None, dict[str, Any]]]:
        found = []
        for one in self._vtn.objects.subscriptions():
            client = VenClient(client=one.client, site="")
            for wish in one.body["objectOperations"]:
                if ObjectType.EVENT not in wish["objects"] or Operation.CREATE not in wish["operations"]:
                    continue
                edition = Edition(one.parent)
                names = self._vtn.resource_names(client)
                body = {
                    "objectType": ObjectType.EVENT,
                    "operation": Operation.CREATE.said_in(edition),
                    "object": event_of(demand, self._vtn.settings, edition, names),
                    "targets": None,
                }
                if self._vtn.may_call(wish["callbackUrl"]):
                    found.append((wish["callbackUrl"], wish.get("bearerToken"), body))
        return found

    async def _call(
        self, http: httpx.AsyncClient, places: asyncio.Semaphore, url: str, token: str | None, body: Any
    ) -> None:
        headers = {} if not token else {"authorization": f"Bearer {token}"}
        for attempt in range(_ATTEMPTS):
            try:
                async with places:
                    answered = await http.post(url, json=body, headers=headers)
                if answered.status_code < 500:
                    return
            except (httpx.HTTPError, httpx.InvalidURL) as error:
                _log.info("a subscriber was not reached: %s", type(error).__name__)
            await asyncio.sleep(_PAUSE_S * (attempt + 1))
        _log.warning("a subscriber was not told, after %d attempts", _ATTEMPTS)
