"""A terminal, a server and a ledger in one process, which can be killed and started again at any point."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace
from pathlib import Path

from tests.unit.response.fakes import TERMINAL, Clock, FakeLedger, FakeLink, Killed, entry, reading

from gridledger.model.errors import ContractError, GatewayError, ServiceError
from gridledger.model.response import AnchorSide, TerminalIdentifier
from gridledger.response.chain_module import Anchoring, ChainModule, ChainSettings
from gridledger.response.database import Database, SQLiteDatabase
from gridledger.response.record_store import Moment, RecordStore, Watch
from gridledger.response.run_export import RunExport, RunFolder
from gridledger.response.server.store import Judge, ServerStore
from gridledger.response.state import Happening, RecordState, Side
from gridledger.response.terminal.business import Business
from gridledger.response.terminal.store import RunSettings, TerminalStore

ERRORS = (ServiceError, GatewayError, ContractError)


class World:
    """Both programs over files of a folder; `start` opens them again as after a crash."""

    def __init__(
        self,
        folder: Path,
        *,
        records: int = 3,
        keep_s: float = 10**9,
        database: Callable[[], Database] | None = None,
        terminal: TerminalIdentifier = TERMINAL,
    ) -> None:
        self.folder = folder
        self.database = database or (lambda: SQLiteDatabase(folder / "server.db"))
        self.clock = Clock()
        self.name = terminal
        self.ledger = FakeLedger()
        self.runs = RunSettings(records=records, age_s=900)
        self.settings = ChainSettings(runs=4, keep_s=keep_s)
        self.accepted: list[int] = []
        self.kill_at: tuple[Side, Happening, Moment] | None = None
        self.kills = 0
        self.judge: Judge = lambda _, __: None
        self.link_fault: Callable[[str], None] = lambda _: None
        self.start()

    def start(self) -> None:
        """Open both stores."""
        self.terminal = TerminalStore(
            SQLiteDatabase(self.folder / "terminal.db"),
            self.name,
            runs=self.runs,
            clock=self.clock,
            watch=self._watch(Side.TERMINAL),
        )
        self.server = ServerStore(
            self.database(),
            self.name.system,
            clock=self.clock,
            watch=self._watch(Side.SERVER),
        )
        self.server.add_terminal(entry(self.name))
        self.link = FakeLink(self.server, judge=lambda *asked: self.judge(*asked), fault=self.link_fault)
        self.business = Business(self.terminal, self.link, on_refused=lambda *_: None)
        stores: dict[Side, RecordStore] = {Side.TERMINAL: self.terminal, Side.SERVER: self.server}
        self.chains = {
            side: ChainModule(
                store, self.anchoring(side), replace(self.settings, export=self.exported(side).path)
            )
            for side, store in stores.items()
        }

    def exported(self, side: Side) -> RunFolder:
        """Return where a side's runs lie whose rows are gone."""
        return RunFolder(self.folder / f"{side.value}-runs")

    def anchoring(self, side: Side) -> Anchoring:
        """Return where a side anchors."""
        return self.ledger

    def numbers(self, side: AnchorSide) -> list[int]:
        """Return the numbers that a side anchored, in the order of their runs."""
        return self.ledger.numbers(self.name, side)

    def use(self, ledger: FakeLedger) -> None:
        """Anchor on another ledger."""
        self.ledger = ledger
        self.restart()

    def kill(self) -> None:
        """End the program here; a test that kills something else puts that in its place."""
        raise Killed

    def stop(self) -> None:
        """Close both stores, as a process's end does."""
        self.terminal.close()
        self.server.close()

    def restart(self) -> None:
        self.stop()
        self.start()

    def _watch(self, side: Side) -> Watch:
        def watch(happening: Happening, moment: Moment) -> None:
            if self.kill_at == (side, happening, moment):
                self.kill_at = None
                self.kills += 1
                self.kill()

        return watch

    def accept(self, data: bytes | None = None) -> None:
        """Accept a record; a number counts as accepted once it was returned."""
        number = self.terminal.accept(data or reading(len(self.accepted) + 1))
        self.accepted.append(number)

    async def once(self) -> None:
        """Let each module do one step."""
        await self.business.step()
        self.server.complete()
        for chain in self.chains.values():
            await chain.step()

    async def settle(self, *, steps: int = 40) -> None:
        """Close what is open, and let all modules work until nothing is left to do, or so many steps."""
        for _ in range(steps):
            self.clock.now_ms += 1_000_000
            await self.once()
            if self._is_settled():
                return

    def _is_settled(self) -> bool:
        """Tell whether nothing is left to do, cleaning included where rows are not kept."""
        stores = (self.terminal, self.server)
        kept = {RecordState.CHAIN_SUCCESS, RecordState.SERVER_ERROR} if self.settings.keep_s else set()
        done = all(not count or state in kept for store in stores for state, count in store.tally().items())
        return done and all(set(store.comparisons()) <= {"agreement", "void"} for store in stores)

    def check(self, *, refused: Collection[int] = (), cleaned: bool = False) -> None:
        """Check that everything accepted is at the server once and on chain once a side, in order."""
        ((last,),) = self.terminal._database.rows("SELECT last FROM progress")
        # What was killed before its number was returned may have been accepted all the same.
        assert last >= max(self.accepted, default=0)
        assert sorted(set(self.accepted)) == self.accepted
        everything = list(range(1, last + 1))
        anchored = [one for one in everything if one not in refused or self.runs.records > 1]
        for side in AnchorSide:
            assert self.numbers(side) == anchored
        for store in (self.terminal, self.server):
            rows = [row[0] for row in store._database.rows("SELECT number FROM record ORDER BY number")]
            assert rows == ([] if cleaned else everything)
            expected = {RecordState.CHAIN_SUCCESS: last - len(refused)} if rows else {}
            if refused:
                expected[RecordState.SERVER_ERROR] = len(refused)
            assert {state: count for state, count in store.tally().items() if count} == expected
            assert set(store.comparisons()) <= {"agreement", "void"}
        if cleaned:
            for store in (self.terminal, self.server):
                assert self._exported_numbers(store) == anchored

    def _exported_numbers(self, store: RecordStore) -> list[int]:
        """Return the numbers of the records that can be proven without their rows."""
        numbers: list[int] = []
        for file in sorted(self.exported(store.side).path.rglob("*.json")):
            run = RunExport.from_bytes(file.read_bytes())
            assert run.leaves == store.run_of(run.terminal, run.first).leaves
            numbers += [one.number for one in run.records]
        return numbers
