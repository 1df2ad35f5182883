"""A year of 17 real houses replayed at speed: terminals, a server, both chain modules, faults, and a report.

Real are the loads of the houses, hour by hour. Made are the year, who answers (by a seed), and that a house
which promised takes so much less. The ledger is the tests' own, with the contract's rules.
"""

from __future__ import annotations

import csv
import gzip
import random
from dataclasses import dataclass, field
from pathlib import Path

from tests.unit.response.fakes import SYSTEM, Clock, FakeLedger, FakeLink, entry, lost, unknown
from tests.unit.response.world import ERRORS

from gridledger.model.response import AnchorSide, TerminalIdentifier, TerminalKind
from gridledger.response.chain_module import ChainModule, ChainSettings
from gridledger.response.database import SQLiteDatabase
from gridledger.response.message import Demand, DemandPage, LoadReading, RecordsAnswer, RecordsMessage
from gridledger.response.server import (
    BusinessSettings,
    DemandRegister,
    DemandRule,
    ServerBusiness,
    ServerStore,
)
from gridledger.response.server.baseline import HighOf, Performance
from gridledger.response.terminal.business import Business
from gridledger.response.terminal.store import RunSettings, TerminalStore
from gridledger.response.terminal.user import UserTerminal

HOUR_MS = 3_600_000
FIRST_MS = 1_627_772_400_000
"""2021-07-31 23:00: the series begins with the last hour of a July."""
_FOLDER = Path(__file__).parents[2] / "data" / "households"
_LOAD = "Equipment Electric Power [kWh]"
_RUNS = {
    TerminalKind.IOT: RunSettings(records=24, age_s=90_000),
    TerminalKind.USER: RunSettings(records=1),
}
"""Loads are anchored a day in a run, replies one by one, as the patent has it."""


def house_loads(house: int, hours: int) -> list[int]:
    """Return the first hours of a house, in watt-hours."""
    with gzip.open(_FOLDER / f"Building_{house}.csv.gz", "rt", encoding="utf-8") as file:
        rows = zip(range(hours), csv.DictReader(file), strict=False)
        return [round(1000 * float(row[_LOAD])) for _, row in rows]


@dataclass
class _Site:
    """A house with both its terminals."""

    name: str
    loads: list[int]
    iot: TerminalStore
    user: TerminalStore
    promised: dict[int, int] = field(default_factory=dict)
    """Watt-hours by the start of the hour in which it will take them less."""
    businesses: list[Business] = field(default_factory=list)
    chains: list[ChainModule] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class Account:
    """What became of the records that terminals accepted, at the server and on the ledger."""

    accepted: int
    lost: int
    doubled: int
    disordered: int
    agreed: bool
    """Whether both sides agree in all runs."""

    @property
    def is_clean(self) -> bool:
        """Whether each stands everywhere once and in order."""
        return self.agreed and not (self.lost or self.doubled or self.disordered)


class _DoublingLink:
    """The way to the server, on which messages come twice by chance, or are lost."""

    def __init__(self, replay: Replay) -> None:
        self._replay = replay
        self._link = FakeLink(replay.store, judge=replay.business.judge, fault=replay._maybe_lost)
        self._again = FakeLink(replay.store, judge=replay.business.judge)

    async def send(self, message: RecordsMessage) -> RecordsAnswer:
        answer = await self._link.send(message)
        if self._replay._chance.random() < self._replay._faults:
            self._replay.doubled += 1
            assert await self._again.send(message) == answer
        return answer


class _SeededRule:
    """Answers three of five demands, with a share of what is asked."""

    def __init__(self, site: _Site, chance: random.Random, houses: int) -> None:
        self._site, self._chance, self._houses = site, chance, houses

    def decide(self, demand: Demand) -> int | None:
        if self._chance.random() >= 0.6:
            return None
        promised = demand.reduction_wh // self._houses
        self._site.promised[demand.start_ms] = promised
        return promised


