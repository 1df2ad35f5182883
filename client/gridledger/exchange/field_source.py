"""Where the content of a field stands in its owner's database.

    [[field]]
    name = "ac_power"
    table = "reading"           # a table or a view
    own_code = "meter"          # column with the owner's code of the device
    key = "measured_at"         # column that names a row of the device
    value = "ac_power_kw"
    time = "measured_at"        # column that says to which period a row belongs: a date or moment of UTC

Names are names of any script, and nothing else: they are quoted and belong to the table, so that no text in
them is ever SQL.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Final

from gridledger.model.errors import ConfigError

__all__ = ["FieldSource", "SourceRow"]

_LONGEST_NAME: Final = 63
"""Bytes that PostgreSQL keeps of a name; it would cut a longer one and read another column."""


@dataclass(frozen=True, kw_only=True)
class FieldSource:
    """Where the content of a field stands, for all devices of the owner.

    Raises
    ------
    ConfigError
        If a name is none that a database could have.
    """

    name: str
    """The field's name."""
    table: str
    own_code: str
    """Column of the owner's code of the device."""
    key: str
    """Column that names a row of the device."""
    value: str
    """Column of the content."""
    time: str | None = None
    """Column by which rows belong to days; none where the field is deposited once."""
    data_type: str = "text"
    """The field's type: how text that reads as a number or a time is written."""
    schema: str | None = None
    """Schema of the table; the login's own by default."""

    def __post_init__(self) -> None:
        for one in fields(self):
            text = getattr(self, one.name)
            if one.name in {"name", "data_type"} or text is None:
                continue
            if not 1 <= len(text.encode("utf-8", "replace")) <= _LONGEST_NAME or not text.isprintable():
                raise ConfigError(
                    "not the name of a table or column",
                    key=one.name,
                    source=f"field {self.name}",
                    value=text[:80],
                )

    def columns(self) -> tuple[str, ...]:
        """Return the names of the columns that are read."""
        named = (self.own_code, self.key, self.value, self.time)
        return tuple(dict.fromkeys(name for name in named if name is not None))


@dataclass(frozen=True, slots=True)
class SourceRow:
    """A row as the database has it."""

    key: str
    value: str | None
    """None where the database has NULL."""
