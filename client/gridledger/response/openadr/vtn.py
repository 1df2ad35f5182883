"""What a server of demand response does for VENs: programmes and events to read, reports to take.

A report's loads and reply are taken as records of the VEN's terminals, in one transaction with the report:
when it is answered it is durable, and a report that comes twice makes no second record. A VEN has no key on
the ledger: its records are anchored by the server alone, and the ledger says so.

Source: OpenADR 3.0.1 and 3.1.0; CN115334117A, claims 3 and 4.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Final
from urllib.parse import urlsplit

from gridledger.model.response import TerminalIdentifier, TerminalKind
from gridledger.response.database import Database
from gridledger.response.errors import RecordUnknown
from gridledger.response.message import Demand
from gridledger.response.openadr.clients import VenClient, VenClients
from gridledger.response.openadr.edition import Edition, ObjectType
from gridledger.response.openadr.event import PROGRAM_ID, demand_id, event_of, program_of
from gridledger.response.openadr.objects import (
    OBJECT_ID,
    ReportRequest,
    ResourceRequest,
    SubscriptionRequest,
    VenRequest,
    dumped,
)
from gridledger.response.openadr.register import KeptObject, ObjectRegister
from gridledger.response.openadr.report import read_report
from gridledger.response.openadr.settings import OpenAdrSettings
from gridledger.response.openadr.view import shown, with_targets
from gridledger.response.server.register import DemandRegister
from gridledger.response.server.store import Judge, ServerStore
from gridledger.web import NoSuchResource, NotPermitted, RequestMalformed

__all__ = ["Shown", "Vtn"]

Shown = dict[str, Any]

DEMANDS: Final = 1_000
"""Events that are listed, the latest first to go: OpenADR counts pages by their offset."""


class Vtn:
    """The operations, each for one VEN.

    Parameters
    ----------
    store : ServerStore
    demands : DemandRegister
    clients : VenClients
    objects : ObjectRegister
    settings : OpenAdrSettings
    judge : callable
        Decides on each record, as for terminals.
    """

    def __init__(
        self,
        store: ServerStore,
        demands: DemandRegister,
        clients: VenClients,
        objects: ObjectRegister,
        settings: OpenAdrSettings,
        judge: Judge,
    ) -> None:
        self.clients = clients
        self.objects = objects
        self.settings = settings
        self._store = store
        self._demands = demands
        self._judge = judge

    # --- programmes and events

    def programs(self, edition: Edition) -> list[Shown]:
        """Return the one programme."""
        return [program_of(self.settings, edition)]

    def program(self, edition: Edition, identifier: str) -> Shown:
        """Return the programme; NoSuchResource for any other name."""
        if identifier != PROGRAM_ID:
            raise NoSuchResource("there is no such program")
        return program_of(self.settings, edition)

    def events(self, client: VenClient, edition: Edition, *, active: bool | None = None) -> list[Shown]:
        """Return the demands as events, in their order; `active`: only those that are not over, or are."""
        now_ms = self._store.clock()
        found = self._demands.latest(DEMANDS)
        if active is not None:
            found = [one for one in found if (now_ms < one.start_ms + 1000 * one.length_s) is active]
        resources = self.resource_names(client)
        return [event_of(one, self.settings, edition, resources) for one in found]

    def event(self, client: VenClient, edition: Edition, identifier: str) -> Shown:
        """Return a demand as an event."""
        return event_of(self._demand(identifier), self.settings, edition, self.resource_names(client))

    # --- reports

    def add_report(self, client: VenClient, edition: Edition, report: ReportRequest) -> Shown:
        """Take a report, and its records with it.

        Raises
        ------
        ObjectExists
            The VEN has sent the same before; it was taken then.
        RequestMalformed
            A value cannot be read, or a record of it is refused, with the refusal's code.
        NoSuchResource
            There is no such event.
        """
        demand = self._of_report(report)
        body = dumped(report)
        once = hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()
        one = self.objects.new(ObjectType.REPORT, client.client, body, parent=report.event_id, once=once)
        keep = partial(self.objects.keep, ObjectType.REPORT, one, once=once)
        self._take(client, report, demand, keep, earlier=None)
        return shown(ObjectType.REPORT, one, edition)

    def change_report(
        self, client: VenClient, edition: Edition, identifier: str, report: ReportRequest
    ) -> Shown:
        """Replace a report; what it says anew becomes further records."""
        kept = self._own(ObjectType.REPORT, client, identifier)
        if kept.parent != report.event_id:
            raise RequestMalformed("a report stays with its event")
        changed: list[KeptObject] = []

        def change(*, database: Database | None = None) -> None:
            changed.append(self.objects.change(kept, dumped(report), database))

        earlier = ReportRequest.model_validate(kept.body)
        self._take(client, report, self._of_report(report), change, earlier=earlier)
        return shown(ObjectType.REPORT, changed[0], edition)

    # --- VENs, resources and subscriptions

    def add_ven(self, client: VenClient, edition: Edition, ven: VenRequest) -> Shown:
        """Make the VEN of a client, with the resources that 3.0 sends along."""
        body = dumped(ven)
        resources = body.pop("resources", None) or []
        one = self.objects.new(ObjectType.VEN, client.client, body, once="ven")
        self.objects.keep(ObjectType.VEN, one, once="ven")
        for resource in resources:
            self._add_resource(client, one.id, resource)
        return self.show_ven(client, edition, one)

    def change_ven(self, client: VenClient, edition: Edition, identifier: str, ven: VenRequest) -> Shown:
        """Replace what a VEN says of itself; its resources stay."""
        kept = self._own(ObjectType.VEN, client, identifier)
        body = dumped(ven)
        body.pop("resources", None)
        return self.show_ven(client, edition, self.objects.change(kept, body))

    def show_ven(self, client: VenClient, edition: Edition, one: KeptObject) -> Shown:
        """Return a VEN; in 3.0 with its resources."""
        seen = shown(ObjectType.VEN, one, edition)
        if edition is Edition.V3_0:
            resources = self.objects.list(ObjectType.RESOURCE, client.client)
            seen["resources"] = [shown(ObjectType.RESOURCE, each, edition) for each in resources]
        return seen

    def add_resource(
        self, client: VenClient, edition: Edition, resource: ResourceRequest, ven: str | None = None
    ) -> Shown:
        """Make a resource of the client's VEN; `ven` where the path names it."""
        parent = ven or resource.ven_id
        if parent is None:
            raise RequestMalformed("want venID")
        self._own(ObjectType.VEN, client, parent)
        return shown(ObjectType.RESOURCE, self._add_resource(client, parent, dumped(resource)), edition)

    def change_resource(
        self, client: VenClient, edition: Edition, identifier: str, resource: ResourceRequest
    ) -> Shown:
        """Replace what is said of a resource; it keeps its name, which events may have used."""
        kept = self._own(ObjectType.RESOURCE, client, identifier)
        if resource.resource_name != kept.body["resourceName"]:
            raise RequestMalformed("a resource keeps its name")
        return shown(ObjectType.RESOURCE, self.objects.change(kept, dumped(resource)), edition)

    def add_subscription(self, client: VenClient, edition: Edition, wish: SubscriptionRequest) -> Shown:
        """Note a wish to be told of events; only listed hosts are called."""
        self._check_callbacks(wish)
        one = self.objects.new(ObjectType.SUBSCRIPTION, client.client, dumped(wish), parent=edition.value)
        self.objects.keep(ObjectType.SUBSCRIPTION, one)
        return shown(ObjectType.SUBSCRIPTION, one, edition)

    def change_subscription(
        self, client: VenClient, edition: Edition, identifier: str, wish: SubscriptionRequest
    ) -> Shown:
        """Replace a wish."""
        kept = self._own(ObjectType.SUBSCRIPTION, client, identifier)
        self._check_callbacks(wish)
        return shown(ObjectType.SUBSCRIPTION, self.objects.change(kept, dumped(wish)), edition)

    # --- what all kinds share

    def listed(
        self, kind: ObjectType, client: VenClient, edition: Edition, query: Mapping[str, Any]
    ) -> list[Shown]:
        """Return the client's own objects of a kind that fit a query."""
        found = []
        for one in self.objects.list(kind, client.client):
            if _fits(one, query) and with_targets(one.body.get("targets"), query):
                seen = (
                    self.show_ven(client, edition, one)
                    if kind is ObjectType.VEN
                    else shown(kind, one, edition)
                )
                found.append(seen)
        return found

    def read(self, kind: ObjectType, client: VenClient, edition: Edition, identifier: str) -> Shown:
        """Return one of the client's own objects."""
        one = self._own(kind, client, identifier)
        return self.show_ven(client, edition, one) if kind is ObjectType.VEN else shown(kind, one, edition)

    def delete(self, kind: ObjectType, client: VenClient, edition: Edition, identifier: str) -> Shown:
        """Delete one of the client's own objects and return it; records that a report made stay."""
        one = self._own(kind, client, identifier)
        seen = self.show_ven(client, edition, one) if kind is ObjectType.VEN else shown(kind, one, edition)
        self.objects.delete(one)
        return seen

    def _own(self, kind: ObjectType, client: VenClient, identifier: str) -> KeptObject:
        found = None
        if re.fullmatch(OBJECT_ID, identifier):
            found = self.objects.find(kind, client.client, identifier)
        if found is None:
            raise NoSuchResource(f"this VEN has no such {kind.value}")
        return found

    def resource_names(self, client: VenClient) -> Sequence[str]:
        """Return the names of a VEN's resources."""
        return [one.body["resourceName"] for one in self.objects.list(ObjectType.RESOURCE, client.client)]

    def _add_resource(self, client: VenClient, ven: str, body: dict[str, Any]) -> KeptObject:
        once = json.dumps([ven, body["resourceName"]])
        one = self.objects.new(
            ObjectType.RESOURCE, client.client, body | {"venID": ven}, parent=ven, once=once
        )
        self.objects.keep(ObjectType.RESOURCE, one, once=once)
        return one

    def _demand(self, identifier: str) -> Demand:
        if not re.fullmatch(OBJECT_ID, identifier):
            raise NoSuchResource("there is no such event")
        try:
            return self._demands.demand(demand_id(identifier))
        except RecordUnknown as error:
            raise NoSuchResource("there is no such event") from error

    def _of_report(self, report: ReportRequest) -> Demand:
        if report.program_id not in {None, PROGRAM_ID}:
            raise NoSuchResource("there is no such program")
        return self._demand(report.event_id)

    def _take(
        self,
        client: VenClient,
        report: ReportRequest,
        demand: Demand,
        keep: Callable[..., None],
        *,
        earlier: ReportRequest | None,
    ) -> None:
        """Take what a report says as records, and let `keep` write in their transaction."""
        batches = self._batches(client, report, demand)
        known = (
            {data for _, found in self._batches(client, earlier, demand) for data in found}
            if earlier
            else set()
        )
        fresh = [(terminal, [one for one in data if one not in known]) for terminal, data in batches]
        fresh = [(terminal, data) for terminal, data in fresh if data]
        if fresh:
            self._store.take(fresh, self._judge, lambda database: keep(database=database))
        else:
            keep()

    def _batches(
        self, client: VenClient, report: ReportRequest, demand: Demand
    ) -> list[tuple[TerminalIdentifier, list[bytes]]]:
        said = read_report(report, demand)
        replies = [] if said.reply is None else [said.reply]
        return [
            (client.terminal(self._store.system, kind), [one.to_bytes() for one in data])
            for kind, data in ((TerminalKind.IOT, said.loads), (TerminalKind.USER, replies))
        ]

    def _check_callbacks(self, wish: SubscriptionRequest) -> None:
        if wish.program_id not in {None, PROGRAM_ID}:
            raise NoSuchResource("there is no such program")
        for one in wish.object_operations:
            if not self.may_call(one.callback_url):
                raise NotPermitted("this server calls back no host but those that its operator listed")

    def may_call(self, url: str) -> bool:
        """Tell whether the operator listed the host of an address."""
        try:
            host = urlsplit(url).hostname
        except ValueError:
            return False
        return host in self.settings.callbacks


def _fits(one: KeptObject, query: Mapping[str, Any]) -> bool:
    members = ("programID", "eventID", "clientName", "venName", "venID", "resourceName")
    for name in members:
        if name in query and one.body.get(name, PROGRAM_ID if name == "programID" else None) != query[name]:
            return False
    wanted = query.get("objects")
    if wanted:
        told = {kind for each in one.body.get("objectOperations", ()) for kind in each["objects"]}
        return bool(told & set(wanted))
    return True
