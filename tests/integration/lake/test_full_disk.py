"""A DataNode on a disk of its own that is full: the DataNode itself refuses, not a quota."""

from __future__ import annotations

import io
import random
import secrets
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from tests.hdfs import wait_until
from tests.prerequisites import missing

from gridledger.crypto.secret_key import SecretKey
from gridledger.lake import Lake, LakeUnavailable, check, open_store
from gridledger.lake.hdfs import HdfsCluster

pytestmark = [pytest.mark.xdist_group("hdfs"), pytest.mark.timeout(900)]

NAME = "datanode2"
OTHERS = ("datanode1", "datanode3")
DISK = "384m"
"""Room for two of HDFS's blocks and more: the NameNode sends blocks there until it is full."""
BEFORE = random.Random(1).randbytes(1 << 20)
PAYLOAD = random.Random(2).randbytes(30 << 20)


@pytest.fixture(scope="module")
def small_disk(hdfs: HdfsCluster) -> Iterator[Path]:
    """Put a small disk in the place of a DataNode's, as an operator who replaces a broken one does."""
    mount, umount = shutil.which("mount"), shutil.which("umount")
    if mount is None or umount is None:
        missing("mount", "a small disk is mounted: mount and umount are not on PATH")
    folder = hdfs.directory / "data" / NAME
    wait_until(lambda: hdfs.status().is_healthy)
    hdfs.stop(NAME)
    command = [mount, "-t", "tmpfs", "-o", f"size={DISK}", "gridledger-test", str(folder)]
    mounted = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)
    try:
        if mounted.returncode != 0:
            missing("mount", f"a small disk cannot be mounted: {mounted.stderr.strip()} (run as root)")
        hdfs.up()
        yield folder
    finally:
        hdfs.stop(NAME)
        if mounted.returncode == 0:
            subprocess.run([umount, str(folder)], check=True, capture_output=True, timeout=60)
        hdfs.up()
        wait_until(lambda: hdfs.status().is_healthy)


@pytest.fixture
def disk(small_disk: Path) -> Iterator[Path]:
    """Return the small disk, with room on it before and after."""
    yield small_disk
    (small_disk / "filler").unlink(missing_ok=True)


def fill(disk: Path) -> None:
    """Write until there is no room."""
    with (disk / "filler").open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(bytes(1 << 20))


def test_datanode_whose_disk_is_full_costs_nothing_while_others_have_room(
    hdfs: HdfsCluster, disk: Path
) -> None:
    filled = []

    def fill_once(size: int) -> None:
        if size > len(PAYLOAD) // 4 and not filled:
            filled.append(size)
            fill(disk)

    address = f"{hdfs.url}/lake/{secrets.token_hex(8)}"
    with open_store(address, settings=hdfs.client_configuration) as store:
        lake = Lake.create(store, SecretKey.generate(), pack_bytes=6 << 20)
        lake.put("before", io.BytesIO(BEFORE))
        lake.put("payload", io.BytesIO(PAYLOAD), progress=fill_once)
        assert filled
        assert lake.reader("before").read() == BEFORE
        assert lake.reader("payload").read() == PAYLOAD
        assert check(lake, read_data=True).damage == []


def test_put_is_refused_where_every_disk_is_full_and_loses_nothing(hdfs: HdfsCluster, disk: Path) -> None:
    address = f"{hdfs.url}/lake/{secrets.token_hex(8)}"
    owner = SecretKey.generate()
    with open_store(address, settings=hdfs.client_configuration) as store:
        Lake.create(store, owner, pack_bytes=6 << 20).put("before", io.BytesIO(BEFORE))
    # HDFS's word for it is no other than for DataNodes that are lost, so it is tried until the deadline.
    with open_store(address, settings=hdfs.client_configuration, deadline_s=30) as store:
        lake = Lake.open(store, owner, pack_bytes=6 << 20)
        fill(disk)
        for name in OTHERS:
            hdfs.kill(name)
        with pytest.raises(LakeUnavailable):
            lake.put("payload", io.BytesIO(PAYLOAD))
    (disk / "filler").unlink()
    hdfs.up()
    with open_store(address, settings=hdfs.client_configuration) as store:
        lake = Lake.open(store, owner, pack_bytes=6 << 20)
        assert lake.reader("before").read() == BEFORE
        report = check(lake, read_data=True)
        assert (report.damage, report.lost) == ([], [])
        lake.put("payload", io.BytesIO(PAYLOAD))
        assert lake.reader("payload").read() == PAYLOAD
