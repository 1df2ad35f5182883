"""Batches: many items in one call, a result for each; a refused item does not stop the others."""

from __future__ import annotations

from collections.abc import Sequence

from gridledger.model.device import MAX_BATCH_ITEMS, ItemResult
from gridledger.model.errors import ContractError, ModelError
from gridledger.model.refusals import BadArgument, LimitExceeded

__all__ = ["accepted", "check_batch", "refused"]


def check_batch(items: Sequence[object], *, limit: int = MAX_BATCH_ITEMS, what: str = "items") -> None:
    """Refuse an empty batch and one of more than `limit` items.

    Raises
    ------
    BadArgument, LimitExceeded
    """
    if not items:
        raise BadArgument({what: "there are none"})
    if len(items) > limit:
        raise LimitExceeded(what, limit=limit, actual=len(items))


def accepted(item: str, identifier: object = None) -> ItemResult:
    """Return the result of an accepted item, and the identifier that it was given."""
    return ItemResult(item=item, identifier=None if identifier is None else str(identifier))


def refused(item: str, error: ContractError | ModelError) -> ItemResult:
    """Return the result of a refused item."""
    refusal = error if isinstance(error, ContractError) else BadArgument.from_model_error(error)
    return ItemResult(item=item, code=refusal.code, message=refusal.message)
