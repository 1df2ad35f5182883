"""An owner's database: read and never written, whatever stands in own codes."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy.exc import OperationalError

from gridledger.exchange.demo.databases import create_database
from gridledger.exchange.demo.systems import METER
from gridledger.exchange.errors import SourceUnreadable
from gridledger.exchange.source import Database, FieldSource, SourceRow
from gridledger.model.errors import ConfigError
from gridledger.model.period import Frequency, Period

POWER = FieldSource(
    name="ac_power",
    table="reading",
    own_code="meter",
    key="measured_at",
    value="ac_power_kw",
    time="measured_at",
)
DAY = Period("2018-09-14")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    create_database("monitoring", tmp_path / "data.db")
    return tmp_path / "data.db"


def test_rows_of_a_day_are_those_of_the_day_by_key(path: Path) -> None:
    with Database(path) as database:
        rows = database.rows(POWER, METER, DAY)
        month = database.rows(POWER, METER, Period("2018-09"))

    assert len(rows) == 87
    assert rows[0] == SourceRow("2018-09-14T02:15", "0.0")
    assert [row.key for row in rows] == sorted(row.key for row in rows)
    assert len(month) == 475


def test_rows_null_is_none(path: Path) -> None:
    irradiance = FieldSource(
        name="irradiance",
        table="reading",
        own_code="meter",
        key="measured_at",
        value="irradiance_w_m2",
        time="measured_at",
    )
    with Database(path) as database:
        rows = {row.key: row.value for row in database.rows(irradiance, METER, DAY)}
    assert rows["2018-09-14T17:30"] is None


def test_periods_are_those_with_rows(path: Path) -> None:
    with Database(path) as database:
        days = database.periods(POWER, METER, Frequency.DAY)
        months = database.periods(POWER, METER, Frequency.MONTH)
        assert database.periods(POWER, METER, Frequency.ONCE) == [Period("once")]
        assert database.periods(POWER, "unknown", Frequency.DAY) == []
    assert [str(day) for day in days] == [
        *(f"2018-09-{day}" for day in range(14, 20)),
        "2018-10-12",
        "2018-10-13",
        "2018-10-14",
    ]
    assert [str(month) for month in months] == ["2018-09", "2018-10"]


@pytest.mark.parametrize(
    "own_code",
    ["'; DROP TABLE reading; --", "' OR '1'='1", f"{METER}' --", "%", "\x00", '" UNION SELECT 1,2 --'],
)
def test_rows_sql_in_own_codes_finds_and_changes_nothing(path: Path, own_code: str) -> None:
    before = path.read_bytes()
    with Database(path) as database:
        assert database.rows(POWER, own_code, DAY) == []
        assert database.periods(POWER, own_code, Frequency.DAY) == []
    assert path.read_bytes() == before


@settings(deadline=None)
@given(own_code=st.text(max_size=40))
def test_rows_any_own_code_is_only_a_value(own_code: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("source")
    with closing(sqlite3.connect(folder / "d.db")) as connection, connection:
        connection.execute("CREATE TABLE t (d TEXT, k TEXT, v TEXT)")
        try:
            connection.execute("INSERT INTO t VALUES (?, 'k', 'v')", (own_code,))
        except UnicodeEncodeError:  # lone surrogates are no own codes
            return
    source = FieldSource(name="v", table="t", own_code="d", key="k", value="v")
    with Database(folder / "d.db") as database:
        assert database.rows(source, own_code, Period("once")) == [SourceRow("k", "v")]


@pytest.mark.parametrize("name", ["reading; DROP TABLE reading", "a b", "", "1a", 'x"', "é", "x" * 64])
def test_field_source_names_that_are_no_names_are_refused(name: str) -> None:
    with pytest.raises(ConfigError):
        FieldSource(name="f", table=name, own_code="a", key="b", value="c")


def test_database_cannot_be_written(path: Path) -> None:
    with Database(path) as database, pytest.raises(SourceUnreadable):
        # A "table" that is there, a column that is not: the driver's error comes back coded.
        database.rows(
            FieldSource(name="f", table="reading", own_code="meter", key="nothing", value="x"),
            METER,
            Period("once"),
        )
    with (
        Database(path) as database,
        database._engine.connect() as connection,
        pytest.raises(OperationalError, match="readonly"),
    ):
        connection.exec_driver_sql("DELETE FROM reading")


def test_database_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError):
        Database(tmp_path / "none.db")


def test_rows_key_twice_or_missing_or_blob_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "d.db"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE t (d TEXT, k TEXT, v BLOB)")
        rows = [("twice", "k", "1"), ("twice", "k", "2"), ("none", None, "1"), ("blob", "k", b"\x00")]
        connection.executemany("INSERT INTO t VALUES (?, ?, ?)", rows)
    source = FieldSource(name="v", table="t", own_code="d", key="k", value="v")
    with Database(path) as database:
        for own_code in ("twice", "none", "blob"):
            with pytest.raises(SourceUnreadable):
                database.rows(source, own_code, Period("once"))
