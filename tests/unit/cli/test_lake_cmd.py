"""The lake's commands on a lake in a folder: what they store, say and refuse."""

from __future__ import annotations

import base64
import fcntl
import io
import json
import stat
from pathlib import Path
from typing import Any

import pytest
from tests.unit.lake.payloads import meter_csv, noise, register

from gridledger.cli.main import run
from gridledger.cli.output import Output
from gridledger.lake.download import download, unfinished_path
from gridledger.lake.errors import NameTaken
from gridledger.lake.settings import LakeSettings


class Commands:
    """Commands of one lake."""

    def __init__(self, folder: Path) -> None:
        self.config = folder / "lake.toml"

    def bytes(self, *arguments: str | Path) -> tuple[int, bytes, str]:
        raw, errors = io.BytesIO(), io.StringIO()
        stream = io.TextIOWrapper(raw, encoding="utf-8", write_through=True)
        called = ["lake", *map(str, arguments), "--config", str(self.config)]
        code = run(called, Output(stream=stream, errors=errors))
        return code, raw.getvalue(), errors.getvalue()

    def text(self, *arguments: str | Path) -> str:
        code, data, errors = self.bytes(*arguments)
        assert (code, errors) == (0, "")
        return data.decode()

    def value(self, *arguments: str | Path) -> Any:
        return json.loads(self.text(*arguments, "--json"))

    def error(self, *arguments: str | Path) -> tuple[int, str]:
        code, data, errors = self.bytes(*arguments, "--json")
        assert data == b""
        return code, json.loads(errors)["error"]["code"]


@pytest.fixture
def commands(tmp_path: Path) -> Commands:
    commands = Commands(tmp_path)
    commands.value("init", "--store", tmp_path / "store")
    return commands


def _file(folder: Path, name: str, payload: bytes) -> Path:
    path = folder / name
    path.write_bytes(payload)
    return path


