"""How commands of the exchange show records of the ledger: for people shortened, for programs whole."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import click

from gridledger.cli.output import Output, fields, table
from gridledger.model.catalogue import Selector
from gridledger.model.device import ItemResult
from gridledger.model.errors import FieldValue
from gridledger.model.record import ModelValue

if TYPE_CHECKING:
    from rich.console import RenderableType

__all__ = ["record_table", "show_items", "show_page", "show_record", "show_records", "show_rows"]

_REFUSED_ITEMS = 1


def show_record(output: Output, record: ModelValue) -> None:
    """Show one record, a member a line; people are spared its schema."""

    def drawn(value: Any) -> RenderableType:
        return fields({name: member for name, member in _flat(value).items() if name != "schema"})

    output.show(record.to_value(), drawn)


def show_records(output: Output, records: Iterable[ModelValue], columns: Sequence[str]) -> None:
    """Show records, one a line.

    Parameters
    ----------
    records : iterable of ModelValue
    columns : sequence of str
        Members that are shown to people, dotted for those of parts; programs get all.
    """
    show_rows(output, [record.to_value() for record in records], columns)


def show_rows(output: Output, rows: list[FieldValue], columns: Sequence[str]) -> None:
    """Show values of records that were put together, one a line; see `show_records`."""

    output.show(rows, lambda shown: record_table(shown, columns))


def record_table(rows: Iterable[dict[str, Any]], columns: Sequence[str]) -> RenderableType:
    """Draw values of records, one a line; see `show_records`.

    Notes
    -----
    A column is headed by its last name, and by its whole one where another column has the same last name.
    """
    flat = [_flat(value) for value in rows]
    last = [column.rpartition(".")[2] for column in columns]
    heads = [name if last.count(name) == 1 else column for name, column in zip(last, columns, strict=True)]
    return table(
        flat,
        {
            column: head.replace(".", " ").replace("_", " ")
            for column, head in zip(columns, heads, strict=True)
        },
    )


def show_page(output: Output, page: ModelValue, member: str, columns: Sequence[str]) -> None:
    """Show a page of records, one a line, and where the next page begins.

    Parameters
    ----------
    page : ModelValue
        With the members `member` and `bookmark`; programs get it as it is.
    member : str
    columns : sequence of str
        As in `show_records`.
    """

    def drawn(shown: Any) -> RenderableType:
        from rich.console import Group

        rows = record_table(shown[member], columns)
        return Group(rows, f"next page: --bookmark {shown['bookmark']!r}") if shown["bookmark"] else rows

    output.show(page.to_value(), drawn)


def show_items(output: Output, results: Sequence[ItemResult]) -> None:
    """Show the result of each item of a batch; end with exit code 1 if one was refused."""

    def drawn(shown: Any) -> RenderableType:
        rows = [
            {
                "item": value["item"],
                "result": f"{value['code']} {value['message']}" if "code" in value else "accepted",
                "identifier": value.get("identifier", ""),
            }
            for value in shown
        ]
        names = ["item", "result"] + ["identifier"] * any(row["identifier"] for row in rows)
        return table(rows, {name: name for name in names})

    values: list[FieldValue] = [result.to_value() for result in results]
    output.show(values, drawn)
    if not all(result.accepted for result in results):
        raise click.exceptions.Exit(_REFUSED_ITEMS)


def _flat(value: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Bring members of parts to the top, under dotted names."""
    flat: dict[str, Any] = {}
    for name, member in value.items():
        if isinstance(member, dict):
            flat.update(_flat(member, f"{prefix}{name}."))
        elif isinstance(member, list):
            texts = [_text(one) for one in member]
            flat[prefix + name] = ("\n" if any(", " in one for one in texts) else ", ").join(texts)
        else:
            flat[prefix + name] = member
    return flat


def _text(value: Any) -> str:
    """Return a member of a list as people read it: a selector as commands take it, parts by name."""
    if not isinstance(value, dict):
        return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    if value.keys() == {"system", "name"}:
        return str(Selector.from_value(value))
    return ", ".join(f"{name} {member}" for name, member in _flat(value).items())
