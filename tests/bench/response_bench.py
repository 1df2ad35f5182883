"""Demand response: accepting records, receiving them, anchoring them.

python -m tests.bench.response_bench [--world devnet|fabric] [--transactions 131072] [--record]

`--transactions` is the number of records of each part.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sqlite3
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from tests.bench.ground import Ground, options
from tests.bench.report import Report
from tests.bench.response_proof import ToProof, to_proof
from tests.integration.exchange import PATIENT, deployed, enrol
from tests.integration.small_scene import small_scene
from tests.postgres import running_postgres
from tests.unit.response.fakes import SYSTEM, TERMINAL, FakeLedger, entry, reading, unknown

from gridledger.client import Gateway
from gridledger.model.digest import SALT_BYTES, Digest
from gridledger.model.identifier import SystemIdentifier
from gridledger.model.response import MAX_RUN, TerminalEntry, TerminalIdentifier, TerminalKind, TerminalRecord
from gridledger.model.roles import Role
from gridledger.network import World
from gridledger.response.chain_module import ChainModule
from gridledger.response.database import Database, SQLiteDatabase, open_database
from gridledger.response.ledger import ResponseLedger
from gridledger.response.message import RecordsMessage, SentRecord
from gridledger.response.programs import agent_of
from gridledger.response.server import DemandRegister, ServerBusiness, ServerStore
from gridledger.response.state import RecordState
from gridledger.response.terminal.store import RunSettings, TerminalStore
from gridledger.web import relax_collector

_ACCEPTED = 1500
_MESSAGE = 1000
_SENDERS = 4
"""Terminals that send at the same time."""
_OPEN = 1_000_000
_CLEANINGS = 100
"""Transactions of cleaning that writers work beside."""


@dataclass(frozen=True, kw_only=True)
class _Accepting:
    """Medians of one acceptance, in microseconds of the clock."""

    bare_us: float
    down_us: float
    up_us: float


def _accepting(folder: Path) -> _Accepting:
    """Accept records and commit bare rows by turns: both wait for the same disk."""
    bare = sqlite3.connect(folder / "bare.db", isolation_level=None)
    bare.execute("PRAGMA journal_mode = WAL")
    bare.execute("PRAGMA synchronous = FULL")
    bare.execute("CREATE TABLE row (number INTEGER PRIMARY KEY, data BLOB)")
    times: dict[str, list[float]] = {"bare": [], "down": [], "up": []}
    with _chain(folder / "up", up=True) as up, _chain(folder / "down", up=False) as down:
        for number in range(1, _ACCEPTED + 1):
            data = reading(number)
            began = time.perf_counter()
            bare.execute("INSERT INTO row VALUES (?, ?)", (number, data))
            times["bare"].append(time.perf_counter() - began)
            for name, store in (("up", up), ("down", down)):
                began = time.perf_counter()
                store.accept(data)
                times[name].append(time.perf_counter() - began)
                store.answered(number, {})
    bare.close()
    return _Accepting(**{f"{name}_us": 1e6 * median(found) for name, found in times.items()})


@contextmanager
def _chain(folder: Path, *, up: bool) -> Iterator[TerminalStore]:
    """Give a terminal's store whose chain module works in a thread, with a ledger that is up or down."""
    folder.mkdir()
    ledger = FakeLedger()

    def down(_: str) -> None:
        raise unknown()

    if not up:
        ledger.fault = down
    ends = threading.Event()

    def work() -> None:
        store = TerminalStore(SQLiteDatabase(folder / "terminal.db"), TERMINAL)
        module = ChainModule(store, ledger, on_failure=lambda _: None)

        async def passes() -> None:
            running = asyncio.create_task(module.run())
            await asyncio.to_thread(ends.wait)
            running.cancel()
            await asyncio.wait([running])

        asyncio.run(passes())
        store.close()

    store = TerminalStore(SQLiteDatabase(folder / "terminal.db"), TERMINAL, runs=RunSettings(records=64))
    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield store
    finally:
        ends.set()
        thread.join()
        store.close()


