"""Output: text and JSON of the same values, errors on the other stream."""

from __future__ import annotations

import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridledger.cli.output import Output, fields, table
from gridledger.model.errors import ConfigError, FieldValue

ROWS: list[dict[str, FieldValue]] = [
    {"name": "orderer1", "port": 7050, "pid": 12},
    {"name": "peer0.org1", "port": 7051, "pid": None},
]


class Streams:
    def __init__(self, *, as_json: bool = False) -> None:
        self.stream, self.errors = io.StringIO(), io.StringIO()
        self.output = Output(stream=self.stream, errors=self.errors)
        if as_json:
            self.output.use_json()

    def read(self) -> tuple[str, str]:
        return self.stream.getvalue(), self.errors.getvalue()


def test_table_shows_every_row_and_no_value_for_none() -> None:
    streams = Streams()
    streams.output.show(
        [*ROWS], lambda rows: table(rows, {"name": "component", "port": "port", "pid": "pid"})
    )
    text, errors = streams.read()
    lines = [line.split() for line in text.splitlines()]
    assert ["component", "port", "pid"] in lines
    assert ["orderer1", "7050", "12"] in lines
    assert ["peer0.org1", "7051", "-"] in lines
    assert errors == ""
    assert not [line for line in text.splitlines() if line != line.rstrip()]


def test_json_shows_the_value_and_never_asks_for_text() -> None:
    streams = Streams(as_json=True)
    streams.output.show([*ROWS], lambda _: pytest.fail("JSON needs no text"))
    assert json.loads(streams.read()[0]) == ROWS


def test_fields_show_names_and_values() -> None:
    streams = Streams()
    streams.output.show({"channel": "energy", "chaincode": None, "tls": True}, fields)
    lines = [line.split() for line in streams.read()[0].splitlines()]
    assert lines == [["channel", "energy"], ["chaincode", "-"], ["tls", "yes"]]


def test_long_values_are_not_cut_in_a_pipe() -> None:
    streams = Streams()
    streams.output.show({"certificate": "/" + "x" * 150}, fields)
    assert "/" + "x" * 150 in streams.read()[0]


def test_markup_in_a_value_stands_as_it_is() -> None:
    streams = Streams()
    streams.output.show({"name": "[bold]x[/bold] [link=file:///]"}, fields)
    assert "[bold]x[/bold] [link=file:///]" in streams.read()[0]


def test_text_stands_as_it_is() -> None:
    streams = Streams()
    streams.output.show("x" * 500 + " [red]", str)
    assert streams.read()[0] == "x" * 500 + " [red]\n"


def test_steps_are_json_lines() -> None:
    streams = Streams(as_json=True)
    for number in range(3):
        streams.output.step({"number": number})
    assert [json.loads(line) for line in streams.read()[0].splitlines()] == [{"number": n} for n in range(3)]


@given(value=st.dictionaries(st.text(), st.none() | st.booleans() | st.integers() | st.text()))
def test_json_says_what_was_given(value: dict[str, FieldValue]) -> None:
    streams = Streams(as_json=True)
    streams.output.show(value)
    assert json.loads(streams.read()[0]) == value


def test_error_goes_to_the_other_stream_with_its_code() -> None:
    streams = Streams()
    streams.output.fail(ConfigError("is wrong", key="world", source="--world", value="moon"))
    assert streams.read() == ("", "GL-CFG-001 world (--world): is wrong\n")


def test_error_as_json_has_code_message_and_fields() -> None:
    streams = Streams(as_json=True)
    streams.output.fail(ConfigError("is wrong", key="world", source="--world", value="moon"))
    text, errors = streams.read()
    assert text == ""
    assert json.loads(errors) == {
        "error": {
            "code": "GL-CFG-001",
            "message": "world (--world): is wrong",
            "retriable": False,
            "fields": {"key": "world", "source": "--world", "value": "moon"},
        }
    }


@pytest.mark.parametrize("as_json", [False, True])
def test_progress_is_silent_where_no_terminal_is(as_json: bool) -> None:
    streams = Streams(as_json=as_json)
    with streams.output.progress("Starting"):
        pass
    assert streams.read() == ("", "")


def test_texts_of_a_list_are_shown_without_brackets() -> None:
    stream = io.StringIO()
    Output(stream=stream, errors=io.StringIO()).show({"identities": ["plant=R27", "serial=SN17"]}, fields)
    assert "plant=R27, serial=SN17" in stream.getvalue()
    assert '"' not in stream.getvalue()
