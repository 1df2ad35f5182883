"""A lake on HDFS that loses DataNodes, its NameNode, and room.

What is lost is lost to a lake by RPC and to one by WebHDFS at once, each with a put and a get under way: a
process of Hadoop's takes longer to start than they take.
"""

from __future__ import annotations

import io
import random
import secrets
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager

import httpx
import pytest
from tests.hdfs import wait_until

from gridledger.crypto.secret_key import SecretKey
from gridledger.lake import Lake, LakeUnavailable, Store, StoreFull, check, open_store, stat
from gridledger.lake.hdfs import HdfsCluster

pytestmark = [pytest.mark.xdist_group("hdfs-lost"), pytest.mark.timeout(900)]

PACK_BYTES = 6 << 20
BEFORE, PAYLOAD = (random.Random(seed).randbytes(20 << 20) for seed in (1, 2))
DATANODES = ("datanode1", "datanode2", "datanode3")
SCHEMES = ("hdfs", "webhdfs")
BREAKING_S = 400
"""How long a put and a get wait until something is broken: longer than a NameNode may take to start."""


@pytest.fixture
def whole(hdfs: HdfsCluster) -> Iterator[HdfsCluster]:
    """Return the shared HDFS, which is whole before and after."""
    wait_until(lambda: hdfs.status().is_healthy)
    yield hdfs
    hdfs.up()
    wait_until(lambda: hdfs.status().is_healthy)


@contextmanager
def begun(hdfs: HdfsCluster, scheme: str) -> Iterator[Lake]:
    """Begin a lake on an HDFS, by RPC or by WebHDFS."""
    host = hdfs.url if scheme == "hdfs" else f"web{hdfs.web_url.replace('http', 'hdfs', 1)}"
    with open_store(f"{host}/lake/{secrets.token_hex(8)}", settings=hdfs.client_configuration) as store:
        yield Lake.create(store, SecretKey.generate(), pack_bytes=PACK_BYTES)


class Breaking:
    """Breaks something when puts have read a quarter and gets have begun; they go on when it is broken."""

    def __init__(self, act: Callable[[], None], *, parties: int) -> None:
        self._barrier = threading.Barrier(parties, action=act, timeout=BREAKING_S)

    def put(self, lake: Lake) -> None:
        is_broken = False

        def progress(size: int) -> None:
            nonlocal is_broken
            if size > len(PAYLOAD) // 4 and not is_broken:
                is_broken = True
                self._barrier.wait()

        lake.put("payload", io.BytesIO(PAYLOAD), progress=progress)
        assert is_broken

    def get(self, lake: Lake) -> None:
        pieces = []
        for number, piece in enumerate(lake.reader("before").stream()):
            pieces.append(piece)
            if number == 20:
                self._barrier.wait()
        assert b"".join(pieces) == BEFORE


def costs_nothing_but_time(hdfs: HdfsCluster, act: Callable[[], None]) -> None:
    """Put and get by RPC and by WebHDFS while something breaks; read all there is afterwards."""
    with ExitStack() as stack:
        lakes = [stack.enter_context(begun(hdfs, scheme)) for scheme in SCHEMES]
        for lake in lakes:
            lake.put("before", io.BytesIO(BEFORE))
        breaking = Breaking(act, parties=2 * len(lakes))
        with ThreadPoolExecutor(2 * len(lakes)) as threads:
            calls = [threads.submit(call, lake) for lake in lakes for call in (breaking.put, breaking.get)]
        for each in calls:
            each.result()
        for lake in lakes:
            assert lake.reader("payload").read() == PAYLOAD
            assert check(lake, read_data=True).damage == []


@pytest.mark.parametrize("name", DATANODES)
def test_datanode_killed_during_put_and_get_costs_nothing_but_time(whole: HdfsCluster, name: str) -> None:
    costs_nothing_but_time(whole, lambda: whole.kill(name))


def test_namenode_killed_during_put_and_get_comes_back_with_what_was_written(whole: HdfsCluster) -> None:
    def restart() -> None:
        whole.kill("namenode")
        whole.up()

    costs_nothing_but_time(whole, restart)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_store_without_namenode_is_unavailable_within_its_deadline(scheme: str) -> None:
    with open_store(f"{scheme}://127.0.0.1:1/lake", deadline_s=1.0) as store:
        with pytest.raises(LakeUnavailable):
            store.size("lake.json")
        with pytest.raises(LakeUnavailable):
            store.publish("lake.json", b"{}")


@pytest.mark.parametrize("scheme", SCHEMES)
def test_full_hdfs_refuses_the_put_and_keeps_the_rest(whole: HdfsCluster, scheme: str) -> None:
    with begun(whole, scheme) as lake:
        lake.put("before", io.BytesIO(PAYLOAD[:100_000]))
        set_quota(whole, lake.store, 64 << 20)
        with pytest.raises(StoreFull):
            lake.put("payload", io.BytesIO(BEFORE + PAYLOAD))
        assert lake.reader("before").read() == PAYLOAD[:100_000]
        assert (check(lake, read_data=True).lost, stat(lake).versions) == ([], 1)
        set_quota(whole, lake.store, 8 << 30)
        lake.put("payload", io.BytesIO(PAYLOAD))
        assert lake.reader("payload").read() == PAYLOAD


def set_quota(hdfs: HdfsCluster, store: Store, size: int) -> None:
    """Say how many bytes there may be below a store's folder, all copies counted."""
    folder = repr(store).split("'")[-2]
    # Who started the NameNode is HDFS's superuser.
    parameters = {"op": "SETQUOTA", "storagespacequota": str(size), "user.name": hdfs.directory.owner()}
    url = f"{hdfs.web_url}/webhdfs/v1{folder}"
    httpx.put(url, params=parameters, timeout=60).raise_for_status()
