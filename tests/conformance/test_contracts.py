"""The contract layer: typed arguments and results, refusals, roles, queries, metadata."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.conformance.caller import Caller
from tests.conformance.probe.typed import Reading, ReadingPage, Season, WhoCalls

from gridledger.client import CommitError, EndorseError, ValidationCode
from gridledger.model.errors import ContractError
from gridledger.model.refusals import (
    AccessDenied,
    AlreadyExists,
    BadArgument,
    Conflict,
    DefectInContract,
    LimitExceeded,
    NotFound,
    UnknownFunction,
    WriteInQuery,
)
from gridledger.model.roles import Role

READING = Reading(name="R27", value_w=17, tags=("a", "中"), season=Season.WET, note='"quoted"')


@pytest.fixture
def readings(org1: Caller) -> Caller:
    return org1.on("typed", "readings")


@pytest.fixture
def echoes(org1: Caller) -> Caller:
    return org1.on("typed", "echoes")


@pytest.fixture
def reading(key: str) -> Reading:
    return Reading(name=key, value_w=17)


@pytest.mark.parametrize(
    ("function", "argument", "answer"),
    [
        ("EchoText", "", b""),
        ("EchoText", "中文\n\x00 ~", "中文\n\x00 ~".encode()),
        ("EchoInteger", -(2**53) + 1, str(-(2**53) + 1).encode()),
        ("EchoFlag", True, b"true"),
        ("EchoBytes", bytes(range(256)), bytes(range(256))),
        ("EchoSeason", Season.WET, b"wet"),
        ("EchoReading", READING, READING.to_bytes()),
        ("EchoReadings", [READING, READING], b"[" + READING.to_bytes() + b"," + READING.to_bytes() + b"]"),
        ("EchoNumbers", {"b": 2, "a": 1}, b'{"a":1,"b":2}'),
        ("EchoPair", ["x", 1], b'["x",1]'),
        ("EchoOptional", READING, READING.to_bytes()),
    ],
)
async def test_argument_comes_back_as_it_was(
    echoes: Caller, function: str, argument: Any, answer: bytes
) -> None:
    assert await echoes.query(function, argument) == answer


async def test_optional_argument_left_out_is_nothing(echoes: Caller) -> None:
    assert await echoes.query("EchoOptional") == b""


@pytest.mark.parametrize(
    ("function", "argument"),
    [
        ("EchoText", b"\xff"),
        ("EchoInteger", b"1.5"),
        ("EchoInteger", b""),
        ("EchoInteger", b"9007199254740992"),
        ("EchoInteger", b"0x10"),
        ("EchoInteger", b"+1"),
        ("EchoFlag", b"1"),
        ("EchoSeason", b"snow"),
        ("EchoReading", b"{}"),
        ("EchoReading", READING.to_bytes().replace(b"17", b"-17")),
        ("EchoReading", READING.to_bytes().replace(b"probe-reading/1", b"probe-reading/2")),
        ("EchoReading", READING.to_bytes() + b" "),
        ("EchoReadings", b"[1]"),
        ("EchoNumbers", b'{"a":"1"}'),
        ("EchoPair", b'["x",1,2]'),
        ("EchoOptional", b"null"),
    ],
)
async def test_argument_of_another_type_is_refused(echoes: Caller, function: str, argument: bytes) -> None:
    with pytest.raises(BadArgument) as caught:
        await echoes.query(function, argument)

    assert caught.value.problems
    assert caught.value.contract == "echoes"


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(arguments=st.lists(st.binary(max_size=300), min_size=1, max_size=3))
async def test_arguments_that_are_any_bytes_are_refused_with_a_code(
    readings: Caller, arguments: list[bytes]
) -> None:
    with pytest.raises(ContractError) as caught:
        await readings.call("PutReading", *arguments)

    assert caught.value.code.startswith("GL-CHN-")


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(argument=_JSON)
async def test_arguments_that_are_any_json_are_refused_with_a_code(
    readings: Caller, argument: object
) -> None:
    with pytest.raises(ContractError) as caught:
        await readings.call("PutReading", json.dumps(argument).encode())

    assert caught.value.code.startswith("GL-CHN-")


@pytest.mark.parametrize("count", [0, 2, 50])
async def test_wrong_number_of_arguments_is_refused(echoes: Caller, count: int) -> None:
    with pytest.raises(BadArgument, match=f"{count} arguments"):
        await echoes.query("EchoText", *["x"] * count)


@pytest.mark.parametrize("function", ["Nothing", "", "echo_text", "EchoText ", "中"])
async def test_unknown_function_is_refused(echoes: Caller, function: str) -> None:
    with pytest.raises(UnknownFunction):
        await echoes.query(function)


async def test_function_without_a_contract_is_the_first_contracts(org1: Caller, reading: Reading) -> None:
    typed = org1.on("typed")
    await typed.call("PutReading", reading)

    assert Reading.from_bytes(await typed.query("readings:GetReading", reading.name)) == reading


async def test_record_written_is_read(readings: Caller, reading: Reading) -> None:
    answer = await readings.call("PutReading", reading)

    assert Reading.from_bytes(answer) == reading
    assert Reading.from_bytes(await readings.query("GetReading", reading.name)) == reading


async def test_refusal_comes_back_as_its_class_with_its_fields(readings: Caller, reading: Reading) -> None:
    with pytest.raises(Conflict) as caught:
        await readings.call("PutAndRefuse", reading)

    assert str(caught.value) == "GL-CHN-007 readings: written and refused"
    assert caught.value.fields == {"name": reading.name}
    assert isinstance(caught.value.__cause__, EndorseError)
    assert caught.value.__cause__.details


async def test_refusal_writes_nothing(org1: Caller, readings: Caller, reading: Reading) -> None:
    height = await org1.height()

    with pytest.raises(Conflict):
        await readings.call("PutAndRefuse", reading)
    with pytest.raises(NotFound) as caught:
        await readings.query("GetReading", reading.name)

    assert reading.name in caught.value.key
    assert await org1.ordered_since(height) == []


async def test_defect_is_told_without_its_words_and_writes_nothing(
    readings: Caller, reading: Reading
) -> None:
    with pytest.raises(DefectInContract, match="ZeroDivisionError"):
        await readings.call("PutAndCrash", reading)
    with pytest.raises(NotFound):
        await readings.query("GetReading", reading.name)


@pytest.mark.parametrize("submitted", [False, True])
async def test_write_in_a_query_is_refused(readings: Caller, reading: Reading, submitted: bool) -> None:
    call = readings.call if submitted else readings.query

    with pytest.raises(WriteInQuery):
        await call("WriteInQuery", reading.name)


async def test_role_that_is_missing_is_refused(readings: Caller, reading: Reading) -> None:
    await readings.call("PutReading", reading)

    with pytest.raises(AccessDenied, match="auditor"):
        await readings.call("DeleteReading", reading.name)

    await readings.query("GetReading", reading.name)


async def test_role_in_the_certificate_is_admitted(
    auditor: Caller, readings: Caller, reading: Reading
) -> None:
    await readings.call("PutReading", reading)

    await auditor.on("typed", "readings").call("DeleteReading", reading.name)

    with pytest.raises(NotFound):
        await readings.query("GetReading", reading.name)


async def test_caller_is_known_to_the_contract(auditor: Caller, org2: Caller) -> None:
    found = WhoCalls.from_bytes(await auditor.on("typed", "readings").query("WhoCalls"))
    other = WhoCalls.from_bytes(await org2.on("typed", "readings").query("WhoCalls"))

    assert (found.msp_id, found.roles) == ("Org1MSP", (Role.AUDITOR.value,))
    assert "CN=auditor" in found.common_name
    assert (other.msp_id, other.roles) == ("Org2MSP", ())
    assert found.id != other.id


async def test_many_records_are_read_at_once(readings: Caller, key: str) -> None:
    written = [Reading(name=f"{key}{index}", value_w=index) for index in range(3)]
    for each in written:
        await readings.call("PutReading", each)

    names = [f"{key}2", f"{key}none", f"{key}0"]
    answer = json.loads(await readings.query("GetReadings", names))

    assert [each["name"] for each in answer] == [f"{key}2", f"{key}0"]


async def test_pages_of_records_go_on_at_their_bookmarks(readings: Caller, key: str) -> None:
    for index in range(3):
        await readings.call("PutReading", Reading(name=f"{key}{index}", value_w=index))

    found: list[str] = []
    bookmark = ""
    while True:
        page = ReadingPage.from_bytes(await readings.query("PageReadings", 2, bookmark))
        found += [each.name for each in page.readings]
        bookmark = page.bookmark
        if not bookmark:
            break

    assert [name for name in found if name.startswith(key)] == [f"{key}{index}" for index in range(3)]


async def test_page_with_a_foreign_bookmark_is_refused(readings: Caller) -> None:
    with pytest.raises(BadArgument, match="bookmark"):
        await readings.query("PageReadings", 2, "elsewhere")
    with pytest.raises(LimitExceeded):
        await readings.query("PageReadings", 1_001, "")


async def test_already_exists_is_refused_with_what_and_where(readings: Caller, reading: Reading) -> None:
    await readings.call_once("CreateReading", reading)

    with pytest.raises(AlreadyExists) as caught:
        await readings.call_once("CreateReading", reading)

    assert (caught.value.kind, caught.value.key) == ("reading", reading.name)


async def test_endorsement_policy_holds_for_contracts_too(readings: Caller, reading: Reading) -> None:
    with pytest.raises(CommitError) as caught:
        await readings.call("PutReading", reading, endorsing_organizations=["Org2MSP"])

    assert caught.value.validation_code is ValidationCode.ENDORSEMENT_POLICY_FAILURE


async def test_metadata_names_contracts_functions_and_types(org1: Caller) -> None:
    metadata = json.loads(await org1.on("typed", "org.hyperledger.fabric").query("GetMetadata"))

    functions = {each["name"]: each for each in metadata["contracts"]["readings"]["transactions"]}
    assert set(metadata["contracts"]) == {"readings", "echoes", "ledger", "org.hyperledger.fabric"}
    assert metadata["contracts"]["readings"]["default"]
    assert "submit" in functions["PutReading"]["tag"]
    assert "evaluate" in functions["GetReading"]["tag"]
    assert functions["PutReading"]["parameters"][0]["schema"] == {"$ref": "#/components/schemas/Reading"}
    assert "value_w" in metadata["components"]["schemas"]["Reading"]["properties"]
