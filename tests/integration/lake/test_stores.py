"""The suite of stores over a real HDFS, by RPC and by WebHDFS."""

from __future__ import annotations

import getpass
import io
import secrets
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from hdfs_native import Client, WriteOptions
from tests.hdfs import wait_until
from tests.unit.lake.payloads import noise
from tests.unit.lake.store_suite import StoreSuite

from gridledger.crypto.secret_key import SecretKey
from gridledger.host.ports import LOOPBACK
from gridledger.lake import Lake, Store, hdfs_store, open_store
from gridledger.lake.block_client import BlockClient
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


def test_ranges_are_read_from_datanodes_without_the_library(
    hdfs: HdfsCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Blocks of HDFS that are shorter than the file: ranges lie in one and in several.
    monkeypatch.setattr(hdfs_store, "WriteOptions", partial(WriteOptions, block_size=1 << 20))
    data = noise((3 << 20) + 777)
    root = f"/suite/{secrets.token_hex(8)}"
    with open_store(f"{hdfs.url}{root}", settings=hdfs.client_configuration) as store:
        store.publish("packs/a", data)
    port = urlsplit(hdfs.url).port
    assert port is not None
    for offset, length in ((0, len(data)), (0, 1), (511, 2), ((1 << 20) - 3, 1 << 21), (len(data) - 5, 900)):
        buffer = memoryview(bytearray(length))

        def is_read(start: int = offset, into: memoryview = buffer) -> bool:
            client = BlockClient(LOOPBACK, port, user=getpass.getuser())
            filled = client.read_into(f"{root}/packs/a", start, into)
            client.close()
            return filled == len(data[start : start + len(into)])

        # On a busy machine an attempt may take too long.
        wait_until(is_read)
        wanted = data[offset : offset + length]
        assert bytes(buffer[: len(wanted)]) == wanted


def test_replica_that_rots_is_read_around(hdfs: HdfsCluster) -> None:
    payload = noise(600_000, seed=secrets.randbits(32))
    address, owner = f"{hdfs.url}/suite/{secrets.token_hex(8)}", SecretKey.generate()
    with open_store(address, settings=hdfs.client_configuration) as store:
        Lake.create(store, owner).put("payload", io.BytesIO(payload), compressed=False)
        [pack] = store.entries("packs")
        sealed = store.read(f"packs/{pack.name}")
    changed = bytearray(sealed)
    changed[len(sealed) // 2] ^= 1
    replicas: list[Path] = []

    def are_found() -> bool:
        try:  # A DataNode may be moving a file.
            replicas[:] = [
                block
                for block in (hdfs.directory / "data").rglob("finalized/**/blk_*")
                if block.stat().st_size == len(sealed) and block.read_bytes() == sealed
            ]
        except FileNotFoundError:
            return False
        return len(replicas) == len(hdfs.datanodes)

    wait_until(are_found)
    for block in replicas[1:]:
        block.write_bytes(changed)
    for _ in range(6):  # Each asks anew which replica is the nearest.
        with open_store(address, settings=hdfs.client_configuration) as store:
            assert Lake.open(store, owner).reader("payload").read() == payload
