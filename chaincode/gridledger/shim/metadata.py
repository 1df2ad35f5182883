"""Metadata of a chaincode, in the form of the official contract API.

Other tools read it by calling ``org.hyperledger.fabric:GetMetadata``. Its schema language is the subset of
JSON schema that the API's own definition allows: no `anyOf`, `const` or `$defs`; types of objects stand under
``components/schemas``.

Source: Hyperledger Fabric Contract Definition JSON Schema (fabric-contract-api-go, metadata/schema).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from types import NoneType
from typing import Any

from gridledger.model.fieldtype import split_optional
from gridledger.model.jsonschema import json_schema
from gridledger.model.record import held_types
from gridledger.shim.function import ContractFunction, Kind, Parameter

__all__ = ["METADATA_CONTRACT", "describe", "shares_type_names"]

METADATA_CONTRACT = "org.hyperledger.fabric"

_REFERENCE = "#/components/schemas/"
_PLAIN_MEMBERS = (
    "type",
    "format",
    "title",
    "description",
    "maximum",
    "minimum",
    "maxLength",
    "minLength",
    "pattern",
    "maxItems",
    "minItems",
    "uniqueItems",
    "maxProperties",
    "minProperties",
    "required",
    "enum",
)


def describe(contracts: Mapping[str, Sequence[ContractFunction]], *, title: str, version: str) -> str:
    """Write the metadata of a chaincode as JSON.

    Parameters
    ----------
    contracts : mapping of str to sequence of ContractFunction
        By name; the first one is the default contract.
    title, version : str
        Of the chaincode.

    Raises
    ------
    TypeError
        If two types of one name (see `shares_type_names`) have different schemas.

    Notes
    -----
    Tags of a transaction: ``submit`` or ``evaluate`` (and in capitals, as tools of different ages look for
    them), ``role:…`` for each role that may call it, ``once`` where the first argument is a call key.
    """
    components = _Components()
    described: dict[str, Any] = {}
    for index, (name, functions) in enumerate(contracts.items()):
        described[name] = {
            "name": name,
            "default": index == 0,
            "info": {"title": name, "version": version},
            "transactions": [_transaction(function, components) for function in functions],
        }
    document = {
        "info": {"title": title, "version": version},
        "contracts": described,
        "components": {"schemas": components.schemas},
    }
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"))


def shares_type_names(contracts: Mapping[str, Sequence[ContractFunction]]) -> bool:
    """Tell whether two types that contracts take or return have one name, under which metadata has one."""
    functions = [function for functions in contracts.values() for function in functions]
    annotations = {function.result for function in functions}
    annotations |= {parameter.annotation for function in functions for parameter in function.parameters}
    types = set[type]().union(*map(held_types, annotations))
    return len({one.__name__ for one in types}) < len(types)


def _transaction(function: ContractFunction, components: _Components) -> dict[str, Any]:
    declaration = function.declaration
    tags = [declaration.kind.value, declaration.kind.value.upper()]
    tags += [f"role:{role.value}" for role in declaration.roles]
    if declaration.once and declaration.kind is Kind.TRANSACTION:
        tags.append("once")
    described: dict[str, Any] = {"name": function.name, "tag": tags}
    if function.parameters:
        described["parameters"] = [_parameter(one, components) for one in function.parameters]
    if function.result not in (None, NoneType):
        described["returns"] = components.schema_of(function.result)
    return described


def _parameter(parameter: Parameter, components: _Components) -> dict[str, Any]:
    return {
        "name": parameter.name,
        "required": parameter.required,
        "schema": components.schema_of(parameter.annotation),
    }


class _Components:
    """Turns types into schemas and gathers those of objects."""

    def __init__(self) -> None:
        self.schemas: dict[str, Any] = {}
        self._found: dict[object, dict[str, Any]] = {}
        self._sources: dict[str, Any] = {}

    def schema_of(self, annotation: object) -> dict[str, Any]:
        """Return the schema of an argument's or a result's type; many functions take the same ones."""
        inner, _ = split_optional(annotation)
        found = self._found.get(inner)
        if found is None:
            found = self._found[inner] = self._describe(inner)
        return found

    def _describe(self, inner: object) -> dict[str, Any]:
        if inner is bytes:
            return {"type": "string", "format": "binary"}
        schema = json_schema(inner)
        definitions: dict[str, Any] = schema.pop("$defs", {})
        if schema.get("type") == "object" and "properties" in schema:
            return self._reference(str(schema["title"]), schema, definitions)
        return self._convert(schema, definitions)

    def _reference(self, name: str, schema: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
        source = {member: schema[member] for member in schema if member != "$schema"}
        if self._sources.setdefault(name, source) != source:
            raise TypeError(f"two types of arguments are called {name}")
        if name not in self.schemas:
            self.schemas[name] = {}  # a type may hold itself
            self.schemas[name] = {"$id": name, **self._convert(schema, definitions)}
        return {"$ref": _REFERENCE + name}

    def _convert(self, schema: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
        if "$ref" in schema:
            name = schema["$ref"].rpartition("/")[2]
            target = definitions[name]
            if target.get("type") == "object" and "properties" in target:
                return self._reference(name, target, definitions)
            return self._convert(target, definitions)
        converted = {name: schema[name] for name in _PLAIN_MEMBERS if name in schema}
        if "const" in schema:
            converted["enum"] = [schema["const"]]
        if "exclusiveMinimum" in schema:
            above = schema["exclusiveMinimum"] + 1
            converted["minimum"] = max(above, converted.get("minimum", above))
        if "exclusiveMaximum" in schema:
            below = schema["exclusiveMaximum"] - 1
            converted["maximum"] = min(below, converted.get("maximum", below))
        if "contentEncoding" in schema:
            converted["format"] = schema["contentEncoding"]
        if "prefixItems" in schema:
            converted["items"] = [self._convert(one, definitions) for one in schema["prefixItems"]]
        elif "items" in schema:
            converted["items"] = self._convert(schema["items"], definitions)
        if "properties" in schema:
            properties: dict[str, Any] = schema["properties"]
            converted["properties"] = {
                name: self._convert(one, definitions) for name, one in properties.items()
            }
        # The keys' pattern (ASCII) has no place in the definition's language.
        for one in schema.get("patternProperties", {}).values():
            converted["additionalProperties"] = self._convert(one, definitions)
        additional = schema.get("additionalProperties")
        if isinstance(additional, dict):
            converted["additionalProperties"] = self._convert(additional, definitions)
        elif additional is not None:
            converted["additionalProperties"] = additional
        return converted
