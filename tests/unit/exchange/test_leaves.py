"""Salted leaves: nothing to guess, and the first altered row by name."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridledger.exchange.leaves import RowChange, Salts, first_alteration, leaf_digests
from gridledger.exchange.vault import KeptDelivery, Vault
from gridledger.model.delivery import DeliveredPeriod, DeliveredRow
from gridledger.model.digest import Digest
from gridledger.model.errors import ConfigError
from gridledger.model.identifier import SystemIdentifier
from gridledger.model.merkle import merkle_root, row_leaf
from gridledger.model.period import Period

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
        assert found.row == differing[0]


def test_vault_keeps_secret_leaves_and_deliveries(tmp_path: Path) -> None:
    path = tmp_path / "vault.db"
    digests = leaf_digests(period({"a": "1"}))
    delivery = KeptDelivery(order="0" * 64, content=Digest.of(b"x"), rows=1, delivered_ms=5)
    with Vault(path) as vault:
        salt = vault.salts.of(FIELD, DAY)("a")
        vault.keep_leaves([(FIELD, DAY, digests)])
        vault.keep_delivery(delivery)
    with Vault(path) as vault:
        assert vault.salts.of(FIELD, DAY)("a") == salt
        assert vault.leaves(FIELD, DAY) == digests
        assert vault.leaves(FIELD, NEXT) == {}
        assert vault.delivery("0" * 64) == delivery
        assert vault.delivery("1" * 64) is None
        vault.keep_leaves([(FIELD, DAY, {}), (FIELD, NEXT, digests)])
        assert vault.leaves(FIELD, DAY) == {}
        assert vault.leaves(FIELD, NEXT) == digests
    assert path.stat().st_mode & 0o077 == 0


def test_vault_that_is_no_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "vault.db"
    path.write_bytes(b"no database" * 100)

    with pytest.raises(ConfigError):
        Vault(path)
