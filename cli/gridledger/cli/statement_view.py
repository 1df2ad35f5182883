"""Statements of accounts as text and as CSV."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from gridledger.cli.output import Output, table
from gridledger.exchange.statement import Statement
from gridledger.model.account_entry import AccountEntry
from gridledger.model.money import add_amounts, format_yuan

if TYPE_CHECKING:
    from rich.console import RenderableType

__all__ = ["show_statement", "statement_csv"]

_COLUMNS = {
    "time": "time (UTC)",
    "kind": "what",
    "other": "other party",
    "cause": "order or cause",
    "yuan": "yuan",
    "available": "available",
    "held": "held",
}
_SHOWN_OF_CAUSE = 12


def show_statement(output: Output, statement: Statement) -> None:
    """Show a statement: a line for each entry, with the balances after it."""

    def drawn(_: Any) -> RenderableType:
        rows: list[Any] = [{**row, "cause": row["cause"][:_SHOWN_OF_CAUSE]} for row in _rows(statement)]
        owed = add_amounts(fee.amount_milliyuan for fee in statement.owed)
        title = (
            f"{statement.account}: opening {_balance(statement.opening.available_milliyuan)} yuan,"
            f" {_balance(statement.opening.held_milliyuan)} held; closing"
            f" {_balance(statement.closing.available_milliyuan)} yuan,"
            f" {_balance(statement.closing.held_milliyuan)} held; fees owed {format_yuan(owed)} yuan"
        )
        return table(rows, _COLUMNS, title=title)

    output.show(statement.to_value(), drawn)


def statement_csv(statement: Statement) -> str:
    """Return the entries as CSV (RFC 4180), with the balances after each, between opening and closing."""
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=list(_COLUMNS))
    writer.writeheader()
    opening, closing = statement.opening, statement.closing
    writer.writerow(_balances("opening", opening.available_milliyuan, opening.held_milliyuan))
    writer.writerows(_rows(statement))
    writer.writerow(_balances("closing", closing.available_milliyuan, closing.held_milliyuan))
    return text.getvalue()


def _rows(statement: Statement) -> list[dict[str, str]]:
    balance = statement.opening
    rows: list[dict[str, str]] = []
    for entry in statement.entries:
        balance = balance.after(entry)
        rows.append(
            {
                **_balances(_kind(entry), balance.available_milliyuan, balance.held_milliyuan),
                "time": _time(entry.made_ms),
                "other": str(entry.other or ""),
                "cause": entry.cause,
                "yuan": format_yuan(entry.amount_milliyuan),
            }
        )
    return rows


def _balances(kind: str, available_milliyuan: int, held_milliyuan: int) -> dict[str, str]:
    return {"kind": kind, "available": _balance(available_milliyuan), "held": _balance(held_milliyuan)}


def _kind(entry: AccountEntry) -> str:
    return f"{entry.kind.value} ({entry.fee.value})" if entry.fee is not None else entry.kind.value


def _balance(amount_milliyuan: int) -> str:
    # Entries stand in the order of their claimed times, so one may stand before what paid for it.
    return format_yuan(amount_milliyuan) if amount_milliyuan >= 0 else f"-{format_yuan(-amount_milliyuan)}"


def _time(time_ms: int) -> str:
    return datetime.fromtimestamp(time_ms / 1000, UTC).isoformat(timespec="milliseconds")
