"""Salted leaves: nothing to guess, and the first altered row by name."""

from __future__ import annotations

import itertools
import sqlite3
import subprocess
import sys
from collections.abc import Mapping
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridledger.exchange.leaves import RowChange, Salts, first_alteration, leaf_digests, split_period
from gridledger.exchange.vault import DepositRun, KeptDelivery, KeptLeaf, Vault
from gridledger.model.delivery import DeliveredPeriod, DeliveredRow
from gridledger.model.digest import Digest
from gridledger.model.errors import ConfigError
from gridledger.model.identifier import SystemIdentifier
from gridledger.model.merkle import merkle_root, row_leaf
from gridledger.model.period import Period
from gridledger.web.errors import ServiceUnavailable

FIELD = SystemIdentifier("88.1042.2").device("MTR01").field("state")
OTHER = SystemIdentifier("88.1042.2").device("MTR01").field("alarm")
DAY, NEXT = Period("2018-09-14"), Period("2018-09-15")
SECRET = bytes(range(32))


def period(values: Mapping[str, str | None], secret: bytes = SECRET) -> DeliveredPeriod:
    salt = Salts(secret).of(FIELD, DAY)
    rows = (DeliveredRow(key=key, value=values[key], salt=salt(key)) for key in sorted(values))
    return DeliveredPeriod(field=FIELD, period=DAY, rows=tuple(rows))


def test_salts_differ_by_field_period_row_and_secret() -> None:
    salts = {
        Salts(secret).of(field, day)(row)
        for secret, field, day, row in itertools.product(
            (SECRET, bytes(32)), (FIELD, OTHER), (DAY, NEXT), ("a", "b")
        )
    }
    assert len(salts) == 16
    assert all(len(salt) == 16 for salt in salts)
    assert Salts(SECRET).of(FIELD, DAY)("a") == Salts(SECRET).of(FIELD, DAY)("a")
    assert "Salts()" in repr(Salts(SECRET))


def test_root_of_a_field_with_two_values_cannot_be_guessed() -> None:
    """Try every day of four on-off readings: without its salts no root is found, with them one is."""
    keys = ("00:00", "06:00", "12:00", "18:00")
    truth = dict(zip(keys, ("on", "off", "on", "on"), strict=True))
    deposited = period(truth).root().root
    salt = Salts(SECRET).of(FIELD, DAY)

    def roots(salted: bool) -> set[Digest]:
        found = set()
        for guess in itertools.product(("on", "off"), repeat=len(keys)):
            rows = [
                row_leaf(
                    {"field": str(FIELD), "key": key, "period": str(DAY), "value": value},
                    salt(key) if salted else bytes(16),
                )
                for key, value in zip(keys, guess, strict=True)
            ]
            found.add(merkle_root(rows))
        return found

    assert deposited in roots(salted=True)
    assert deposited not in roots(salted=False)


def test_first_alteration_names_the_first_row_by_key() -> None:
    kept = leaf_digests(period({"a": "1", "b": "2", "c": None}))

    assert first_alteration(period({"a": "1", "b": "2", "c": None}), kept) is None
    for values, row, change in (
        ({"a": "1", "b": "9", "c": "0"}, "b", RowChange.CHANGED),
        ({"a": "1", "c": None}, "b", RowChange.REMOVED),
        ({"a": "1", "aa": "0", "b": "2", "c": None}, "aa", RowChange.ADDED),
        ({"a": "1", "aa": "0", "b": "2", "c": "x"}, "c", RowChange.CHANGED),
        ({"a": "1", "b": "2", "c": ""}, "c", RowChange.CHANGED),
    ):
        found = first_alteration(period(values), kept)
        assert found is not None
        assert (found.row, found.change, found.field, found.period) == (row, change, FIELD, DAY)


@settings(deadline=None)
@given(
    st.dictionaries(st.sampled_from("abcdefgh"), st.sampled_from("01"), max_size=8),
    st.dictionaries(st.sampled_from("abcdefgh"), st.sampled_from("01"), max_size=8),
)
def test_first_alteration_agrees_with_the_roots(before: dict[str, str], after: dict[str, str]) -> None:
    old, new = period(dict(before)), period(dict(after))

    found = first_alteration(new, leaf_digests(old))

    assert (found is None) == (old.root() == new.root())
    if found is not None:
        differing = [key for key in sorted(before.keys() | after.keys()) if before.get(key) != after.get(key)]
        altered = [key for key in differing if key in before]
        assert found.row == (altered or differing)[0]
        assert sum(found.counts.values()) == len(differing)


def test_vault_keeps_secret_deposits_and_deliveries(tmp_path: Path) -> None:
    path = tmp_path / "vault.db"
    rows = period({"a": "1", "b": "0"})
    root, digests = rows.root(), leaf_digests(rows)
    delivery = KeptDelivery(order="0" * 64, content=Digest.of(b"x"), rows=1, delivered_ms=5)
    with Vault(path) as vault:
        salt = vault.salts.of(FIELD, DAY)("a")
        vault.prepare([(root, digests)], now_ms=7)
        vault.keep_deliveries([delivery])
    with Vault(path) as vault:
        assert vault.salts.of(FIELD, DAY)("a") == salt
        assert vault.pending() == [root]
        assert vault.leaves(FIELD, DAY) == {}  # not the ledger's yet
        vault.settle([root], [])
        assert vault.pending() == []
        assert vault.leaves(FIELD, DAY) == {key: KeptLeaf(digest, 0) for key, digest in digests.items()}
        assert [(one.root, one.kept_ms) for one in vault.deposits(FIELD, DAY)] == [(root, 7)]
        assert vault.periods_of(FIELD) == {DAY: FIELD}
        assert (vault.leaves(FIELD, NEXT), vault.periods_of(OTHER)) == ({}, {})
        assert vault.delivery("0" * 64) == delivery
        assert vault.delivery("1" * 64) is None
    assert path.stat().st_mode & 0o077 == 0


