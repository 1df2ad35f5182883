"""JSON schemas: what they demand is what the reader demands."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import pytest
from pydantic import Field

from gridledger.model.identifier import SystemIdentifier
from gridledger.model.jsonschema import json_schema
from gridledger.model.record import ModelValue, Record, record, record_types, value


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


@value
class Part(ModelValue):
    raw: bytes = b""


@record("test-schema-thing/1")
class Thing(Record):
    """What the description says."""

    system: SystemIdentifier
    colour: Colour = Colour.RED
    parts: tuple[Part, ...] = ()
    count: Annotated[int, Field(ge=0)] = 0
    note: str | None = None


def test_schema_names_members_types_and_what_is_required() -> None:
    schema = json_schema(Thing)
    assert schema["type"] == "object"
    assert schema["additionalProperties"] is False
    assert schema["description"] == "What the description says."
    assert sorted(schema["required"]) == ["colour", "count", "parts", "schema", "system"]
    assert schema["properties"]["schema"]["const"] == "test-schema-thing/1"
    assert schema["properties"]["note"] == {"title": "Note", "type": "string"}
    assert schema["properties"]["system"]["pattern"].startswith("^[0-9A-Z]{1,16}")
    assert schema["properties"]["count"]["minimum"] == 0
    assert schema["$defs"]["Colour"]["enum"] == ["red", "blue"]
    assert schema["$defs"]["Part"]["required"] == ["raw"]
    assert schema["$defs"]["Part"]["properties"]["raw"]["contentEncoding"] == "base64url"


def test_schema_of_an_optional_type_is_that_of_the_type() -> None:
    assert json_schema(Thing | None) == json_schema(Thing)


def test_schema_of_a_type_without_a_canonical_form_is_refused() -> None:
    with pytest.raises(TypeError):
        json_schema(float)


def test_every_record_type_has_a_schema_that_requires_its_name() -> None:
    for name, cls in record_types().items():
        schema = json_schema(cls)
        assert schema["properties"]["schema"]["const"] == name
        assert "schema" in schema["required"]
