"""Deposits and their schedule: every period once, whatever dies in between, and none before it is over."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from gridledger.exchange.deposit_schedule import DepositSchedule, DepositSettings
from gridledger.exchange.deposits import Deposited, Deposits, DueField
from gridledger.exchange.field_source import FieldSource
from gridledger.exchange.leaves import read_period
from gridledger.exchange.source import Database
from gridledger.exchange.vault import Vault
from gridledger.model.delivery import DeliveredPeriod
from gridledger.model.device import ItemResult
from gridledger.model.errors import ConfigError, GridLedgerError
from gridledger.model.identifier import DeviceIdentifier, FieldIdentifier, SystemIdentifier
from gridledger.model.integrity import PeriodRoot
from gridledger.model.integrity_refusals import DepositedBeforeMove
from gridledger.model.period import Day, Frequency, Period
from gridledger.web.errors import ServiceUnavailable, Undelivered

SYSTEM = SystemIdentifier("88.1042.2")
FIELD = SYSTEM.device("MTR01").field("state")
PLACE = SYSTEM.device("MTR01").field("place")
SOURCES = {
    "state": FieldSource(name="state", table="t", own_code="d", key="at", value="v", time="at"),
    "place": FieldSource(name="place", table="p", own_code="d", key="d", value="v"),
}
FIELDS = (
    DueField(identifier=FIELD, source=SOURCES["state"], frequency=Frequency.DAY),
    DueField(identifier=PLACE, source=SOURCES["place"], frequency=Frequency.ONCE),
)


class Ledger:
    """Takes each root once, as the contract does; fails when told to, before or after it took it."""

    def __init__(self) -> None:
        self.taken: dict[tuple[str, str, int], PeriodRoot] = {}
        self.calls = 0
        self.former: dict[FieldIdentifier, list[FieldIdentifier]] = {}
        self.fail_before: list[GridLedgerError] = []
        self.fail_after: list[BaseException] = []

    async def deposit_roots(
        self, system: SystemIdentifier, roots: Sequence[PeriodRoot]
    ) -> tuple[ItemResult, ...]:
        self.calls += 1
        if self.fail_before:
            raise self.fail_before.pop()
        results = []
        for root in roots:
            name = (str(root.field), str(root.period), root.supplement)
            former = [one for one in self.former.get(root.field, ()) if (str(one), *name[1:]) in self.taken]
            same = former or self.taken.setdefault(name, root) == root
            code = {} if same else {"code": "GL-CHN-060", "message": "another root was deposited"}
            if former:
                code = {"code": DepositedBeforeMove.code, "message": "it stands under a former name"}
            results.append(ItemResult(item=" ".join(map(str, name)), **code))
        if self.fail_after:
            raise self.fail_after.pop()
        return tuple(results)

    async def device(self, device: DeviceIdentifier) -> Any:
        former = [
            one.device for field, names in self.former.items() for one in names if field.device == device
        ]
        return SimpleNamespace(former=tuple(former))

    def periods(self, field: FieldIdentifier = FIELD) -> list[tuple[str, int]]:
        return sorted((period, number) for name, period, number in self.taken if name == str(field))


class Owner:
    """A business system without its party."""

    def __init__(self, folder: Path, ledger: Ledger) -> None:
        self.vault = Vault(folder / "vault.db")
        self.database = Database(folder / "data.db")
        arguments: Any = (ledger, self.database, self.vault, self.read)
        self.deposits = Deposits(*arguments, clock=lambda: 1.0)

    def read(self, field: FieldIdentifier, period: Period, deposited_as: FieldIdentifier) -> DeliveredPeriod:
        source = SOURCES[field.name]
        return read_period(self.database, source, self.vault.salts, field, period, deposited_as)

    async def deposit(self, *, closed_before: Day | None = None, late: bool = False) -> list[Deposited]:
        return await self.deposits.make(SYSTEM, FIELDS, closed_before=closed_before, late=late)

    def close(self) -> None:
        self.vault.close()
        self.database.close()


@pytest.fixture
def ledger() -> Ledger:
    return Ledger()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    sql(
        tmp_path,
        "CREATE TABLE t (d TEXT, at TEXT, v TEXT)",
        "CREATE TABLE p (d TEXT, v TEXT)",
        "INSERT INTO p VALUES ('MTR01', 'north')",
        *(insert(f"2018-09-{day}T{hour}:00") for day in (13, 14, 15) for hour in ("06", "18")),
    )
    return tmp_path


@pytest.fixture
def owner(folder: Path, ledger: Ledger) -> Iterator[Owner]:
    with closing(Owner(folder, ledger)) as opened:
        yield opened


def sql(folder: Path, *statements: str) -> None:
    with closing(sqlite3.connect(folder / "data.db")) as connection, connection:
        for statement in statements:
            connection.execute(statement)


def insert(at: str) -> str:
    return f"INSERT INTO t VALUES ('MTR01', '{at}', 'on')"


class Clock:
    """Time that passes when someone sleeps."""

    def __init__(self, text: str) -> None:
        self.now = datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds
        await asyncio.sleep(0)


def schedule(owner: Owner, clock: Clock, **settings: Any) -> DepositSchedule:
    return DepositSchedule(owner, DepositSettings(**settings), clock=clock, sleep=clock.sleep)


async def test_deposit_takes_every_period_once(owner: Owner, ledger: Ledger) -> None:
    assert len(await owner.deposit()) == 4
    assert await owner.deposit() == []
    assert ledger.periods() == [("2018-09-13", 0), ("2018-09-14", 0), ("2018-09-15", 0)]
    assert ledger.calls == 1
    assert owner.vault.count_deposits() == (4, 0)


async def test_deposit_of_a_renamed_field_goes_on_under_its_former_name(
    owner: Owner, ledger: Ledger, folder: Path
) -> None:
    await owner.deposit()
    renamed = SYSTEM.device("MTR-27").field("state")
    ledger.former[renamed] = [FIELD]
    sql(folder, "UPDATE t SET d = 'MTR-27'", insert("2018-09-16T06:00").replace("MTR01", "MTR-27"))
    due = (DueField(identifier=renamed, source=SOURCES["state"], frequency=Frequency.DAY),)

    found = await owner.deposits.make(SYSTEM, due)

    assert [(one.root.field, str(one.root.period)) for one in found] == [(renamed, "2018-09-16")]
    assert await owner.deposits.make(SYSTEM, due) == []  # the former name is known from now on
    sql(folder, insert("2018-09-14T23:00").replace("MTR01", "MTR-27"))
    (late,) = await owner.deposits.make(SYSTEM, due, late=True)
    assert (late.root.field, late.root.supplement, late.root.rows) == (FIELD, 1, 1)
    assert late.result.accepted


async def test_deposit_late_rows_are_a_supplement_where_it_is_wanted(
    owner: Owner, ledger: Ledger, folder: Path
) -> None:
    await owner.deposit()
    sql(folder, insert("2018-09-14T07:00"), insert("2018-09-14T08:00"))

    assert await owner.deposit() == []
    (made,) = await owner.deposit(late=True)

    assert (made.root.supplement, made.root.rows) == (1, 2)
    assert await owner.deposit(late=True) == []
    sql(folder, insert("2018-09-14T09:00"), "UPDATE t SET v = 'off' WHERE at = '2018-09-14T08:00'")
    (made,) = await owner.deposit(late=True)
    assert (made.root.supplement, made.root.rows) == (2, 1)
    parts = owner.deposits.parts(owner.read(FIELD, Period("2018-09-14"), FIELD))
    assert [len(part.rows) for part in parts.all()] == [2, 2, 1]


async def test_deposit_after_a_crash_is_offered_as_it_was_kept(
    folder: Path, ledger: Ledger, owner: Owner
) -> None:
    ledger.fail_after.append(asyncio.CancelledError())  # the ledger has it, and the answer never came
    with pytest.raises(asyncio.CancelledError):
        await owner.deposit()
    taken = dict(ledger.taken)
    assert owner.vault.count_deposits() == (0, 4)
    owner.close()
    sql(folder, "UPDATE t SET v = 'off' WHERE at = '2018-09-14T06:00'")

    with closing(Owner(folder, ledger)) as again:
        results = await again.deposit()

        assert all(one.result.accepted for one in results)
        assert ledger.taken == taken
        assert again.vault.count_deposits() == (4, 0)
        kept = again.vault.leaves(FIELD, Period("2018-09-14"))
        assert len(kept) == 2
        period = again.read(FIELD, Period("2018-09-14"), FIELD)
        assert period.root() != taken[str(FIELD), "2018-09-14", 0]


async def test_deposit_that_the_ledger_never_saw_is_offered_again(owner: Owner, ledger: Ledger) -> None:
    ledger.fail_before.append(ServiceUnavailable("no gateway"))
    with pytest.raises(ServiceUnavailable):
        await owner.deposit()
    assert ledger.taken == {}

    await owner.deposit()

    assert len(ledger.taken) == 4


async def test_deposit_that_is_refused_is_not_kept(owner: Owner, ledger: Ledger) -> None:
    other = owner.read(FIELD, Period("2018-09-13"), FIELD).root()
    ledger.taken[str(FIELD), "2018-09-14", 0] = other

    refused = [one for one in await owner.deposit() if not one.result.accepted]

    assert [str(one.root.period) for one in refused] == ["2018-09-14"]
    assert owner.vault.deposits(FIELD, Period("2018-09-14")) == []
    assert owner.vault.count_deposits() == (3, 0)


async def test_schedule_deposits_what_is_over_with_its_grace_and_not_before(
    owner: Owner, ledger: Ledger
) -> None:
    clock = Clock("2018-09-15T00:59:59")
    one = schedule(owner, clock, grace_s=3600)

    await one.run_once()
    assert ledger.periods() == [("2018-09-13", 0)]
    assert one.wait_s() == 1.0
    clock.now += one.wait_s()
    await one.run_once()

    assert ledger.periods() == [("2018-09-13", 0), ("2018-09-14", 0)]
    assert ledger.periods(PLACE) == [("once", 0)]
    assert one.wait_s() == 300.0


async def test_schedule_catches_up_after_days_of_absence_in_one_run(
    owner: Owner, ledger: Ledger, folder: Path
) -> None:
    clock = Clock("2018-09-14T12:00")
    await schedule(owner, clock).run_once()
    assert ledger.periods() == [("2018-09-13", 0)]
    owner.close()
    sql(folder, *(insert(f"2018-09-{day}T12:00") for day in range(16, 30)))
    clock = Clock("2018-09-30T12:00")

    with closing(Owner(folder, ledger)) as again:
        run = await schedule(again, clock).run_once()
        second = await schedule(again, clock).run_once()

    assert (run.deposited, run.refused, run.error) == (16, 0, "")
    assert (second.deposited, second.refused) == (0, 0)
    assert ledger.periods() == [(f"2018-09-{day}", 0) for day in range(13, 30)]


async def test_schedule_tries_what_is_retriable_a_bounded_number_of_times(
    owner: Owner, ledger: Ledger
) -> None:
    clock = Clock("2018-09-30T12:00")
    one = schedule(owner, clock, attempts=3)
    ledger.fail_before.extend([ServiceUnavailable("no gateway")] * 2)
    assert (await one.run_once()).deposited == 4
    assert clock.slept == [1.0, 2.0]

    ledger.taken.clear()
    with closing(Owner(owner.vault._path.parent, ledger)):
        sql(owner.vault._path.parent, insert("2018-09-20T12:00"))
        ledger.fail_before.extend([ServiceUnavailable("no gateway")] * 9)
        run = await one.run_once()

    assert run.error.startswith("GL-SRV-007")
    assert len(clock.slept) == 4
    assert len(ledger.fail_before) == 6
    ledger.fail_before[:] = [Undelivered("not to be tried again")]
    run = await one.run_once()
    assert (run.error[:10], len(clock.slept)) == ("GL-SRV-006", 4)
    assert [kept.error[:10] for kept in owner.vault.runs(3)] == ["GL-SRV-006", "GL-SRV-007", ""]


async def test_schedule_runs_until_it_is_cancelled(owner: Owner, ledger: Ledger) -> None:
    clock = Clock("2018-09-13T23:30")

    async def sleep(seconds: float) -> None:
        if len(ledger.periods()) == 3:
            raise asyncio.CancelledError
        await clock.sleep(seconds)

    one = DepositSchedule(owner, DepositSettings(grace_s=600), clock=clock, sleep=sleep)
    with pytest.raises(asyncio.CancelledError):
        await one.run()

    assert clock.now == datetime(2018, 9, 16, 0, 10, tzinfo=UTC).timestamp()


async def test_schedule_late_rows_only_where_the_owner_says_so(
    owner: Owner, ledger: Ledger, folder: Path
) -> None:
    clock = Clock("2018-09-30T12:00")
    await schedule(owner, clock).run_once()
    sql(folder, insert("2018-09-14T07:00"))
    await schedule(owner, clock).run_once()
    assert ("2018-09-14", 1) not in ledger.periods()
    await schedule(owner, clock, late_rows=True).run_once()
    assert ("2018-09-14", 1) in ledger.periods()


@pytest.mark.parametrize("settings", [{"grace_s": -1}, {"check_s": 0}, {"attempts": 0}])
def test_schedule_settings_out_of_range_are_refused(settings: dict[str, int]) -> None:
    with pytest.raises(ConfigError):
        DepositSettings(**settings)  # type: ignore[arg-type]
