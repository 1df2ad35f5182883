"""Identifiers: one spelling each, own codes come back byte by byte, URLs carry them."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from gridledger.model.errors import ModelError
from gridledger.model.identifier import (
    DEFAULT_ROOT,
    DeviceIdentifier,
    FieldIdentifier,
    SystemIdentifier,
    parse_identifier,
    parse_identifier_url,
)
from gridledger.model.own_code import MAX_OWN_CODE_BYTES, escape_own_code, unescape_own_code

VECTORS = json.loads(
    (Path(__file__).parents[2] / "conformance/vectors/identifiers.json").read_text(encoding="utf-8")
)
RESOLVER = "https://resolver.example"
KINDS = {"system": SystemIdentifier, "device": DeviceIdentifier, "field": FieldIdentifier}

systems = st.from_regex(r"[0-9A-Z]{1,5}(\.[0-9A-Z]{1,5}){1,5}", fullmatch=True).map(SystemIdentifier)
own_codes = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0\U0010ffff"), min_size=1, max_size=32
).filter(lambda code: code not in (".", ".."))
names = st.from_regex(r"[A-Za-z][A-Za-z0-9_.-]{0,63}", fullmatch=True)
devices = st.builds(DeviceIdentifier, systems, own_codes)
fields = st.builds(FieldIdentifier, devices, names)


def named(group: str, key: str = "name") -> list[Any]:
    return [pytest.param(vector, id=ascii(vector[key])) for vector in VECTORS[group]]


@pytest.mark.parametrize("vector", named("accept", "text"))
def test_vector_is_read_with_its_parts_and_url(vector: dict[str, str]) -> None:
    identifier = parse_identifier(vector["text"])
    assert type(identifier) is KINDS[vector["kind"]]
    assert str(identifier) == vector["text"]
    assert identifier.to_url(RESOLVER) == vector["url"]
    assert parse_identifier_url(vector["url"]) == (RESOLVER, identifier)
    if isinstance(identifier, SystemIdentifier):
        assert identifier.root == vector["root"]
        return
    assert str(identifier.system) == vector["system"]
    device = identifier.device if isinstance(identifier, FieldIdentifier) else identifier
    assert device.own_code == vector["own_code"]
    if isinstance(identifier, FieldIdentifier):
        assert identifier.name == vector["name"]


@pytest.mark.parametrize("vector", named("refuse"))
def test_text_that_is_no_identifier_is_refused(vector: dict[str, str]) -> None:
    for parse in (
        parse_identifier,
        SystemIdentifier.parse,
        DeviceIdentifier.parse,
        FieldIdentifier.parse,
    ):
        with pytest.raises(ModelError):
            parse(vector["text"])


@pytest.mark.parametrize("vector", named("own_codes", "own_code"))
def test_own_code_is_escaped_and_comes_back(vector: dict[str, str]) -> None:
    assert escape_own_code(vector["own_code"]) == vector["suffix"]
    assert unescape_own_code(vector["suffix"]) == vector["own_code"]


@pytest.mark.parametrize("vector", named("no_own_codes"))
def test_what_cannot_be_an_own_code_is_refused(vector: dict[str, str]) -> None:
    with pytest.raises(ModelError):
        escape_own_code(vector["own_code"])


@pytest.mark.parametrize("vector", named("refuse_urls"))
def test_url_that_carries_no_identifier_is_refused(vector: dict[str, str]) -> None:
    with pytest.raises(ModelError):
        parse_identifier_url(vector["url"])


def test_own_code_with_a_lone_surrogate_is_refused() -> None:
    with pytest.raises(ModelError, match="lone surrogate"):
        escape_own_code("a\ud800")


@pytest.mark.parametrize("unit", ["A", "é", "泵", "🌞", " "])
def test_own_code_is_limited_in_bytes(unit: str) -> None:
    most = MAX_OWN_CODE_BYTES // len(unit.encode())
    assert unescape_own_code(escape_own_code(unit * most)) == unit * most
    with pytest.raises(ModelError, match="are more than"):
        escape_own_code(unit * (most + 1))
    with pytest.raises(ModelError):
        unescape_own_code("%20" * (MAX_OWN_CODE_BYTES + 1))


@given(fields)
def test_identifiers_read_back_with_all_parts(field: FieldIdentifier) -> None:
    for identifier in (field, field.device, field.system):
        assert parse_identifier(str(identifier)) == identifier
        assert type(identifier).parse(str(identifier)) == identifier
        assert str(identifier).isascii()
    again = FieldIdentifier.parse(str(field))
    assert (again.name, again.device.own_code, again.system) == (
        field.name,
        field.device.own_code,
        field.system,
    )


@given(own_codes, own_codes)
def test_two_own_codes_never_share_a_suffix(first: str, second: str) -> None:
    assert (escape_own_code(first) == escape_own_code(second)) == (first == second)


@given(st.text(st.sampled_from("AZaz09%2Fef.~/# \né"), max_size=12))
def test_suffix_has_one_spelling(suffix: str) -> None:
    try:
        own_code = unescape_own_code(suffix)
    except ModelError:
        return
    assert escape_own_code(own_code) == suffix


@given(st.text(max_size=60))
def test_any_text_is_an_identifier_in_its_only_spelling_or_refused(text: str) -> None:
    for parse in (parse_identifier, lambda url: parse_identifier_url(url)[1]):
        try:
            identifier = parse(text)
        except ModelError:
            continue
        assert str(parse_identifier(str(identifier))) == str(identifier)


@given(fields)
def test_url_survives_those_who_rewrite_urls(field: FieldIdentifier) -> None:
    url = field.to_url(RESOLVER)
    assert urljoin("https://other.example/x/y", url) == url
    assert urlsplit(url).geturl() == url
    assert httpx.URL(url).raw_path.decode("ascii") == url.removeprefix(RESOLVER)
    assert parse_identifier_url(str(httpx.URL(url))) == (RESOLVER, field)


@pytest.mark.parametrize("resolver", ["http://127.0.0.1:8080", "https://[::1]:8443", "https://a-b.example"])
def test_resolver_may_be_any_origin(resolver: str) -> None:
    device = SystemIdentifier("88.1042.17").device("A")
    assert parse_identifier_url(device.to_url(resolver)) == (resolver, device)


@pytest.mark.parametrize(
    "resolver", ["", "resolver.example", "https://a/", "https://a/b", "https://A", "https://a?b", "ws://a"]
)
def test_resolver_that_is_no_origin_is_refused(resolver: str) -> None:
    with pytest.raises(ModelError, match="resolver"):
        SystemIdentifier("88.1042.17").to_url(resolver)


def test_system_identifiers_know_what_stands_above_and_below() -> None:
    system = SystemIdentifier(f"{DEFAULT_ROOT}.1042.17")
    above = SystemIdentifier("88.1042")
    assert system.parent == above
    assert above.parent is None
    assert above.child(17) == above.child("17") == system
    assert system.is_below(above)
    assert not above.is_below(system)
    assert not system.is_below(system)
    assert not SystemIdentifier("88.10421").is_below(above)


@pytest.mark.parametrize("label", ["", "a", "1.2", "1" * 17, -1, "１"])
def test_malformed_label_is_refused(label: str | int) -> None:
    with pytest.raises(ModelError):
        SystemIdentifier("88.1042").child(label)


def test_child_below_the_eighth_label_is_refused() -> None:
    with pytest.raises(ModelError):
        SystemIdentifier("1.2.3.4.5.6.7.8").child(9)


@pytest.mark.parametrize("name", ["", "1a", "_a", "a b", "a#b", "a/b", "é", "a" * 65, "a\n"])
def test_malformed_field_name_is_refused(name: str) -> None:
    with pytest.raises(ModelError):
        SystemIdentifier("88.1042.17").device("A").field(name)


@given(st.lists(devices, max_size=8))
def test_identifiers_sort_hash_and_pickle_like_their_texts(many: list[DeviceIdentifier]) -> None:
    assert [str(one) for one in sorted(many)] == sorted(map(str, many))
    assert len(set(many)) == len(set(map(str, many)))
    assert pickle.loads(pickle.dumps(many)) == many  # noqa: S301 - our own bytes


def test_identifiers_of_different_kinds_are_never_equal_nor_ordered() -> None:
    system = SystemIdentifier("88.1042.17")
    device: Any = system.device("A")
    assert system != device
    assert system != "88.1042.17"
    with pytest.raises(TypeError):
        assert system < device


def test_identifiers_are_fields_of_pydantic_types() -> None:
    adapter = TypeAdapter(SystemIdentifier)
    system = SystemIdentifier("88.1042.17")
    assert adapter.validate_python("88.1042.17") == adapter.validate_python(system) == system
    assert adapter.validate_json('"88.1042.17"') == system
    assert adapter.dump_json(system) == b'"88.1042.17"'
    for bad in ("88", 88, None, b"88.1042.17"):
        with pytest.raises(ValidationError):
            adapter.validate_python(bad)
    with pytest.raises(ValidationError):
        adapter.validate_python("88.1042.17", strict=True)
    assert adapter.json_schema()["type"] == "string"
