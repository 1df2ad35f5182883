"""A table of an owner's database as it is there: its columns' types, and statements over them.

Every name is quoted and qualified by its table: SQLite reads an unknown quoted name as text otherwise. Every
value is bound, with the type of its column.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from enum import StrEnum
from functools import cached_property
from typing import Any, Final, Self, TypeAlias
from uuid import UUID

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Engine,
    Executable,
    MetaData,
    Select,
    String,
    Table,
    bindparam,
    cast,
    func,
    inspect,
    literal,
    null,
    select,
    types,
)
from sqlalchemy.sql import quoted_name

from gridledger.exchange.cell import number_text
from gridledger.exchange.errors import SourceUnreadable
from gridledger.exchange.field_source import FieldSource
from gridledger.model.period import Day, Frequency, Period

__all__ = ["PAGE_ROWS", "SourceTable"]

PAGE_ROWS: Final = 5_000
"""Rows a statement: a page of 15-minute values is almost two months, and is read in milliseconds."""

MAX_PERIODS: Final = 20_000
"""Periods of one field of one device that are listed: 54 years of days."""

Query: TypeAlias = tuple[Executable, dict[str, object]]
"""A statement and its values."""

_DAY_FORM: Final = "YYYY-MM-DD"


class _Kind(StrEnum):
    """How moments are compared with a column."""

    TEXT = "text"
    DATE = "date"
    MOMENT = "moment"
    ZONED = "zoned moment"


@dataclass(frozen=True)
class SourceTable:
    """The table of a field, with what is read of it."""

    source: FieldSource
    table: Table
    column_types: Mapping[str, types.TypeEngine[Any]]
    dialect: str

    @classmethod
    def find(cls, engine: Engine, connection: Connection, source: FieldSource) -> Self:
        """Look a field's table up.

        Raises
        ------
        SourceUnreadable
            There is no such table, or one of the columns is not there.
        """
        inspector = inspect(connection)
        name = quoted_name(source.table, quote=True)
        if not (
            inspector.has_table(name, schema=source.schema)
            or source.table in inspector.get_view_names(schema=source.schema)
        ):
            raise SourceUnreadable(f"there is no table {source.table}", field=source.name)
        there = {str(one["name"]): one["type"] for one in inspector.get_columns(name, schema=source.schema)}
        lacking = [name for name in source.columns() if name not in there]
        if lacking:
            raise SourceUnreadable(f"{source.table} has no column {', '.join(lacking)}", field=source.name)
        native = engine.dialect.name == "postgresql"
        kinds = {name: there[name] if native else types.NullType() for name in source.columns()}
        columns = (Column(quoted_name(name, quote=True), kind) for name, kind in kinds.items())
        table = Table(name, MetaData(), *columns, schema=_schema(source))
        return cls(source, table, kinds, engine.dialect.name)

    def page(self, own_code: object, period: Period, after: object, *, size: int) -> Query:
        """Select a page of keys, values and times, from the last key of the page before, itself included.

        Notes
        -----
        No OFFSET: a page costs what it holds. The last key comes again, and so shows whether it stands twice.
        """
        values = {"own_code": own_code, "size": size, **self._moments(period)}
        if after is None:
            return (self._first_page_in if period.days() else self._first_page), values
        return (self._next_page_in if period.days() else self._next_page), values | {"after": after}

    def nameless(self, own_code: object, period: Period) -> Query:
        """Select a row without a key."""
        values = {"own_code": own_code, **self._moments(period)}
        return (self._nameless_in if period.days() else self._nameless), values

    def periods(self, own_code: object, frequency: Frequency) -> Query:
        """Select the days or months in which a device has rows, as texts.

        Raises
        ------
        SourceUnreadable
            The field has no column of times.
        """
        part = func.substr(self._day_text(), 1, 7 if frequency is Frequency.MONTH else 10)
        rows = select(part).where(self._device(), self._time().is_not(None))
        return rows.distinct().order_by(part).limit(MAX_PERIODS), {"own_code": own_code}

    def own_code(self, text: str) -> object | None:
        """Return an own code as its column compares it; None if the column cannot hold it."""
        kind = self.column_types[self.source.own_code]
        if self.dialect != "postgresql":
            return text
        if isinstance(kind, types.Integer):
            digits = text.removeprefix("-")
            return (
                int(text)
                if digits.isdecimal() and digits.isascii() and number_text(int(text)) == text
                else None
            )
        if isinstance(kind, types.Uuid):
            try:
                return UUID(text)
            except ValueError:
                return None
        if isinstance(kind, types.String):
            return None if "\x00" in text else text
        raise SourceUnreadable(f"own codes are text or integers, not {kind}", field=self.source.name)

    # Statements are made once: an owner reads thousands of devices by the same, and making one costs more
    # than running it.

    @cached_property
    def _first_page(self) -> Select[Any]:
        key, value = self._column(self.source.key), self._column(self.source.value)
        time_column = null() if self.source.time is None else self._column(self.source.time)
        query = select(key, value, time_column).where(self._device())
        return query.order_by(key).limit(bindparam("size", type_=types.Integer()))

    @cached_property
    def _first_page_in(self) -> Select[Any]:
        return self._first_page.where(*self._within())

    @cached_property
    def _next_page(self) -> Select[Any]:
        return self._first_page.where(self._from_last())

    @cached_property
    def _next_page_in(self) -> Select[Any]:
        return self._first_page_in.where(self._from_last())

    @cached_property
    def _nameless(self) -> Select[Any]:
        nameless = self._column(self.source.key).is_(None)
        return select(literal(1)).where(self._device(), nameless).limit(1)

    @cached_property
    def _nameless_in(self) -> Select[Any]:
        return self._nameless.where(*self._within())

    def _from_last(self) -> ColumnElement[bool]:
        key = self._column(self.source.key)
        return key >= bindparam("after", type_=key.type)

    def _device(self) -> ColumnElement[bool]:
        column = self._column(self.source.own_code)
        return column == bindparam("own_code", type_=column.type)

    def _within(self) -> tuple[ColumnElement[bool], ...]:
        column, kind = self._time(), self._time_kind()
        compared = column.collate("C") if kind is _Kind.TEXT and self.dialect == "postgresql" else column
        return (
            compared >= bindparam("first", type_=column.type),
            compared < bindparam("after_last", type_=column.type),
        )

    def _moments(self, period: Period) -> dict[str, object]:
        days = period.days()
        if days is None:
            return {}
        kind = self._time_kind()
        return {"first": _moment(kind, days[0]), "after_last": _moment(kind, days[1].following())}

    def _day_text(self) -> ColumnElement[Any]:
        column, kind = self._time(), self._time_kind()
        if kind is _Kind.TEXT:
            return column
        if kind is _Kind.ZONED:
            return func.to_char(func.timezone("UTC", column), _DAY_FORM)
        return func.to_char(cast(column, types.TIMESTAMP()), _DAY_FORM)

    def _time_kind(self) -> _Kind:
        kind = self.column_types[str(self.source.time)]
        if isinstance(kind, types.DateTime):
            return _Kind.ZONED if kind.timezone else _Kind.MOMENT
        if isinstance(kind, types.Date):
            return _Kind.DATE
        if isinstance(kind, String | types.NullType):
            return _Kind.TEXT
        raise SourceUnreadable(f"times are text, dates or moments, not {kind}", field=self.source.name)

    def _time(self) -> Column[Any]:
        if self.source.time is None:
            raise SourceUnreadable("the field has no column of times", field=self.source.name)
        return self._column(self.source.time)

    def _column(self, name: str) -> Column[Any]:
        return self.table.c[name]


def _schema(source: FieldSource) -> str | None:
    return None if source.schema is None else quoted_name(source.schema, quote=True)


def _moment(kind: _Kind, day: Day) -> object:
    if kind is _Kind.TEXT:
        return str(day)
    start = date.fromisoformat(str(day))
    if kind is _Kind.DATE:
        return start
    return datetime.combine(start, time(), tzinfo=UTC if kind is _Kind.ZONED else None)