class Replay:
    """The scene; a context manager is not needed: `close` ends it.

    Parameters
    ----------
    folder : Path
    rule : DemandRule
    houses, hours : int
    faults : float
        How probable it is that a message, an answer or a call of the ledger is lost, or a program is killed.
    seed : int
    """

    def __init__(
        self,
        folder: Path,
        rule: DemandRule,
        *,
        houses: int = 17,
        hours: int = 8_760,
        faults: float = 0.0,
        seed: int = 7,
    ) -> None:
        self.hours = hours
        self.clock = Clock(FIRST_MS)
        self.ledger = FakeLedger()
        self.lost = self.killed = self.doubled = 0
        self._folder, self._faults, self._chance = folder, faults, random.Random(seed)
        self._rule = rule
        self._sites: list[_Site] = []
        self.ledger.fault = self._maybe_lost
        self._open_server()
        for number in range(1, houses + 1):
            site = _Site(f"house-{number}", house_loads(number, hours), *self._open_terminals(number))
            self._sites.append(site)
            self._join(site)
        self._rules = {one.name: _SeededRule(one, self._chance, houses) for one in self._sites}

    # --- parts, which may be killed and opened again

    def _open_server(self) -> None:
        path = self._folder / "server.db"
        self.store = ServerStore(SQLiteDatabase(path), SYSTEM, clock=self.clock)
        self.register = DemandRegister(SQLiteDatabase(path))
        self.business = ServerBusiness(self.store, self.register, BusinessSettings(rule=self._rule))
        self.chain = ChainModule(self.store, self.ledger, ChainSettings(runs=256))

    def _open_terminals(self, number: int) -> tuple[TerminalStore, TerminalStore]:
        found = []
        for kind, runs in _RUNS.items():
            name = TerminalIdentifier(SYSTEM, f"house-{number}.{kind.value}")
            terminal = entry(name, kind)
            self.store.add_terminal(
                type(terminal)(identifier=name, kind=kind, site=f"house-{number}", agent=terminal.agent)
            )
            path = self._folder / f"{name.name}.db"
            found.append(TerminalStore(SQLiteDatabase(path), name, runs=runs, clock=self.clock))
        return found[0], found[1]

    def _join(self, site: _Site) -> None:
        site.businesses = [Business(one, _DoublingLink(self)) for one in (site.iot, site.user)]
        site.chains = [ChainModule(one, self.ledger, ChainSettings()) for one in (site.iot, site.user)]

    def _maybe_lost(self, step: str) -> None:
        if self._chance.random() < self._faults:
            self.lost += 1
            raise lost() if step in {"request", "answer"} else unknown()

    def _maybe_killed(self) -> None:
        """Close and open again one program, as after a crash."""
        if self._chance.random() >= self._faults:
            return
        self.killed += 1
        if self._chance.random() < 0.3:
            self.store.close()
            self.register._database.close()
            self._open_server()
        else:
            number = self._chance.randrange(len(self._sites))
            site = self._sites[number]
            site.iot.close()
            site.user.close()
            site.iot, site.user = self._open_terminals(number + 1)
        for site in self._sites:
            self._join(site)

    # --- the replay

    async def run(self) -> None:
        """Replay all hours, a day at a time for what is sent, and settle."""
        for hour in range(self.hours):
            self.clock.now_ms = FIRST_MS + (hour + 1) * HOUR_MS
            start_ms = FIRST_MS + hour * HOUR_MS
            for site in self._sites:
                taken = max(0, site.loads[hour] - site.promised.get(start_ms, 0))
                reading = LoadReading(start_ms=start_ms, length_s=3600, energy_wh=taken)
                site.iot.accept(reading.to_bytes())
            if hour % 6 == 5:
                await self._exchange()
            if hour % 96 == 95:
                await self._anchor()
            self._maybe_killed()
        await self.settle()

    async def _exchange(self) -> None:
        for site in self._sites:
            await self._send(site.businesses[0])
        self._complete()
        await self.business.derive()
        for site in self._sites:
            user = UserTerminal(site.businesses[1], self, self._rules[site.name], self.clock)
            user._seen = self._seen.setdefault(site.name, set())
            await user.step()
            if site.user.backlog():
                await self._send(site.businesses[1])
        self._complete()

    @property
    def _seen(self) -> dict[str, set[str]]:
        return self.__dict__.setdefault("_seen_demands", {})

    async def demands(self, since_ms: int) -> DemandPage:
        """Return published demands, as the server does."""
        return DemandPage(demands=tuple(self.register.demands(since_ms)))

    async def _send(self, business: Business) -> None:
        try:
            while await business.step():
                pass
        except ERRORS:
            return  # it is sent again the next time

    def _complete(self) -> None:
        while self.store.complete():
            pass

    async def _anchor(self) -> None:
        for chain in [self.chain, *(one for site in self._sites for one in site.chains)]:
            try:
                done = await chain.step()
                while done.anchored or done.compared:
                    done = await chain.step()
            except ERRORS:
                continue

    async def settle(self) -> None:
        """Let everything be answered and anchored, without further faults."""
        self._faults = 0.0
        for _ in range(3):
            self.clock.now_ms += 2 * HOUR_MS
            for site in self._sites:
                for store, business in zip((site.iot, site.user), site.businesses, strict=True):
                    store.close_runs()
                    await self._send(business)
            self._complete()
            await self._anchor()

    def account(self) -> Account:
        """Count what was accepted, and of it what is missing, doubled or out of order anywhere."""
        accepted = lost = doubled = disordered = 0
        for site in self._sites:
            for store in (site.iot, site.user):
                name = str(store.terminal)
                ((last,),) = store._database.rows("SELECT last FROM progress")
                accepted += last
                refused = {one for terminal, one, _ in self.store.refused(10_000) if terminal == name}
                anchored = [one for one in range(1, last + 1) if one not in refused or store is site.iot]
                places = [(self._at_server(name), list(range(1, last + 1)))]
                places += [(self.ledger.numbers(store.terminal, side), anchored) for side in AnchorSide]
                for found, wanted in places:
                    lost += len(set(wanted) - set(found))
                    doubled += len(found) - len(set(found))
                    disordered += found != sorted(found)
        agreed = set(self.store.comparisons()) <= {"agreement", "void"}
        return Account(accepted=accepted, lost=lost, doubled=doubled, disordered=disordered, agreed=agreed)

    def _at_server(self, terminal: str) -> list[int]:
        """Return the numbers of the records that the server has, or had until it cleaned their runs."""
        rows = self.register._database.rows(
            "SELECT number, 1 FROM record WHERE terminal = ? UNION ALL"
            " SELECT first, count FROM run WHERE terminal = ? AND cleaned = 1 ORDER BY 1",
            (terminal, terminal),
        )
        return [number for first, count in rows for number in range(first, first + count)]

    def report(self) -> list[tuple[Demand, list[Performance]]]:
        """Return all demands with what came of them."""
        return [(one, self.register.performance(one, HighOf())) for one in self.register.demands()]

    def close(self) -> None:
        """Close all databases."""
        for site in self._sites:
            site.iot.close()
            site.user.close()
        self.store.close()
        self.register._database.close()
