"""An owner's database: read and never written, whatever stands in own codes."""

from __future__ import annotations

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy.exc import DatabaseError

from gridledger.exchange.cell import CellRefused, cell_text
from gridledger.exchange.database_address import DatabaseAddress
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
    assert rows[0] == SourceRow("2018-09-14T02:15", "0")
    assert [row.key for row in rows] == sorted(row.key for row in rows)
    assert len(month) == 475


def test_calls_in_a_moment_read_what_stood_at_its_beginning(path: Path) -> None:
    with closing(sqlite3.connect(path)) as writer, Database(path) as database:
        writer.execute("PRAGMA journal_mode = WAL")
        with database.moment():
            before = len(database.rows(POWER, METER, DAY))
            with writer:
                writer.execute("DELETE FROM reading WHERE measured_at = '2018-09-14T10:00'")
            assert len(database.rows(POWER, METER, DAY)) == before
            with ThreadPoolExecutor(1) as pool:
                assert len(pool.submit(database.rows, POWER, METER, DAY).result()) == before - 1
        assert len(database.rows(POWER, METER, DAY)) == before - 1


def test_moment_of_a_database_that_is_gone_is_refused(path: Path) -> None:
    with Database(path) as database:
        path.unlink()
        with pytest.raises(SourceUnreadable), database.moment():
            database.rows(POWER, METER, DAY)


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


HOSTILE = (
    "reading; DROP TABLE reading",
    'reading" UNION SELECT 1, 2 --',
    "a b",
    "1a",
    'x"y',
    "[x]",
    "`x`",
    ":x",
    "%(x)s",
    "发电量",
    "x'--",
)


@pytest.mark.parametrize("name", ["", "a\nb", "\x00", "x" * 64, "发" * 22])
def test_field_source_names_that_no_database_has_are_refused(name: str) -> None:
    with pytest.raises(ConfigError):
        FieldSource(name="f", table=name, own_code="a", key="b", value="c")


@pytest.mark.parametrize("name", HOSTILE)
def test_rows_sql_in_names_is_the_name_of_what_is_there_and_nothing_else(tmp_path: Path, name: str) -> None:
    path = tmp_path / "d.db"
    quoted = name.replace('"', '""')
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(f'CREATE TABLE "{quoted}" (d TEXT, "k{quoted}" TEXT, "{quoted}" TEXT, t TEXT)')
        connection.execute(
            f'INSERT INTO "{quoted}" VALUES (?, ?, ?, ?)', ("d", "k", "SELECT 1", "2018-09-14T00:00")
        )
    there = FieldSource(name="v", table=name, own_code="d", key=f"k{name}", value=name, time="t")
    with Database(path) as database:
        assert database.rows(there, "d", DAY) == [SourceRow("k", "SELECT 1")]
        assert database.periods(there, "d", Frequency.DAY) == [DAY]
        for absent in (
            FieldSource(name="v", table=f"{name}x", own_code="d", key="d", value="d"),
            FieldSource(name="v", table=name, own_code="d", key="d", value=f"{name}x"),
        ):
            with pytest.raises(SourceUnreadable, match=r"there is no table|has no column"):
                database.rows(absent, "d", Period("once"))


def test_rows_pages_give_what_one_statement_gives(path: Path) -> None:
    with Database(path) as whole:
        expected = whole.rows(POWER, METER, Period("2018-09"))
    for size in (1, 2, 7, 474, 475, 476):
        with Database(path, page_rows=size) as paged:
            assert paged.rows(POWER, METER, Period("2018-09")) == expected


@pytest.mark.parametrize("size", [1, 2, 3])
def test_rows_key_twice_across_pages_is_refused(tmp_path: Path, size: int) -> None:
    path = tmp_path / "d.db"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE t (d TEXT, k TEXT, v TEXT)")
        connection.executemany("INSERT INTO t VALUES ('d', ?, 'v')", [("a",), ("b",), ("c",), ("c",)])
    source = FieldSource(name="v", table="t", own_code="d", key="k", value="v")
    with Database(path, page_rows=size) as database, pytest.raises(SourceUnreadable, match="stands twice"):
        database.rows(source, "d", Period("once"))


def test_rows_statement_that_takes_too_long_is_ended(tmp_path: Path) -> None:
    path = tmp_path / "d.db"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(
            "CREATE VIEW t AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)"
            " SELECT 'd' AS d, i AS k, i AS v FROM n"
        )
    source = FieldSource(name="v", table="t", own_code="d", key="k", value="v")

    with (
        Database(DatabaseAddress(file=path, statement_s=0.2)) as database,
        pytest.raises(SourceUnreadable),
    ):
        database.rows(source, "d", Period("once"))


