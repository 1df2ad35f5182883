"""`gridledger response`: terminals and server of demand response, their demands and proofs."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import click

from gridledger.cli.command import with_output
from gridledger.cli.output import Output, fields, table
from gridledger.cli.response_option import SettingsChoice, with_settings
from gridledger.cli.response_proof_cmd import commands as proof_commands
from gridledger.cli.response_ven_cmd import commands as ven_commands
from gridledger.cli.trust_option import write_out
from gridledger.cli.watching_option import with_watching
from gridledger.client import Connection
from gridledger.model.errors import FieldValue
from gridledger.model.response import TerminalEntry, TerminalIdentifier, TerminalKind
from gridledger.response.database import open_database
from gridledger.response.message import LoadReading
from gridledger.response.programs import (
    Modules,
    agent_of,
    open_store,
    register_terminals,
    run_chain,
    run_server,
    run_terminal,
)
from gridledger.response.record_store import RecordStore, wall_clock_ms
from gridledger.response.server import DemandRegister, ServerStore
from gridledger.response.server.chart import draw_report
from gridledger.response.settings import ServerSettings
from gridledger.response.terminal.business import Business
from gridledger.web import relax_collector

__all__ = ["group"]

_MODULES = click.option(
    "--modules",
    type=click.Choice([one.value for one in Modules]),
    default=Modules.ALL.value,
    show_default=True,
    help="Which modules this process runs; each may have a process of its own.",
)


@click.group("response")
def group() -> None:
    """Run demand response: terminals, their server, and anchors beside the business path."""


@group.command()
@click.argument("terminal")
@click.option(
    "--kind", type=click.Choice([one.value for one in TerminalKind]), required=True, help="What it sends."
)
@click.option("--site", required=True, help="Where it stands; a pseudonym, as the ledger shows it.")
@click.option(
    "--connection",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    required=True,
    help="The terminal's connection, whose certificate names its key.",
)
@with_settings
@with_output
def register(
    output: Output, choice: SettingsChoice, terminal: str, kind: str, site: str, connection: Path
) -> None:
    """Register TERMINAL on the ledger and at this server, whose system's agent calls."""
    settings = choice.server()
    agent = agent_of(Connection.from_file(connection))
    entry = TerminalEntry(
        identifier=TerminalIdentifier.parse(terminal), kind=TerminalKind(kind), site=site, agent=agent
    )
    asyncio.run(register_terminals(settings, [entry]))
    output.show({"terminal": terminal, "kind": kind, "site": site, "agent": agent.subject}, fields)


@group.command()
@_MODULES
@click.option("--port-file", type=click.Path(path_type=Path, dir_okay=False), help="Gets the port.")
@with_settings
@with_output
@with_watching
def server(output: Output, choice: SettingsChoice, modules: str, port_file: Path | None) -> None:
    """Serve terminals, until SIGINT or SIGTERM."""
    settings = choice.server()
    if modules == Modules.CHAIN:
        output.step({"modules": modules}, lambda _: "The chain module runs.")
        asyncio.run(run_chain(settings))
    else:
        run_server(settings, modules=Modules(modules), port_file=port_file)


@group.command()
@_MODULES
@click.option(
    "--readings",
    type=click.File("r"),
    help="Lines `start_ms,length_s,energy_wh` of an IoT terminal; - for standard input.",
)
@click.option("--every", type=click.FloatRange(0, 86_400), default=0.0, help="Seconds between two readings.")
@click.option("--once", is_flag=True, help="End when all records are answered and anchored.")
@with_settings
@with_output
@with_watching
def terminal(
    output: Output, choice: SettingsChoice, modules: str, readings: Any, every: float, once: bool
) -> None:
    """Run a terminal: take readings, or answer demands; until SIGINT or SIGTERM, or all is done."""
    settings = choice.terminal()
    if modules == Modules.CHAIN:
        output.step({"modules": modules}, lambda _: "The chain module runs.")
        asyncio.run(run_chain(settings))
        return

    async def feed(business: Business) -> None:
        for line in readings or ():
            number = await business.accept(_reading(line))
            if not once:
                output.step({"number": number}, lambda value: f"record {value['number']} is accepted")
            await asyncio.sleep(every)
        if once:
            await business.finish(chain=modules == Modules.ALL)
        else:
            await asyncio.Event().wait()

    relax_collector()
    asyncio.run(run_terminal(settings, feed, modules=Modules(modules)))
    store = open_store(settings)
    try:
        output.show(_status(store), _drawn_status)
    finally:
        store.close()


def _reading(line: str) -> bytes:
    words = line.strip().split(",")
    try:
        start_ms, length_s, energy_wh = (int(word) for word in words)
    except ValueError as error:
        raise click.UsageError(f"want start_ms,length_s,energy_wh, not {line.strip()[:60]!r}") from error
    return LoadReading(start_ms=start_ms, length_s=length_s, energy_wh=energy_wh).to_bytes()


