"""An index on HDFS: names in the NameNode's namespace, growth, and data found through it."""

from __future__ import annotations

import io
import secrets
from collections.abc import Iterator

import pytest
from tests.hdfs import wait_until

from gridledger.crypto.secret_key import SecretKey
from gridledger.lake import Lake, Store, open_store
from gridledger.lake.dataset_source import OwnedSource
from gridledger.lake.hdfs import HdfsCluster
from gridledger.lake.index import Index, Query, extract, planned

pytestmark = [pytest.mark.xdist_group("hdfs"), pytest.mark.timeout(600)]

REGISTER = b"id,lon,lat\n" + b"".join(
    f"{number},{114 + number % 3},{22.5 + number / 10_000}\n".encode() for number in range(60)
)
DECLARED = {"longitude": "lon", "latitude": "lat", "parallel": "22.5"}


@pytest.fixture(params=["hdfs", "webhdfs"])
def store(request: pytest.FixtureRequest, hdfs: HdfsCluster) -> Iterator[Store]:
    wait_until(lambda: hdfs.status().is_healthy)
    host = hdfs.url if request.param == "hdfs" else f"web{hdfs.web_url.replace('http', 'hdfs', 1)}"
    with open_store(f"{host}/index/{secrets.token_hex(8)}", settings=hdfs.client_configuration) as store:
        yield store


def test_index_is_built_grown_and_asked_on_hdfs(store: Store) -> None:
    lake = Lake.create(store, SecretKey.generate())
    lake.put("stations.csv", io.BytesIO(REGISTER))
    plan = planned("stations", "station/1", datasets="*.csv", declared=DECLARED)
    index = Index.build(lake, plan, extract(lake, plan).entries, 6.5)
    other = Index.open(lake, "stations")

    [folder] = [f"index/{name}" for name in store.folders("index")]
    assert store.folders(f"{folder}/clusters.1") == ["c00001", "c00002", "c00003"]
    names = [entry.name for entry in store.entries(f"{folder}/clusters.1/c00001")]
    assert [name.partition(".")[0] for name in names] == ["0-20"]

    lake.put("stations.csv", io.BytesIO(REGISTER + b"60,114.2,22.5\n"))
    growth = index.add(extract(lake, plan).entries)
    assert (growth.added, growth.duplicates, growth.generation) == (1, 60, 2)
    assert other.refresh()
    place = plan.features.features
    fixed = other.query(Query(label=growth.opened[0])).matches[0].entry.fixed
    features = tuple(value / 10**one.decimals for value, one in zip(fixed, place, strict=True))
    answer, data = other.query_data(Query(features=features), OwnedSource(lake))
    assert (len(answer.clusters), data) == (1, [b"60,114.2,22.5\n"])

    index.recluster()
    assert other.refresh()
    assert (other.table.clustering, other.table.entries) == (2, 61)
    assert other.query(Query(features=(0.0, 0.0, 0.0))).is_rejected
