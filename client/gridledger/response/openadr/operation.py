"""The operations of OpenADR as one table: path, method, what they take, what they do.

The application serves the table, and the description is written from it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from pydantic import BaseModel

from gridledger.response.openadr.clients import VenClient
from gridledger.response.openadr.edition import Edition, ObjectType
from gridledger.response.openadr.objects import (
    ReportRequest,
    ResourceRequest,
    SubscriptionRequest,
    VenRequest,
)
from gridledger.response.openadr.view import with_targets
from gridledger.response.openadr.vtn import Vtn

__all__ = ["MAX_LIMIT", "OPERATIONS", "Asked", "OpenAdrOperation", "Parameter"]

MAX_LIMIT: Final = 50
"""Objects of one answer, at most and by default."""


@dataclass(frozen=True, kw_only=True)
class Asked:
    """One request of a VEN."""

    client: VenClient
    edition: Edition
    path: Mapping[str, str]
    query: Mapping[str, Any]
    value: Any
    """The body; None where none is taken."""


@dataclass(frozen=True, kw_only=True)
class Parameter:
    """A parameter of the query."""

    name: str
    schema: Mapping[str, Any]

    @property
    def is_list(self) -> bool:
        """Whether it may stand several times."""
        return bool(self.schema["type"] == "array")


Does = Callable[[Vtn, Asked], Any]


@dataclass(frozen=True, kw_only=True)
class OpenAdrOperation:
    """One method on one path."""

    editions: tuple[Edition, ...]
    method: str
    path: str
    kind: ObjectType
    does: Does
    takes: type[BaseModel] | None = None
    parameters: tuple[Parameter, ...] = ()
    lists: bool = False

    @property
    def status(self) -> int:
        """The status of success."""
        return 201 if self.method == "POST" else 200


_BOTH: Final = (Edition.V3_0, Edition.V3_1)
_TEXT: Final = {"type": "string", "minLength": 1, "maxLength": 128}
_TEXTS: Final = {"type": "array", "items": _TEXT, "maxItems": 100}
_KINDS: Final = {
    "type": "array",
    "items": {"type": "string", "enum": [one.value for one in ObjectType]},
    "maxItems": 100,
}
_PAGE: Final = (
    Parameter(name="skip", schema={"type": "integer", "minimum": 0, "maximum": 2**31 - 1}),
    Parameter(name="limit", schema={"type": "integer", "minimum": 0, "maximum": MAX_LIMIT}),
)
_TARGETS: Final = tuple(
    Parameter(name=name, schema=_TEXT if name == "targetType" else _TEXTS)
    for name in ("targets", "targetType", "targetValues")
)


def _texts(*names: str) -> tuple[Parameter, ...]:
    return tuple(Parameter(name=name, schema=_TEXT) for name in names)


def _aimed(found: list[dict[str, Any]], query: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [one for one in found if with_targets(one["targets"], query)]


def _programs(vtn: Vtn, asked: Asked) -> Any:
    return _aimed(vtn.programs(asked.edition), asked.query)


def _program(vtn: Vtn, asked: Asked) -> Any:
    return vtn.program(asked.edition, asked.path["id"])


def _events(vtn: Vtn, asked: Asked) -> Any:
    if asked.query.get("programID"):
        vtn.program(asked.edition, asked.query["programID"])
    found = vtn.events(asked.client, asked.edition, active=asked.query.get("active"))
    return _aimed(found, asked.query)


def _event(vtn: Vtn, asked: Asked) -> Any:
    return vtn.event(asked.client, asked.edition, asked.path["id"])


def _listed(kind: ObjectType, vtn: Vtn, asked: Asked) -> Any:
    query = asked.query
    if "ven" in asked.path:
        vtn.read(ObjectType.VEN, asked.client, asked.edition, asked.path["ven"])
        query = dict(query) | {"venID": asked.path["ven"]}
    return vtn.listed(kind, asked.client, asked.edition, query)


def _read(kind: ObjectType, vtn: Vtn, asked: Asked) -> Any:
    return vtn.read(kind, asked.client, asked.edition, asked.path["id"])


def _delete(kind: ObjectType, vtn: Vtn, asked: Asked) -> Any:
    return vtn.delete(kind, asked.client, asked.edition, asked.path["id"])


def _add(kind: ObjectType, vtn: Vtn, asked: Asked) -> Any:
    client, edition, value = asked.client, asked.edition, asked.value
    if kind is ObjectType.REPORT:
        return vtn.add_report(client, edition, value)
    if kind is ObjectType.VEN:
        return vtn.add_ven(client, edition, value)
    if kind is ObjectType.RESOURCE:
        return vtn.add_resource(client, edition, value, asked.path.get("ven"))
    return vtn.add_subscription(client, edition, value)


def _change(kind: ObjectType, vtn: Vtn, asked: Asked) -> Any:
    changes: dict[ObjectType, Callable[..., Any]] = {
        ObjectType.REPORT: vtn.change_report,
        ObjectType.VEN: vtn.change_ven,
        ObjectType.RESOURCE: vtn.change_resource,
        ObjectType.SUBSCRIPTION: vtn.change_subscription,
    }
    return changes[kind](asked.client, asked.edition, asked.path["id"], asked.value)


def _kept(
    kind: ObjectType,
    path: str,
    takes: type[BaseModel],
    parameters: tuple[Parameter, ...],
    editions: tuple[Edition, ...] = _BOTH,
) -> tuple[OpenAdrOperation, ...]:
    """Return the five operations of a kind whose objects VENs make."""

    def one(method: str, path: str, does: Callable[..., Any], **more: Any) -> OpenAdrOperation:
        return OpenAdrOperation(
            editions=editions, method=method, path=path, kind=kind, does=partial(does, kind), **more
        )

    return (
        one("GET", path, _listed, parameters=(*parameters, *_PAGE), lists=True),
        one("POST", path, _add, takes=takes),
        one("GET", f"{path}/{{id}}", _read),
        one("PUT", f"{path}/{{id}}", _change, takes=takes),
        one("DELETE", f"{path}/{{id}}", _delete),
    )


def _shown(
    kind: ObjectType, path: str, lists: Does, reads: Does, parameters: tuple[Parameter, ...]
) -> tuple[OpenAdrOperation, ...]:
    """Return the two operations of a kind whose objects VENs read only."""
    return (
        OpenAdrOperation(
            editions=_BOTH,
            method="GET",
            path=path,
            kind=kind,
            does=lists,
            parameters=(*parameters, *_PAGE),
            lists=True,
        ),
        OpenAdrOperation(editions=_BOTH, method="GET", path=f"{path}/{{id}}", kind=kind, does=reads),
    )


_RESOURCE: Final = (*_texts("resourceName", "venID"), *_TARGETS)
_ACTIVE: Final = Parameter(name="active", schema={"type": "boolean"})

OPERATIONS: Final[tuple[OpenAdrOperation, ...]] = (
    *_shown(ObjectType.PROGRAM, "/programs", _programs, _program, _TARGETS),
    *_shown(ObjectType.EVENT, "/events", _events, _event, (*_texts("programID"), *_TARGETS, _ACTIVE)),
    *_kept(ObjectType.REPORT, "/reports", ReportRequest, _texts("programID", "eventID", "clientName")),
    *_kept(
        ObjectType.SUBSCRIPTION,
        "/subscriptions",
        SubscriptionRequest,
        (*_texts("programID", "clientName"), *_TARGETS, Parameter(name="objects", schema=_KINDS)),
    ),
    *_kept(ObjectType.VEN, "/vens", VenRequest, (*_texts("venName"), *_TARGETS)),
    *_kept(ObjectType.RESOURCE, "/vens/{ven}/resources", ResourceRequest, _RESOURCE, (Edition.V3_0,)),
    *_kept(ObjectType.RESOURCE, "/resources", ResourceRequest, _RESOURCE, (Edition.V3_1,)),
)
"""Every operation for VENs; only the operator's side writes programmes and events."""
