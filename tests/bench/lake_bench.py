"""The lake on HDFS (a single DataNode, replication 1) beside restic and borg on the local disk, by turns.

python -m tests.bench.lake_bench [--record] [--rounds N] [--mebibytes N] [--registers FOLDER] [--memory-gib N]
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import numpy as np
from tests.bench.machine import Machine, cpu_seconds
from tests.bench.report import Report

from gridledger.crypto.secret_key import SecretKey
from gridledger.lake.hdfs import HdfsCluster

_SECONDS = 1800.0
_INSERTED_EVERY = 16 << 20
_ROWS = 100_000
_ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, kw_only=True)
class Taken:
    """What a step took."""

    seconds: float
    cpu_s: float
    memory_bytes: int = 0
    p50_ms: float = 0.0
    p95_ms: float = 0.0
    raw_p50_ms: float = 0.0
    """Of the same reads by hdfs-native alone."""
    written: int = 0


def make_set(folder: Path, mebibytes: int) -> dict[str, Path]:
    """Make random bytes, the same with 100 bytes inserted every 16 MiB, and readings of meters."""
    folder.mkdir()
    draw = np.random.default_rng(7)
    size = mebibytes << 20
    files = {name: folder / name for name in ("random", "inserted", "meter.csv")}
    data = draw.bytes(size)
    files["random"].write_bytes(data)
    with files["inserted"].open("wb") as file:
        for start in range(0, size, _INSERTED_EVERY):
            file.write(data[start : start + _INSERTED_EVERY])
            file.write(draw.bytes(100))
    with files["meter.csv"].open("wb") as file:
        written = row = 0
        while written < size:
            rows = zip(draw.exponential(1, _ROWS), draw.normal(230, 2, _ROWS), strict=True)
            lines = (
                f"{1_600_000_000 + (row + number) // 17 * 900},{(row + number) % 17},{kwh:.3f},{volt:.1f}\n"
                for number, (kwh, volt) in enumerate(rows)
            )
            written += file.write("".join(lines).encode()[: size - written])
            row += _ROWS
    return files


def registers(folder: Path | None, made: Path) -> dict[str, Path]:
    """Return two registers that share records in another order: UrbanEV's, or made ones."""
    if folder is not None:
        return {name: folder / name for name in ("inf_raw.csv", "inf.csv")}
    draw = random.Random(5)
    rows = [
        f"{1000 + row},{draw.uniform(113, 115):.6f},{draw.uniform(22, 23):.6f},{draw.randint(1, 60)}\n"
        for row in range(1587)
    ]
    made.mkdir()
    files = {name: made / name for name in ("first.csv", "second.csv")}
    files["first.csv"].write_text("".join(rows))
    draw.shuffle(rows)
    files["second.csv"].write_text("".join(rows[:1362]))
    return files


def run(command: Sequence[str], *, environment: dict[str, str] | None = None, folder: Path) -> Taken:
    """Run a program; its time and CPU."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.perf_counter()
    subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, **(environment or {})},
        check=True,
        timeout=_SECONDS,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    seconds = time.perf_counter() - started
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Taken(seconds=seconds, cpu_s=cpu)


def stored(folder: Path) -> int:
    """Return the lengths of a folder's files."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


class Restic:
    """A repository of restic on the local disk."""

    def __init__(self, folder: Path, *, compressed: bool) -> None:
        self.folder = folder / f"restic-{secrets.token_hex(4)}"
        self._environment = {"RESTIC_PASSWORD": "bench", "RESTIC_CACHE_DIR": str(folder / "restic-cache")}
        self._options = ["-q", "-r", str(self.folder), "--compression", "auto" if compressed else "off"]
        run(["restic", *self._options, "init"], environment=self._environment, folder=folder)

    def put(self, folder: Path) -> Taken:
        return run(["restic", *self._options, "backup", "."], environment=self._environment, folder=folder)

    def get(self, target: Path) -> Taken:
        command = ["restic", *self._options, "restore", "latest", "--target", str(target)]
        return run(command, environment=self._environment, folder=self.folder)


