"""JSON schemas of model values, for the metadata of contracts and for other languages."""

from __future__ import annotations

from typing import Any

from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from gridledger.model.fieldtype import field_type, split_optional

__all__ = ["json_schema"]

_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def json_schema(type_: object) -> dict[str, Any]:
    """Return the JSON schema (2020-12) of the canonical JSON of a type.

    Parameters
    ----------
    type_ : type or typing construct
        One of `gridledger.model.fieldtype`; for `X | None` the schema is that of X.

    Raises
    ------
    TypeError
        The type has no canonical form.

    Notes
    -----
    A schema cannot say all: order of members, the single spelling and rules between fields are checked by the
    reader. Members with a default are required, since canonical JSON writes them; optional ones are never
    null.

    Examples
    --------
    >>> schema = json_schema(tuple[int, ...])
    >>> schema["items"]
    {'exclusiveMaximum': 9007199254740992, 'exclusiveMinimum': -9007199254740992, 'type': 'integer'}
    """
    inner, _ = split_optional(type_)
    schema = TypeAdapter(field_type(inner)).json_schema(schema_generator=_Generator)
    return {"$schema": _DIALECT, **schema}


class _Generator(GenerateJsonSchema):
    """Says what the reader accepts: no null, and every member that is not optional."""

    def str_schema(self, schema: core_schema.StringSchema) -> JsonSchemaValue:
        described = super().str_schema(schema)
        if described.get("minLength") == 0:
            del described["minLength"]
        return described

    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])

    def field_is_required(
        self,
        field: core_schema.ModelField | core_schema.DataclassField | core_schema.TypedDictField,
        total: bool,
    ) -> bool:
        inner: Any = field["schema"]
        return total and not (inner["type"] == "default" and inner["schema"]["type"] == "nullable")
