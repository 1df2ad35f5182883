"""Composite keys: look-ups by their first parts."""

from __future__ import annotations

import pytest
from tests.conformance.caller import Caller
from tests.conformance.probe.steps import do

from gridledger.model.errors import GridLedgerError
from gridledger.shim import create_composite_key


async def put(caller: Caller, kind: str, *attributes: list[str]) -> None:
    keys = [create_composite_key(kind, each) for each in attributes]
    await caller.submit(*(do.put_state(composite, b"v") for composite in keys))


async def attributes_of(caller: Caller, kind: str, *attributes: str) -> list[tuple[str, ...]]:
    rows = await caller.evaluate(do.get_state_by_partial_composite_key(kind, list(attributes)))
    split = await caller.evaluate_each(*(do.split_composite_key(composite) for composite, _ in rows))
    assert all(found == kind for found, _ in split)
    return [tuple(parts) for _, parts in split]


async def test_composite_key_written_is_read_by_its_key(org1: Caller, key: str) -> None:
    [composite] = await org1.evaluate_each(do.create_composite_key(key, ["a", "b"]))
    await org1.submit(do.put_state(composite, b"17"))

    assert composite == f"\x00{key}\x00a\x00b\x00"
    assert await org1.evaluate(do.get_state(composite)) == b"17"


async def test_partial_key_finds_exactly_what_begins_with_it(org1: Caller, key: str) -> None:
    await put(org1, key, ["a", "1"], ["a", "2"], ["ab", "3"], ["b", "4"], ["a"])
    await put(org1, f"{key}x", ["a", "5"])

    assert await attributes_of(org1, key, "a") == [("a",), ("a", "1"), ("a", "2")]


async def test_partial_key_of_all_parts_finds_the_key_itself(org1: Caller, key: str) -> None:
    await put(org1, key, ["a", "1"], ["a", "11"])

    assert await attributes_of(org1, key, "a", "1") == [("a", "1")]


async def test_partial_key_without_attributes_finds_the_whole_kind(org1: Caller, key: str) -> None:
    await put(org1, key, [], ["b"], ["a", "1"], ["é"], ["中"])

    assert await attributes_of(org1, key) == [(), ("a", "1"), ("b",), ("é",), ("中",)]


async def test_partial_key_with_empty_attribute_finds_empty_attributes(org1: Caller, key: str) -> None:
    await put(org1, key, ["", "1"], ["a", "2"])

    assert await attributes_of(org1, key, "") == [("", "1")]


@pytest.mark.parametrize("part", ["a\x00b", "a\U0010ffff", "\ud800"])
async def test_composite_key_forbidden_character_is_refused(org1: Caller, key: str, part: str) -> None:
    with pytest.raises(GridLedgerError, match=r"attributes\[1\]"):
        await org1.evaluate(do.create_composite_key(key, ["a", part]))


async def test_split_composite_key_of_a_simple_key_is_refused(org1: Caller, key: str) -> None:
    with pytest.raises(GridLedgerError, match="not a composite key"):
        await org1.evaluate(do.split_composite_key(key))


async def test_partial_key_deleted_rows_are_gone(org1: Caller, key: str) -> None:
    await put(org1, key, ["a", "1"], ["a", "2"])
    await org1.submit(do.del_state(create_composite_key(key, ["a", "1"])))

    assert await attributes_of(org1, key, "a") == [("a", "2")]