def test_vault_pending_deposit_is_replaced_or_dropped_and_a_confirmed_one_is_not(tmp_path: Path) -> None:
    old, new = period({"a": "1"}), period({"a": "2", "b": "0"})
    with Vault(tmp_path / "vault.db") as vault:
        vault.prepare([(old.root(), leaf_digests(old))], now_ms=1)
        vault.prepare([(new.root(), leaf_digests(new))], now_ms=2)
        assert vault.pending() == [new.root()]
        vault.settle([], [new.root()])
        assert (vault.pending(), vault.deposits(FIELD, DAY)) == ([], [])
        vault.prepare([(old.root(), leaf_digests(old))], now_ms=3)
        vault.settle([old.root()], [])
        vault.settle([], [old.root()])
        with pytest.raises(sqlite3.IntegrityError):
            vault.prepare([(new.root(), leaf_digests(new))], now_ms=4)
        assert [one.root for one in vault.deposits(FIELD, DAY)] == [old.root()]
        late = replace(new, supplement=1, rows=new.rows[1:])
        vault.prepare([(late.root(), leaf_digests(late))], now_ms=5)
        vault.settle([late.root()], [])
        assert {key: leaf.supplement for key, leaf in vault.leaves(FIELD, DAY).items()} == {"a": 0, "b": 1}
        assert vault.count_deposits() == (2, 0)


def test_vault_lets_one_run_deposit_at_a_time(tmp_path: Path) -> None:
    with Vault(tmp_path / "vault.db") as vault, Vault(tmp_path / "vault.db") as other:
        with vault.depositing(), pytest.raises(ServiceUnavailable), other.depositing():
            pass
        with other.depositing():
            pass


def test_vault_remembers_the_last_runs(tmp_path: Path) -> None:
    with Vault(tmp_path / "vault.db") as vault:
        runs = [DepositRun(started_ms=n, ended_ms=n + 1, deposited=n, refused=0) for n in range(1003)]
        for run in runs:
            vault.keep_run(run)
        assert vault.runs(2) == [runs[1002], runs[1001]]
        assert len(vault.runs(5000)) == 1000


@settings(deadline=None)
@given(
    st.dictionaries(st.sampled_from("abcdefgh"), st.sampled_from("01"), max_size=8),
    st.dictionaries(st.sampled_from("abcdefgh"), st.sampled_from("01"), max_size=8),
)
def test_split_late_rows_leave_the_deposit_and_nothing_deposited_becomes_late(
    before: dict[str, str], after: dict[str, str]
) -> None:
    deposited = period(dict(before))

    parts = split_period(period(dict(after)), dict.fromkeys(before, 0), count=1)

    unchanged = all(after.get(key) == value for key, value in before.items())
    assert (parts.deposited[0].root() == deposited.root()) == unchanged
    late = parts.late.rows if parts.late else ()
    assert [row.key for row in late] == sorted(after.keys() - before.keys())
    assert all(one.supplement == number for number, one in enumerate(parts.all()))


def test_split_without_a_deposit_has_all_rows_in_the_first(tmp_path: Path) -> None:
    parts = split_period(period({"a": "1"}), {}, count=0)
    assert (len(parts.deposited), parts.late) == (1, None)
    parts = split_period(period({"a": "1", "b": "0", "c": "0"}), {"a": 0, "b": 1}, count=2)
    assert [[row.key for row in part.rows] for part in parts.all()] == [["a"], ["b"], ["c"]]
    assert [part.supplement for part in parts.all()] == [0, 1, 2]


def test_vault_of_another_version_is_refused(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "vault.db")) as connection, connection:
        connection.execute("PRAGMA user_version = 9")

    with pytest.raises(ConfigError, match="version 9"):
        Vault(tmp_path / "vault.db")


def test_vault_that_is_no_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "vault.db"
    path.write_bytes(b"no database" * 100)

    with pytest.raises(ConfigError):
        Vault(path)


def test_vault_opened_again_in_a_process_keeps_the_first_ones_lock(tmp_path: Path) -> None:
    """A process that closes the file must not take itself for the last one, and remove the log of changes."""
    path = tmp_path / "vault.db"
    with Vault(path) as vault:
        vault.keep_run(DepositRun(started_ms=1, ended_ms=2, deposited=3, refused=0))
        Vault(path).close()
        look = "import sqlite3, sys; sqlite3.connect(sys.argv[1]).execute('SELECT * FROM leaf').fetchall()"
        subprocess.run([sys.executable, "-c", look, str(path)], check=True)
        assert path.with_name("vault.db-wal").exists()
