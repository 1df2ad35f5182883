"""Lines of JSON: the same keys each time, errors as fields, one object a line whatever a message holds."""

from __future__ import annotations

import io
import json
import logging
import threading
import warnings
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridledger.host.logs import KEYS, LogFormat, LogLevel, logging_to
from gridledger.model.errors import ConfigError


def _lines(stream: io.StringIO) -> list[dict[str, Any]]:
    """Parse every line."""
    return [json.loads(line) for line in stream.getvalue().splitlines()]


@given(st.text(max_size=200))
def test_any_message_is_one_line_of_the_fixed_keys(message: str) -> None:
    stream = io.StringIO()
    with logging_to(stream, LogFormat.JSON, LogLevel.INFO, environment={}):
        logging.getLogger("gridledger.test").info("%s", message)
    [line] = stream.getvalue().splitlines()
    read = json.loads(line)
    assert tuple(read) == KEYS
    assert (read["message"], read["level"], read["logger"]) == (message, "info", "gridledger.test")
    assert read["error"] is None
    assert read["time"].endswith("Z")


def _fail() -> None:
    raise ConfigError("is wrong", key="port", source="test")


def test_errors_are_fields_with_code_and_places() -> None:
    stream = io.StringIO()
    with logging_to(stream, LogFormat.JSON, environment={}):
        try:
            _fail()
        except ConfigError:
            logging.getLogger("gridledger.test").exception("cannot start")
    [line] = _lines(stream)
    assert line["error"]["type"] == "ConfigError"
    assert line["error"]["code"] == "GL-CFG-001"
    assert "is wrong" in line["error"]["message"]
    assert any("test_logs.py" in place for place in line["error"]["trace"])
    assert list(line["error"]) == ["type", "code", "message", "trace"]


@pytest.mark.filterwarnings("default")
def test_warnings_threads_and_what_nobody_catches_are_lines_too() -> None:
    stream = io.StringIO()

    def fails() -> None:
        raise ValueError("in a thread")

    def ends() -> None:
        with logging_to(stream, LogFormat.JSON, environment={}):
            with warnings.catch_warnings():
                warnings.simplefilter("always")
                warnings.warn("look out", UserWarning, stacklevel=1)
            thread = threading.Thread(target=fails)
            thread.start()
            thread.join()
            raise KeyError("nobody")

    with pytest.raises(KeyError):
        ends()
    lines = _lines(stream)
    assert len(lines) == 3
    assert "look out" in lines[0]["message"]
    assert [line["error"]["type"] for line in lines[1:]] == ["ValueError", "KeyError"]


def test_variables_choose_and_arguments_come_first() -> None:
    stream = io.StringIO()
    environment = {"GRIDLEDGER_LOG_FORMAT": "json", "GRIDLEDGER_LOG_LEVEL": "error"}
    with logging_to(stream, environment=environment) as form:
        assert form is LogFormat.JSON
        logging.getLogger("gridledger.test").warning("not written")
    assert stream.getvalue() == ""
    with logging_to(stream, LogFormat.TEXT, LogLevel.WARNING, environment=environment) as form:
        assert form is LogFormat.TEXT
        logging.getLogger("gridledger.test").warning("written")
    assert stream.getvalue().endswith("WARNING gridledger.test written\n")


@pytest.mark.parametrize("variable", ["GRIDLEDGER_LOG_FORMAT", "GRIDLEDGER_LOG_LEVEL"])
def test_variable_that_names_nothing_is_refused(variable: str) -> None:
    with pytest.raises(ConfigError), logging_to(io.StringIO(), environment={variable: "loud"}):
        pass


def test_logging_is_as_before_afterwards() -> None:
    root = logging.getLogger()
    before = (root.level, list(root.handlers))
    with logging_to(io.StringIO(), LogFormat.JSON, environment={}):
        pass
    assert (root.level, list(root.handlers)) == before
