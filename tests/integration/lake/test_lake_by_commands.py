"""A lake on real HDFS by commands alone, from `lake up` to `lake prune`; a put and a get that were killed."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.hdfs import wait_until
from tests.unit.lake.payloads import meter_csv, noise, register

from gridledger.cli.main import run
from gridledger.cli.output import Output
from gridledger.lake.hdfs import HdfsCluster

pytestmark = [pytest.mark.xdist_group("hdfs"), pytest.mark.timeout(1800)]

BIG = noise(24 << 20)


def call(*arguments: object, code: int = 0) -> Any:
    """Call a command, and read its JSON."""
    stream, errors = io.StringIO(), io.StringIO()
    found = run([*map(str, arguments), "--json"], Output(stream=stream, errors=errors))
    assert found == code, errors.getvalue()
    return json.loads(stream.getvalue() or errors.getvalue())


def killed(*arguments: object, when: Callable[[], bool]) -> None:
    """Call a command in a process of its own, and kill it once something is so, unless it has ended."""
    command = [str(Path(sys.executable).with_name("gridledger")), *map(str, arguments)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
        deadline = time.monotonic() + 300
        while process.poll() is None and not when():
            assert time.monotonic() < deadline
            time.sleep(0.005)
        process.kill()


@pytest.fixture
def config(hdfs: HdfsCluster, tmp_path: Path) -> tuple[str, Path]:
    found = "--config", tmp_path / "lake.toml"
    # What runs is left as it is. On a busy machine a DataNode is late for a moment.
    wait_until(lambda: call("lake", "up", "--dir", hdfs.directory)["healthy"] is True)
    call("lake", "init", "--store", f"{hdfs.url}/commands/{tmp_path.name}", *found)
    return found


def test_a_lake_on_hdfs_by_commands(hdfs: HdfsCluster, config: tuple[str, Path], tmp_path: Path) -> None:
    wait_until(lambda: call("lake", "status", "--dir", hdfs.directory)["healthy"] is True)
    assert call("lake", "logs", "namenode", "--lines", 5, "--dir", hdfs.directory)
    lines = register(4000)
    register_file, reordered, meters = (tmp_path / name for name in ("a.csv", "b.csv", "meters.csv"))
    register_file.write_bytes(b"".join(lines))
    reordered.write_bytes(b"".join([*lines[::-1][:3500], *register(100, seed=2)]))
    meters.write_bytes(meter_csv(20_000))
    first = call("lake", "put", register_file, *config)
    second = call("lake", "put", reordered, *config)
    third = call("lake", "put", meters, "--folder", "plant", *config)
    assert second["written"] < first["written"] / 2
    assert call("lake", "put", meters, "--folder", "plant", *config)["written"] == 0
    target = tmp_path / "got.csv"
    assert call("lake", "get", "plant/meters.csv", target, *config)["sha256"] == third["sha256"]
    assert target.read_bytes() == meters.read_bytes()
    rows = call("lake", "cat", "b.csv", "--rows", "2:4", *config)
    assert rows["text"].encode() == b"".join(lines[::-1][2:4])
    assert call("lake", "cat", "a.csv", "--bytes", "3:9", *config)["text"].encode() == b"".join(lines)[3:9]
    listed = [one["name"] for one in call("lake", "ls", *config)]
    assert listed == ["a.csv", "b.csv", "plant/meters.csv"]
    assert [one["name"] for one in call("lake", "find", "plant/*", *config)] == ["plant/meters.csv"]
    stat = call("lake", "stat", *config)
    assert stat["stored_bytes"] >= first["written"] + second["written"] + third["written"]
    report = call("lake", "check", "--read-data", *config)
    assert (report["damage"], report["lost"]) == ([], [])
    call("lake", "forget", "a.csv", "--version", 1, *config)
    call("lake", "prune", *config)
    call("lake", "rebuild", *config)
    call("lake", "get", "b.csv", target, "--replace", *config)
    assert target.read_bytes() == reordered.read_bytes()


def test_a_killed_put_and_a_killed_get_are_gone_on_with(config: tuple[str, Path], tmp_path: Path) -> None:
    source, target = tmp_path / "big.bin", tmp_path / "got.bin"
    source.write_bytes(BIG)
    begun = time.monotonic()
    killed("lake", "put", source, *config, when=lambda: time.monotonic() > begun + 2)
    assert call("lake", "check", *config)["damage"] == []
    stored = call("lake", "put", source, *config)

    def left() -> list[Path]:
        return [one for one in tmp_path.glob(".got.bin.*.part") if one.stat().st_size > 1 << 20]

    killed("lake", "get", "big.bin", target, *config, when=lambda: bool(left()))
    sizes = [one.stat().st_size for one in left()]
    got = call("lake", "get", "big.bin", target, "--replace", *config)
    assert (got["sha256"], got["kept"]) == (stored["sha256"], sizes[0] if sizes else 0)
    assert target.read_bytes() == BIG
    assert left() == []
