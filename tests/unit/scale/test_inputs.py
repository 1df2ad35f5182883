"""Inputs of the simulation and the bill: what is stated is read, what is wrong is named."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.bench.scale_inputs import LOAD, PRICES, read_load, read_prices
from tests.bench.scale_steps import STEPS, read_steps, write_steps

from gridledger.model.errors import ModelError

LOAD_TEXT, PRICES_TEXT = LOAD.read_text("utf-8"), PRICES.read_text("utf-8")
STEPS_TEXT = STEPS.read_text("utf-8")


def test_the_stated_inputs_are_read_and_every_entry_has_a_reason_or_a_source() -> None:
    load = read_load(LOAD_TEXT)
    assert sum(one.share for one in load.device_types) == pytest.approx(1)
    assert all(one.reason for one in load.device_types)
    prices = read_prices(PRICES_TEXT)
    assert load.machines.peer_cores == load.machines.orderer_cores == prices.ledger.cores


@pytest.mark.parametrize(
    ("place", "value", "named"),
    [
        (("device_types", 0, "share"), 0.5, "shares of device types"),
        (("device_types", 0, "fields"), -1, "device_types.0.fields"),
        (("device_types", 0, "readings_a_day"), float("nan"), "device_types.0.readings_a_day"),
        (("rates", "life_years"), 0, "rates.life_years"),
        (("peaks", "queries"), 0.5, "peaks.queries"),
        (("machines", "used_share"), 2, "machines.used_share"),
        (("schema",), "scale-load/2", "schema"),
        (("more",), 1, "more"),
    ],
)
def test_a_wrong_entry_is_named(place: tuple[str | int, ...], value: object, named: str) -> None:
    changed = yaml.safe_load(LOAD_TEXT)
    at = changed
    for step in place[:-1]:
        at = at[step]
    at[place[-1]] = value
    with pytest.raises(ModelError) as refused:
        read_load(yaml.safe_dump(changed))
    assert named in str(refused.value.problems)


@pytest.mark.parametrize(
    "text", ["", "[", "- 1", "a: &a [*a]", "!!python/object:os.system {}", "[" * 60_000, "x" * 100_000]
)
def test_hostile_files_are_refused(text: str) -> None:
    for read in (read_load, read_prices):
        with pytest.raises(ModelError):
            read(text)


@settings(max_examples=50, deadline=None)
@given(st.text(max_size=200))
def test_any_text_is_read_or_refused(text: str) -> None:
    for read in (read_load, read_prices, read_steps):
        with contextlib.suppress(ModelError):
            read(text)


def test_steps_come_back_as_they_were_written() -> None:
    steps = read_steps(STEPS_TEXT)
    assert steps
    assert write_steps(steps) == STEPS_TEXT


@pytest.mark.parametrize("cell", ["-1", "nan", "inf", "x", "", "1.5"])
def test_a_wrong_cell_of_the_steps_is_named(cell: str) -> None:
    head, first, *_ = STEPS_TEXT.splitlines()
    column = head.split(",").index("units")
    cells = first.split(",")
    cells[column] = cell
    with pytest.raises(ModelError) as refused:
        read_steps(f"{head}\n{','.join(cells)}\n")
    assert list(refused.value.problems) == ["2.units"]


def test_steps_with_other_columns_are_refused() -> None:
    with pytest.raises(ModelError):
        read_steps("a,b\n1,2\n")
    with pytest.raises(ModelError) as refused:
        read_steps(f"{STEPS_TEXT.splitlines()[0]}\n1,2\n")
    assert list(refused.value.problems) == ["2"]


def test_every_input_stands_beside_the_document() -> None:
    assert all(isinstance(one, Path) and one.is_file() for one in (LOAD, PRICES, STEPS))
