"""A lake on HDFS that loses DataNodes, its NameNode, and room."""

from __future__ import annotations

import io
import random
import secrets
import threading
from collections.abc import Callable, Iterator

import httpx
import pytest
from tests.hdfs import wait_until

from gridledger.crypto.secret_key import SecretKey
from gridledger.lake import Lake, LakeUnavailable, Store, StoreFull, check, open_store, stat
from gridledger.lake.hdfs import HdfsCluster

pytestmark = [pytest.mark.xdist_group("hdfs"), pytest.mark.timeout(600)]

PACK_BYTES = 6 << 20
PAYLOAD = random.Random(1).randbytes(30 << 20)
DATANODES = ("datanode1", "datanode2", "datanode3")


@pytest.fixture(params=["hdfs", "webhdfs"])
def place(request: pytest.FixtureRequest, hdfs: HdfsCluster) -> Iterator[Store]:
    """Return a store on the shared HDFS, by RPC and by WebHDFS; HDFS is whole before and after."""
    wait_until(lambda: hdfs.status().is_healthy)
    host = hdfs.url if request.param == "hdfs" else f"web{hdfs.web_url.replace('http', 'hdfs', 1)}"
    with open_store(f"{host}/lake/{secrets.token_hex(8)}", settings=hdfs.client_configuration) as store:
        yield store
    hdfs.up()
    wait_until(lambda: hdfs.status().is_healthy)


def began(store: Store) -> Lake:
    return Lake.create(store, SecretKey.generate(), pack_bytes=PACK_BYTES)


class Breaking:
    """Does something when a quarter of a payload has been read."""

    def __init__(self, act: Callable[[], None]) -> None:
        self._thread = threading.Thread(target=act)
        self._begun = False

    def __call__(self, size: int) -> None:
        if size > len(PAYLOAD) // 4 and not self._begun:
            self._begun = True
            self._thread.start()
            self._thread.join()

    def join(self) -> None:
        assert self._begun
        self._thread.join()


@pytest.mark.parametrize("name", DATANODES)
def test_datanode_killed_during_put_and_get_costs_nothing_but_time(
    hdfs: HdfsCluster, place: Store, name: str
) -> None:
    lake = began(place)
    lake.put("before", io.BytesIO(PAYLOAD[: 8 << 20]))
    breaking = Breaking(lambda: hdfs.kill(name))
    lake.put("payload", io.BytesIO(PAYLOAD), progress=breaking)
    breaking.join()
    assert lake.reader("payload").read() == PAYLOAD
    hdfs.start(name)
    wait_until(lambda: hdfs.status().is_healthy)
    pieces = []
    for number, piece in enumerate(lake.reader("payload").stream()):
        pieces.append(piece)
        if number == 20:
            hdfs.kill(name)
    assert b"".join(pieces) == PAYLOAD
    assert check(lake, read_data=True).damage == []


def test_namenode_restarted_during_put_costs_nothing_but_time(hdfs: HdfsCluster, place: Store) -> None:
    lake = began(place)

    def restart() -> None:
        hdfs.kill("namenode")
        hdfs.up()

    breaking = Breaking(restart)
    lake.put("payload", io.BytesIO(PAYLOAD), progress=breaking)
    breaking.join()
    assert lake.reader("payload").read() == PAYLOAD
    assert check(lake, read_data=True).damage == []


@pytest.mark.parametrize("scheme", ["hdfs", "webhdfs"])
def test_store_without_namenode_is_unavailable_within_its_deadline(scheme: str) -> None:
    with open_store(f"{scheme}://127.0.0.1:1/lake", deadline_s=1.0) as store:
        with pytest.raises(LakeUnavailable):
            store.size("lake.json")
        with pytest.raises(LakeUnavailable):
            store.publish("lake.json", b"{}")


def test_full_hdfs_refuses_the_put_and_keeps_the_rest(hdfs: HdfsCluster, place: Store) -> None:
    lake = began(place)
    lake.put("before", io.BytesIO(PAYLOAD[:100_000]))
    folder = repr(place).split("'")[-2]

    def set_quota(size: int) -> None:
        url = f"{hdfs.web_url}/webhdfs/v1{folder}"
        parameters = {"op": "SETQUOTA", "storagespacequota": str(size), "user.name": hdfs_user(hdfs)}
        httpx.put(url, params=parameters, timeout=60).raise_for_status()

    set_quota(64 << 20)
    with pytest.raises(StoreFull):
        lake.put("payload", io.BytesIO(PAYLOAD))
    assert lake.reader("before").read() == PAYLOAD[:100_000]
    assert (check(lake, read_data=True).lost, stat(lake).versions) == ([], 1)
    set_quota(8 << 30)
    lake.put("payload", io.BytesIO(PAYLOAD))
    assert lake.reader("payload").read() == PAYLOAD


def hdfs_user(hdfs: HdfsCluster) -> str:
    """Return who started the NameNode: HDFS's superuser."""
    return hdfs.directory.owner()
