"""The access log: a line a request, before it is answered, in files that rotate."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from gridledger.exchange.access_log import AccessLog, AccessLogSettings, last_lines
from gridledger.model.errors import ConfigError
from gridledger.model.identifier import SystemIdentifier
from gridledger.web.access import Access
from gridledger.web.errors import ServiceUnavailable

FIELD = SystemIdentifier("88.1042.2").device("MTR01").field("ac_power")


def access(number: int = 1, status: int = 200, path: str = "/v1/deliveries") -> Access:
    return Access(
        request_id=f"r{number}",
        method="POST",
        path=path,
        status=status,
        code="" if status == 200 else "GL-SRV-005",
        msp_id="Org2MSP",
        fingerprint="ab" * 32,
        bytes_in=90,
        bytes_out=5120,
        seconds=0.0125,
    )


def test_line_says_who_when_what_and_how_it_ended(tmp_path: Path) -> None:
    settings = AccessLogSettings(path=tmp_path / "access.jsonl")
    with AccessLog(settings, clock=lambda: 1_542_000_000.1234) as log:
        log.note("r1", caller="CN=lifecycle", order="o" * 64)
        log.note("r1", caller="CN=lifecycle", order="o" * 64, resolution="e" * 64, fields=[FIELD], rows=96)
        log.write(access())
        log.note("r2", caller="CN=lifecycle", order="p" * 64, fields=[FIELD], rows=96)
        log.write(access(2, status=402))
        log.write(access(3, status=401, path='/v1/"\nDROP'))

    first, second, third = last_lines(settings, 10)
    assert first == {
        "time": "2018-11-12T05:20:00.123Z",
        "request": "r1",
        "msp_id": "Org2MSP",
        "caller": "CN=lifecycle",
        "fingerprint": "ab" * 32,
        "method": "POST",
        "path": "/v1/deliveries",
        "status": 200,
        "code": "",
        "order": "o" * 64,
        "resolution": "e" * 64,
        "fields": [str(FIELD)],
        "rows": 96,
        "bytes_in": 90,
        "bytes_out": 5120,
        "milliseconds": 12,
    }
    assert (second["code"], second["rows"], second["order"]) == ("GL-SRV-005", 0, "p" * 64)
    assert (third["path"], third["caller"], third["fields"]) == ('/v1/"\nDROP', "", [])
    assert len(settings.path.read_bytes().splitlines()) == 3
    assert settings.path.stat().st_mode & 0o077 == 0


def test_files_rotate_and_the_oldest_go(tmp_path: Path) -> None:
    settings = AccessLogSettings(path=tmp_path / "access.jsonl", file_bytes=1000, files=2)
    for start in (0, 10):  # a restart goes on where it stood
        with AccessLog(settings) as log:
            for number in range(start, start + 10):
                log.write(access(number))

    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "access.jsonl",
        "access.jsonl.1",
        "access.jsonl.2",
    ]
    assert all(path.stat().st_size <= 1000 for path in tmp_path.iterdir())
    kept = [line["request"] for line in last_lines(settings, 100)]
    assert kept == [f"r{number}" for number in range(20 - len(kept), 20)]
    assert [line["request"] for line in last_lines(settings, 3)] == ["r17", "r18", "r19"]


def test_without_files_aside_the_log_begins_anew(tmp_path: Path) -> None:
    settings = AccessLogSettings(path=tmp_path / "access.jsonl", file_bytes=500, files=0)
    with AccessLog(settings) as log:
        for number in range(5):
            log.write(access(number))
    assert [path.name for path in tmp_path.iterdir()] == ["access.jsonl"]
    assert settings.path.stat().st_size <= 500


def test_log_that_cannot_be_written_stops_the_answer(tmp_path: Path) -> None:
    with AccessLog(AccessLogSettings(path=tmp_path / "access.jsonl")) as log:
        handle = log._handle
        log._handle = os.open(tmp_path / "access.jsonl", os.O_RDONLY)
        try:
            with pytest.raises(ServiceUnavailable):
                log.write(access())
        finally:
            os.close(log._handle)
            log._handle = handle
    with pytest.raises(ConfigError):
        AccessLog(AccessLogSettings(path=tmp_path))


def test_notes_of_requests_that_never_end_are_bounded(tmp_path: Path) -> None:
    with AccessLog(AccessLogSettings(path=tmp_path / "access.jsonl")) as log:
        for number in range(10_050):
            log.note(f"r{number}", caller="CN=x")
        assert len(log._notes) == 10_000
        log.write(access(10_049))
    assert json.loads((tmp_path / "access.jsonl").read_text("ascii"))["caller"] == "CN=x"
