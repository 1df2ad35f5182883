"""`gridledger statistics`: who asks for what, what it brings, and what owners are told, as tables."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from gridledger.cli.command import with_output
from gridledger.cli.model_option import with_model
from gridledger.cli.output import Output
from gridledger.cli.table_view import show_table, with_csv
from gridledger.exchange.readmodel import (
    ReadModel,
    RevenueBy,
    StatisticsQuery,
    count_hours,
    count_queries,
    list_unused,
    list_use,
    sum_revenue,
)
from gridledger.model.period import Day

__all__ = ["group"]

F = TypeVar("F", bound=Callable[..., object])


@click.group("statistics")
def group() -> None:
    """Count what was asked for and sum what was paid, as a read model has it."""


def _with_query(function: F) -> F:
    for option in (
        click.option("--limit", default=100, show_default=True, help="Rows, up to 1,000."),
        click.option("--last", help="Last day, YYYY-MM-DD of UTC."),
        click.option("--first", help="First day."),
        click.option("--application", help="One data application."),
        click.option("--owner", help="One owner's system identifier."),
    ):
        function = option(function)
    return function


def _query(options: dict[str, Any]) -> StatisticsQuery:
    first = None if options["first"] is None else Day(options["first"])
    last = None if options["last"] is None else Day(options["last"])
    chosen: dict[str, int] = {}
    if first is not None:
        chosen["from_ms"] = first.start_ms()
    if last is not None:
        chosen["until_ms"] = last.following().start_ms()
    return StatisticsQuery(
        owner=options["owner"], application=options["application"], limit=options["limit"], **chosen
    )


def _headings(*names: str) -> dict[str, str]:
    return {name: name.replace("_milliyuan", ", milli-yuan").replace("_", " ") for name in names}


@group.command()
@_with_query
@with_csv
@with_output
@with_model
def queries(model: ReadModel, output: Output, /, as_csv: bool, **options: Any) -> None:
    """Count which application asked which owner for which function."""
    rows = count_queries(model, _query(options))
    columns = _headings("application", "function", "owner", "resolutions", "fields", "withheld")
    show_table(output, rows, columns, as_csv=as_csv)


@group.command()
@click.option(
    "--by",
    type=click.Choice([one.value for one in RevenueBy]),
    default=RevenueBy.OWNER.value,
    show_default=True,
)
@_with_query
@with_csv
@with_output
@with_model
def revenue(model: ReadModel, output: Output, /, by: str, as_csv: bool, **options: Any) -> None:
    """Sum what was paid for fields: by owner, field or application."""
    rows = sum_revenue(model, RevenueBy(by), _query(options))
    columns = {**_headings("by", "sales", "amount_milliyuan"), "by": by}
    show_table(output, rows, columns, as_csv=as_csv)


@group.command()
@_with_query
@with_csv
@with_output
@with_model
def unused(model: ReadModel, output: Output, /, as_csv: bool, **options: Any) -> None:
    """List active fields that no resolution has named."""
    rows = list_unused(model, _query(options))
    show_table(output, rows, _headings("field", "published"), as_csv=as_csv)


@group.command()
@click.option("--offset", default=0, help="Minutes that the clock is ahead of UTC: 480 for China.")
@_with_query
@with_csv
@with_output
@with_model
def hours(model: ReadModel, output: Output, /, offset: int, as_csv: bool, **options: Any) -> None:
    """Count resolutions by hour of the day."""
    rows = count_hours(model, _query(options), offset_minutes=offset)
    show_table(output, rows, _headings("hour", "resolutions"), as_csv=as_csv)


@group.command()
@click.argument("system")
@click.option("--after", default="", help="The last field of the page before.")
@click.option("--limit", default=100, show_default=True, help="Fields, up to 1,000.")
@with_csv
@with_output
@with_model
def feedback(model: ReadModel, output: Output, /, system: str, after: str, limit: int, as_csv: bool) -> None:
    """Tell the owner SYSTEM of each of its fields: when it was allocated, and what became of it since."""
    rows = list_use(model, system, after=after, limit=limit)
    columns = _headings("field", "state", "published", "resolutions", "withheld", "sales", "amount_milliyuan")
    show_table(output, rows, columns, as_csv=as_csv)
