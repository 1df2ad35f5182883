"""The suite of stores over a real HDFS, by RPC and by WebHDFS."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from functools import partial

import pytest
from hdfs_native import Client, WriteOptions
from tests.unit.lake.payloads import noise
from tests.unit.lake.store_suite import StoreSuite

from gridledger.lake import Store, hdfs_store, open_store
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


def test_files_of_one_replica_are_closed_and_whole(
    hdfs: HdfsCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Their closing waits until the one DataNode has told the NameNode of the last block.
    monkeypatch.setattr(hdfs_store, "WriteOptions", partial(WriteOptions, replication=1))
    root = f"/suite/{secrets.token_hex(8)}"
    files = {f"packs/{size}": noise(size) for size in (0, 1, 70_000, 5 << 20)}
    with open_store(f"{hdfs.url}{root}", settings=hdfs.client_configuration) as store:
        for path, data in files.items():
            store.publish(path, data)
        assert {path: store.read(path) for path in files} == files
    client = Client(hdfs.url, hdfs.client_configuration)
    for path, data in files.items():
        status = client.get_file_info(f"{root}/{path}")
        assert (status.length, status.replication) == (len(data), 1)
        # A file that a writer still held open would not be opened again.
        client.append(f"{root}/{path}").close()