def _receiving_at(address: str, records: int) -> tuple[float, float]:
    with open_database(address, Path()) as database, open_database(address, Path()) as demands:
        return asyncio.run(_receiving(database, demands, records))


async def _receiving(database: Database, demands: Database, records: int) -> tuple[float, float]:
    """Return records received, stored and de-duplicated a second, of the clock and of this process's CPU.

    Terminals send side by side, each a message at a time as they do, and its last one twice; the business
    module judges, replies and completes as it serves.
    """
    store = ServerStore(database, SYSTEM)
    business = ServerBusiness(store, DemandRegister(demands))
    names = [TerminalIdentifier(SYSTEM, f"house-{number}.iot") for number in range(1, _SENDERS + 1)]
    each = -(-records // (_SENDERS * _MESSAGE))
    bodies = [[_message(name, 1 + _MESSAGE * n).to_bytes() for n in range(each)] for name in names]
    for name in names:
        store.add_terminal(entry(name))

    async def send(messages: list[bytes]) -> None:
        for body in (*messages, messages[-1]):
            answer = await business.receive(RecordsMessage.from_bytes(body), body)
            assert not answer.refused

    done = _SENDERS * each * _MESSAGE
    began, used = time.perf_counter(), time.process_time()
    running = asyncio.create_task(business.run())
    await asyncio.gather(*(send(one) for one in bodies))
    while store.tally()[RecordState.REQUEST_COMPLETED] < done:  # noqa: ASYNC110 (another thread's)
        await asyncio.sleep(0.01)
    seconds, cpu = time.perf_counter() - began, time.process_time() - used
    running.cancel()
    await asyncio.wait([running])
    assert store.tally()[RecordState.REQUEST_COMPLETED] == done
    assert not store.waiting()
    store.close()
    return done / seconds, done / cpu


def _message(terminal: TerminalIdentifier, first: int) -> RecordsMessage:
    records = tuple(
        SentRecord(
            number=number, run=first, time_ms=number, salt=os.urandom(SALT_BYTES), data=reading(number)
        )
        for number in range(first, first + _MESSAGE)
    )
    return RecordsMessage(terminal=terminal, records=records)


async def _on_ledger(ground: Ground, records: int) -> tuple[tuple[float, float], ToProof]:
    """Measure what wants a ledger: a chain module alone, and the whole way from a terminal to proofs."""
    network = ground.network
    async with (
        deployed(network),
        small_scene(network, SystemIdentifier("88.9442"), "bench") as small,
    ):
        connection = await asyncio.to_thread(enrol, network, "org2", "bench-house", Role.TERMINAL)
        names = [TerminalIdentifier(small.systems["one"], f"house-{number}.iot") for number in (1, 2)]
        entries = [
            TerminalEntry(identifier=name, kind=TerminalKind.IOT, site=name.name, agent=agent_of(connection))
            for name in names
        ]
        for entry_ in entries:
            await ResponseLedger(small.parties["one"].network).register_terminal(entry_)
        await asyncio.sleep(1)
        async with Gateway.connect(connection, deadlines=PATIENT) as own:
            drained = await _drain(ground.folder / "stored.db", names[0], own, records)
        return drained, await to_proof(ground.folder / "proof", small, entries[1], connection, records)


async def _drain(path: Path, terminal: TerminalIdentifier, own: Gateway, records: int) -> tuple[float, float]:
    database = SQLiteDatabase(path)
    store = TerminalStore(database, terminal, runs=RunSettings(records=MAX_RUN))
    _store_records(database, terminal, records)
    module = ChainModule(store, ResponseLedger(own.network()))
    began, used = time.perf_counter(), time.process_time()
    done = 0
    while done < records:
        done += (await module.step()).anchored
    seconds, cpu = time.perf_counter() - began, time.process_time() - used
    store.close()
    return done / seconds, done / cpu


@dataclass(frozen=True, kw_only=True)
class _Open:
    """What a million open records cost, in milliseconds."""

    query_ms: float
    """Longest query of states, of this thread's CPU."""
    clean_ms: float
    """Longest transaction of cleaning, of its thread's CPU."""
    alone_ms: float
    """Longest of the acceptances (all but one of a hundred) while nothing is cleaned, of the clock."""
    beside_ms: float
    """The same while all is cleaned."""
    cleaned: int


def _asking(folder: Path, length: int) -> _Open:
    """Query, clean and write beside it, over a million open records in runs of a length."""
    folder.mkdir()
    path = folder / "open.db"
    with SQLiteDatabase(path) as database:
        TerminalStore(database, TERMINAL)
        _open_records(database, length)
        store = TerminalStore(database, TERMINAL)
        asked = (store.tally, store.comparisons, store.refused, store.backlog, store.envelopes)
        longest = max(_milliseconds(one) for one in (*asked, lambda: store.to_compare(64)))
        alone = _accept_for(store, 300)
        with database.transaction():
            database.run("UPDATE run SET phase = 'anchored', comparison = 'agreement', done_ms = 0")
            database.run("UPDATE record SET state = 'chain-success' WHERE state = 'server-success'")
            database.run("UPDATE tally SET count = 0 WHERE state = 'server-success'")
            database.run("INSERT INTO tally VALUES ('chain-success', ?)", (_OPEN,))
        times: list[float] = []

        def clean() -> None:
            with SQLiteDatabase(path) as own:
                cleaner = TerminalStore(own, TERMINAL)
                times.extend(_milliseconds(lambda: cleaner.clean(0)) for _ in range(_CLEANINGS))

        before = store.tally()[RecordState.CHAIN_SUCCESS]
        thread = threading.Thread(target=clean)
        thread.start()
        beside = _accept_for(store, 300)
        thread.join()
        cleaned = before - store.tally()[RecordState.CHAIN_SUCCESS]
    return _Open(query_ms=longest, clean_ms=max(times), alone_ms=alone, beside_ms=beside, cleaned=cleaned)


def _milliseconds(work: Callable[[], object]) -> float:
    began = time.thread_time()
    work()
    return 1e3 * (time.thread_time() - began)


def _accept_for(store: TerminalStore, count: int) -> float:
    """Accept records; return how long 99 of 100 took at most, milliseconds of the clock."""
    times = []
    for number in range(count):
        began = time.perf_counter()
        store.accept(reading(number + 1))
        times.append(1e3 * (time.perf_counter() - began))
    return sorted(times)[count * 99 // 100]


def _open_records(database: Database, length: int) -> None:
    """Store a million open records alike, which only their numbers tell apart."""
    numbers = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + ? FROM n WHERE i + ? <= ?)"
    values = (str(TERMINAL), length, reading(1), bytes(16), bytes(32))
    with database.transaction():
        database.run(
            f"{numbers} INSERT INTO record (terminal, number, run, time_ms, state, data, salt, leaf)"
            " SELECT ?, i, i - (i - 1) % ?, i, 'server-success', ?, ?, ? FROM n",
            (1, 1, _OPEN, *values),
        )
        runs = database.run(
            f"{numbers} INSERT INTO run (terminal, first, count, phase, opened_ms, told)"
            " SELECT ?, i, ?, 'closed', 0, 1 FROM n",
            (length, length, _OPEN, str(TERMINAL), length),
        )
        database.run("UPDATE progress SET last = ?, answered = ?", (_OPEN, _OPEN))
        database.run("INSERT INTO tally VALUES ('server-success', ?)", (_OPEN,))
        database.run("INSERT INTO run_tally VALUES ('closed', ?)", (runs,))


def _store_records(database: Database, terminal: TerminalIdentifier, records: int) -> None:
    """Store records that the server has answered for, in one transaction."""
    columns = ("terminal", "number", "run", "time_ms", "state", "data", "salt", "leaf")
    rows = []
    for number in range(1, records + 1):
        run = number - (number - 1) % MAX_RUN
        data = reading(number)
        digest = Digest.salted(bytes(16), data)
        one = TerminalRecord(terminal=terminal, number=number, run=run, time_ms=number, data=digest)
        rows.append((str(terminal), number, run, number, "server-success", data, bytes(16), one.leaf.raw))
    with database.transaction():
        database.insert("record", columns, rows)
        for first in range(1, records + 1, MAX_RUN):
            database.run(
                "INSERT INTO run (terminal, first, count, phase, opened_ms) VALUES (?, ?, ?, 'closed', 0)",
                (str(terminal), first, min(MAX_RUN, records + 1 - first)),
            )
        database.run("UPDATE progress SET last = ?, answered = ?", (records, records))
        database.run("INSERT INTO tally VALUES ('server-success', ?)", (records,))
        database.run("INSERT INTO run_tally VALUES ('closed', ?)", (-(-records // MAX_RUN),))


def _run(ground: Ground, given: argparse.Namespace) -> Report:
    records = given.transactions
    report = Report(
        target="bench-response",
        title="Demand response: records accepted, received and anchored",
        world=ground.world,
        machine=ground.machine,
        headers=("step", "of the clock", "of this process's CPU"),
    )
    accepting = _accepting(ground.folder)
    report.row("bare SQLite commit, p50", f"{accepting.bare_us:.0f} us", "")
    report.row("terminal accepts a record, chain down, p50", f"{accepting.down_us:.0f} us", "")
    report.row("terminal accepts a record, chain up, p50", f"{accepting.up_us:.0f} us", "")
    address = str(ground.folder / "server.db")
    clock, cpu = _receiving_at(address, records)
    report.row("server, SQLite, messages of 1,000", f"{clock:,.0f} records/s", f"{cpu:,.0f} records/s")
    with running_postgres(ground.folder / "postgres") as server, server.database() as own:
        url = own.owner.url.set(drivername="postgresql").render_as_string(hide_password=False)
        stored, cpu = _receiving_at(url, records)
    report.row("server, PostgreSQL, messages of 1,000", f"{stored:,.0f} records/s", f"{cpu:,.0f} records/s")
    (anchored, cpu), proven = asyncio.run(_on_ledger(ground, records))
    report.row("chain module, runs of 1,024", f"{anchored:,.0f} records/s", f"{cpu:,.0f} records/s")
    report.row(
        "terminal to proof", f"{proven.of_clock:,.0f} records/s",
        f"{proven.of_terminal:,.0f} records/s, its server's {proven.of_server:,.0f}",
    )  # fmt: skip
    queries = []
    for length in (MAX_RUN, 1):
        found = _asking(ground.folder / f"runs-of-{length}", length)
        queries.append(found.query_ms)
        named = f"1,000,000 open records in runs of {length:,}"
        report.row(f"{named}: longest query of states", "", f"{found.query_ms:.1f} ms")
        report.row(f"{named}: longest transaction of cleaning", "", f"{found.clean_ms:.1f} ms")
        report.row(f"{named}: 99 of 100 acceptances, at most", f"{found.alone_ms:.1f} ms", "")
        report.row(f"while {found.cleaned:,} of them are cleaned", f"{found.beside_ms:.1f} ms", "")
    report.compare("query of states over 1,000,000 open records, CPU", max(queries), "<=", 50, " ms")
    report.compare("accepting against a bare commit", accepting.up_us / accepting.bare_us, "<=", 2)
    report.compare("accepting, chain up against down", accepting.up_us / accepting.down_us, "<=", 1.1)
    report.compare("server on PostgreSQL, thousand records a second", stored / 1e3, ">=", 15, "k")
    report.compare("chain module, thousand records a second", anchored / 1e3, ">=", 10, "k")
    report.compare("terminal to proof, thousand records a second", proven.of_clock / 1e3, ">=", 3, "k")
    report.note(
        f"{records:,} records each; runs of 64 where records are accepted; the garbage collector is set as"
        " the programs set it."
    )
    report.note(
        "Terminal to proof: accepted in batches of 256, sent, received by a server process, anchored by both,"
        f" compared, and each of {proven.proofs:,} inclusion proofs checked against the root on the ledger."
    )
    return report


def main() -> int:
    """Measure, print, and record if told to."""
    given = options(__doc__ or "", world=World.DEVNET, transactions=131_072, rounds=1)
    relax_collector()
    with Ground.open(given) as ground:
        _run(ground, given).finish(record=given.record)
    return 0


if __name__ == "__main__":
    sys.exit(main())
