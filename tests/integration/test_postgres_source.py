"""A PostgreSQL database as a source: the leaves that SQLite gives, and nothing that could be written."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from tests.postgres import OwnDatabase, PostgresServer

from gridledger.exchange.database_address import DatabaseAddress
from gridledger.exchange.errors import SourceUnreadable
from gridledger.exchange.leaves import Salts, read_period
from gridledger.exchange.source import Database, FieldSource, SourceRow
from gridledger.model.errors import ConfigError
from gridledger.model.identifier import SystemIdentifier
from gridledger.model.period import Frequency, Period

SALTS = Salts(bytes(range(32)))
DEVICE = SystemIdentifier("88.1042.2").device("MTR'01\"; --")
DAY = Period("2018-09-14")
MADE = (
    # Moment in UTC, kW, counter, whether it runs, what the operator wrote, day of the inspection.
    ("2018-09-13T23:59:59.500", "1", 1, True, "the day before", "2018-09-13"),
    ("2018-09-14T00:00", "475.000", 2, True, "'; DROP TABLE reading; --", "2018-09-14"),
    ("2018-09-14T02:15", "0.10", -3, False, "", "2018-09-14"),
    ("2018-09-14T12:00:30", None, 2**62, None, "逆变器 故障", None),
    ("2018-09-14T23:59:59.999999", "-0.0000001", 0, True, 'a "quoted" word', "2018-09-14"),
    ("2018-09-15T00:00", "3", 5, True, "the day after", "2018-09-15"),
)


def source(value: str, data_type: str, *, key: str = "measured_at", table: str = "reading") -> FieldSource:
    return FieldSource(
        name=value.replace("_", "-"),
        table=table,
        own_code="meter",
        key=key,
        value=value,
        time="measured_at",
        data_type=data_type,
    )


FIELDS = (
    source("kw", "number"),
    source("counter", "number"),
    source("running", "boolean"),
    source("note", "text"),
    source("inspected", "date"),
    source("measured_at", "time"),
    source("kw", "number", key="number"),
)


@pytest.fixture(scope="module")
def own(postgres: PostgresServer) -> Iterator[OwnDatabase]:
    with postgres.database() as database:
        with database.owner.begin() as connection:
            connection.execute(
                text(
                    "CREATE TABLE reading (number bigint PRIMARY KEY, meter text NOT NULL,"
                    " measured_at timestamptz NOT NULL, kw numeric(20, 10), counter bigint,"
                    " running boolean, note text, inspected date)"
                )
            )
            for number, row in enumerate(MADE, start=9):
                values = {"number": number, "meter": DEVICE.own_code, "at": f"{row[0]}Z"}
                names = ("kw", "counter", "running", "note", "inspected")
                values |= dict(zip(names, row[1:], strict=True))
                connection.execute(
                    text(
                        "INSERT INTO reading VALUES (:number, :meter, :at, CAST(:kw AS numeric), :counter,"
                        " :running, :note, CAST(:inspected AS date))"
                    ),
                    values,
                )
            connection.execute(text("CREATE VIEW latest AS SELECT * FROM reading"))
            connection.execute(
                text("CREATE TABLE plain (device integer, key timestamp, day date, value double precision)")
            )
            connection.execute(
                text(
                    "INSERT INTO plain VALUES (7, '2018-09-14 02:15', '2018-09-14', 475.0),"
                    " (7, NULL, NULL, 1)"
                )
            )
        database.grant()
        yield database


@pytest.fixture
def reader(own: OwnDatabase) -> Iterator[Database]:
    with Database(DatabaseAddress(url=own.reader), page_rows=2) as database:
        yield database


@pytest.fixture
def lite(tmp_path: Path) -> Iterator[Database]:
    """Give the same rows in SQLite, which keeps moments and decimals as text."""
    path = tmp_path / "data.db"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(
            "CREATE TABLE reading (number INTEGER PRIMARY KEY, meter TEXT, measured_at TEXT, kw TEXT,"
            " counter INTEGER, running BOOLEAN, note TEXT, inspected TEXT)"
        )
        for number, row in enumerate(MADE, start=9):
            values = (number, DEVICE.own_code, f"{row[0]}Z", *row[1:])
            connection.execute("INSERT INTO reading VALUES (?, ?, ?, ?, ?, ?, ?, ?)", values)
    with Database(path, page_rows=3) as database:
        yield database


@pytest.mark.parametrize("field", FIELDS, ids=[f"{one.name} by {one.key}" for one in FIELDS])
@pytest.mark.parametrize("period", ["2018-09-14", "2018-09"])
def test_roots_of_both_databases_agree(
    reader: Database, lite: Database, field: FieldSource, period: str
) -> None:
    name = DEVICE.field(field.name)
    ours, theirs = (read_period(database, field, SALTS, name, Period(period)) for database in (reader, lite))
    assert ours == theirs
    assert ours.root() == theirs.root()
    assert len(ours.rows) == (4 if period == "2018-09-14" else 6)


def test_rows_are_exact(reader: Database) -> None:
    rows = {row.key: row.value for row in reader.rows(FIELDS[0], DEVICE.own_code, DAY)}
    assert rows == {
        "2018-09-14T00:00Z": "475",
        "2018-09-14T02:15Z": "0.1",
        "2018-09-14T12:00:30Z": None,
        "2018-09-14T23:59:59.999999Z": "-0.0000001",
    }
    counters = {row.key: row.value for row in reader.rows(FIELDS[1], DEVICE.own_code, DAY)}
    assert counters["2018-09-14T12:00:30Z"] == str(2**62)


def test_rows_of_a_view_are_those_of_its_table(reader: Database) -> None:
    of_view = replace(FIELDS[0], table="latest")
    assert reader.rows(of_view, DEVICE.own_code, DAY) == reader.rows(FIELDS[0], DEVICE.own_code, DAY)
    assert reader.rows(replace(of_view, schema="public"), DEVICE.own_code, DAY)


def test_periods_are_days_of_utc(reader: Database, lite: Database) -> None:
    expected = [Period(day) for day in ("2018-09-13", "2018-09-14", "2018-09-15")]
    for database in (reader, lite):
        assert database.periods(FIELDS[0], DEVICE.own_code, Frequency.DAY) == expected
        assert database.periods(FIELDS[0], DEVICE.own_code, Frequency.MONTH) == [Period("2018-09")]
        assert database.periods(FIELDS[0], "nobody", Frequency.DAY) == []


def test_rows_of_columns_without_zone_and_own_codes_that_are_numbers(reader: Database) -> None:
    plain = FieldSource(name="v", table="plain", own_code="device", key="key", value="value", time="day")
    assert reader.rows(plain, "7", DAY) == [SourceRow("2018-09-14T02:15", "475")]
    assert reader.periods(plain, "7", Frequency.DAY) == [DAY]
    for own_code in ("8", "7; DROP TABLE plain", "07", "seven", "", "9" * 30):
        if own_code == "9" * 30:
            with pytest.raises(SourceUnreadable):
                reader.rows(plain, own_code, DAY)
        else:
            assert reader.rows(plain, own_code, DAY) == []
    with pytest.raises(SourceUnreadable, match="no key"):
        reader.rows(replace(plain, time=None), "7", Period("once"))


@pytest.mark.parametrize(
    "hostile",
    ["'; DROP TABLE reading; --", "' OR '1'='1", "%", "\x00", '" UNION SELECT 1 --', "%(own_code)s"],
)
def test_rows_sql_in_any_string_is_data(reader: Database, hostile: str) -> None:
    assert reader.rows(FIELDS[0], hostile, DAY) == []
    assert reader.periods(FIELDS[0], hostile, Frequency.DAY) == []
    if "\x00" in hostile:
        return
    for source_of in (
        replace(FIELDS[0], table=hostile),
        replace(FIELDS[0], value=hostile),
        replace(FIELDS[0], key=hostile),
        replace(FIELDS[0], own_code=hostile),
        replace(FIELDS[0], time=hostile),
        replace(FIELDS[0], schema=hostile),
    ):
        with pytest.raises(SourceUnreadable, match=r"there is no table|has no column"):
            reader.rows(source_of, DEVICE.own_code, DAY)
    assert len(reader.rows(FIELDS[0], DEVICE.own_code, DAY)) == 4


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM reading",
        "UPDATE reading SET kw = 0",
        "CREATE TABLE other (a int)",
        "SET TRANSACTION READ WRITE; DELETE FROM reading",
        "COMMIT; SET default_transaction_read_only = off; DELETE FROM reading",
        "DROP TABLE reading",
        "COPY reading TO PROGRAM 'true'",
    ],
)
def test_database_refuses_writing(reader: Database, own: OwnDatabase, statement: str) -> None:
    with reader._engine.connect() as connection, pytest.raises(DBAPIError):
        connection.exec_driver_sql(statement)
    with own.owner.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM reading")).scalar() == len(MADE)


def test_check_accepts_a_reader_and_refuses_a_login_that_may_write(
    reader: Database, own: OwnDatabase, postgres: PostgresServer
) -> None:
    reader.check(FIELDS)
    with (
        Database(DatabaseAddress(url=own.reader.set(username="postgres"))) as database,
        pytest.raises(ConfigError, match="is a superuser"),
    ):
        database.check(FIELDS)
    for grant in ("INSERT", "UPDATE (kw)", "DELETE", "TRUNCATE", "TRIGGER"):
        with own.owner.begin() as connection:
            connection.execute(text(f"GRANT {grant} ON reading TO reader"))
        try:
            with pytest.raises(ConfigError, match=r"may write or owns public\.reading"):
                reader.check(FIELDS)
        finally:
            with own.owner.begin() as connection:
                connection.execute(text(f"REVOKE {grant} ON reading FROM reader"))
    with own.owner.begin() as connection:
        connection.execute(text("GRANT CREATE ON SCHEMA public TO reader"))
    try:
        with pytest.raises(ConfigError, match="may make tables in public"):
            reader.check(FIELDS)
    finally:
        with own.owner.begin() as connection:
            connection.execute(text("REVOKE CREATE ON SCHEMA public FROM reader"))
    reader.check(FIELDS)


def test_check_names_a_table_that_may_not_be_read_or_is_not_there(reader: Database, own: OwnDatabase) -> None:
    with own.owner.begin() as connection:
        connection.execute(text("CREATE TABLE secret (meter text, k text, v text)"))
    hidden = FieldSource(name="v", table="secret", own_code="meter", key="k", value="v")
    with pytest.raises(ConfigError, match="InsufficientPrivilege"):
        reader.check([hidden])
    with pytest.raises(SourceUnreadable, match="nothing"):
        reader.check([replace(hidden, table="nothing")])


def test_check_server_that_is_not_there_is_told_without_its_password(
    own: OwnDatabase, tmp_path: Path
) -> None:
    url = own.reader.set(query={"host": str(tmp_path)}, password="hidden")
    with Database(DatabaseAddress(url=url)) as database, pytest.raises(ConfigError) as caught:
        database.check(FIELDS)
    assert "hidden" not in str(caught.value)


def test_rows_statement_that_takes_too_long_is_ended_by_the_server(own: OwnDatabase) -> None:
    with own.owner.begin() as connection:
        connection.execute(text("CREATE VIEW slow AS SELECT 'm' AS m, 'k' AS k, pg_sleep(60)::text AS v"))
    own.grant()
    slow = FieldSource(name="v", table="slow", own_code="m", key="k", value="v")
    with (
        Database(DatabaseAddress(url=own.reader, statement_s=0.2)) as database,
        pytest.raises(SourceUnreadable, match="QueryCanceled"),
    ):
        database.rows(slow, "m", Period("once"))


def test_rows_all_pages_are_of_one_moment(own: OwnDatabase) -> None:
    with own.owner.begin() as connection:
        connection.execute(text("CREATE TABLE moving (d text, k int PRIMARY KEY, v text)"))
        connection.execute(text("INSERT INTO moving SELECT 'd', i, 'before' FROM generate_series(1, 4) AS i"))
    own.grant()
    moving = FieldSource(name="v", table="moving", own_code="d", key="k", value="v")
    with Database(DatabaseAddress(url=own.reader)) as database, database._engine.connect() as connection:
        table = database._table(connection, moving)
        first = connection.execute(*table.page("d", Period("once"), None, size=2)).all()
        with own.owner.begin() as other:
            other.execute(text("UPDATE moving SET v = 'after'"))
        rest = connection.execute(*table.page("d", Period("once"), first[-1][0], size=9)).all()
    assert {row[1] for row in (*first, *rest)} == {"before"}
