"""Records: one byte string each, all problems at once, schemas and their upgrades."""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import pickle
import pkgutil
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from enum import StrEnum
from typing import Annotated, Any, ClassVar

import pydantic
import pytest
from hypothesis import given
from hypothesis import strategies as st

import gridledger.model
from gridledger.model.canonical import MAX_INTEGER, canonical_bytes, parse_canonical
from gridledger.model.errors import ModelError
from gridledger.model.identifier import DeviceIdentifier
from gridledger.model.jsonschema import json_schema
from gridledger.model.record import ModelValue, Record, record, record_types, upgrade, value


class Phase(StrEnum):
    FIRST = "first"
    SECOND = "second"


@value
class Reading(ModelValue):
    at_ms: Annotated[int, pydantic.Field(ge=0)]
    raw: bytes = b""


@record("test-meter/1")
class Meter(Record):
    device: DeviceIdentifier
    name: str
    phase: Phase
    readings: tuple[Reading, ...] = ()
    factor: int = 1
    note: str | None = None
    labels: dict[str, int] = dataclasses.field(default_factory=dict)

    LIMIT: ClassVar[int] = 3

    def broken_rules(self) -> Iterable[tuple[str, str]]:
        if len(self.readings) > self.LIMIT:
            yield "readings", f"are more than {self.LIMIT}"
        if self.note == self.name:
            yield "note", "says no more than the name"


@value
class Wrapper(ModelValue):
    meter: Meter
    pair: tuple[str, int]
    maybe: Reading | None = None


DEVICE = DeviceIdentifier.parse("88.1042.17/MTR01")
METER = Meter(
    device=DEVICE,
    name="泵",
    phase=Phase.FIRST,
    readings=(Reading(at_ms=5, raw=b"\xfb\xff"),),
    labels={"b": 1},
)
METER_BYTES = (
    '{"device":"88.1042.17/MTR01","factor":1,"labels":{"b":1},"name":"泵","phase":"first",'
    '"readings":[{"at_ms":5,"raw":"-_8"}],"schema":"test-meter/1"}'
).encode()

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=10)
readings = st.builds(Reading, at_ms=st.integers(0, MAX_INTEGER), raw=st.binary(max_size=8))
meters = st.builds(
    Meter,
    device=st.text(
        st.characters(exclude_categories=["Cs"], exclude_characters="\0\U0010ffff"), min_size=1, max_size=10
    )
    .filter(lambda code: code not in (".", ".."))
    .map(DEVICE.system.device),
    name=texts,
    phase=st.sampled_from(Phase),
    readings=st.lists(readings, max_size=3).map(tuple),
    factor=st.integers(-MAX_INTEGER, MAX_INTEGER),
    note=st.none() | texts.map("note: ".__add__),
    labels=st.dictionaries(st.text(st.characters(max_codepoint=127)), st.integers(-9, 9), max_size=3),
)


def changed(**members: object) -> bytes:
    """Return METER's bytes with members replaced, or left out where `...` is given; canonical as JSON."""
    document: Any = parse_canonical(METER_BYTES)
    document.update(members)
    return canonical_bytes({name: member for name, member in document.items() if member is not ...})


def problems_of_reading(data: bytes, cls: type[ModelValue] = Meter) -> dict[str, str]:
    with pytest.raises(ModelError) as caught:
        cls.from_bytes(data)
    return caught.value.problems


def test_bytes_are_canonical_json_with_schema() -> None:
    assert METER.to_bytes() == METER_BYTES
    assert Meter.from_bytes(METER_BYTES) == METER
    assert Meter.from_value(METER.to_value()) == METER


@given(meters)
def test_read_returns_what_was_written(meter: Meter) -> None:
    data = meter.to_bytes()
    assert Meter.from_bytes(data) == meter
    assert data == canonical_bytes(meter.to_value())
    assert data == canonical_bytes(parse_canonical(data))


@given(meters, readings)
def test_nested_records_read_back(meter: Meter, reading: Reading) -> None:
    wrapper = Wrapper(meter=meter, pair=("a", 1), maybe=reading)
    assert Wrapper.from_bytes(wrapper.to_bytes()) == wrapper


@given(st.binary(max_size=100))
def test_read_of_any_bytes_is_a_model_error(data: bytes) -> None:
    with pytest.raises(ModelError):
        Meter.from_bytes(data)


