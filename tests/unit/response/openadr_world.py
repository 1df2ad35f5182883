"""A server with OpenADR in one process, called without a socket."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
from starlette.applications import Starlette
from tests.unit.response.fakes import SYSTEM, Clock, entry

from gridledger.model.response import TerminalKind
from gridledger.response.database import SQLiteDatabase
from gridledger.response.message import Demand
from gridledger.response.openadr import OpenAdrSettings, VenClient, VenClients, Vtn
from gridledger.response.openadr.application import openadr_application
from gridledger.response.openadr.register import ObjectRegister
from gridledger.response.server import DemandRegister, ServerBusiness, ServerStore

HOUR_MS = 3_600_000
DEMAND = Demand(
    id="peak_1.5",
    start_ms=1_700_000_000_000 + 20 * HOUR_MS,
    length_s=3600,
    reduction_wh=17_000,
    load_wh=60_000,
    readings=17,
    rule="made",
    published_ms=1_700_000_000_000,
)
EVENT = "peak__1_-5"


class OpenAdrWorld:
    """A server's store and register, one demand, and VENs `ven-1` and `ven-2` with both terminals each."""

    def __init__(self, folder: Path, **settings: Any) -> None:
        self.clock = Clock()
        self.store = ServerStore(SQLiteDatabase(folder / "server.db"), SYSTEM, clock=self.clock)
        self.database = SQLiteDatabase(folder / "server.db")
        self.register = DemandRegister(self.database)
        self.business = ServerBusiness(self.store, self.register)
        self.clients = VenClients(self.database, self.clock)
        self.objects = ObjectRegister(self.database, self.clock)
        self.secrets = {}
        for name in ("ven-1", "ven-2"):
            self.secrets[name] = self.clients.add(name, f"house-{name}")
            for kind in TerminalKind:
                terminal = VenClient(client=name, site="").terminal(SYSTEM, kind)
                self.store.add_terminal(entry(terminal, kind))
        with self.database.transaction():
            self.database.run(
                "INSERT INTO demand VALUES (?, ?, ?, ?)",
                (DEMAND.id, DEMAND.published_ms, DEMAND.start_ms, DEMAND.to_bytes()),
            )
        self.vtn = Vtn(
            self.store, self.register, self.clients, self.objects,
            OpenAdrSettings(share_per_mille=500, **settings), self.business.judge,
        )  # fmt: skip
        self.woken = 0
        self.app: Starlette = openadr_application(self.vtn, self._wake)

    def close(self) -> None:
        self.store.close()
        self.database.close()

    def _wake(self) -> None:
        self.woken += 1

    def token(self, name: str = "ven-1") -> str:
        token = self.clients.token(name, self.secrets[name], 3600)
        assert token is not None
        return token

    def http(self, name: str | None = "ven-1", edition: str = "3.1.0") -> httpx.AsyncClient:
        """Return a client of an edition's base path, with a VEN's token."""
        headers = {} if name is None else {"authorization": f"Bearer {self.token(name)}"}
        transport = httpx.ASGITransport(self.app)
        return httpx.AsyncClient(transport=transport, base_url=f"http://server/{edition}", headers=headers)

    def records(self) -> list[tuple[str, int, str]]:
        """Return terminal, number and state of all records, completed first."""
        while self.store.complete():
            pass
        return self.database.rows("SELECT terminal, number, state FROM record ORDER BY terminal, number")


def report(kind: str = "USAGE", *values: float, event: str = EVENT, **more: Any) -> dict[str, Any]:
    """Return a report with one resource, an interval a value, an hour each."""
    intervals = [
        {"id": place, "payloads": [{"type": kind, "values": [one]}]} for place, one in enumerate(values)
    ]
    period = {"start": "2023-11-14T22:00:00Z", "duration": "PT1H"}
    resource = {"resourceName": "meter", "intervalPeriod": period, "intervals": intervals}
    return {"eventID": event, "clientName": "ven", "resources": [resource], **more}


Make = Callable[..., OpenAdrWorld]
