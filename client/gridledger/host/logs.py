"""How long-running processes log: lines of text, or lines of JSON with a fixed set of keys."""

from __future__ import annotations

import json
import logging
import os
import sys
import threading
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from enum import StrEnum
from types import TracebackType
from typing import Final, TextIO

from gridledger.host.metrics import LOG_MESSAGES
from gridledger.model.errors import ConfigError, GridLedgerError

__all__ = ["FORMAT_VARIABLE", "KEYS", "LEVEL_VARIABLE", "LogFormat", "LogLevel", "logging_to"]

FORMAT_VARIABLE: Final = "GRIDLEDGER_LOG_FORMAT"
LEVEL_VARIABLE: Final = "GRIDLEDGER_LOG_LEVEL"
KEYS: Final = ("time", "level", "logger", "message", "process", "error")
"""The keys of every line of JSON, in their order."""
_ERROR_KEYS: Final = ("type", "code", "message", "trace")
_TEXT: Final = "%(asctime)s %(levelname)s %(name)s %(message)s"


class LogFormat(StrEnum):
    """How a line is written."""

    TEXT = "text"
    JSON = "json"


class LogLevel(StrEnum):
    """From which level on lines are written."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


@contextmanager
def logging_to(
    stream: TextIO,
    form: LogFormat | None = None,
    level: LogLevel | None = None,
    *,
    environment: Mapping[str, str] = os.environ,
) -> Iterator[LogFormat]:
    """Let this process log to a stream while the body runs; argument over variable over text from INFO on.

    Parameters
    ----------
    stream : TextIO
        Such as standard error.
    form : LogFormat, optional
        Else GRIDLEDGER_LOG_FORMAT, else text.
    level : LogLevel, optional
        Else GRIDLEDGER_LOG_LEVEL, else info.
    environment : mapping of str to str, optional
        The process's by default.

    Yields
    ------
    LogFormat
        What was chosen.

    Raises
    ------
    ConfigError
        If a variable names no format or level.

    Notes
    -----
    In JSON, warnings and exceptions that nobody catches, of threads too, are lines of the same form.
    """
    form = form or LogFormat(_chosen(environment, FORMAT_VARIABLE, LogFormat, LogFormat.TEXT))
    level = level or LogLevel(_chosen(environment, LEVEL_VARIABLE, LogLevel, LogLevel.INFO))
    handler = _Handler(stream)
    handler.setFormatter(_JsonLines() if form is LogFormat.JSON else logging.Formatter(_TEXT))
    root = logging.getLogger()
    before, hooks = root.level, (sys.excepthook, threading.excepthook)
    root.addHandler(handler)
    root.setLevel(level.value.upper())
    if form is LogFormat.JSON:
        logging.captureWarnings(capture=True)
        sys.excepthook, threading.excepthook = _log_uncaught, _log_thread
    try:
        yield form
    except GridLedgerError:
        raise
    except Exception:
        # Here, while lines can still be written: whoever ends the process does so with a bare trace.
        if form is LogFormat.JSON:
            logging.getLogger("gridledger").critical("ended by an error", exc_info=True)
        raise
    finally:
        root.removeHandler(handler)
        root.setLevel(before)
        if form is LogFormat.JSON:
            logging.captureWarnings(capture=False)
            sys.excepthook, threading.excepthook = hooks


class _Handler(logging.StreamHandler[TextIO]):
    """Writes lines, and counts them by level."""

    def emit(self, record: logging.LogRecord) -> None:
        LOG_MESSAGES.labels(record.levelname.lower()).inc()
        super().emit(record)


class _JsonLines(logging.Formatter):
    """One object a line; what was raised is a field of it."""

    def format(self, record: logging.LogRecord) -> str:
        moment = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        line = {
            "time": moment.replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            "process": record.process,
            "error": _error(record.exc_info[1]) if record.exc_info and record.exc_info[1] else None,
        }
        # Escaped: a line end in a message that came from outside must not begin a line of its own.
        return json.dumps(line, ensure_ascii=True)


def _error(error: BaseException) -> dict[str, str | list[str] | None]:
    ours = error if isinstance(error, GridLedgerError) else None
    return dict(
        zip(
            _ERROR_KEYS,
            (
                type(error).__name__,
                ours.code if ours else None,
                ours.message if ours else str(error),
                [
                    f"{frame.filename}:{frame.lineno} {frame.name}"
                    for frame in traceback.extract_tb(error.__traceback__)
                ],
            ),
            strict=True,
        )
    )


def _chosen(
    environment: Mapping[str, str], variable: str, kind: type[LogFormat | LogLevel], default: str
) -> str:
    value = environment.get(variable, "") or default
    known = [one.value for one in kind]
    if value not in known:
        raise ConfigError(
            f"want one of {', '.join(known)}", key=variable, source="environment", value=value[:40]
        )
    return value


def _log_uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    logging.getLogger("gridledger").critical("ended by an error", exc_info=(kind, error, trace))


def _log_thread(raised: threading.ExceptHookArgs) -> None:
    if raised.exc_value is not None:
        logging.getLogger("gridledger").critical(
            "a thread ended by an error", exc_info=(raised.exc_type, raised.exc_value, raised.exc_traceback)
        )