@given(st.integers(0, len(METER_BYTES) - 1), st.integers(1, 255))
def test_read_of_damaged_bytes_gives_another_record_or_model_error(place: int, change: int) -> None:
    bad = bytearray(METER_BYTES)
    bad[place] ^= change
    try:
        other = Meter.from_bytes(bytes(bad))
    except ModelError:
        return
    assert other.to_bytes() == bytes(bad)
    assert other != METER


@given(
    st.dictionaries(
        st.sampled_from(
            ["device", "name", "phase", "readings", "factor", "note", "labels", "schema", "more"]
        ),
        st.recursive(
            st.none() | st.booleans() | st.integers(-(2**52), 2**52) | texts,
            lambda inner: (
                st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["at_ms", "raw"]), inner)
            ),
            max_leaves=5,
        ),
    )
)
def test_read_of_members_of_any_type_gives_a_record_or_model_error(members: dict[str, Any]) -> None:
    data = changed(**members)
    try:
        meter = Meter.from_bytes(data)
    except ModelError:
        return
    assert meter.to_bytes() == data


def test_construction_names_all_problems_at_once() -> None:
    with pytest.raises(ModelError) as caught:
        Meter(  # type: ignore[call-arg]
            device="88.1042.17/MTR01",  # type: ignore[arg-type]
            phase="first",  # type: ignore[arg-type]
            readings=[Reading(at_ms=1)],  # type: ignore[arg-type]
            factor=2**53,
            note=7,  # type: ignore[arg-type]
            labels={"é": 1.5},  # type: ignore[dict-item]
            more=1,
        )
    assert sorted(caught.value.problems) == [
        "device",
        "factor",
        "labels.é",
        "more",
        "name",
        "note",
        "phase",
        "readings",
    ]
    assert str(caught.value).startswith("GL-MOD-001 Meter: ")


@pytest.mark.parametrize("number", [True, 1.0, "1", 2**53, -(2**53)])
def test_construction_with_what_is_no_integer_of_the_domain_is_refused(number: Any) -> None:
    with pytest.raises(ModelError):
        Meter(device=DEVICE, name="", phase=Phase.FIRST, factor=number)


@pytest.mark.parametrize("text", ["\ud800", b"x", 1, None])
def test_construction_with_what_is_no_text_is_refused(text: Any) -> None:
    with pytest.raises(ModelError):
        Meter(device=DEVICE, name=text, phase=Phase.FIRST)


def test_construction_with_positional_arguments_is_refused() -> None:
    with pytest.raises(ModelError):
        Reading(5)  # type: ignore[call-arg]


def test_construction_checks_rules_between_fields_and_names_each() -> None:
    with pytest.raises(ModelError) as caught:
        Meter(device=DEVICE, name="a", note="a", phase=Phase.FIRST, readings=(Reading(at_ms=0),) * 4)
    assert caught.value.problems == {"readings": "are more than 3", "note": "says no more than the name"}


def test_read_checks_rules_of_nested_values_under_their_place() -> None:
    document = Wrapper(meter=METER, pair=("a", 1)).to_value()
    document["meter"]["note"] = "泵"  # type: ignore[index, call-overload]
    assert problems_of_reading(canonical_bytes(document), Wrapper) == {
        "meter.note": "says no more than the name"
    }


def test_values_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        METER.name = "other"  # type: ignore[misc]


def test_a_dict_that_was_changed_afterwards_is_checked_when_written() -> None:
    meter = Meter(device=DEVICE, name="", phase=Phase.FIRST, labels={"a": 1})
    meter.labels["b"] = 1.5  # type: ignore[assignment]
    with pytest.raises(ModelError, match=r"labels\.b: float is not of the domain"):
        meter.to_bytes()


def test_values_compare_hash_copy_and_pickle() -> None:
    reading = Reading(at_ms=1, raw=b"x")
    assert reading == Reading(at_ms=1, raw=b"x") != Reading(at_ms=2, raw=b"x")
    assert len({reading, Reading(at_ms=1, raw=b"x")}) == 1
    assert pickle.loads(pickle.dumps(METER)) == METER  # noqa: S301 - our own bytes
    assert dataclasses.replace(METER, factor=2).factor == 2
    with pytest.raises(ModelError):
        dataclasses.replace(METER, factor=2**53)


