from __future__ import annotations

import json
from typing import Any

import pytest
from tests.conformance.probe.typed import TypedProbe

from gridledger.model.record import ModelValue, value
from gridledger.shim import Context, Contract, ContractChaincode, query
from gridledger.shim.testing import MemoryPeer

# What the official definition allows in a schema: additionalProperties is false there.
SCHEMA_MEMBERS = {
    "$ref",
    "format",
    "title",
    "description",
    "default",
    "multipleOf",
    "maximum",
    "exclusiveMaximum",
    "minimum",
    "exclusiveMinimum",
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
    "additionalProperties",
    "type",
    "items",
    "allOf",
    "properties",
    "discriminator",
    "readOnly",
    "example",
}


async def metadata_of(chaincode: ContractChaincode) -> dict[str, Any]:
    async with MemoryPeer(chaincode) as peer:
        parsed = json.loads(await peer.evaluate("org.hyperledger.fabric:GetMetadata"))
    assert isinstance(parsed, dict)
    return parsed


def check_schema(schema: dict[str, Any], components: dict[str, Any]) -> None:
    assert schema.keys() <= SCHEMA_MEMBERS
    if "$ref" in schema:
        assert schema["$ref"].removeprefix("#/components/schemas/") in components
    inner = schema.get("items", [])
    for one in inner if isinstance(inner, list) else [inner]:
        check_schema(one, components)
    for one in schema.get("properties", {}).values():
        check_schema(one, components)
    if isinstance(schema.get("additionalProperties"), dict):
        check_schema(schema["additionalProperties"], components)


async def test_metadata_keeps_to_the_official_definition() -> None:
    metadata = await metadata_of(TypedProbe())
    components = metadata["components"]["schemas"]

    assert {"title", "version"} <= metadata["info"].keys()
    for name, contract in metadata["contracts"].items():
        assert contract["name"] == name
        for one in contract["transactions"]:
            assert one.keys() <= {"name", "tag", "parameters", "returns"}
            for parameter in one.get("parameters", []):
                assert parameter.keys() <= {"name", "description", "required", "schema"}
                check_schema(parameter["schema"], components)
            check_schema(one.get("returns", {}), components)
    for name, component in components.items():
        assert component.pop("$id") == name
        assert "properties" in component
        check_schema(component, components)


async def test_metadata_tells_kind_roles_and_call_keys() -> None:
    readings = (await metadata_of(TypedProbe()))["contracts"]["readings"]
    tags = {one["name"]: one["tag"] for one in readings["transactions"]}
    parameters = {
        one["name"]: [parameter["name"] for parameter in one.get("parameters", [])]
        for one in readings["transactions"]
    }

    assert tags["GetReading"] == ["evaluate", "EVALUATE"]
    assert tags["DeleteReading"] == ["submit", "SUBMIT", "role:auditor"]
    assert tags["CreateReading"] == ["submit", "SUBMIT", "once"]
    assert parameters["CreateReading"] == ["call_key", "reading"]


async def test_first_contract_is_the_default_one() -> None:
    contracts = (await metadata_of(TypedProbe()))["contracts"]

    assert [name for name, one in contracts.items() if one["default"]] == ["readings"]
    assert set(contracts) == {"readings", "echoes", "ledger", "org.hyperledger.fabric"}


async def test_schema_of_a_record_requires_what_its_bytes_hold() -> None:
    reading = (await metadata_of(TypedProbe()))["components"]["schemas"]["Reading"]

    assert reading["required"] == ["name", "value_w", "tags", "season", "schema"]
    assert reading["properties"]["value_w"] == {
        "type": "integer",
        "title": "Value W",
        "minimum": 0,
        "maximum": 2**53 - 1,
    }
    assert reading["properties"]["season"]["enum"] == ["dry", "wet"]


def test_two_types_of_one_name_are_refused() -> None:
    def make(member: str) -> type[ModelValue]:
        made = type("Same", (ModelValue,), {"__annotations__": {member: int}})
        return value(made)

    first, second = make("a"), make("b")

    class Twice(Contract):
        name = "twice"

        @query
        async def one(self, ctx: Context, same: first) -> None:  # type: ignore[valid-type]
            """Take the one."""

        @query
        async def two(self, ctx: Context, same: second) -> None:  # type: ignore[valid-type]
            """Take the other."""

    Twice.one.__annotations__["same"] = first
    Twice.two.__annotations__["same"] = second
    with pytest.raises(TypeError, match="Same"):
        ContractChaincode(Twice())