class Borg:
    """A repository of borg on the local disk."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / f"borg-{secrets.token_hex(4)}"
        self._environment = {
            "BORG_PASSPHRASE": "bench",
            "BORG_BASE_DIR": str(folder / "borg-base"),
            "BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK": "yes",
        }
        command = ["borg", "init", "-e", "repokey", str(self.folder)]
        run(command, environment=self._environment, folder=folder)

    def put(self, folder: Path) -> Taken:
        command = ["borg", "create", f"{self.folder}::bench", "."]
        return run(command, environment=self._environment, folder=folder)


class Driver:
    """Our lake on HDFS, each step in a new process."""

    def __init__(self, cluster: HdfsCluster, folder: Path) -> None:
        self._key = folder / "owner.key"
        if not self._key.exists():
            self._key.write_bytes(SecretKey.generate().reveal())
        self._cluster = cluster
        self.path = f"/bench/{secrets.token_hex(6)}"

    def step(self, step: str, files: dict[str, Path], *options: str) -> Taken:
        command = [sys.executable, "-m", "tests.bench.lake_driver", f"{self._cluster.url}{self.path}"]
        command += [str(self._key), step, *options, *(f"{name}={path}" for name, path in files.items())]
        ended = subprocess.run(
            command, cwd=_ROOT, check=True, timeout=_SECONDS, capture_output=True, text=True
        )
        said = json.loads(ended.stdout.splitlines()[-1])
        said.pop("unchanged", None)
        return Taken(**said)

    def stored(self) -> int:
        from hdfs_native import Client

        return int(Client(self._cluster.url).get_content_summary(self.path).length)

    def remove(self) -> None:
        """Give back the lake's room; DataNodes do so within seconds."""
        from hdfs_native import Client

        Client(self._cluster.url).delete(self.path, recursive=True)


