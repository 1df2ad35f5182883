"""LEDGER.md names every object type, record and event that there is."""

from __future__ import annotations

from pathlib import Path

import pytest

import gridledger.chaincode
import gridledger.model.delivery
from gridledger.chaincode import ledger_key
from gridledger.model.events import Event
from gridledger.model.keys import KeyPrefix

TEXT = (Path(__file__).parents[3] / "chaincode" / "LEDGER.md").read_text("utf-8")
_KEYS = TEXT.partition("## 2. Keys")[2].partition("## 3.")[0]
_EVENTS = TEXT.partition("## 4. Events")[2].partition("## 5.")[0]


@pytest.mark.parametrize("prefix", list(KeyPrefix))
def test_key_tree_has_the_object_type(prefix: KeyPrefix) -> None:
    assert f"\n| `{prefix.value}`" in _KEYS


@pytest.mark.parametrize("event", list(Event))
def test_events_are_listed(event: Event) -> None:
    assert f"`{event.value}`" in _EVENTS


def test_key_tree_names_the_records_that_stand_there() -> None:
    for name in ledger_key.__all__:
        record = getattr(ledger_key, name).__annotations__["return"].removeprefix("Key[").removesuffix("]")
        schema = getattr(ledger_key, record).schema
        assert f"`{schema}`" in _KEYS, schema
    assert gridledger.chaincode.GridLedger().contracts
