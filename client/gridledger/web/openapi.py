"""The OpenAPI 3.1 description of a service, made from its routes and the model's types."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, Final

from gridledger.model.jsonschema import json_schema
from gridledger.web.route import JSON, Nothing, Route, media_type_of
from gridledger.web.signing import CERTIFICATE_FIELD

__all__ = ["describe"]

_ABOUT: Final = (
    "Requests and replies are signed (RFC 9421, RFC 9530) with ECDSA P-256 identities of the network. "
    "Bodies are canonical JSON (RFC 8785). An error is {code, message, fields}."
)
_PROBLEM: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["code", "message", "fields"],
    "properties": {
        "code": {"type": "string", "pattern": "^GL-[A-Z]{3}-[0-9]{3}$"},
        "message": {"type": "string"},
        "fields": {"type": "object"},
        "refusal": {"type": "string", "description": "a contract's refusal in its wire form"},
    },
}


def describe(title: str, version: str, routes: Iterable[Route]) -> bytes:
    """Write the description.

    Parameters
    ----------
    title, version : str
        Of the service.
    routes : iterable of Route

    Returns
    -------
    bytes
        JSON.
    """
    schemas: dict[str, Any] = {"Problem": _PROBLEM}
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        paths.setdefault(route.template, {})[route.method.lower()] = _operation(route, schemas)
    document = {
        "openapi": "3.1.0",
        "info": {"title": title, "version": version, "description": _ABOUT},
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "signature": {"type": "apiKey", "in": "header", "name": "Signature"},
                "certificate": {"type": "apiKey", "in": "header", "name": CERTIFICATE_FIELD.title()},
            },
        },
        "security": [{"signature": [], "certificate": []}],
    }
    return json.dumps(document, sort_keys=True, separators=(",", ":")).encode("ascii")


def _operation(route: Route, schemas: dict[str, Any]) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "summary": route.summary,
        "responses": {
            "200": {"description": "done", **_content(route.gives, schemas)},
            "default": {
                "description": "refused or failed",
                "content": {JSON: {"schema": {"$ref": "#/components/schemas/Problem"}}},
            },
        },
    }
    if route.is_open:
        operation["security"] = []
    if route.parameters:
        operation["parameters"] = [
            {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
            for name in route.parameters
        ]
    if route.takes is not Nothing:
        operation["requestBody"] = {"required": True, **_content(route.takes, schemas)}
    return operation


def _content(kind: type[Any], schemas: dict[str, Any]) -> dict[str, Any]:
    if kind is Nothing:
        return {}
    if media_type_of(kind) != JSON:
        return {"content": {media_type_of(kind): {"schema": {"type": "string"}}}}
    text = json.dumps(json_schema(kind)).replace('"#/$defs/', '"#/components/schemas/')
    schema = json.loads(text)
    del schema["$schema"]
    schemas.update(schema.pop("$defs", {}))
    schemas[kind.__name__] = schema
    return {"content": {JSON: {"schema": {"$ref": f"#/components/schemas/{kind.__name__}"}}}}