def test_rows_time_with_another_zone_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "d.db"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE t (d TEXT, k TEXT, v TEXT)")
        connection.execute("INSERT INTO t VALUES ('d', '2018-09-14T01:00+08:00', '1')")
    source = FieldSource(name="v", table="t", own_code="d", key="k", value="v", time="k")
    with Database(path) as database, pytest.raises(SourceUnreadable, match="UTC"):
        database.rows(source, "d", DAY)


def test_cells_have_one_text_whatever_the_database_holds_them_in() -> None:
    numbers: list[object] = [475, 475.0, Decimal(475), Decimal("475.000"), Decimal("4.75E+2")]
    assert {cell_text(number) for number in numbers} == {"475"}
    assert {cell_text(text, "number") for text in ("475.00", "+475", "4.75e2")} == {"475"}
    assert [cell_text(zero) for zero in (0.0, -0.0, Decimal("-0.00"), 0)] == ["0"] * 4
    assert cell_text(Decimal("0.10000000000000000001")) == "0.10000000000000000001"
    assert cell_text(1e300) == "1" + "0" * 300
    assert [cell_text(one) for one in (float("nan"), float("-inf"), Decimal("Infinity"))] == [
        "NaN",
        "-Infinity",
        "Infinity",
    ]
    assert (cell_text(True), cell_text(1, "boolean"), cell_text(2, "boolean")) == ("true", "true", "2")
    east = timezone(timedelta(hours=8))
    assert cell_text(datetime(2018, 9, 14, 10, 15, tzinfo=east)) == "2018-09-14T02:15Z"
    assert cell_text("2018-09-14 10:15:00.500+08:00", "time") == "2018-09-14T02:15:00.5Z"
    assert cell_text("2018-13-14T10:15", "time") == "2018-13-14T10:15"
    assert cell_text("0001-01-01T00:00+08:00", "time") == "0001-01-01T00:00+08:00"
    assert (cell_text(date(2018, 9, 14)), cell_text("2018-09-14 00:00:00", "date")) == ("2018-09-14",) * 2
    assert cell_text("475.00") == "475.00"
    for cell in (b"x", {"a": 1}, [1]):
        with pytest.raises(CellRefused):
            cell_text(cell)


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
        pytest.raises(DatabaseError, match="not authorized"),
    ):
        connection.exec_driver_sql("DELETE FROM reading")


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM reading",
        "INSERT INTO reading VALUES ('m', 't', 1, 1, 1)",
        "CREATE TABLE other (a)",
        "CREATE TEMP TABLE other (a)",
        "ATTACH DATABASE ':memory:' AS other",
        "PRAGMA query_only = OFF",
        "DROP TABLE reading",
        "VACUUM",
    ],
)
def test_database_refuses_every_statement_that_is_no_reading(path: Path, statement: str) -> None:
    before = path.read_bytes()
    with (
        Database(path) as database,
        database._engine.connect() as connection,
        pytest.raises(DatabaseError),
    ):
        connection.exec_driver_sql(statement)
    assert path.read_bytes() == before


def test_database_without_the_authorizer_is_read_only_still(path: Path) -> None:
    with Database(path) as database, database._engine.connect() as connection:
        driver = connection.connection.driver_connection
        assert driver is not None
        driver.set_authorizer(None)
        with pytest.raises(DatabaseError, match="readonly"):
            connection.exec_driver_sql("DELETE FROM reading")
        connection.exec_driver_sql("PRAGMA query_only = OFF")
        with pytest.raises(DatabaseError, match="readonly"):
            connection.exec_driver_sql("DELETE FROM reading")


def test_check_names_what_is_missing(path: Path, tmp_path: Path) -> None:
    with Database(path) as database:
        database.check([POWER])
        with pytest.raises(SourceUnreadable, match="nothing"):
            database.check([replace(POWER, value="nothing")])
    (tmp_path / "none.db").write_bytes(b"no database at all, of any kind")
    with Database(tmp_path / "none.db") as database, pytest.raises(ConfigError):
        database.check([POWER])


@pytest.mark.parametrize(
    "text", ["postgresql://reader:hidden@db.example/x", "postgresql+psycopg://reader:hidden@db.example/x"]
)
def test_address_shows_no_password(text: str, tmp_path: Path) -> None:
    address = DatabaseAddress.parse(text, tmp_path)
    assert "hidden" not in f"{address!r} {address}"
    (tmp_path / "password").write_text("from-a-file\n", encoding="utf-8")
    address = DatabaseAddress.parse("postgresql://reader@db.example/x", tmp_path, password_file="password")
    assert address.url is not None
    assert address.url.password == "from-a-file"
    assert "from-a-file" not in f"{address!r} {address}"
    with pytest.raises(ConfigError):
        DatabaseAddress.parse("postgresql://reader@db.example/x", tmp_path, password_file="none")
    with pytest.raises(ConfigError) as caught:
        DatabaseAddress.parse("mysql://reader:hidden@db.example/x", tmp_path)
    assert "hidden" not in str(caught.value)


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
