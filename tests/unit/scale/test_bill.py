"""The bill: its arithmetic, its command, and that assumed prices say so."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from tests.bench.scale_bill import Bill, bill, quantities
from tests.bench.scale_document import Sources

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def sources() -> Sources:
    return Sources.read()


def billed(of: Sources, devices: float) -> Bill:
    found = quantities(of.load, of.slopes, of.recorded, of.prices, devices)
    return bill(of.load, of.prices, found)


def test_the_sum_is_that_of_its_lines_and_each_line_is_count_times_price(sources: Sources) -> None:
    found = billed(sources, 10**7)
    assert found.yuan_a_year == pytest.approx(sum(one.yuan_a_year for one in found.items))
    assert found.yuan_a_device_a_year == pytest.approx(found.yuan_a_year / 10**7)
    kinds = {one.name: one for one in (sources.prices.compute, sources.prices.ledger, sources.prices.lake)}
    for item in found.items:
        if item.of in kinds:
            assert item.yuan_a_year == pytest.approx(item.count * kinds[item.of].yuan_an_hour * 8760)


def test_a_few_devices_want_one_of_everything_a_region_and_copy(sources: Sources) -> None:
    found = {one.what: one.count for one in billed(sources, 1000).items}
    regions, copies = sources.load.regions.count, sources.prices.hdfs_copies
    assert found["peers"] == regions * billed(sources, 1000).quantities.peer_copies
    assert found["DataNodes"] == regions * copies
    assert found["NameNodes"] == 2 * regions


def test_disks_are_bought_for_all_copies_of_a_years_bytes(sources: Sources) -> None:
    found = billed(sources, 10**8)
    machines = {one.what: one.count for one in found.items}
    bytes_kept = sources.prices.hdfs_copies * found.quantities.lake_tb_a_year
    room = machines["DataNodes"] * sources.prices.lake.disk_tb * sources.prices.full_share
    assert room >= bytes_kept
    assert room - sources.prices.lake.disk_tb < bytes_kept or found.quantities.lake_cores > 0


def test_bytes_of_the_lake_are_fields_times_readings(sources: Sources) -> None:
    wanted = sum(
        365 * 10**6 * one.share * one.fields * one.readings_a_day * one.bytes_a_reading
        for one in sources.load.device_types
    )
    found = billed(sources, 10**6).quantities
    assert found.lake_raw_tb_a_year == pytest.approx(wanted / 1e12)
    assert found.lake_tb_a_year == pytest.approx(wanted / 1e12 * sources.recorded.lake_stored_share)


def test_twice_the_devices_want_twice_the_bytes_and_twice_the_price_costs_twice(sources: Sources) -> None:
    once, twice = (billed(sources, devices).quantities for devices in (10**7, 2 * 10**7))
    for name in ("peer_tb_a_year", "lake_tb_a_year", "peer_cores", "client_cores", "read_model_tb"):
        assert getattr(twice, name) == pytest.approx(2 * getattr(once, name))
    dearer = replace_price(sources)
    before = {one.what: one.yuan_a_year for one in billed(sources, 10**7).items}
    after = {one.what: one.yuan_a_year for one in billed(dearer, 10**7).items}
    assert after["DataNodes"] == pytest.approx(2 * before["DataNodes"])
    assert after["peers"] == before["peers"]


def replace_price(of: Sources) -> Sources:
    lake = of.prices.lake.model_copy(update={"yuan_an_hour": 2 * of.prices.lake.yuan_an_hour})
    return replace(of, prices=of.prices.model_copy(update={"lake": lake}))


def test_a_price_without_source_is_said_to_be_assumed(sources: Sources) -> None:
    (network,) = [one for one in billed(sources, 10**6).items if one.of == "GB"]
    assert network.assumed is (sources.prices.network_gb.source is None)


def command(*words: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tests.bench.scale_bill", *map(str, words)],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip


def test_the_command_prints_json_for_other_numbers_and_refuses_a_wrong_file(
    sources: Sources, tmp_path: Path
) -> None:
    found = command("--devices", 5_000_000, "--json")
    assert found.returncode == 0, found.stderr
    (one,) = json.loads(found.stdout)
    assert one["yuan_a_year"] == pytest.approx(billed(sources, 5_000_000).yuan_a_year)
    (tmp_path / "prices.yaml").write_text("schema: scale-prices/1\n")
    refused = command("--prices", tmp_path / "prices.yaml")
    assert refused.returncode == 2
    assert "compute" in refused.stderr
