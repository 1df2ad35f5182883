"""Identifiers of datasets, statements of versions, rules of sharing policies."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridledger.model.dataset import DatasetEntry, DatasetIdentifier, VersionStatement
from gridledger.model.digest import Digest
from gridledger.model.errors import ModelError
from gridledger.model.period import Day
from gridledger.model.sharing import PolicyRule, PowerPlatform

DATASET = DatasetIdentifier.parse("88.1042.17/charging/stations.csv")
STATEMENT = VersionStatement(
    dataset=DATASET,
    number=2,
    root=Digest.of(b"root"),
    content=Digest.of(b"content"),
    blocks=1,
    size_bytes=1,
    epoch=1,
    location=bytes(60),
    custodian="0" * 32,
    custody=bytes(60),
)


@given(st.text())
def test_text_is_an_identifier_or_refused(text: str) -> None:
    try:
        assert str(DatasetIdentifier.parse(f"88.1042.1/{text}")) == f"88.1042.1/{text}"
    except ModelError:
        return


@pytest.mark.parametrize(
    "name", ["", "/a", "a/", "a//b", "../a", ".a", "a/.b", "a@2", "a b", "ä", "a" * 129, "a\n", "a#b", "a%2f"]
)
def test_name_that_would_not_stand_in_a_url_is_refused(name: str) -> None:
    with pytest.raises(ModelError):
        DatasetIdentifier.parse(f"88.1042.1/{name}")


def test_name_of_a_hundred_parts_is_read_at_once() -> None:
    assert DatasetIdentifier.parse("88.1042.1/" + "a/" * 63 + "a").name.count("/") == 63


def test_statement_names_its_bytes() -> None:
    assert VersionStatement.from_bytes(STATEMENT.to_bytes()) == STATEMENT
    assert STATEMENT.digest != replace(STATEMENT, number=3).digest


@pytest.mark.parametrize(
    "changes",
    [
        {"first": Day("2026-01-01")},
        {"first": Day("2026-01-02"), "last": Day("2026-01-01")},
        {"number": 1, "previous": Digest.of(b"before")},
        {"number": 0},
        {"epoch": 0},
        {"blocks": -1},
        {"location": bytes(28)},
        {"custodian": "x" * 32},
    ],
    ids=lambda changes: ",".join(changes),
)
def test_statement_that_makes_no_sense_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(ModelError):
        replace(STATEMENT, **changes)


@pytest.mark.parametrize("labels", [("b", "a"), ("a", "a"), tuple(f"l{i:02}" for i in range(17)), ("A",)])
def test_labels_are_sorted_words(labels: tuple[str, ...]) -> None:
    with pytest.raises(ModelError):
        DatasetEntry(identifier=DATASET, title="t", description="", labels=labels)


@pytest.mark.parametrize(
    "changes",
    [
        {"roles": ()},
        {"roles": ("b", "a")},
        {"purposes": ("a", "a")},
        {"organisations": ()},
        {"longest_ms": 59_999},
        {"longest_ms": 367 * 24 * 3600 * 1000},
    ],
    ids=["no role", "unsorted", "twice", "no organisation", "too short", "too long"],
)
def test_rule_that_makes_no_sense_is_refused(changes: dict[str, object]) -> None:
    rule = PolicyRule(
        platform=PowerPlatform.DISPATCHING, roles=("planner",), purposes=("forecast",), longest_ms=60_000
    )
    with pytest.raises(ModelError):
        replace(rule, **changes)
