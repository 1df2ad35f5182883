"""Questions to the logs: metadata, registration, allocation and resolution, a page at a time.

Source: CN112508707B, [0067].
"""

from __future__ import annotations

from typing import Annotated, Any, Final

from pydantic import Field, StringConstraints

from gridledger.exchange.readmodel.journal import Log
from gridledger.exchange.readmodel.read_model import ReadModel
from gridledger.model.record import ModelValue, value

__all__ = [
    "MAX_LINES",
    "LogLine",
    "LogPage",
    "LogQuery",
    "ResolutionLine",
    "ResolutionPage",
    "ResolutionQuery",
    "read_log",
    "read_resolutions",
]

MAX_LINES: Final = 1000
"""Lines a page: some 500 KB."""

_Size = Annotated[int, Field(ge=1, le=MAX_LINES)]
_Bookmark = Annotated[str, StringConstraints(pattern=r"^[0-9]{0,18}$")]


@value
class LogQuery(ModelValue):
    """Which lines of a log."""

    log: Log
    system: str | None = None
    """Lines of this system alone."""
    subject: str | None = None
    """Lines of this identifier, or application for one, alone; by its text it counts before `system`."""
    size: _Size = 100
    bookmark: _Bookmark = ""


@value
class LogLine(ModelValue):
    """One change: what it was, when, and who sent it."""

    number: int
    time_ms: int
    """As the caller claimed it, held to within two minutes of the chain's time."""
    subject: str
    system: str
    event: str
    """The event of the transaction."""
    before: str
    """What has changed, as it was: JSON, empty for what is new."""
    after: str
    """The same as it is now."""
    block: int
    tx_id: str
    msp_id: str
    actor: str


@value
class LogPage(ModelValue):
    """Lines in the order of the chain."""

    lines: tuple[LogLine, ...]
    bookmark: str
    """Of the next page; empty at the end."""


@value
class ResolutionQuery(ModelValue):
    """Which lines of the log of resolutions; one condition at most."""

    application: str | None = None
    owner: str | None = None
    field: str | None = None
    size: _Size = 100
    bookmark: _Bookmark = ""

    def broken_rules(self) -> list[tuple[str, str]]:
        given = [one for one in (self.application, self.owner, self.field) if one is not None]
        return [("owner", "want application, owner or field")] if len(given) > 1 else []


@value
class ResolutionLine(ModelValue):
    """One resolution: who asked for what, and what of it was withheld."""

    number: int
    resolution: str
    time_ms: int
    application: str
    user: str
    user_role: str
    function: str
    purpose: str
    device: str
    first: str
    last: str
    fields: tuple[str, ...]
    withheld: tuple[str, ...]
    """Those of the fields that were not forwarded."""
    block: int
    tx_id: str
    msp_id: str
    actor: str
    """Who sent the transaction: the aggregation system's agent."""


@value
class ResolutionPage(ModelValue):
    """Resolutions in the order of the chain."""

    lines: tuple[ResolutionLine, ...]
    bookmark: str


def read_log(model: ReadModel, query: LogQuery) -> LogPage:
    """Return a page of a log.

    Notes
    -----
    One row a line: the conditions have indexes in the order of the chain.
    """
    condition, keys = "", [query.log.value]
    if query.subject is not None:
        condition, keys = " AND subject = ?", [*keys, query.subject]
        if query.system is not None:
            condition, keys = condition + " AND +system = ?", [*keys, query.system]
    elif query.system is not None:
        condition, keys = " AND system = ?", [*keys, query.system]
    with model.query() as connection:
        rows = connection.execute(
            "SELECT id, time_ms, subject, system, event, before, after, block, tx_id, msp_id, actor"  # noqa: S608
            f" FROM entry WHERE log = ?{condition} AND id > ? ORDER BY id LIMIT ?",
            (*keys, int(query.bookmark or 0), query.size),
        ).fetchall()
    names = (
        "number",
        "time_ms",
        "subject",
        "system",
        "event",
        "before",
        "after",
        "block",
        "tx_id",
        "msp_id",
        "actor",
    )
    lines = tuple(LogLine(**dict(zip(names, row, strict=True))) for row in rows)
    return LogPage(lines=lines, bookmark=str(lines[-1].number) if len(lines) == query.size else "")


def read_resolutions(model: ReadModel, query: ResolutionQuery) -> ResolutionPage:
    """Return a page of the log of resolutions.

    Notes
    -----
    Resolutions are found by an index in the order of the chain; their fields are read by key.
    """
    start, size = int(query.bookmark or 0), query.size
    with model.query() as connection:
        if query.owner is not None or query.field is not None:
            name, key = ("owner", query.owner) if query.owner is not None else ("field", query.field)
            numbers = connection.execute(
                f"SELECT DISTINCT resolution FROM target WHERE {name} = ? AND resolution > ?"  # noqa: S608
                " ORDER BY resolution LIMIT ?",
                (key, start, size),
            ).fetchall()
        elif query.application is not None:
            numbers = connection.execute(
                "SELECT id FROM resolution WHERE application = ? AND id > ? ORDER BY id LIMIT ?",
                (query.application, start, size),
            ).fetchall()
        else:
            numbers = connection.execute(
                "SELECT id FROM resolution WHERE id > ? ORDER BY id LIMIT ?", (start, size)
            ).fetchall()
        lines: list[ResolutionLine] = []
        for (number,) in numbers:
            row = connection.execute(
                "SELECT resolution, resolved_ms, application, user, user_role, function, purpose, device,"
                " first, last, block, tx_id, msp_id, actor FROM resolution WHERE id = ?",
                (number,),
            ).fetchone()
            targets = connection.execute(
                "SELECT field, withheld FROM target WHERE resolution = ? ORDER BY field", (number,)
            ).fetchall()
            lines.append(_resolution_line(number, row, targets))
    return ResolutionPage(
        lines=tuple(lines), bookmark=str(lines[-1].number) if len(lines) == query.size else ""
    )


def _resolution_line(number: int, row: tuple[Any, ...], targets: list[tuple[str, int]]) -> ResolutionLine:
    names = (
        "resolution",
        "time_ms",
        "application",
        "user",
        "user_role",
        "function",
        "purpose",
        "device",
        "first",
        "last",
        "block",
        "tx_id",
        "msp_id",
        "actor",
    )
    told = dict(zip(names, row, strict=True))
    return ResolutionLine(
        number=number,
        fields=tuple(field for field, _ in targets),
        withheld=tuple(field for field, withheld in targets if withheld),
        **told,
    )
