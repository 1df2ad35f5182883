"""Histories: what stood under a key, the newest first; for queries."""

from __future__ import annotations

from typing import Final, TypeVar

from gridledger.model.errors import ModelError
from gridledger.model.history import Version
from gridledger.model.record import Record
from gridledger.model.refusals import DefectInContract
from gridledger.shim import Context, Key

__all__ = ["MAX_VERSIONS", "history_of"]

MAX_VERSIONS: Final = 200
"""Versions a key that one query returns: some 200 KB, and more than anything of ours has been changed."""

R = TypeVar("R", bound=Record)


async def history_of(ctx: Context, key: Key[R]) -> tuple[tuple[Version, R | None], ...]:
    """Return the versions of a record, the newest first, at most `MAX_VERSIONS`; None where it was deleted.

    Raises
    ------
    DefectInContract
        If what stood there was no such record.

    Notes
    -----
    A history is no part of the read set: what a query shows may have changed since.
    """
    found: list[tuple[Version, R | None]] = []
    async with await ctx.stub.get_history_for_key(key.to_text()) as rows:
        async for row in rows:
            if len(found) == MAX_VERSIONS:
                break
            version = Version(tx_id=row.tx_id, claimed_ms=row.timestamp.milliseconds)
            try:
                record = None if row.is_delete else key.record_type.from_bytes(row.value)
            except ModelError as error:
                raise DefectInContract(f"what stood under {key} was something else: {error}") from error
            found.append((version, record))
    return tuple(found)
