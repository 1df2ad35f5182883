"""The access log of an owner's server: who asked when for which fields of which order, and how it ended.

A line of JSON a request, in a file that rotates; no values, keys of rows or salts:

    {"time": "2026-11-22T08:00:00.123Z", "request": "…", "msp_id": "Org2MSP", "caller": "CN=…",
     "fingerprint": "…", "method": "POST", "path": "/v1/deliveries", "status": 200, "code": "",
     "order": "…", "resolution": "…", "fields": ["88.1042.2/MTR01#ac_power"], "rows": 96,
     "bytes_in": 90, "bytes_out": 5120, "milliseconds": 12}

The line is written before the answer leaves: what cannot be logged is not answered.
"""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from gridledger.model.errors import ConfigError
from gridledger.model.identifier import FieldIdentifier
from gridledger.web.access import Access
from gridledger.web.errors import ServiceUnavailable

__all__ = ["AccessLog", "AccessLogSettings", "last_lines"]

_MOST_NOTES: Final = 10_000
"""Requests under way whose notes are held; a server lets far fewer in."""


@dataclass(frozen=True, kw_only=True)
class AccessLogSettings:
    """Where the log is, and how much of it is kept."""

    path: Path
    file_bytes: int = 16 << 20
    """A file that is longer is put aside, under its name with `.1`; about 40,000 requests."""
    files: int = 8
    """Files that were put aside and are kept."""


class AccessLog:
    """The log; a context manager.

    Parameters
    ----------
    settings : AccessLogSettings
    clock : callable, default time.time
        Seconds since 1970.

    Raises
    ------
    ConfigError
        If the file cannot be opened.
    """

    def __init__(self, settings: AccessLogSettings, *, clock: Callable[[], float] = time.time) -> None:
        self._settings = settings
        self._clock = clock
        self._lock = threading.Lock()
        self._notes: dict[str, Mapping[str, Any]] = {}
        try:
            self._handle = self._open()
        except OSError as error:
            raise ConfigError(
                f"cannot be opened: {error.strerror}",
                key="server.access_log",
                source="provider",
                value=str(settings.path),
            ) from error

    def note(
        self,
        request_id: str,
        *,
        caller: str,
        order: str = "",
        resolution: str = "",
        fields: Iterable[FieldIdentifier] = (),
        rows: int = 0,
    ) -> None:
        """Say what a request is about, as far as it is known; the last word counts."""
        while len(self._notes) >= _MOST_NOTES:
            self._notes.pop(next(iter(self._notes)))
        names = sorted({str(field) for field in fields})
        self._notes[request_id] = {
            "caller": caller,
            "order": order,
            "resolution": resolution,
            "fields": names,
            "rows": rows,
        }

    def write(self, access: Access) -> None:
        """Write a request's line.

        Raises
        ------
        ServiceUnavailable
            It cannot be written; the request must not be answered.
        """
        note = self._notes.pop(access.request_id, {})
        moment = datetime.fromtimestamp(self._clock(), UTC).isoformat(timespec="milliseconds")
        line = {
            "time": moment.replace("+00:00", "Z"),
            "request": access.request_id,
            "msp_id": access.msp_id,
            "caller": note.get("caller", ""),
            "fingerprint": access.fingerprint,
            "method": access.method,
            "path": access.path,
            "status": access.status,
            "code": access.code,
            "order": note.get("order", ""),
            "resolution": note.get("resolution", ""),
            "fields": note.get("fields", []),
            "rows": note.get("rows", 0) if access.status == 200 else 0,
            "bytes_in": access.bytes_in,
            "bytes_out": access.bytes_out,
            "milliseconds": int(access.seconds * 1000),
        }
        data = json.dumps(line, separators=(",", ":")).encode("ascii") + b"\n"
        try:
            with self._lock:
                self._rotate(len(data))
                os.write(self._handle, data)
        except OSError as error:
            raise ServiceUnavailable(f"the access log cannot be written: {error.strerror}") from error

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            os.close(self._handle)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _open(self) -> int:
        path = self._settings.path
        path.parent.mkdir(parents=True, exist_ok=True)
        return os.open(path, os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)

    def _rotate(self, coming: int) -> None:
        size = os.fstat(self._handle).st_size
        if not size or size + coming <= self._settings.file_bytes:
            return
        path, files = self._settings.path, self._settings.files
        for number in range(files, 0, -1):
            older = path if number == 1 else aside(path, number - 1)
            if older.exists():
                older.replace(aside(path, number))
        if files == 0:
            path.unlink()
        handle = self._open()
        os.close(self._handle)
        self._handle = handle


def aside(path: Path, number: int) -> Path:
    """Return the name of a file that was put aside; 1 is the youngest."""
    return path.with_name(f"{path.name}.{number}")


def last_lines(settings: AccessLogSettings, count: int) -> list[dict[str, Any]]:
    """Return the last lines of the log, the oldest first.

    Raises
    ------
    ConfigError
        If a file cannot be read.
    """
    found: list[dict[str, Any]] = []
    for number in range(settings.files + 1):
        path = aside(settings.path, number) if number else settings.path
        if len(found) >= count or not path.exists():
            break
        try:
            lines = path.read_text("ascii").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(
                "cannot be read", key="server.access_log", source="provider", value=str(path)
            ) from error
        found = [json.loads(line) for line in lines if line.endswith("}")] + found
    return found[-count:]
