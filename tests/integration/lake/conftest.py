"""One Spark for all tests of a run: they carry `xdist_group("spark")`, so that one worker has it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from tests.prerequisites import missing

from gridledger.host.errors import PrerequisiteMissing
from gridledger.lake.hdfs.java import find_java

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


@pytest.fixture(scope="session")
def spark() -> Iterator[SparkSession]:
    from gridledger.lake.index.spark import running_spark
    from gridledger.lake.spark_source import DatasetDataSource

    try:
        find_java()
    except PrerequisiteMissing as error:
        missing("java", str(error))
    with running_spark("local[2]") as session:
        session.dataSource.register(DatasetDataSource)
        yield session
