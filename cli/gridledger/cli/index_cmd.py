"""`gridledger index`: data found by features or by label, in the layers of an index."""

from __future__ import annotations

import math
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gridledger.cli.command import with_output
from gridledger.cli.index_ledger_cmd import commands as ledger_commands
from gridledger.cli.index_option import (
    asked_query,
    cache_option,
    clusterer_of,
    declared_values,
    master_option,
    seeds_option,
    with_query,
)
from gridledger.cli.index_view import answer_value, show_answer, show_steps, table_value
from gridledger.cli.lake_option import with_lake
from gridledger.cli.output import Output, fields, table
from gridledger.cli.watching_option import with_watching
from gridledger.host.durable_file import write_file
from gridledger.lake.dataset_source import OwnedSource
from gridledger.lake.index import Drift, Index, estimate_bandwidth, extract, planned
from gridledger.lake.index.entry import fixed_rows, rows_of
from gridledger.lake.index.picture import draw
from gridledger.lake.lake import Lake
from gridledger.model.errors import FieldValue

if TYPE_CHECKING:
    from rich.console import RenderableType

__all__ = ["group"]

_SHARE = 0.1
"""Of its nearest entries, for whoever gives no bandwidth."""


@click.group("index")
def group() -> None:
    """Find data by features or by label: what is not there is told at once and reads nothing."""


for _command in ledger_commands:
    group.add_command(_command)


@group.command()
@click.argument("name")
@click.option("--features", help="What entries are compared by: series/1, station/1 or document/1.")
@click.option("--datasets", help="Pattern of the names of datasets, as in `lake find`.")
@click.option(
    "--declare",
    "declared",
    multiple=True,
    metavar="NAME=VALUE",
    help="Such as value=COLUMN; may be repeated.",
)
@click.option(
    "--bandwidth", type=click.FloatRange(0, min_open=True), help="Of mean shift; estimated by default."
)
@seeds_option
@master_option
@cache_option
@with_output
@with_lake
def build(
    lake: Lake,
    output: Output,
    name: str,
    features: str | None,
    datasets: str | None,
    declared: tuple[str, ...],
    bandwidth: float | None,
    seeds: str | None,
    master: str | None,
    cache: Path | None,
) -> None:
    """Build the index NAME from the lake: extract features, cluster them, write the layers.

    One that is there is built anew, with what it was built with unless told, and answers until then.
    """
    if features is None:
        before = Index.open(lake, name, cache=cache)
        plan = planned(
            name,
            before.plan.features.name,
            datasets=datasets or before.plan.datasets,
            declared=declared_values(declared) or before.plan.declared,
        )
        bandwidth = bandwidth or before.table.bandwidth
    else:
        plan = planned(name, features, datasets=datasets or "*", declared=declared_values(declared))
    with output.progress("extracting features"):
        found = extract(lake, plan)
    if not found.entries:
        raise click.UsageError(f"no dataset {plan.datasets!r} has entries")
    rows = rows_of(found.entries, plan.features)
    chosen = bandwidth or estimate_bandwidth(plan.features.coordinates(fixed_rows(rows)), share=_SHARE)
    with output.progress("clustering"), clusterer_of(master, seeds) as clusterer:
        index = Index.build(lake, plan, rows, chosen, clusterer=clusterer, cache=cache)
    value: dict[str, FieldValue] = {
        "datasets": found.datasets,
        "left_out": found.left_out,
        **table_value(index.table),
    }
    output.show(value, fields)


@group.command()
@click.argument("name")
@click.argument("pattern", required=False)
@click.option("--keep-clusters", is_flag=True, help="Do not cluster anew, however far the data drifted.")
@master_option
@cache_option
@with_output
@with_lake
def add(
    lake: Lake,
    output: Output,
    name: str,
    pattern: str | None,
    keep_clusters: bool,
    master: str | None,
    cache: Path | None,
) -> None:
    """Add what datasets hold to the index NAME: those that PATTERN names, or all that it is about.

    Data that it has make no entry. Queries see what was added at once; where the data drifted far, they are
    clustered anew after that, and swapped in.
    """
    index = Index.open(lake, name, cache=cache)
    with output.progress("extracting features"):
        found = extract(lake, index.plan, pattern)
    growth = index.add(found.entries)
    value: dict[str, FieldValue] = {
        "added": growth.added,
        "duplicates": growth.duplicates,
        "left_out": found.left_out,
        "opened": list(growth.opened),
        "generation": growth.generation,
        **_drift(growth.drift),
    }
    output.step(value, fields)
    if growth.drift.is_due and not keep_clusters:
        with output.progress("clustering anew"), clusterer_of(master) as clusterer:
            index.recluster(clusterer=clusterer)
        output.step(table_value(index.table), fields)


