"""A real HDFS for tests."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.prerequisites import missing

from gridledger.host.errors import PrerequisiteMissing
from gridledger.lake.hdfs import HdfsCluster

__all__ = ["running_hdfs", "wait_until"]


def wait_until(condition: Callable[[], bool], seconds: float = 180.0) -> None:
    """Wait until a condition of a cluster comes true."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "the condition did not come true"
        time.sleep(0.2)


@contextmanager
def running_hdfs(directory: Path) -> Iterator[HdfsCluster]:
    """Start a cluster of three DataNodes, and stop it; without Java 17 or the jars the test skips."""
    cluster = HdfsCluster.create(directory)
    try:
        try:
            cluster.up()
        except PrerequisiteMissing as error:
            missing("java", str(error))
        yield cluster
    finally:
        cluster.down()
