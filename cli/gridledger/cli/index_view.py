"""How commands show what an index answers."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from gridledger.cli.output import Output, table
from gridledger.lake.index import Answer, DiscriminantTable, FeatureSet, Index
from gridledger.model.digest import Digest
from gridledger.model.errors import FieldValue

if TYPE_CHECKING:
    from rich.console import RenderableType

__all__ = ["answer_value", "show_answer", "show_steps", "table_value"]

_MICRO = 1e6


def table_value(held: DiscriminantTable) -> dict[str, FieldValue]:
    """Return what the discriminant layer says of all of an index."""
    return {
        "index": held.index,
        "features": held.features,
        "datasets_of": held.datasets,
        "generation": held.generation,
        "clustering": held.clustering,
        "bandwidth_millionths": held.bandwidth_micro,
        "clusters": len(held.clusters),
        "entries": held.entries,
        "digest": str(Digest.of(held.to_bytes())),
    }


def answer_value(
    features: FeatureSet, answer: Answer, data: Sequence[bytes] | None = None
) -> dict[str, FieldValue]:
    """Return an answer; distances in millionths, features in last places."""
    matches: list[FieldValue] = []
    for number, match in enumerate(answer.matches):
        at = match.entry.location
        value: dict[str, FieldValue] = {
            "dataset": at.dataset,
            "version": at.version,
            "first": at.first,
            "count": at.count,
            "cluster": match.cluster,
            "distance_millionths": round(match.distance * _MICRO),
            "features": dict(zip(features.names, match.entry.fixed, strict=True)),
            "labels": list(match.entry.labels),
        }
        if data is not None:
            value |= _data(data[number])
        matches.append(value)
    return {
        "rejected": answer.is_rejected,
        "generation": answer.generation,
        "clusters": list(answer.clusters),
        "reads": answer.reads,
        "matches": matches,
    }


def show_answer(
    output: Output, features: FeatureSet, answer: Answer, data: Sequence[bytes] | None = None
) -> None:
    """Show what was found."""

    def drawn(shown: dict[str, Any]) -> RenderableType:
        if not shown["matches"]:
            return "no match: no cluster can have one" if shown["rejected"] else "no match"
        rows = [
            {
                **found,
                "distance": f"{found['distance_millionths'] / _MICRO:.6f}",
                "says": features.text([*found["features"].values()]),
                "data": found.get("text", found.get("base64", "")),
            }
            for found in shown["matches"]
        ]
        heads = {key: key for key in ("dataset", "version", "first", "count", "cluster", "distance")}
        return table(rows, {**heads, "says": "features", **({} if data is None else {"data": "data"})})

    output.show(answer_value(features, answer, data), drawn)


def show_steps(output: Output, index: Index, answer: Answer) -> None:
    """Show a query's way through the layers."""
    rows = {row.label: row.description for row in index.table.clusters}
    steps: list[FieldValue] = [
        {
            "step": step.name.value,
            "considered": step.considered,
            "kept": step.kept,
            "reads": step.reads,
            "nanoseconds": step.nanoseconds,
        }
        for step in answer.steps
    ]
    value: dict[str, FieldValue] = {
        "rejected": answer.is_rejected,
        "generation": answer.generation,
        "clusters": {label: rows.get(label, "") for label in answer.clusters},
        "steps": steps,
    }

    def drawn(shown: dict[str, Any]) -> RenderableType:
        from rich.console import Group

        told = table(
            shown["steps"], {key: key for key in ("step", "considered", "kept", "reads", "nanoseconds")}
        )
        if shown["rejected"]:
            return Group(told, "rejected: no cluster can have a match")
        return Group(told, *(f"{label}: {text}" for label, text in shown["clusters"].items()))

    output.show(value, drawn)


def _data(data: bytes) -> dict[str, FieldValue]:
    try:
        return {"text": data.decode()}
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(data).decode()}