def test_init_makes_a_key_that_only_its_owner_reads_and_never_replaces_it(
    commands: Commands, tmp_path: Path
) -> None:
    key = tmp_path / "owner.key"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    before = key.read_bytes()
    assert commands.error("init", "--store", tmp_path / "other") == (3, "GL-CFG-001")
    commands.config.unlink()
    code, error = commands.error("init", "--store", tmp_path / "other")
    assert (code // 10, error[:6]) == (3, "GL-CRY")
    assert key.read_bytes() == before


def test_init_in_a_store_that_holds_a_lake_leaves_no_key(commands: Commands, tmp_path: Path) -> None:
    other = Commands(tmp_path / "elsewhere")
    assert other.error("init", "--store", tmp_path / "store") == (66, "GL-LAK-007")
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_key_that_others_can_read_is_refused(commands: Commands, tmp_path: Path) -> None:
    (tmp_path / "owner.key").chmod(0o640)
    code, error = commands.error("ls")
    assert (code // 10, error[:6]) == (3, "GL-CRY")


@pytest.mark.parametrize(
    "text", ["", "store = 1\nowner_key = 'k'", "store = 'x'", "store = 'x'\nowner_key = 'k'\nmore = 1", "["]
)
def test_configuration_that_is_none_is_refused(commands: Commands, text: str) -> None:
    commands.config.write_text(text)
    assert commands.error("ls") == (3, "GL-CFG-001")


def test_address_of_an_unknown_kind_is_refused(commands: Commands) -> None:
    commands.config.write_text("store = 'ftp://host/lake'\nowner_key = 'owner.key'")
    assert commands.error("ls") == (3, "GL-CFG-001")


def test_put_and_get_give_the_payload_back(commands: Commands, tmp_path: Path) -> None:
    payload = meter_csv(3000)
    source = _file(tmp_path, "meters.csv", payload)
    stored = commands.value("put", source, "--folder", "2026/may")
    assert (stored["name"], stored["version"], stored["unchanged"]) == ("2026/may/meters.csv", 1, False)
    assert commands.value("put", source, "--folder", "2026/may")["unchanged"] is True
    got = commands.value("get", "2026/may/meters.csv", tmp_path / "got.csv")
    assert (got["size"], got["kept"], got["sha256"]) == (len(payload), 0, stored["sha256"])
    assert (tmp_path / "got.csv").read_bytes() == payload
    assert commands.error("get", "2026/may/meters.csv", tmp_path / "got.csv") == (66, "GL-LAK-007")
    assert commands.value("get", "2026/may/meters.csv@1", tmp_path / "got.csv", "--replace")["kept"] == 0
    assert "meters.csv" in commands.text("put", source)


def test_put_of_standard_input_wants_a_name(
    commands: Commands, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = io.TextIOWrapper(io.BytesIO(b"a,b\n1,2\n"))
    monkeypatch.setattr("sys.stdin", given)
    assert commands.bytes("put", "-")[0] == 2
    assert commands.value("put", "-", "--name", "in.csv")["size"] == 8
    assert commands.bytes("cat", "in.csv")[1] == b"a,b\n1,2\n"
    assert commands.error("put", tmp_path / "nowhere.csv") == (3, "GL-CFG-001")


@pytest.mark.parametrize("kept", [0, 1, 40_000, 99_999, 100_000])
def test_get_goes_on_where_it_was_stopped(commands: Commands, tmp_path: Path, kept: int) -> None:
    payload = noise(100_000)
    commands.value("put", _file(tmp_path, "noise", payload))
    reader = LakeSettings.from_file(commands.config).open().reader("noise")
    unfinished_path(reader, tmp_path / "got").write_bytes(payload[:kept])
    assert commands.value("get", "noise", tmp_path / "got")["kept"] == kept
    assert (tmp_path / "got").read_bytes() == payload
    assert not unfinished_path(reader, tmp_path / "got").exists()


@pytest.mark.parametrize("left", [b"x" * 500, b"x" * 200_000], ids=["other", "longer"])
def test_get_reads_all_where_something_else_was_left(commands: Commands, tmp_path: Path, left: bytes) -> None:
    payload = noise(100_000)
    commands.value("put", _file(tmp_path, "noise", payload))
    reader = LakeSettings.from_file(commands.config).open().reader("noise")
    unfinished_path(reader, tmp_path / "got").write_bytes(left)
    assert commands.value("get", "noise", tmp_path / "got")["kept"] == 0
    assert (tmp_path / "got").read_bytes() == payload


def test_second_get_into_a_file_that_is_being_written_is_refused(commands: Commands, tmp_path: Path) -> None:
    payload = noise(3_000_000)
    commands.value("put", _file(tmp_path, "noise", payload))
    reader, target = LakeSettings.from_file(commands.config).open().reader("noise"), tmp_path / "got"
    refused: list[int] = []

    def meanwhile(written: int) -> None:
        if 0 < written < len(payload) and not refused:
            with pytest.raises(NameTaken, match="another get"):
                download(reader.again(), target)
            refused.append(written)

    download(reader, target, progress=meanwhile)
    assert refused
    assert target.read_bytes() == payload


def test_get_that_opened_what_another_one_finished_begins_anew(
    commands: Commands, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    payload = noise(100_000)
    commands.value("put", _file(tmp_path, "noise", payload))
    reader, target = LakeSettings.from_file(commands.config).open().reader("noise"), tmp_path / "got"
    lock, others = fcntl.flock, [True]

    def locked(file: Any, operation: int) -> None:
        if others:
            others.clear()
            download(reader.again(), target, replace=True)
        lock(file, operation)

    monkeypatch.setattr(fcntl, "flock", locked)
    download(reader, target, replace=True)
    assert target.read_bytes() == payload
    assert not unfinished_path(reader, target).exists()


def test_get_of_a_changed_pack_leaves_no_file(commands: Commands, tmp_path: Path) -> None:
    commands.value("put", _file(tmp_path, "noise", noise(900_000)))
    [pack] = (tmp_path / "store" / "packs").iterdir()
    data = bytearray(pack.read_bytes())
    data[len(data) // 2] ^= 1
    pack.write_bytes(data)
    assert commands.error("get", "noise", tmp_path / "got") == (62, "GL-LAK-003")
    assert not (tmp_path / "got").exists()
    code, said, _ = commands.bytes("check", "--read-data", "--json")
    assert code == 1
    [damage] = json.loads(said)["damage"]
    assert damage["path"] == f"packs/{pack.name}"
    assert commands.bytes("check", "--read-data")[0] == 1


def test_cat_writes_ranges_of_bytes_and_rows(commands: Commands, tmp_path: Path) -> None:
    rows = register(2000)
    payload = b"".join(rows)
    commands.value("put", _file(tmp_path, "register.csv", payload))
    assert commands.bytes("cat", "register.csv")[1] == payload
    assert commands.bytes("cat", "register.csv", "--bytes", "1000:1300")[1] == payload[1000:1300]
    assert commands.bytes("cat", "register.csv", "--bytes", "90000:")[1] == payload[90000:]
    assert commands.bytes("cat", "register.csv", "--rows", "17:19")[1] == b"".join(rows[17:19])
    assert commands.bytes("cat", "register.csv", "--rows", "1990:")[1] == b"".join(rows[1990:])
    assert commands.bytes("cat", "register.csv", "--rows", "5000:")[1] == b""
    said = commands.value("cat", "register.csv@1", "--rows", "0:1")
    assert said == {"dataset": "register.csv@1", "size": len(rows[0]), "text": rows[0].decode()}


@pytest.mark.parametrize("part", ["5", "3:2", "a:b", ":-1"])
def test_range_that_is_none_is_refused(commands: Commands, tmp_path: Path, part: str) -> None:
    assert commands.bytes("cat", "register.csv", "--bytes", part)[0] == 2


def test_cat_of_what_has_no_records_or_is_too_long_is_refused(commands: Commands, tmp_path: Path) -> None:
    commands.value("put", _file(tmp_path, "noise", noise(9 << 20)))
    assert commands.error("cat", "noise", "--rows", "0:1") == (3, "GL-CFG-001")
    assert commands.error("cat", "noise") == (3, "GL-CFG-001")
    assert commands.bytes("cat", "noise", "--rows", "0:1", "--bytes", "0:1")[0] == 2
    said = commands.value("cat", "noise", "--bytes", "7:9")
    assert base64.b64decode(said["base64"]) == noise(9 << 20)[7:9]


def test_ls_and_find_list_versions(commands: Commands, tmp_path: Path) -> None:
    for name, payload in (("a/one.csv", b"1\n"), ("a/one.csv", b"1\n2\n"), ("b/two.jsonl", b"{}\n" * 9)):
        commands.value("put", _file(tmp_path, "payload", payload), "--name", name)
    listed = [(one["name"], one["version"], one["records"]) for one in commands.value("ls")]
    assert listed == [("a/one.csv", 2, 2), ("b/two.jsonl", 1, 9)]
    assert [one["version"] for one in commands.value("ls", "a/one.csv")] == [1, 2]
    assert commands.error("ls", "c") == (61, "GL-LAK-002")
    assert [one["name"] for one in commands.value("find", "ONE")] == ["a/one.csv"]
    assert [one["name"] for one in commands.value("find", "*.jsonl")] == ["b/two.jsonl"]
    assert [one["name"] for one in commands.value("find", "--format", "csv")] == ["a/one.csv"]
    assert [one["name"] for one in commands.value("find", "--at-least", "10")] == ["b/two.jsonl"]
    assert len(commands.value("find", "--since", "2020-01-01")) == 2
    assert commands.value("find", "--since", "2999-01-01") == []
    assert "a/one.csv" in commands.text("ls")
    assert "two" in commands.text("find", "two")


def test_forgotten_versions_are_pruned(commands: Commands, tmp_path: Path) -> None:
    commands.value("put", _file(tmp_path, "noise", noise(300_000)))
    before = commands.value("stat")
    assert (before["datasets"], before["versions"], before["payload_bytes"]) == (1, 1, 300_000)
    assert before["stored_bytes"] > 300_000
    assert commands.value("forget", "noise", "--version", "1") == {"name": "noise", "version": 1}
    assert commands.error("forget", "noise", "--version", "1") == (61, "GL-LAK-002")
    for _ in range(2):
        commands.value("prune", "--grace-hours", "0")
    assert commands.value("stat")["stored_bytes"] < 10_000
    assert commands.value("check", "--read-data")["damage"] == []
    assert "nothing is broken" in commands.text("check")


def test_rebuild_makes_rows_again(commands: Commands, tmp_path: Path) -> None:
    commands.value("put", _file(tmp_path, "noise", noise(300_000)))
    assert commands.value("rebuild") == {"rows_made_from_blocks": 0}
    assert commands.value("put", _file(tmp_path, "again", noise(300_000)))["new_blocks"] == 0


class Terminal(io.StringIO):
    """What says that it is a terminal."""

    def isatty(self) -> bool:
        return True


def test_bars_are_shown_on_a_terminal_and_nowhere_else(commands: Commands, tmp_path: Path) -> None:
    source = _file(tmp_path, "bar.bin", noise(2_000_000))
    for arguments in (("put", str(source)), ("get", "bar.bin", str(tmp_path / "got"))):
        for errors, is_shown in ((Terminal(), True), (io.StringIO(), False)):
            called = ["lake", *arguments, *(["--replace"] if arguments[0] == "get" else [])]
            called += ["--config", str(commands.config)]
            assert run(called, Output(stream=io.StringIO(), errors=errors)) == 0
            assert ("bar.bin" in errors.getvalue()) is is_shown
