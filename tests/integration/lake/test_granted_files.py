"""A granted dataset by gridledger.lake.open, pandas, pyarrow, duckdb and Spark, and by nobody else."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import fsspec
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.errors import PySparkException
from tests.integration.exchange import CHAINCODE
from tests.integration.lake.sharing_world import ROLE, USER, SharingWorld, sharing_world

import gridledger.lake
from gridledger.crypto.secret_key import SecretKey
from gridledger.lake import LakeFileSystem, LakeSettings
from gridledger.lake.errors import NotGranted, PayloadCorrupt, PayloadNotFound
from gridledger.network import Network

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

pytestmark = [pytest.mark.xdist_group("spark"), pytest.mark.timeout(1800)]  # one root for all of them

NAME = "charging/meters.parquet"
PURPOSE = "load-forecast"


def parquet(rows: int) -> bytes:
    written = io.BytesIO()
    columns = {"house": [row % 17 for row in range(rows)], "kwh": [row / 7 for row in range(rows)]}
    pq.write_table(pa.table(columns), written, row_group_size=500)
    return written.getvalue()


PAYLOAD = parquet(2000)


@pytest.fixture(scope="module")
async def sharing(exchange_network: Network) -> AsyncIterator[SharingWorld]:
    async with sharing_world(exchange_network, "88.9142", "files") as found:
        yield found


async def _access(sharing: SharingWorld, name: str, folder: Path) -> Path:
    """Write the configuration of an application that reads what it was granted."""
    user = ("--org", "org2", "--user", f"{sharing.prefix}-{name}", "--chaincode", CHAINCODE)
    stream = io.StringIO()
    arguments = ["network", "connection", *user, "--dir", str(sharing.network.directory), "--json"]
    assert await asyncio.to_thread(_run, arguments, stream) == 0
    (folder / f"{name}.json").write_text(stream.getvalue())
    config = folder / f"{name}.toml"
    config.write_text(
        f'application = "{sharing.systems[name]}"\nkey = "{name}.key"\nconnection = "{name}.json"\n'
    )
    return config


def _run(arguments: list[str], stream: io.StringIO) -> int:
    from gridledger.cli.main import run
    from gridledger.cli.output import Output

    return run(arguments, Output(stream=stream, errors=io.StringIO()))


async def _granted(
    sharing: SharingWorld, folder: Path, *, name: str = NAME, keeper: str = "custodian"
) -> tuple[str, str]:
    """Publish a dataset and grant it to distribution; return its identifier and the request."""
    config = folder / "lake.toml"
    settings = LakeSettings.create(config, store=(folder / "lake").as_uri())
    settings.open().put(name, io.BytesIO(PAYLOAD))
    for party in ("custodian", "distribution", "dispatching"):
        SecretKey.generate().save(folder / f"{party}.key")
    dataset = f"{sharing.systems['owner']}/{name}"
    here = ("--config", config)
    key = ("--key", folder / "custodian.key")
    registered = await sharing(keeper, "custodian", "register", keeper, "--root", sharing.root, *key)
    custodian = registered["id"]
    await sharing("administrator", "custodian", "approve", custodian, "--root", sharing.root)
    await sharing("owner", "dataset", "register", dataset, "--title", "Meters", "--label", "meters")
    await sharing("owner", "dataset", "version", dataset, "--custodian", custodian, *here)
    watch = (*key, "--store", (folder / "lake").as_uri(), "--once")
    watch += ("--checkpoint", folder / "custodian.checkpoint")
    await sharing(keeper, "custodian", "watch", custodian, *watch)
    rule = ("--platform", "distribution", "--role", ROLE, "--purpose", PURPOSE, "--longest", "1d")
    await sharing("owner", "dataset", "admit", dataset, *rule, "--organisation", "Org2MSP")
    asked = ("--application", sharing.systems["distribution"], "--for-user", USER, "--role", ROLE)
    asked += ("--purpose", PURPOSE, "--for", "1d", "--key", folder / "distribution.key")
    request = (await sharing("distribution", "lake", "request", dataset, *asked))["id"]
    await sharing("owner", "lake", "grant", dataset, request, *here)
    await sharing.even()
    return dataset, request


def _read(config: Path, dataset: str) -> None:
    """Read as each of the libraries does."""
    url, options = f"gridledger://{dataset}", {"config": str(config)}
    expected = pd.read_parquet(io.BytesIO(PAYLOAD))
    with gridledger.lake.open(f"{url}@1", config=config) as file:
        file.seek(-4, io.SEEK_END)
        assert file.read() == b"PAR1"
        file.seek(0)
        assert file.read() == PAYLOAD
    assert pd.read_parquet(url, storage_options=options).equals(expected)
    files = fsspec.filesystem("gridledger", **options)
    assert pq.read_table(dataset, filesystem=files, columns=["kwh"]).num_rows == 2000
    with duckdb.connect() as connection:
        connection.register_filesystem(files)
        found = connection.execute(f"SELECT sum(kwh) FROM '{url}' WHERE house = 3").fetchall()
    assert found == [(pytest.approx(expected[expected.house == 3].kwh.sum()),)]
    folder = dataset.rpartition("/")[0]
    assert files.ls(folder, detail=False) == [dataset]
    assert files.isdir(folder)
    assert files.info(dataset)["size"] == len(PAYLOAD)
    assert files.checksum(dataset) == files.info(dataset)["sha256"]
    for missing in (f"{url}@2", f"{folder}/other", "name"):
        with pytest.raises((FileNotFoundError, NotGranted)):
            files.open(missing)


async def test_granted_dataset_is_read_by_url_until_it_is_revoked(
    sharing: SharingWorld, tmp_path: Path
) -> None:
    dataset, request = await _granted(sharing, tmp_path)
    config = await _access(sharing, "distribution", tmp_path)
    LakeFileSystem.clear_instance_cache()
    await asyncio.to_thread(_read, config, dataset)
    other = await _access(sharing, "dispatching", tmp_path)
    with pytest.raises(NotGranted):
        await asyncio.to_thread(gridledger.lake.open, dataset, config=other)
    # Its own key file is of no use with another's grant.
    config.write_text(config.read_text().replace("distribution.key", "dispatching.key"))
    with pytest.raises(NotGranted):
        await asyncio.to_thread(gridledger.lake.open, dataset, config=config)
    config.write_text(config.read_text().replace("dispatching.key", "distribution.key"))
    with pytest.raises(PayloadNotFound):
        await asyncio.to_thread(gridledger.lake.open, "no identifier", config=config)

    steps = [one["step"] for one in (await sharing("owner", "lake", "log", dataset))["entries"]]
    # One by `open`, one by all that fsspec's instance read of the newest version, and one with the wrong key.
    assert steps.count("opened") == 3

    packs = list((tmp_path / "lake" / "packs").iterdir())
    for pack in packs:
        kept = pack.read_bytes()
        data = bytearray(kept)
        data[30::100] = bytes(byte ^ 1 for byte in data[30::100])
        pack.write_bytes(data)
        with pytest.raises(PayloadCorrupt):
            await asyncio.to_thread(_read, config, dataset)
        pack.write_bytes(kept)

    await sharing(
        "owner", "lake", "revoke", dataset, request, "--reason", "over", "--config", tmp_path / "lake.toml"
    )
    await sharing.even()
    with pytest.raises(NotGranted):
        await asyncio.to_thread(gridledger.lake.open, dataset, config=config)


def _read_by_spark(spark: SparkSession, config: Path, dataset: str) -> None:
    read = spark.read.format("gridledger").option("config", str(config)).option("partitions", "2")
    frame = read.load(f"gridledger://{dataset}")
    assert frame.dtypes == [("house", "bigint"), ("kwh", "double")]
    found = frame.where("house = 3").selectExpr("count(*)", "sum(kwh)").collect()[0]
    wanted = [row / 7 for row in range(2000) if row % 17 == 3]
    assert tuple(found) == (len(wanted), pytest.approx(sum(wanted)))


async def test_granted_dataset_is_read_by_spark_and_by_nobody_elses(
    sharing: SharingWorld, spark: SparkSession, tmp_path: Path
) -> None:
    dataset, _ = await _granted(sharing, tmp_path, name="charging/spark.parquet", keeper="marketing-agent")
    config = await _access(sharing, "distribution", tmp_path)
    await asyncio.to_thread(_read_by_spark, spark, config, dataset)
    steps = [one["step"] for one in (await sharing("owner", "lake", "log", dataset))["entries"]]
    assert "opened" in steps
    other = await _access(sharing, "dispatching", tmp_path)
    with pytest.raises(PySparkException, match="no grant of"):
        await asyncio.to_thread(_read_by_spark, spark, other, dataset)
