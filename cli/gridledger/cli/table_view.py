"""Tables of commands: for people, as JSON, or as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

import click

from gridledger.cli.output import Output, table
from gridledger.model.errors import FieldValue
from gridledger.model.record import ModelValue

__all__ = ["show_table", "with_csv"]

F = TypeVar("F", bound=Callable[..., object])

# Programs that open CSV files take a cell for a formula that begins with one of these.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def with_csv(function: F) -> F:
    """Give a command the option `--csv`."""
    return click.option("--csv", "as_csv", is_flag=True, help="Say results as CSV.")(function)


def show_table(
    output: Output,
    rows: Sequence[ModelValue],
    columns: Mapping[str, str],
    *,
    as_csv: bool = False,
    bookmark: str | None = None,
) -> None:
    """Show rows.

    Parameters
    ----------
    output : Output
    rows : sequence of ModelValue
    columns : mapping of str to str
        Members that are shown to people and their headings; programs and CSV get all members.
    as_csv : bool, default False
        Say them as CSV, unless JSON is wanted.
    bookmark : str, optional
        Of the next page, where the rows are a page.
    """
    values: list[FieldValue] = [row.to_value() for row in rows]
    shown: FieldValue = values if bookmark is None else {"rows": values, "bookmark": bookmark}
    if as_csv and not output.is_json:
        output.show(shown, lambda _: _csv(rows))
        return
    output.show(shown, lambda _: table([row.to_value() for row in rows], columns))
    if bookmark and not output.is_json:
        output.show(bookmark, lambda text: f"More: --bookmark {text}")


def _csv(rows: Sequence[ModelValue]) -> str:
    """Write rows with all their members, by RFC 4180; text is never a formula."""
    values = [row.to_value() for row in rows]
    names = list(dict.fromkeys(name for value in values for name in value))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(names)
    writer.writerows([_cell(value.get(name)) for name in names] for value in values)
    return text.getvalue().rstrip("\n")


def _cell(value: object) -> object:
    if value is None:
        return ""
    if isinstance(value, list):
        return _cell(" ".join(str(one) for one in value))
    if isinstance(value, str) and value.startswith(_FORMULA):
        return f"'{value}"
    return value