def test_schema_is_known_to_the_class_and_left_out_of_its_repr() -> None:
    assert Meter.schema == METER.schema == "test-meter/1"
    assert "schema" not in repr(METER)
    assert record_types()["test-meter/1"] is Meter


@pytest.mark.parametrize(
    ("members", "problems"),
    [
        ({"note": None}, {"note": "is null: leave it out"}),
        ({"factor": ...}, {"factor": "is left out"}),
        ({"readings": ..., "labels": ...}, {"labels": "is left out", "readings": "is left out"}),
        ({"schema": ...}, {"schema": "is left out"}),
        (
            {"readings": [{"at_ms": 5}]},
            {"readings": "is not in canonical form: a member is null or left out"},
        ),
        ({"name": ...}, {"name": "Field required"}),
        ({"more": 1}, {"more": "Unexpected keyword argument"}),
        ({"schema": "test-meter/2"}, {"schema": "'test-meter/2' is not known; known: test-meter/1"}),
        ({"schema": 1}, {"schema": "1 is not known; known: test-meter/1"}),
        ({"phase": "third"}, {"phase": "Input should be 'first' or 'second'"}),
        ({"device": "88.1042.17"}, {"device": "has no '/' between prefix and suffix"}),
        ({"factor": "1"}, {"factor": "Input should be a valid integer"}),
        ({"factor": True}, {"factor": "Input should be a valid integer"}),
        ({"readings": [{"at_ms": -1, "raw": "="}]}, None),
    ],
)
def test_read_of_other_members_is_refused(members: dict[str, Any], problems: dict[str, str] | None) -> None:
    expected = problems or {
        "readings.0.at_ms": "Input should be greater than or equal to 0",
        "readings.0.raw": "Input should be base64url without padding",
    }
    assert problems_of_reading(changed(**members)) == expected


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        (b'"factor":1,', b'"factor":1.0,', "Input should be a valid integer"),
        (b'"factor":1,', b'"factor": 1,', "not canonical from byte 38 on"),
        (b'"factor":1,', b'"factor":1,"factor":1,', "not canonical from byte 41 on"),
        (b'"first"', b'"\\u0066irst"', "not canonical from byte 79 on"),
        (b'{"dev', b'\xef\xbb\xbf{"dev', "Invalid JSON"),
        (b'"b":1', b'"b":9007199254740992', "Input should be less than 9007199254740992"),
    ],
)
def test_read_of_another_spelling_is_refused(old: bytes, new: bytes, problem: str) -> None:
    data = METER_BYTES.replace(old, new)
    assert data != METER_BYTES
    assert problem in str(problems_of_reading(data))


def test_read_of_too_many_bytes_is_refused_unread() -> None:
    assert "are more than" in str(problems_of_reading(b" " * (8 * 1024 * 1024 + 1)))


def test_problems_do_not_show_the_input() -> None:
    with pytest.raises(ModelError) as caught:
        Reading(at_ms="a secret")  # type: ignore[arg-type]
    assert "a secret" not in str(caught.value)
    assert "a secret" not in str(caught.value.__cause__)


@record("test-plant/1")
class PlantV1(Record):
    name: str


@record("test-plant/2")
class PlantV2(Record):
    name: str
    power_kw: int


@upgrade(PlantV1, PlantV2)
def _plant_v2(old: PlantV1) -> PlantV2:
    return PlantV2(name=old.name, power_kw=0)


@record("test-plant/3")
class Plant(Record):
    title: str
    power_w: int


@upgrade(PlantV2, Plant)
def _plant_v3(old: PlantV2) -> Plant:
    return Plant(title=old.name, power_w=1000 * old.power_kw)


def test_read_upgrades_every_older_version() -> None:
    assert Plant.schemas() == ("test-plant/3", "test-plant/2", "test-plant/1")
    assert Plant.from_bytes(PlantV1(name="R27").to_bytes()) == Plant(title="R27", power_w=0)
    assert Plant.from_bytes(PlantV2(name="R27", power_kw=5).to_bytes()) == Plant(title="R27", power_w=5000)


def test_read_of_an_older_version_is_as_strict() -> None:
    assert problems_of_reading(b'{"name":1,"schema":"test-plant/1"}', Plant) == {
        "name": "Input should be a valid string"
    }
    assert "not canonical" in str(problems_of_reading(b'{"schema":"test-plant/1","name":"a"}', Plant))


