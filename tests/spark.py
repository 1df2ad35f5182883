"""A standalone Spark for tests: a master and workers as Java processes on 127.0.0.1."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from tests.prerequisites import missing

from gridledger.host.errors import PrerequisiteMissing
from gridledger.lake.hdfs.java import find_java

__all__ = ["StandaloneSpark", "running_spark"]

_STARTS_S = 180
_ENDS_S = 30
_ADDRESS = re.compile(r"Starting Spark master at (spark://\S+)")
_REGISTERED = "Successfully registered with master"


@dataclass(frozen=True)
class StandaloneSpark:
    """What runs, and the environment of those who ask it."""

    master: str
    workers: tuple[subprocess.Popen[bytes], ...]
    environment: dict[str, str]


@contextmanager
def running_spark(folder: Path, *, workers: int) -> Iterator[StandaloneSpark]:
    """Start a master and workers of one core each, and end them; without Java 17 the test skips."""
    try:
        java = find_java()
    except PrerequisiteMissing as error:
        missing("java", str(error))
    spec = find_spec("pyspark")
    assert spec is not None
    assert spec.origin is not None
    home = Path(spec.origin).parent
    environment = {
        **os.environ,
        "SPARK_HOME": str(home),
        "JAVA_HOME": str(java.resolve().parents[1]),
        "SPARK_LOCAL_IP": "127.0.0.1",
        "SPARK_DAEMON_MEMORY": "256m",
        "SPARK_DAEMON_JAVA_OPTS": "-XX:+UseSerialGC -XX:TieredStopAtLevel=1",
        "SPARK_WORKER_DIR": str(folder / "work"),
        "PYSPARK_PYTHON": sys.executable,
        "PYSPARK_SUBMIT_ARGS": "--conf spark.executor.memory=512m pyspark-shell",
        "PYTHONPATH": os.pathsep.join(sys.path),
    }
    started: list[subprocess.Popen[bytes]] = []

    def start(name: str, *arguments: str) -> Path:
        log = folder / f"{name}.log"
        command = [str(home / "bin" / "spark-class"), *arguments]
        with log.open("wb") as file:
            started.append(
                subprocess.Popen(command, env=environment, stdout=file, stderr=subprocess.STDOUT, cwd=folder)
            )
        return log

    try:
        listening = ("--host", "127.0.0.1", "--port", "0", "--webui-port", "0")
        log = start("master", "org.apache.spark.deploy.master.Master", *listening)
        master = _said(log, started[0], _ADDRESS)[1]
        of_worker = (*listening, "--cores", "1", "--memory", "1g", master)
        logs = [
            start(f"worker{one}", "org.apache.spark.deploy.worker.Worker", *of_worker)
            for one in range(workers)
        ]
        for log, process in zip(logs, started[1:], strict=True):
            _said(log, process, re.compile(_REGISTERED))
        yield StandaloneSpark(master, tuple(started[1:]), environment)
    finally:
        for process in reversed(started):
            process.send_signal(signal.SIGTERM)  # a worker's executors end with it
        for process in started:
            try:
                process.wait(_ENDS_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _said(log: Path, process: subprocess.Popen[bytes], wanted: re.Pattern[str]) -> re.Match[str]:
    """Wait until a process logs what is wanted."""
    deadline = time.monotonic() + _STARTS_S
    while True:
        text = log.read_text(errors="replace")
        if found := wanted.search(text):
            return found
        assert process.poll() is None, text
        assert time.monotonic() < deadline, text
        time.sleep(0.2)