@group.command()
@click.option("--since", "since_ms", type=click.IntRange(0), default=0, help="Begin at this time (ms).")
@click.option("--derive", is_flag=True, help="Derive demands from the loads first, as the server does.")
@with_settings
@with_output
def demand(output: Output, choice: SettingsChoice, since_ms: int, derive: bool) -> None:
    """Show the demands that the server published."""
    settings = choice.server()
    with _register_of(settings) as register_:
        if derive:
            register_.publish(settings.rule, wall_clock_ms(), terminals=_count_iot(settings))
        found = register_.demands(since_ms)
    columns = ("id", "start_ms", "length_s", "reduction_wh", "load_wh", "readings", "rule")
    rows: list[FieldValue] = [{name: one.to_value()[name] for name in columns} for one in found]
    output.show(rows, lambda shown: table(shown, {name: name for name in columns}))


@group.command()
@click.argument("demand_id", required=False)
@click.option(
    "--plot",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Gets a picture (SVG): demands, promises, reductions, and who answered.",
)
@with_settings
@with_output
def report(output: Output, choice: SettingsChoice, demand_id: str | None, plot: Path | None) -> None:
    """Show what came of DEMAND_ID, or of all demands: who answered, baseline, load, reduction."""
    settings = choice.server()
    with _register_of(settings) as register_:
        demands = [register_.demand(demand_id)] if demand_id else register_.demands()
        held = [(each, register_.performance(each, settings.baseline)) for each in demands]
    if plot is not None:
        write_out(plot, draw_report(held).encode())
    found = [one for _, performances in held for one in performances]
    columns = ("demand", "site", "promised_wh", "baseline_wh", "actual_wh", "reduced_wh")
    rows: list[FieldValue] = [{name: getattr(one, name) for name in columns} for one in found]
    output.show(rows, lambda shown: table(shown, {name: name for name in columns}))


@group.command()
@click.option("--watch", is_flag=True, help="Show it as it changes, until interrupted.")
@click.option(
    "--every", type=click.FloatRange(0.1, 3600), default=2.0, show_default=True, help="Seconds; of --watch."
)
@click.option("--times", type=click.IntRange(1), help="End --watch after so many looks.")
@with_settings
@with_output
def status(output: Output, choice: SettingsChoice, watch: bool, every: float, times: int | None) -> None:
    """Show how many records are in each state, how runs compare, what was refused, what is under way."""
    store = open_store(choice.any())
    try:
        if not watch:
            output.show(_status(store), _drawn_status)
            return
        with output.live() as show:
            for looked in count(1):
                show(_status(store), _drawn_status)
                if looked == times:
                    return
                time.sleep(every)
    finally:
        store.close()


@group.command()
@click.option(
    "--age", "age_s", type=click.FloatRange(0), default=None, help="Seconds; the configuration's keep_s."
)
@with_settings
@with_output
def clean(output: Output, choice: SettingsChoice, age_s: float | None) -> None:
    """Delete rows of records that are settled for long; their digests stay, and prove them to who has them.

    Where the configuration names an export, each run is written there before.
    """
    settings = choice.any()
    store = open_store(settings)
    keep_s = settings.chain.keep_s if age_s is None else age_s
    gone = 0
    try:
        while removed := store.clean(int(keep_s * 1000), settings.chain.keeper):
            gone += removed
    finally:
        store.close()
    output.show({"deleted": gone}, fields)


def _count_iot(settings: ServerSettings) -> int:
    store = ServerStore(open_database(settings.database, settings.folder), settings.system)
    try:
        return store.count_terminals(TerminalKind.IOT)
    finally:
        store.close()


@contextmanager
def _register_of(settings: ServerSettings) -> Iterator[DemandRegister]:
    store = open_store(settings)
    database = open_database(settings.database, settings.folder)
    try:
        yield DemandRegister(database)
    finally:
        database.close()
        store.close()


def _status(store: RecordStore) -> dict[str, FieldValue]:
    return {
        "owner": store.owner,
        "records": {state.value: number for state, number in store.tally().items()},
        "runs": dict(sorted(store.comparisons().items())),
        "under_way": [tx_id for tx_id, _ in store.envelopes()],
        "refused": [
            {"terminal": name, "number": number, "code": code} for name, number, code in store.refused(20)
        ],
    }


def _drawn_status(value: dict[str, Any]) -> Any:
    from rich.console import Group

    head = {"owner": value["owner"], "under way": ", ".join(value["under_way"]) or "nothing"}
    counts = {f"records {name}": number for name, number in value["records"].items() if number}
    runs = {f"runs {name}": number for name, number in value["runs"].items()}
    parts = [fields(head | counts | runs)]
    if value["refused"]:
        parts.append(table(value["refused"], {name: name for name in ("terminal", "number", "code")}))
    return Group(*parts)


for _command in (*proof_commands, *ven_commands):
    group.add_command(_command)
