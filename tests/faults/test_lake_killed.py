"""kill -9 of a put to HDFS at random moments, each followed by a check that reads every byte."""

from __future__ import annotations

import math
import random
import secrets
import time

import pytest
from tests.faults.lake_writer import OWNER, PACK_BYTES, SIZES, LakeWriter, payload

from gridledger.lake import Lake, check, open_store, prune
from gridledger.lake.hdfs import HdfsCluster

KILLS = 200
A_LAKE = 20
"""Kills after which a new lake is begun: checks read all of it."""
PUTS = 2

pytestmark = pytest.mark.xdist_group("hdfs-lost")


@pytest.mark.timeout(3600)
def test_put_killed_at_random_moments_loses_nothing_acknowledged(
    hdfs: HdfsCluster, share: float, chance: random.Random
) -> None:
    kills = math.ceil(KILLS * share)
    interrupted = 0
    for first in range(0, kills, A_LAKE):
        address = f"{hdfs.url}/killed/{secrets.token_hex(8)}"
        settings = hdfs.client_configuration
        with open_store(address, settings=settings) as store:
            lake = Lake.create(store, OWNER, sizes=SIZES, pack_bytes=PACK_BYTES)
            whole = LakeWriter(address, settings, ["first", "second"])
            whole.wait_begun()
            started = time.monotonic()
            stored = whole.wait()
            seconds = time.monotonic() - started
            for number in range(first, min(first + A_LAKE, kills)):
                names = [f"put-{number}-{each}" for each in range(PUTS)]
                writer = LakeWriter(address, settings, names)
                writer.wait_begun()
                time.sleep(chance.uniform(0, seconds))
                acknowledged = writer.kill()
                interrupted += len(acknowledged) < PUTS
                stored += acknowledged
                report = check(lake, read_data=True)
                assert (report.damage, report.lost) == ([], [])
                for name in acknowledged:
                    assert lake.reader(name).read() == payload(name)
            # What the killed ones left is deleted, and nothing else.
            prune(lake, grace_s=0, now_ms=2**53)
            assert store.entries("temporary") == []
            assert (check(lake, read_data=True).damage, len(stored)) == ([], len(set(stored)))
            for name in stored:
                assert lake.reader(name).read() == payload(name)
    assert interrupted >= kills // 4
