"""`gridledger response`: terminals and server of demand response, their demands and proofs."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import click

from gridledger.cli.command import with_output
from gridledger.cli.output import Output, fields, table
from gridledger.cli.response_option import Settings, SettingsChoice, with_settings
from gridledger.cli.response_ven_cmd import commands
from gridledger.cli.trust_option import OUT, TrustChoice, read_file, with_trust, write_out
from gridledger.cli.watching_option import with_watching
from gridledger.client import Connection
from gridledger.model.errors import FieldValue
from gridledger.model.record_proof import RecordProof
from gridledger.model.response import TerminalEntry, TerminalIdentifier, TerminalKind
from gridledger.response.certificate import prove_record, verify_record
from gridledger.response.database import open_database
from gridledger.response.message import LoadReading
from gridledger.response.programs import (
    Modules,
    agent_of,
    open_party,
    open_store,
    register_terminals,
    run_chain,
    run_server,
    run_terminal,
)
from gridledger.response.record_store import wall_clock_ms
from gridledger.response.server import DemandRegister, ServerStore
from gridledger.response.server.chart import draw_report
from gridledger.response.settings import ServerSettings, TerminalSettings
from gridledger.response.terminal.business import Business

__all__ = ["group"]

_WATCH_S: Final = 2.0
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

    asyncio.run(run_terminal(settings, feed, modules=Modules(modules)))
    output.show(_status(settings), _drawn_status)


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
@click.argument("number", type=click.IntRange(1))
@click.option("--terminal", "terminal_id", help="Which terminal's, from a server's configuration.")
@OUT
@with_settings
@with_output
def prove(output: Output, choice: SettingsChoice, number: int, terminal_id: str | None, out: Path) -> None:
    """Write a proof of record NUMBER, which a third party verifies offline."""
    settings = choice.any()
    if isinstance(settings, TerminalSettings):
        identifier = settings.terminal
    elif terminal_id is not None:
        identifier = TerminalIdentifier.parse(terminal_id)
    else:
        raise click.UsageError("want --terminal with a server's configuration")
    proof = asyncio.run(_prove(settings, identifier, number))
    data = proof.to_bytes()
    write_out(out, data)
    output.show({"record": number, "file": str(out), "bytes": len(data)}, fields)


async def _prove(settings: Settings, identifier: TerminalIdentifier, number: int) -> RecordProof:
    store = open_store(settings)
    try:
        kept, run = store.record(identifier, number), store.run_of(identifier, number)
    finally:
        store.close()
    async with open_party(settings) as party:
        return await prove_record(party.network, kept, run)


@group.command()
@click.argument("record", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@with_trust
@with_output
def verify(output: Output, trust: TrustChoice, record: Path) -> None:
    """Verify the proof in RECORD without a network: what was sent, when, and whether both sides agree."""
    found = verify_record(RecordProof.from_bytes(read_file(record)), trust.open())
    value: dict[str, FieldValue] = {
        "terminal": found.terminal,
        "number": found.number,
        "time_ms": found.time_ms,
        "data": found.data.decode("utf-8", "replace"),
        "state": found.state.value,
        "anchored_ms": found.anchored_ms,
        "server_anchored_ms": found.server_anchored_ms,
        "transaction": found.tx_id,
        "channel": found.channel,
        "block": found.block_number,
        "block_hash": found.block_hash.hex(),
        "orderers": found.orderers,
        "executed_by": ", ".join(found.executed_by),
        "read_by": ", ".join(found.read_by),
        "read_mark_ms": found.mark_ms,
    }
    output.show(value, fields)


@group.command()
@click.option("--watch", is_flag=True, help="Show it again every two seconds, until interrupted.")
@with_settings
@with_output
def status(output: Output, choice: SettingsChoice, watch: bool) -> None:
    """Show how many records are in each state, how runs compare, what was refused, what is under way."""
    settings = choice.any()
    while watch:
        output.step(_status(settings), _drawn_status)
        time.sleep(_WATCH_S)
    output.show(_status(settings), _drawn_status)


@group.command()
@click.option(
    "--age", "age_s", type=click.FloatRange(0), default=None, help="Seconds; the configuration's keep_s."
)
@with_settings
@with_output
def clean(output: Output, choice: SettingsChoice, age_s: float | None) -> None:
    """Delete rows of records that are settled for long; their digests stay, and prove them."""
    settings = choice.any()
    store = open_store(settings)
    keep_s = settings.chain.keep_s if age_s is None else age_s
    gone = 0
    try:
        while removed := store.clean(int(keep_s * 1000)):
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


def _status(settings: Settings) -> dict[str, FieldValue]:
    store = open_store(settings)
    try:
        return {
            "owner": store.owner,
            "records": {state.value: count for state, count in store.tally().items()},
            "runs": dict(sorted(store.comparisons().items())),
            "under_way": [tx_id for tx_id, _ in store.envelopes()],
            "refused": [
                {"terminal": name, "number": number, "code": code} for name, number, code in store.refused(20)
            ],
        }
    finally:
        store.close()


def _drawn_status(value: dict[str, Any]) -> Any:
    from rich.console import Group

    head = {"owner": value["owner"], "under way": ", ".join(value["under_way"]) or "nothing"}
    counts = {f"records {name}": count for name, count in value["records"].items() if count}
    runs = {f"runs {name}": count for name, count in value["runs"].items()}
    parts = [fields(head | counts | runs)]
    if value["refused"]:
        parts.append(table(value["refused"], {name: name for name in ("terminal", "number", "code")}))
    return Group(*parts)


for _command in commands:
    group.add_command(_command)
