"""How kept objects look in an edition."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from gridledger.response.openadr.edition import Edition, ObjectType, targets_of
from gridledger.response.openadr.event import PROGRAM_ID, time_text
from gridledger.response.openadr.register import KeptObject

__all__ = ["shown", "with_targets"]


def shown(kind: ObjectType, one: KeptObject, edition: Edition) -> dict[str, Any]:
    """Return an object with its metadata, as an edition has it."""
    seen = dict(one.body)
    seen |= {
        "id": one.id,
        "createdDateTime": time_text(one.created_ms),
        "modificationDateTime": time_text(one.modified_ms),
        "objectType": kind.value,
    }
    if "targets" in seen:
        seen["targets"] = targets_of(seen["targets"], edition)
    if kind in {ObjectType.REPORT, ObjectType.SUBSCRIPTION}:
        seen.setdefault("programID", PROGRAM_ID)
    if edition is Edition.V3_1:
        seen["clientID"] = one.client
    return seen


def with_targets(targets: Sequence[Any] | None, query: Mapping[str, Any]) -> bool:
    """Tell whether an object is among those asked for: it has no targets, or one of those named."""
    wanted = set(query.get("targets") or query.get("targetValues") or ())
    if not wanted or targets is None:
        return True
    kind = query.get("targetType")
    for one in targets:
        values = one["values"] if isinstance(one, dict) else [one]
        if (kind is None or not isinstance(one, dict) or one["type"] == kind) and wanted & set(
            map(str, values)
        ):
            return True
    return False
