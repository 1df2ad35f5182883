"""Refusals over the wire: they come back as what they were, and no text makes the reader fail."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridledger.model.canonical import MAX_INTEGER
from gridledger.model.errors import ContractError, ModelError, error_classes
from gridledger.model.refusals import (
    AlreadyExists,
    BadArgument,
    CallCancelled,
    CallRepeated,
    ClaimedTimeRefused,
    LimitExceeded,
    NotFound,
    NoTimeMark,
    UnknownFunction,
    WriteInQuery,
)
from gridledger.model.wire import MAX_MESSAGE_CHARACTERS

VECTORS = json.loads(
    (Path(__file__).parents[2] / "conformance/vectors/refusals.json").read_text(encoding="utf-8")
)
CLASSES = {cls.code: cls for cls in error_classes() if issubclass(cls, ContractError)}
EXAMPLES = [
    UnknownFunction("registry:Fly"),
    BadArgument({"application.name": "Field required", "": "too many"}),
    NotFound("system", "88.1042.9"),
    AlreadyExists("system", "88.1042.9"),
    LimitExceeded("devices", limit=2000, actual=2001),
    CallRepeated("ab12"),
    CallCancelled("ab12"),
    ClaimedTimeRefused(claimed_ms=5, mark_ms=200_000),
    NoTimeMark(),
    WriteInQuery("registry:GetSystem"),
]

one_line = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), max_size=80)
fields = st.dictionaries(
    st.text(st.characters(max_codepoint=127), max_size=8).filter(
        lambda name: name not in ("self", "message", "contract")
    ),
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers(-MAX_INTEGER, MAX_INTEGER)
        | st.text(st.characters(exclude_categories=["Cs"])),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.text(st.characters(max_codepoint=127), max_size=3), inner, max_size=3)
        ),
        max_leaves=5,
    ),
    max_size=4,
)


def named(group: str) -> list[Any]:
    return [pytest.param(vector, id=vector["name"]) for vector in VECTORS[group]]


def parts(refusal: ContractError | None) -> tuple[str, str, str, dict[str, Any]]:
    assert refusal is not None
    return refusal.code, refusal.contract, refusal.message, refusal.fields


@pytest.mark.parametrize("vector", named("write"))
def test_write_vector_gives_its_text_and_reads_back(vector: dict[str, Any]) -> None:
    refusal = CLASSES[vector["code"]](vector["message"], contract=vector["contract"], **vector["fields"])
    assert refusal.to_wire() == vector["wire"]
    assert parts(ContractError.from_wire(vector["wire"])) == parts(refusal)


@pytest.mark.parametrize("vector", named("read"))
def test_read_vector_finds_the_refusal(vector: dict[str, Any]) -> None:
    refusal = ContractError.from_wire(vector["text"])
    assert type(refusal).__name__ == vector["class"]
    assert parts(refusal) == (vector["code"], vector["contract"], vector["message"], vector["fields"])


@pytest.mark.parametrize("vector", named("none"))
def test_text_without_a_refusal_gives_none(vector: dict[str, Any]) -> None:
    assert ContractError.from_wire(vector["text"]) is None


@pytest.mark.parametrize("refusal", EXAMPLES, ids=lambda refusal: type(refusal).__name__)
def test_refusal_comes_back_as_the_same_class_with_its_fields(refusal: ContractError) -> None:
    refusal.contract = "registry"
    back = ContractError.from_wire(f"chaincode response {refusal.status}, {refusal.to_wire()}")
    assert type(back) is type(refusal)
    assert parts(back) == parts(refusal)
    assert str(back) == str(refusal)
    assert (back.retriable, back.exit_code) == (refusal.retriable, refusal.exit_code)
    for name in type(refusal).field_types:
        assert getattr(back, name, back.fields[name]) == refusal.fields[name]


@given(one_line, st.from_regex(r"[A-Za-z][A-Za-z0-9._-]{0,20}", fullmatch=True), fields)
def test_any_refusal_reads_back(message: str, contract: str, members: dict[str, Any]) -> None:
    refusal = ContractError(message, contract=contract, **members)
    assert parts(ContractError.from_wire(refusal.to_wire())) == parts(refusal)


@given(st.text(), st.text(), st.dictionaries(st.text(), st.text() | st.floats() | st.integers(), max_size=3))
def test_refusal_of_anything_is_written_and_found(
    message: str, contract: str, members: dict[str, Any]
) -> None:
    refusal = ContractError(message, contract=contract)
    refusal.fields = members
    text = refusal.to_wire()
    text.encode("utf-8")
    back = ContractError.from_wire(f"peer0: {text}")
    assert back is not None
    assert back.code == "GL-CHN-001"


@given(st.text(st.characters()))
def test_reading_any_text_never_fails(text: str) -> None:
    for whole in (
        text,
        f"GL-CHN-010 ledger: m\n{{{text}",
        f"GL-CHN-003 x: {text}\n{{}}",
        f"GL-CHN-{text} a: b",
    ):
        found = ContractError.from_wire(whole)
        assert found is None or isinstance(found, ContractError)


@pytest.mark.parametrize("tail", ["[" * 50_000, '{"a":' * 50_000, "9" * 50_000, '{"a":' + "9" * 50_000])
def test_reading_hostile_fields_never_fails(tail: str) -> None:
    assert parts(ContractError.from_wire(f"GL-CHN-001 trade: m\n{tail}")) == ("GL-CHN-001", "trade", "m", {})


def test_line_breaks_in_a_message_become_spaces() -> None:
    wire = ContractError('a\r\nb\u2028c\n{"tx_id":"x"}', contract="trade").to_wire()
    assert wire == 'GL-CHN-001 trade: a b c {"tx_id":"x"}'


def test_long_message_is_cut() -> None:
    back = ContractError.from_wire(ContractError("x" * 10_000, contract="trade").to_wire())
    assert back is not None
    assert back.message == "x" * MAX_MESSAGE_CHARACTERS


def test_fields_that_cannot_travel_are_left_out() -> None:
    assert ContractError("m", contract="trade", large="x" * 100_000).to_wire() == "GL-CHN-001 trade: m"
    assert ContractError("m", contract="trade", number=2**60).to_wire() == "GL-CHN-001 trade: m"


def test_unknown_code_is_carried_without_touching_the_class() -> None:
    found = ContractError.from_wire("GL-CHN-777 trade: m")
    assert found is not None
    assert str(found) == "GL-CHN-777 trade: m"
    assert ContractError.code == "GL-CHN-001"


def test_bad_argument_takes_the_problems_of_a_model_error() -> None:
    refusal = BadArgument.from_model_error(
        ModelError({"name": "Field required", "": "bad"}), argument="system"
    )
    assert refusal.problems == {"system.name": "Field required", "system": "bad"}
    assert refusal.message == "system.name: Field required; system: bad"
