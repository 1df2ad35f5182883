"""What the server knows beside records: loads, demands, replies, and what came of them."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from gridledger.response.database import Database
from gridledger.response.errors import RecordUnknown
from gridledger.response.message import Demand
from gridledger.response.server.baseline import DAY_MS, HighOf, Performance, performance_of
from gridledger.response.server.demand import DemandRule, Load

__all__ = ["DemandRegister"]

GRACE_MS: Final = 6 * 3_600_000
"""Long enough for a terminal that lost its connection for a moment, well before a demand a day later."""
_INTERVALS: Final = 20_000
"""Intervals that a derivation reads at most: more than two years of hours."""
_DEMANDS: Final = 1_000
"""Demands that are shown at most; since counts on."""


@dataclass(kw_only=True)
class _Counted:
    """The intervals that count already, in their order."""

    rule: DemandRule | None = None
    """What they are held against."""
    loads: list[Load] = field(default_factory=list)
    derived_ms: int = 0
    """Up to where demands were derived from them and published."""

    @property
    def after_ms(self) -> int:
        """From where on intervals are still to be read."""
        return self.loads[-1].start_ms + 1 if self.loads else 0

    def forget(self, since_ms: int) -> None:
        """Drop what lies before a time."""
        del self.loads[: bisect_left(self.loads, since_ms, key=lambda one: one.start_ms)]


class DemandRegister:
    """Loads, demands and replies in a server's database.

    Parameters
    ----------
    database : Database
        One in which a `ServerStore` has made the tables.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._counted = _Counted()

    def loads(self, since_ms: int = 0) -> list[Load]:
        """Return what all sites took together, by interval."""
        rows = self._database.rows(
            "SELECT start_ms, MAX(length_s), SUM(energy_wh), COUNT(*) FROM load WHERE start_ms >= ?"
            " GROUP BY start_ms ORDER BY start_ms LIMIT ?",
            (since_ms, _INTERVALS),
        )
        return [
            Load(start_ms=start_ms, length_s=length_s, energy_wh=int(energy_wh), readings=count)
            for start_ms, length_s, energy_wh, count in rows
        ]

    def publish(
        self,
        rule: DemandRule,
        now_ms: int,
        *,
        terminals: int = 1,
        grace_ms: int = GRACE_MS,
    ) -> list[Demand]:
        """Derive demands from the loads so far, and publish those that are new.

        Parameters
        ----------
        rule : DemandRule
        now_ms : int
        terminals : int, default 1
            How many IoT terminals there are: an interval counts once all of them have sent its reading.
        grace_ms : int, default 6 hours
            By how much an interval must lie behind the newest one to count without them.

        Notes
        -----
        A demand that is published stays as it is, whatever readings come late, and so does an interval that
        counts, for as long as the process runs: each is read once, and where none is new nothing is derived.
        """
        newest = self._database.row("SELECT MAX(start_ms) FROM load")
        if newest is None or newest[0] is None:
            return []
        if self._counted.rule is not rule:
            self._counted = _Counted(rule=rule)
        counted = self._counted
        since_ms = newest[0] - DAY_MS * rule.history_days
        while self._count(max(since_ms, counted.after_ms), newest[0] - grace_ms, terminals):
            pass
        counted.forget(since_ms)
        if counted.derived_ms == counted.after_ms:
            return []
        published = self._publish(rule.derive(counted.loads, now_ms))
        counted.derived_ms = counted.after_ms
        return published

    def _count(self, since_ms: int, silent_ms: int, terminals: int) -> bool:
        """Read the next intervals that count; tell whether there may be more."""
        found = self.loads(since_ms)
        for load in found:
            if load.readings < terminals and load.start_ms > silent_ms:
                return False
            self._counted.loads.append(load)
        return len(found) == _INTERVALS

    def _publish(self, derived: Sequence[Demand]) -> list[Demand]:
        """Keep the demands that are new, and return them."""
        if not derived:
            return []
        earliest = min(one.start_ms for one in derived)
        known = {
            name for (name,) in self._database.rows("SELECT id FROM demand WHERE start_ms >= ?", (earliest,))
        }
        fresh = [one for one in derived if one.id not in known]
        if not fresh:
            return []
        with self._database.transaction():
            return [
                one
                for one in fresh
                if self._database.run(
                    "INSERT INTO demand VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
                    (one.id, one.published_ms, one.start_ms, one.to_bytes()),
                )
            ]

    def demands(self, since_ms: int = 0, *, limit: int = _DEMANDS) -> list[Demand]:
        """Return demands that begin at a time or later, in their order."""
        rows = self._database.rows(
            "SELECT body FROM demand WHERE start_ms >= ? ORDER BY start_ms, id LIMIT ?", (since_ms, limit)
        )
        return [Demand.from_bytes(bytes(body)) for (body,) in rows]

    def latest(self, limit: int = _DEMANDS) -> list[Demand]:
        """Return the demands that begin last, in their order."""
        rows = self._database.rows(
            "SELECT body FROM demand ORDER BY start_ms DESC, id DESC LIMIT ?", (limit,)
        )
        return [Demand.from_bytes(bytes(body)) for (body,) in reversed(rows)]

    def demand(self, identifier: str) -> Demand:
        """Return a demand; RecordUnknown where there is none of the name."""
        row = self._database.row("SELECT body FROM demand WHERE id = ?", (identifier,))
        if row is None:
            raise RecordUnknown(f"there is no demand {identifier}")
        return Demand.from_bytes(bytes(row[0]))

    def is_open(self, identifier: str, at_ms: int) -> bool:
        """Tell whether a demand is there and not over at a time."""
        row = self._database.row("SELECT body FROM demand WHERE id = ?", (identifier,))
        if row is None:
            return False
        demand = Demand.from_bytes(bytes(row[0]))
        return at_ms < demand.start_ms + 1000 * demand.length_s

    def performance(self, demand: Demand, rule: HighOf) -> list[Performance]:
        """Return what came of a demand at every site that has loads or answered."""
        earliest = demand.start_ms - 2 * rule.days * DAY_MS
        loads: dict[str, dict[int, int]] = {}
        for site, start_ms, energy_wh in self._database.rows(
            "SELECT site, start_ms, SUM(energy_wh) FROM load WHERE start_ms BETWEEN ? AND ?"
            " GROUP BY site, start_ms",
            (earliest, demand.start_ms),
        ):
            loads.setdefault(site, {})[start_ms] = int(energy_wh)
        promised: dict[str, int] = dict(
            self._database.rows(
                "SELECT site, SUM(reduction_wh) FROM reply WHERE demand = ? GROUP BY site", (demand.id,)
            )
        )
        demanded = frozenset(
            start_ms
            for (start_ms,) in self._database.rows(
                "SELECT start_ms FROM demand WHERE start_ms BETWEEN ? AND ?", (earliest, demand.start_ms - 1)
            )
        )
        return [
            performance_of(
                demand,
                site,
                loads.get(site, {}),
                int(promised[site]) if site in promised else None,
                demanded,
                rule,
            )
            for site in self._sites(loads, promised)
        ]

    @staticmethod
    def _sites(*groups: Mapping[str, object]) -> Sequence[str]:
        return sorted({site for group in groups for site in group})
