"""One step of the demo: what was done, and what stands on chain after it, read back from the ledger."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gridledger.model.errors import FieldValue

__all__ = ["ChainEntry", "Sheet", "Step"]


@dataclass(frozen=True, kw_only=True)
class ChainEntry:
    """A record that stands on chain, as a person reads it."""

    key: str
    """Its key: object type and parts."""
    value: str

    def to_value(self) -> dict[str, FieldValue]:
        """Return it as plain data."""
        return {"key": self.key, "value": self.value}


@dataclass(frozen=True, kw_only=True)
class Sheet:
    """Rows that did not come from the chain: content that was delivered, balances, findings."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]

    def to_value(self) -> dict[str, FieldValue]:
        """Return it as plain data."""
        return {
            "title": self.title,
            "rows": [dict(zip(self.columns, row, strict=True)) for row in self.rows],
        }


@dataclass(frozen=True, kw_only=True)
class Step:
    """A step that was taken."""

    title: str
    text: str
    """What was done and why, in a sentence or two."""
    chain: Sequence[ChainEntry] = ()
    sheets: Sequence[Sheet] = ()
    milliseconds: int = 0

    def to_value(self) -> dict[str, FieldValue]:
        """Return it as plain data."""
        return {
            "step": self.title,
            "text": self.text,
            "milliseconds": self.milliseconds,
            "chain": [entry.to_value() for entry in self.chain],
            "sheets": [sheet.to_value() for sheet in self.sheets],
        }