@group.command()
@click.argument("name")
@click.option(
    "--bandwidth", type=click.FloatRange(0, min_open=True), help="Of mean shift; that of before by default."
)
@click.option("--if-due", is_flag=True, help="Only where the data drifted far.")
@seeds_option
@master_option
@cache_option
@with_output
@with_lake
def recluster(
    lake: Lake,
    output: Output,
    name: str,
    bandwidth: float | None,
    if_due: bool,
    seeds: str | None,
    master: str | None,
    cache: Path | None,
) -> None:
    """Cluster the entries of the index NAME anew and swap the new clusters in; queries and adds go on."""
    index = Index.open(lake, name, cache=cache)
    before = index.drift
    if before.is_due or not if_due:
        with output.progress("clustering anew"), clusterer_of(master, seeds) as clusterer:
            index.recluster(clusterer=clusterer, bandwidth=bandwidth)
    value: dict[str, FieldValue] = {"before": _drift(before), **table_value(index.table)}
    output.show(value, _without_before)


@group.command()
@click.argument("name")
@click.option(
    "--every", type=click.FloatRange(0.1), default=1.0, show_default=True, help="Seconds between two looks."
)
@click.option("--once", is_flag=True, help="End after the first clustering.")
@master_option
@cache_option
@with_output
@with_watching
@with_lake
def watch(
    lake: Lake, output: Output, name: str, every: float, once: bool, master: str | None, cache: Path | None
) -> None:
    """Follow the index NAME and cluster it anew whenever its data drifted far, until a signal comes.

    Whoever adds and asks goes on meanwhile. Adds that are told --keep-clusters leave clustering to it.
    """
    index = Index.open(lake, name, cache=cache)
    with output.progress("following the index"), clusterer_of(master) as clusterer:
        while True:
            index.refresh()
            before = index.drift
            if before.is_due:
                index.recluster(clusterer=clusterer)
                output.step({"before": _drift(before), **table_value(index.table)}, _without_before)
                if once:
                    return
            time.sleep(every)


@group.command()
@click.argument("name")
@with_query
@click.option("--data", "with_data", is_flag=True, help="With the data themselves.")
@cache_option
@with_output
@with_lake
def query(
    lake: Lake, output: Output, /, name: str, with_data: bool, cache: Path | None, **asked: Any
) -> None:
    """Find entries of the index NAME by features, by label, or by both; the nearest come first."""
    index = Index.open(lake, name, cache=cache)
    wanted = asked_query(index.plan.features, **asked)
    if with_data:
        answer, data = index.query_data(wanted, OwnedSource(lake))
        show_answer(output, index.plan.features, answer, data)
    else:
        show_answer(output, index.plan.features, index.query(wanted))


@group.command()
@click.argument("name")
@with_query
@cache_option
@with_output
@with_lake
def explain(lake: Lake, output: Output, /, name: str, cache: Path | None, **asked: Any) -> None:
    """Say what each layer of the index NAME does with a query: what it got, passed on and read, and how long.

    The data of the matches are read, too.
    """
    index = Index.open(lake, name, cache=cache)
    answer, _ = index.query_data(asked_query(index.plan.features, **asked), OwnedSource(lake))
    show_steps(output, index, answer)


@group.command()
@click.argument("name")
@cache_option
@with_output
@with_lake
def stat(lake: Lake, output: Output, name: str, cache: Path | None) -> None:
    """Show the discriminant layer of the index NAME: its clusters, and how far the data drifted."""
    index = Index.open(lake, name, cache=cache)
    rows: list[FieldValue] = [
        {
            "label": row.label,
            "entries": row.count,
            "parts": len(row.parts),
            "reach": row.reach_micro,
            "description": row.description,
        }
        for row in index.table.clusters
    ]
    value: dict[str, FieldValue] = {**table_value(index.table), **_drift(index.drift), "rows": rows}

    def drawn(shown: dict[str, Any]) -> RenderableType:
        from rich.console import Group

        heads = {key: key for key in ("label", "entries", "parts", "description")}
        return Group(
            fields({key: held for key, held in shown.items() if key != "rows"}), table(shown["rows"], heads)
        )

    output.show(value, drawn)


@group.command()
@click.argument("name")
@click.argument("target", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--axes", default="", metavar="NAME,NAME", help="Two features; the first two by default.")
@with_query
@cache_option
@with_output
@with_lake
def plot(
    lake: Lake, output: Output, /, name: str, target: Path, axes: str, cache: Path | None, **asked: Any
) -> None:
    """Draw the clusters of the index NAME, and a query's way through them, into the SVG file TARGET."""
    index = Index.open(lake, name, cache=cache)
    chosen = [axis for axis in axes.split(",") if axis]
    if asked["values"] or asked["label"]:
        wanted = asked_query(index.plan.features, **asked)
        answer = index.query(wanted)
        picture = draw(index, chosen, query=wanted, answer=answer)
        value: dict[str, FieldValue] = {"file": str(target), **answer_value(index.plan.features, answer)}
    else:
        picture = draw(index, chosen)
        value = {"file": str(target), **table_value(index.table)}
    write_file(target, picture.encode())
    output.show(value, lambda shown: str(shown["file"]))


def _without_before(shown: dict[str, Any]) -> RenderableType:
    return fields({key: held for key, held in shown.items() if key != "before"})


def _drift(drift: Drift) -> dict[str, FieldValue]:
    """Return a drift in millionths: JSON has no rounding of its own."""
    return {
        "moved_millionths": round(drift.moved * 1e6) if math.isfinite(drift.moved) else None,
        "strayed_millionths": round(drift.strayed * 1e6),
        "is_due": drift.is_due,
    }
