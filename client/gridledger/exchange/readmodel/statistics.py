"""Statistics of use, and what owners are told of their identifiers.

Sums are made when they are asked for, over the rows of what is asked about. Amounts are milli-yuan; times are
of UTC, shifted where a local clock is wanted.

Source: CN112508707B, [0067], [0068], [0099].
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, Final, TypeVar

from pydantic import Field

from gridledger.exchange.readmodel.read_model import ReadModel
from gridledger.model.record import ModelValue, value
from gridledger.model.states import IdentifierState

__all__ = [
    "MAX_ROWS",
    "Hour",
    "QueryCount",
    "Revenue",
    "RevenueBy",
    "StatisticsQuery",
    "UnusedField",
    "Use",
    "count_hours",
    "count_queries",
    "list_unused",
    "list_use",
    "sum_revenue",
]

MAX_ROWS: Final = 1000
"""Rows of a table."""

Row = TypeVar("Row", bound=ModelValue)


@value
class StatisticsQuery(ModelValue):
    """What statistics are about; all there is by default."""

    owner: str | None = None
    application: str | None = None
    from_ms: int = 0
    """Resolutions and settlements from this time on."""
    until_ms: Annotated[int, Field(le=2**52)] = 2**52
    """And before this one."""
    limit: Annotated[int, Field(ge=1, le=MAX_ROWS)] = 100


@value
class QueryCount(ModelValue):
    """How often an application asked an owner, for a function."""

    application: str
    function: str
    owner: str
    resolutions: int
    fields: int
    """Fields of the owner in these resolutions."""
    withheld: int
    """Those of them that were not forwarded."""
    last_ms: int


class RevenueBy(StrEnum):
    """What revenue is summed over."""

    OWNER = "owner"
    FIELD = "field"
    APPLICATION = "application"


@value
class Revenue(ModelValue):
    """What was earned; money that returned to its payer is in none."""

    by: str
    """The owner, field or application."""
    sales: int
    """Paid fields."""
    amount_milliyuan: int
    last_ms: int


@value
class UnusedField(ModelValue):
    """An active field that no resolution has named."""

    field: str
    allocated_ms: int
    published: int
    """Applications that it is published to."""


@value
class Hour(ModelValue):
    """Resolutions in an hour of the day."""

    hour: int
    resolutions: int


@value
class Use(ModelValue):
    """What an owner is told of one of its fields: when it was allocated, and what became of it."""

    field: str
    state: IdentifierState
    allocated_ms: int
    published: int
    resolutions: int
    withheld: int
    sales: int
    amount_milliyuan: int
    last_ms: int | None = None
    """When it was last resolved."""


def count_queries(model: ReadModel, query: StatisticsQuery) -> tuple[QueryCount, ...]:
    """Count who asked whom, for what; the most frequent first."""
    return _rows(
        model,
        QueryCount,
        "SELECT application, function, owner, count(DISTINCT resolution.id) AS resolutions,"
        " count(*) AS fields, sum(withheld) AS withheld, max(resolved_ms) AS last_ms"
        " FROM resolution JOIN target ON target.resolution = resolution.id"
        " WHERE resolved_ms >= :from_ms AND resolved_ms < :until_ms AND (:owner IS NULL OR owner = :owner)"
        " AND (:application IS NULL OR application = :application)"
        " GROUP BY application, function, owner ORDER BY resolutions DESC, application, function, owner"
        " LIMIT :limit",
        query,
    )


_REVENUE: Final = {
    RevenueBy.OWNER: "owner",
    RevenueBy.FIELD: "field",
    RevenueBy.APPLICATION: "application",
}


def sum_revenue(model: ReadModel, by: RevenueBy, query: StatisticsQuery) -> tuple[Revenue, ...]:
    """Sum what was paid; the most first."""
    return _rows(
        model,
        Revenue,
        f'SELECT {_REVENUE[by]} AS "by", count(*) AS sales, sum(amount_milliyuan) AS amount_milliyuan,'  # noqa: S608
        " max(settled_ms) AS last_ms FROM sale"
        " WHERE settled_ms >= :from_ms AND settled_ms < :until_ms AND (:owner IS NULL OR owner = :owner)"
        " AND (:application IS NULL OR application = :application)"
        " GROUP BY 1 ORDER BY amount_milliyuan DESC, 1 LIMIT :limit",
        query,
    )


_PUBLISHED: Final = (
    "(SELECT count(DISTINCT application) FROM publication WHERE publication.name = field.name"
    " AND publication.system IN (SELECT field.system UNION"
    " SELECT prefix FROM former WHERE former.system = field.system)) AS published"
)


# A field under the identifiers that it has and had, for a condition on one row of `field`.
_KNOWN: Final = (
    "WITH RECURSIVE known (name) AS (SELECT field.identifier UNION"
    " SELECT before FROM moved JOIN known ON moved.field = known.name)"
)


def list_unused(model: ReadModel, query: StatisticsQuery) -> tuple[UnusedField, ...]:
    """List active fields that no resolution names, under no identifier that they had; the oldest first."""
    return _rows(
        model,
        UnusedField,
        f"SELECT identifier AS field, allocated_ms, {_PUBLISHED} FROM field"  # noqa: S608
        f" WHERE state = '{IdentifierState.ACTIVE.value}' AND (:owner IS NULL OR system = :owner)"
        f" AND NOT EXISTS ({_KNOWN} SELECT 1 FROM target JOIN known ON target.field = known.name)"
        " ORDER BY id LIMIT :limit",
        query,
    )


def count_hours(model: ReadModel, query: StatisticsQuery, *, offset_minutes: int = 0) -> tuple[Hour, ...]:
    """Count resolutions by hour of the day, from 0 to 23.

    Parameters
    ----------
    model : ReadModel
    query : StatisticsQuery
    offset_minutes : int, default 0
        What the clock that is meant is ahead of UTC: 480 for China.
    """
    found = _rows(
        model,
        Hour,
        f"SELECT (resolved_ms / 60000 + {int(offset_minutes)}) / 60 % 24 AS hour, count(*) AS resolutions"  # noqa: S608
        " FROM resolution WHERE resolved_ms >= :from_ms AND resolved_ms < :until_ms"
        " AND (:application IS NULL OR application = :application)"
        " AND (:owner IS NULL OR EXISTS (SELECT 1 FROM target WHERE target.resolution = resolution.id"
        " AND owner = :owner)) GROUP BY 1 ORDER BY 1",
        query,
    )
    counts = {one.hour: one.resolutions for one in found}
    return tuple(Hour(hour=hour, resolutions=counts.get(hour, 0)) for hour in range(24))


def list_use(model: ReadModel, system: str, *, after: str = "", limit: int = 100) -> tuple[Use, ...]:
    """Tell an owner what became of its fields, in the order of their allocation.

    A field that has moved is told of under its new identifier, with its use under the old ones; those are
    told of as revoked, with what was theirs.

    Parameters
    ----------
    model : ReadModel
    system : str
        The owner's identifier.
    after : str, optional
        The last field of the page before.
    limit : int, default 100
        Fields a page.
    """
    with model.query() as connection:
        cursor = connection.execute(
            f"SELECT identifier AS field, state, allocated_ms, {_PUBLISHED},"  # noqa: S608
            f" ({_KNOWN} SELECT count(*) FROM target JOIN known ON target.field = name) AS resolutions,"
            f" ({_KNOWN} SELECT ifnull(sum(withheld), 0) FROM target JOIN known ON target.field = name)"
            " AS withheld,"
            f" ({_KNOWN} SELECT count(*) FROM sale JOIN known ON sale.field = name) AS sales,"
            f" ({_KNOWN} SELECT ifnull(sum(amount_milliyuan), 0) FROM sale JOIN known ON sale.field = name)"
            " AS amount_milliyuan,"
            f" ({_KNOWN} SELECT max(resolved_ms) FROM target JOIN known ON target.field = known.name"
            " JOIN resolution ON resolution.id = target.resolution) AS last_ms"
            " FROM field WHERE system = ? AND id > ifnull((SELECT id FROM field WHERE identifier = ?), 0)"
            " ORDER BY id LIMIT ?",
            (system, after, min(limit, MAX_ROWS)),
        )
        names = [column[0] for column in cursor.description]
        rows = cursor.fetchall()
    return tuple(_use(dict(zip(names, row, strict=True))) for row in rows)


def _use(row: dict[str, Any]) -> Use:
    return Use(**{**row, "state": IdentifierState(row["state"])})


def _rows(model: ReadModel, kind: type[Row], statement: str, query: StatisticsQuery) -> tuple[Row, ...]:
    given = {
        "owner": query.owner,
        "application": query.application,
        "from_ms": query.from_ms,
        "until_ms": query.until_ms,
        "limit": query.limit,
    }
    used = {name: given[name] for name in given if f":{name}" in statement}
    with model.query() as connection:
        cursor = connection.execute(statement, used)
        names = [column[0] for column in cursor.description]
        rows = cursor.fetchall()
    return tuple(kind(**dict(zip(names, row, strict=True))) for row in rows)
