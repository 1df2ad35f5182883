"""A real HDFS for tests."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.prerequisites import missing

from gridledger.host.errors import PrerequisiteMissing
from gridledger.lake.hdfs import HdfsCluster

__all__ = ["running_hdfs"]


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