def test_read_of_a_newer_version_names_those_that_are_known() -> None:
    assert problems_of_reading(Plant(title="", power_w=0).to_bytes(), PlantV2) == {
        "schema": "'test-plant/3' is not known; known: test-plant/2, test-plant/1"
    }


def test_second_upgrade_from_a_schema_is_refused() -> None:
    with pytest.raises(TypeError, match="already"):
        upgrade(PlantV1, Plant)(lambda old: Plant(title=old.name, power_w=0))


@pytest.mark.parametrize("schema", ["", "x", "x/0", "x/01", "X/1", "x_y/1", "1x/1", "x/1 ", "x/12345"])
def test_malformed_schema_is_refused(schema: str) -> None:
    class Thing(Record):
        name: str

    with pytest.raises(TypeError, match="is not name/version"):
        record(schema)(Thing)


def test_schema_of_another_class_is_refused() -> None:
    class Thing(Record):
        name: str

    with pytest.raises(TypeError, match="is taken by Meter"):
        record("test-meter/1")(Thing)


def test_class_without_the_base_is_refused() -> None:
    class Thing:
        name: str

    with pytest.raises(TypeError, match="does not derive"):
        value(Thing)  # type: ignore[type-var]
    with pytest.raises(TypeError, match="use @record"):
        value(type("Thing", (Record,), {}))


def test_subclass_of_a_complete_class_is_refused() -> None:
    class More(Reading):
        extra: int

    with pytest.raises(TypeError, match="hold it as a field"):
        value(More)


@pytest.mark.parametrize("default", [5, ...])
def test_optional_field_whose_default_is_not_none_is_refused(default: Any) -> None:
    members = {"__annotations__": {"maybe": int | None}, "__module__": __name__}
    if default is not ...:
        members["maybe"] = default
    with pytest.raises(TypeError, match="default is None"):
        value(type("Thing", (ModelValue,), members))


def test_field_called_schema_is_refused() -> None:
    with pytest.raises(TypeError, match="cannot be called schema"):
        value(type("Thing", (ModelValue,), {"__annotations__": {"schema": str}, "__module__": __name__}))


def test_every_record_type_has_a_schema_of_its_own_name() -> None:
    for schema, cls in record_types().items():
        assert cls.schema == schema


def made_whole() -> tuple[type[Any], type[Any]]:
    """Return a class that nobody has used yet, and one that holds it."""
    part: Any = type("Part", (ModelValue,), {"__annotations__": {"x": int}, "__module__": __name__})
    parts = {"parts": tuple[value(part), ...]}
    return part, value(type("Whole", (ModelValue,), {"__annotations__": parts, "__module__": __name__}))


def test_reader_is_built_with_the_first_value() -> None:
    part, whole = made_whole()
    assert "__pydantic_validator__" not in vars(whole)
    made = whole(parts=(part(x=1),))
    assert made == whole.from_bytes(made.to_bytes())
    assert "__pydantic_validator__" in vars(whole)
    assert str(inspect.signature(part)).startswith("(*, x: ")


def test_threads_that_make_the_first_values_at_once_all_get_them() -> None:
    part, whole = made_whole()
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda x: whole(parts=(part(x=x),)), range(64)))
    assert [one.parts[0].x for one in made] == list(range(64))


def test_base_and_incomplete_class_have_no_reader() -> None:
    class Bare(ModelValue):
        x: int

    for cls in (ModelValue, Record, Bare):
        with pytest.raises(AttributeError, match="is not complete"):
            cls.from_bytes(b"{}")


def test_every_value_class_can_be_built() -> None:
    for info in pkgutil.iter_modules(gridledger.model.__path__, "gridledger.model."):
        importlib.import_module(info.name)
    for cls in ModelValue.__subclasses__() + Record.__subclasses__():
        if cls.__module__.startswith("gridledger."):
            assert cls is Record or json_schema(cls)["title"] == cls.__name__


def test_changed_value_is_checked_like_a_new_one() -> None:
    other = METER.changed(name="pump", factor=2)
    assert other == dataclasses.replace(METER, name="pump", factor=2)
    assert METER.name == "泵"
    with pytest.raises(ModelError, match="factor"):
        METER.changed(factor="2")
    with pytest.raises(ModelError, match="more"):
        METER.changed(more=1)
    with pytest.raises(ModelError, match="says no more than the name"):
        METER.changed(note="泵")
