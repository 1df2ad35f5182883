"""Scalars that have one text form: identifiers, digests and their like."""

from __future__ import annotations

from typing import Any, ClassVar, Self

from pydantic import GetCoreSchemaHandler
from pydantic_core import PydanticCustomError, core_schema

from gridledger.model.errors import ModelError

__all__ = ["TextScalar"]


class TextScalar:
    """Base of immutable values that are written as one text, and as nothing else.

    A subclass gives `parse`, which accepts the canonical text only and sets `_text`; it sets `json_pattern`
    where a regular expression says most of the grammar. Values of one class compare and sort by their text.
    As a field of a record such a value is written as a JSON string; as an argument of a contract as raw text.
    """

    __slots__ = ("_text",)

    json_pattern: ClassVar[str] = ""
    """Regular expression (ECMA-262, anchored) for JSON schemas; empty for none."""

    _text: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read the canonical text; raises ModelError for any other."""
        raise NotImplementedError

    def __str__(self) -> str:
        return self._text

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._text!r})"

    def __eq__(self, other: object) -> bool:
        return self._text == other._text if type(other) is type(self) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._text)

    def __lt__(self, other: Self) -> bool:
        return self._text < other._text if type(other) is type(self) else NotImplemented

    def __le__(self, other: Self) -> bool:
        return self._text <= other._text if type(other) is type(self) else NotImplemented

    @classmethod
    def __get_pydantic_core_schema__(
        cls, _source: object, _handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        from_text = core_schema.no_info_plain_validator_function(cls._from_text)
        instance = core_schema.is_instance_schema(cls)
        return core_schema.json_or_python_schema(
            json_schema=from_text,
            python_schema=core_schema.lax_or_strict_schema(
                lax_schema=core_schema.union_schema([instance, from_text]), strict_schema=instance
            ),
            serialization=core_schema.plain_serializer_function_ser_schema(
                str, return_schema=core_schema.str_schema(), when_used="json"
            ),
        )

    @classmethod
    def __get_pydantic_json_schema__(
        cls, _schema: core_schema.CoreSchema, _handler: object
    ) -> dict[str, Any]:
        schema: dict[str, Any] = {"type": "string", "title": cls.__name__}
        if cls.json_pattern:
            schema["pattern"] = cls.json_pattern
        return schema

    @classmethod
    def _from_text(cls, text: object) -> Self:
        if isinstance(text, cls):  # JSON has none: this is a field's default.
            return text
        if not isinstance(text, str):
            raise PydanticCustomError("text", "Input should be a string")
        try:
            return cls.parse(text)
        except ModelError as error:
            problem = "; ".join(error.problems.values())
            raise PydanticCustomError("model", "{problem}", {"problem": problem}) from error
