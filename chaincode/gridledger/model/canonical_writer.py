"""Writers of canonical bytes straight from model values, without plain data between.

A value's schema says all that its canonical form needs: its members in the order of their names, and strings
and integers by the rules of JSON that RFC 8785 takes over. So pydantic's serialiser writes canonical bytes
itself, from a schema whose members are sorted; a batch of thousands of records is written in a third of the
time. The value that a class has written last is not written again: a record is often stored, hashed, signed
and told in one go.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from pydantic_core import PydanticSerializationError, SchemaSerializer

__all__ = ["CanonicalWriter", "canonical_writer"]

CanonicalWriter = Callable[[object], bytes | None]
"""Returns a value's canonical bytes; None where it has none, as with a lone surrogate."""

_KEPT_BYTES: Final = 1 << 18
"""Longer values are written each time: nobody should hold a delivery of megabytes that is over."""

_DATACLASS: Final = "dataclass"
_MEMBERS: Final = "dataclass-args"


def canonical_writer(schema: Mapping[str, Any]) -> CanonicalWriter:
    """Make the writer of a class of values.

    Parameters
    ----------
    schema : mapping
        The class's schema of pydantic's core. No member may be a dict, nor hold one: a dict has an order of
        its own.
    """
    serializer = SchemaSerializer(_sorted(schema))

    last: tuple[object, bytes] = (None, b"")  # of one class, and frozen: the same value has the same bytes

    def write(value: object) -> bytes | None:
        nonlocal last
        known, data = last
        if known is value:
            return data
        try:
            data = serializer.to_json(value, exclude_none=True, warnings=False)
        except (PydanticSerializationError, UnicodeEncodeError):
            return None
        if len(data) <= _KEPT_BYTES:
            last = (value, data)
        return data

    return write


def _sorted(schema: Any) -> Any:
    """Return a schema with the members of all values in the order of their names.

    Names of members are ASCII, so they sort alike as text, as UTF-16 (which RFC 8785 wants) and as bytes. A
    value in a value must not name its class: the core would take that class's own serialiser, which is not
    sorted.
    """
    if isinstance(schema, list):
        return [_sorted(item) for item in schema]
    if not isinstance(schema, Mapping):
        return schema
    found = {name: _sorted(member) for name, member in schema.items()}
    if found.get("type") == _DATACLASS:
        found |= {"cls": object, "fields": sorted(found["fields"])}
    elif found.get("type") == _MEMBERS:
        found["fields"] = sorted(found["fields"], key=lambda member: str(member["name"]))
    return found
