"""The suite of stores over a real HDFS, by RPC and by WebHDFS."""

from __future__ import annotations

import secrets
from collections.abc import Iterator

import pytest
from tests.unit.lake.store_suite import StoreSuite

from gridledger.lake import Store, open_store
from gridledger.lake.hdfs import HdfsCluster

pytestmark = [pytest.mark.xdist_group("hdfs"), pytest.mark.timeout(300)]


class TestHdfsStore(StoreSuite):
    @pytest.fixture
    def store(self, hdfs: HdfsCluster) -> Iterator[Store]:
        address = f"{hdfs.url}/suite/{secrets.token_hex(8)}"
        with open_store(address, settings=hdfs.client_configuration) as store:
            yield store


class TestWebHdfsStore(StoreSuite):
    @pytest.fixture
    def store(self, hdfs: HdfsCluster) -> Iterator[Store]:
        host = hdfs.web_url.removeprefix("http://")
        with open_store(f"webhdfs://{host}/suite/{secrets.token_hex(8)}") as store:
            yield store
