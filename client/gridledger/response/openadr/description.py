"""The OpenAPI 3.1 description of what is served, in our own words, from the table of operations."""

from __future__ import annotations

import json
from typing import Any, Final

from pydantic import BaseModel

from gridledger.response.openadr.edition import BASE_PATH, Edition, ObjectType
from gridledger.response.openadr.objects import (
    OBJECT_ID,
    ReportRequest,
    ResourceRequest,
    SubscriptionRequest,
    VenRequest,
)
from gridledger.response.openadr.operation import MAX_LIMIT, OPERATIONS, OpenAdrOperation

__all__ = ["describe"]

_REFUSALS: Final = ("400", "401", "403", "404", "405", "409", "413", "415", "500", "503", "504")
_SHOWN: Final[dict[ObjectType, type[BaseModel]]] = {
    ObjectType.REPORT: ReportRequest,
    ObjectType.RESOURCE: ResourceRequest,
    ObjectType.SUBSCRIPTION: SubscriptionRequest,
    ObjectType.VEN: VenRequest,
}
_OPEN: Final[dict[ObjectType, dict[str, Any]]] = {
    ObjectType.PROGRAM: {"required": ["programName"], "properties": {"programName": {"type": "string"}}},
    ObjectType.EVENT: {
        "required": ["programID", "intervals"],
        "properties": {
            "programID": {"type": "string", "pattern": OBJECT_ID},
            "intervals": {"type": "array", "minItems": 1, "items": {"$ref": "#/components/schemas/Interval"}},
        },
    },
}
_TIME: Final = {"type": "string", "format": "date-time"}
_TEXT: Final = {"type": "string"}


def describe(edition: Edition) -> str:
    """Write the description of an edition, as JSON."""
    schemas: dict[str, Any] = {}
    for model in _SHOWN.values():
        _add_schema(model, schemas)
    for kind in ObjectType:
        schemas[_name(kind)] = _shown_schema(kind)
    schemas["Problem"] = {
        "type": "object",
        "required": ["type", "title", "status", "detail", "code"],
        "properties": {
            "type": _TEXT, "title": _TEXT, "status": {"type": "integer"}, "detail": _TEXT,
            "code": {"type": "string", "pattern": "^GL-[A-Z]{3}-[0-9]{3}$"},
        },
    }  # fmt: skip
    paths: dict[str, dict[str, Any]] = {}
    for one in OPERATIONS:
        if edition in one.editions:
            paths.setdefault(one.path, {})[one.method.lower()] = _operation(one)
    paths |= _auth()
    document = {
        "openapi": "3.1.0",
        "info": {"title": "OpenADR at a server of demand response", "version": edition.value},
        "servers": [{"url": f"{BASE_PATH}/{edition}"}],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "token": {
                    "type": "oauth2",
                    "flows": {"clientCredentials": {"tokenUrl": "auth/token", "scopes": {}}},
                }
            },
        },
        "security": [{"token": []}],
    }
    return json.dumps(document, sort_keys=True)


def _name(kind: ObjectType) -> str:
    return kind.value.title()


def _add_schema(kind: type[BaseModel], schemas: dict[str, Any]) -> None:
    schema = kind.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas.update(schema.pop("$defs", {}))
    schemas[kind.__name__] = schema


def _shown_schema(kind: ObjectType) -> dict[str, Any]:
    metadata = {
        "type": "object",
        "required": ["id", "createdDateTime", "modificationDateTime", "objectType"],
        "properties": {
            "id": {"type": "string", "pattern": OBJECT_ID}, "createdDateTime": _TIME,
            "modificationDateTime": _TIME, "objectType": {"const": kind.value},
        },
    }  # fmt: skip
    own = _OPEN.get(kind) or {"$ref": f"#/components/schemas/{_SHOWN[kind].__name__}"}
    return {"allOf": [metadata, own]}


def _operation(one: OpenAdrOperation) -> dict[str, Any]:
    shown: dict[str, Any] = {"$ref": f"#/components/schemas/{_name(one.kind)}"}
    if one.lists:
        shown = {"type": "array", "maxItems": MAX_LIMIT, "items": shown}
    names = [part[1:-1] for part in one.path.split("/") if part.startswith("{")]
    operation: dict[str, Any] = {
        "parameters": [
            {"name": name, "in": "path", "required": True, "schema": {"type": "string", "pattern": OBJECT_ID}}
            for name in names
        ]
        + [{"name": each.name, "in": "query", "schema": dict(each.schema)} for each in one.parameters],
        "responses": {str(one.status): _content("done", shown), **_refusals()},
    }
    if one.takes is not None:
        body = {"schema": {"$ref": f"#/components/schemas/{one.takes.__name__}"}}
        operation["requestBody"] = {"required": True, "content": {"application/json": body}}
    return operation


def _auth() -> dict[str, Any]:
    form = {
        "type": "object",
        "required": ["grant_type"],
        "properties": {
            "grant_type": {"const": "client_credentials"}, "client_id": _TEXT, "client_secret": _TEXT,
            "scope": _TEXT,
        },
    }  # fmt: skip
    error = _content("refused", {"type": "object", "required": ["error"], "properties": {"error": _TEXT}})
    token = {
        "type": "object",
        "required": ["access_token", "token_type", "expires_in"],
        "properties": {
            "access_token": _TEXT,
            "token_type": {"const": "Bearer"},
            "expires_in": {"type": "integer"},
        },
    }
    server = {
        "type": "object",
        "required": ["tokenURL"],
        "properties": {"tokenURL": {"type": "string", "format": "uri"}},
    }
    refusals = _refusals()
    notifiers = {
        "type": "object",
        "required": ["WEBHOOK"],
        "properties": {"WEBHOOK": {"type": "boolean"}},
    }
    return {
        "/notifiers": {
            "get": {"security": [], "responses": {"200": _content("done", notifiers), **refusals}}
        },
        "/auth/token": {
            "post": {
                "security": [],
                "requestBody": {
                    "required": True,
                    "content": {"application/x-www-form-urlencoded": {"schema": form}},
                },
                "responses": {"200": _content("done", token), **refusals, "400": error, "401": error},
            }
        },
        "/auth/server": {"get": {"security": [], "responses": {"200": _content("done", server), **refusals}}},
    }


def _content(text: str, schema: Any, media_type: str = "application/json") -> dict[str, Any]:
    return {"description": text, "content": {media_type: {"schema": schema}}}


def _refusals() -> dict[str, Any]:
    problem = {"$ref": "#/components/schemas/Problem"}
    return {
        status: _content("refused or failed", problem, "application/problem+json") for status in _REFUSALS
    }