def main() -> None:
    """Measure and print; with --record into docs/BENCHMARKS.md."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--record", action="store_true")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--mebibytes", type=int, default=256, help="of each of the set's three files")
    parser.add_argument("--registers", type=Path, help="folder of UrbanEV's inf_raw.csv and inf.csv")
    parser.add_argument("--memory-gib", type=int, default=5, help="size of the put whose memory is measured")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with tempfile.TemporaryDirectory(prefix="gridledger-bench-") as name:
        folder = Path(name)
        cluster = HdfsCluster.create(folder / "hdfs", datanodes=1, replication=1)
        try:
            cluster.up()
            _bench(options, folder, cluster)
        finally:
            cluster.remove()


def _bench(options: argparse.Namespace, folder: Path, cluster: HdfsCluster) -> None:
    machine = Machine.measure(folder)
    report = Report(
        target="bench-lake",
        title=f"Lake: {3 * options.mebibytes} MiB on HDFS, one DataNode; restic and borg on local disk",
        world="HDFS 3.5.0 from Spark's jars",
        machine=machine,
        headers=("what", "seconds", "CPU s", "HDFS's CPU s", "bytes stored"),
    )
    files = make_set(folder / "set", options.mebibytes)
    pids = [pid for each in cluster.status().datanodes if (pid := each.pid)]
    pids += [pid for pid in (cluster.status().namenode_pid,) if pid]
    has_restic, has_borg = (shutil.which(name) is not None for name in ("restic", "borg"))
    for name, there in (("restic", has_restic), ("borg", has_borg)):
        if not there:
            report.note(f"{name} is not on PATH: not compared (Debian: apt install {name})")
    for compressed in (True, False):
        ours, theirs, borgs, gets, restores, again = [], [], [], [], [], []
        ours_bytes = theirs_bytes = 0
        for _ in range(options.rounds):
            # What is compared runs one after the other.
            driver = Driver(cluster, folder)
            before = sum(map(cpu_seconds, pids))
            ours.append(driver.step("put", files, *([] if compressed else ["--plain"])))
            hdfs_cpu = sum(map(cpu_seconds, pids)) - before
            ours_bytes = driver.stored()
            restic = Restic(folder, compressed=compressed) if has_restic else None
            if restic is not None:
                theirs.append(restic.put(folder / "set"))
                theirs_bytes = stored(restic.folder)
            out = folder / "out"
            out.mkdir(exist_ok=True)
            gets.append(driver.step("get", {each: out / each for each in files}))
            if restic is not None:
                restores.append(restic.get(folder / "restored"))
                shutil.rmtree(folder / "restored")
                shutil.rmtree(restic.folder)
            if any((out / each).read_bytes() != path.read_bytes() for each, path in files.items()):
                raise SystemExit("what was read is not what was put")
            shutil.rmtree(out)
            again.append(driver.step("put", files, *([] if compressed else ["--plain"])))
            if has_borg and not compressed:
                borg = Borg(folder)
                borgs.append(borg.put(folder / "set"))
                borg_bytes = stored(borg.folder)
                shutil.rmtree(borg.folder)
            if not compressed and len(ours) == options.rounds:
                os.sync()  # What was put before is written out before reads are timed.
                blocks = driver.step("blocks", {"meter.csv": Path()})
            driver.remove()
        how = "compressed" if compressed else "uncompressed"
        report.row(f"put, {how}", *_times(ours), f"{hdfs_cpu:.1f}", f"{ours_bytes:,}")
        report.row(f"put again, {how}", *_times(again), "", "")
        report.row(f"get, {how}", *_times(gets), "", "")
        report.compare(f"put again, {how}, against the first", _ratio(ours, again), ">=", 3)
        if theirs:
            wanted = 0.9 if compressed else 1.3
            report.row(f"restic, {how}", *_times(theirs), "", f"{theirs_bytes:,}")
            report.row(f"restic restore, {how}", *_times(restores), "", "")
            report.compare(f"put, {how}, against restic's time", _ratio(ours, theirs), "<=", wanted)
            report.note(f"by CPU of the two programs: {_ratio(ours, theirs, cpu=True):.2f}x")
            report.compare(f"bytes stored, {how}, against restic's", ours_bytes / theirs_bytes, "<=", 1.05)
            report.compare(f"get, {how}, against restic's restore", _ratio(gets, restores), "<=", 1.3)
            report.note(f"by CPU of the two programs: {_ratio(gets, restores, cpu=True):.2f}x")
        if borgs:
            report.row("borg (lz4)", *_times(borgs), "", f"{borg_bytes:,}")
    report.compare("random read of one block, p50", blocks.p50_ms, "<=", 2, " ms")
    report.note(
        f"p95 of the same: {blocks.p95_ms:.2f} ms; hdfs-native alone, p50: {blocks.raw_p50_ms:.2f} ms,"
        f" which is {blocks.p50_ms / blocks.raw_p50_ms:.2f}x"
    )
    _registers(options.registers, folder, cluster, report, has_restic=has_restic)
    if options.memory_gib:
        size = options.memory_gib << 30
        driver = Driver(cluster, folder)
        put = driver.step("put", {}, "--generated", str(size))
        driver.remove()
        what = f"memory of a put of {options.memory_gib} GiB"
        report.compare(what, put.memory_bytes / 1e6, "<=", 300, " MB")
    report.note(
        f"Medians of {options.rounds} rounds, by turns. Programs' times of restic and borg are whole "
        "commands; the lake's are the call."
    )
    report.finish(record=options.record)


def _registers(
    given: Path | None, folder: Path, cluster: HdfsCluster, report: Report, *, has_restic: bool
) -> None:
    """Put two registers with the same records in another order."""
    first, second = registers(given, folder / "registers").items()
    driver = Driver(cluster, folder)
    driver.step("put", dict([first]))
    before = driver.stored()
    driver.step("put", dict([second]))
    added = driver.stored() - before
    whose = "UrbanEV's registers" if given else "made registers"
    report.note(f"{whose}: {before:,} B for the first, the second adds {added:,} B")
    if not has_restic:
        return
    restic = Restic(folder, compressed=True)
    sizes = []
    for name, path in (first, second):
        place = folder / f"restic-{name}"
        place.mkdir()
        shutil.copy(path, place)
        restic.put(place)
        sizes.append(stored(restic.folder))
    report.compare(
        f"{whose}: what the second adds, against restic", added / (sizes[1] - sizes[0]), "<=", 0.35
    )


def _times(taken: Sequence[Taken]) -> tuple[str, str]:
    return f"{median(each.seconds for each in taken):.2f}", f"{median(each.cpu_s for each in taken):.2f}"


def _ratio(ours: Sequence[Taken], theirs: Sequence[Taken], *, cpu: bool = False) -> float:
    """Return the median of the rounds' ratios."""
    pairs = zip(ours, theirs, strict=True)
    if cpu:
        return median(one.cpu_s / other.cpu_s for one, other in pairs)
    return median(one.seconds / other.seconds for one, other in pairs)


if __name__ == "__main__":
    main()
