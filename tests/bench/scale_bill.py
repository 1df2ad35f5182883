"""The bill: machines, disks and network for so many devices a year, times stated prices.

make bill                                                   # 10^6 and 10^8 devices
python -m tests.bench.scale_bill --devices 5000000 --prices our-prices.yaml --json
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.bench.scale_fit import fit_growth
from tests.bench.scale_inputs import LOAD, PRICES, Load, MachinePrice, Prices, read_load, read_prices
from tests.bench.scale_load import YEAR_S, offered, units_a_year
from tests.bench.scale_recorded import Recorded
from tests.bench.scale_simulation import channels_wanted
from tests.bench.scale_slopes import Slopes
from tests.bench.scale_steps import STEPS, Operation, read_steps

from gridledger.model.errors import ModelError

__all__ = ["BILLED", "Bill", "Item", "Quantities", "bill", "quantities"]

BILLED = (10**6, 10**8)
_HOURS = YEAR_S / 3600
_TB = 1e12
_PACK_BYTES = 64 << 20
"""Of the lake, at least."""
_FEATURES = 16
_FEATURE_BYTES = 8
_SPARK_CORES = 2
"""Of the machine on which the clustering was measured."""
_GIB = 1 << 30


@dataclass(frozen=True, kw_only=True)
class Quantities:
    """What so many devices want, of all regions together."""

    devices: float
    channels: int
    peer_cores: float
    """Cores that peers and chaincode use in the busiest hour, of all organisations."""
    peer_tb_a_year: float
    """By which one copy of all ledgers grows."""
    peer_copies: int
    orderer_cores: float
    orderer_tb_a_year: float
    orderer_copies: int
    client_cores: float
    """Of servers, applications and storage nodes, with their signatures."""
    response_cores: float
    """Of demand-response servers."""
    read_model_tb: float
    """One copy."""
    lake_raw_tb_a_year: float
    lake_tb_a_year: float
    """Compressed and sealed, one copy."""
    lake_cores: float
    namenode_gib: float
    index_entries: float
    spark_core_hours: float
    """Of clustering all entries once."""
    spark_gib: float
    network_tb_a_year: float
    """Between regions."""


@dataclass(frozen=True, kw_only=True)
class Item:
    """A line of the bill."""

    what: str
    count: float
    """Machines that always run, core hours, or gigabytes."""
    of: str
    yuan_a_year: float
    assumed: bool = False
    """Whether the price is an assumption."""


@dataclass(frozen=True, kw_only=True)
class Bill:
    """All lines for so many devices."""

    quantities: Quantities
    items: tuple[Item, ...]

    @property
    def yuan_a_year(self) -> float:
        """Sum of all lines."""
        return sum(one.yuan_a_year for one in self.items)

    @property
    def yuan_a_device_a_year(self) -> float:
        """Share of one device."""
        return self.yuan_a_year / self.quantities.devices


def quantities(load: Load, slopes: Slopes, recorded: Recorded, prices: Prices, devices: float) -> Quantities:
    """Return what devices want of machines, by the slopes and by other benchmarks' figures."""
    machines = load.machines
    offers = offered(load, slopes, devices)
    order_s = sum(rate * costs.order_s for rate, costs in offers.values())
    endorse_s = sum(rate * (costs.endorse_s + costs.chaincode_s) for rate, costs in offers.values())
    commit_s = sum(rate * (costs.validate_s + costs.commit_s) for rate, costs in offers.values())
    client_s = sum(rate * costs.client_s for rate, costs in offers.values())
    copies = machines.organisations_a_channel * machines.endorsers_an_organisation
    chain = kept = 0.0
    for operation, units in units_a_year(load, devices).items():
        footprint = slopes.footprint(operation)
        chain += units * footprint.chain.slope
        kept += units * footprint.peer_bytes
    readings_a_day = sum(devices * one.share * one.fields * one.readings_a_day for one in load.device_types)
    bytes_a_year = sum(
        365 * devices * one.share * one.fields * one.readings_a_day * one.bytes_a_reading
        for one in load.device_types
    )
    stored = bytes_a_year * recorded.lake_stored_share
    records = sum(devices * one.share * one.terminal_share * one.readings_a_day for one in load.device_types)
    entries = devices * load.rates.index_entries_a_device_a_year * prices.years
    clustering = fit_growth([n for n, _ in recorded.spark_s], [s for _, s in recorded.spark_s])
    model = slopes.of(Operation.READ_MODEL)
    model_bytes = sum(one.state_disk for one in model) / sum(one.units for one in model)
    asked = 365 * devices * load.rates.queries_a_device_a_day * load.rates.cross_region_share
    sent = asked * (bytes_a_year / max(1.0, 365 * readings_a_day)) * _ROWS_A_QUERY
    return Quantities(
        devices=devices,
        channels=channels_wanted(load, slopes, devices),
        peer_cores=machines.organisations_a_channel
        * (endorse_s + machines.endorsers_an_organisation * commit_s),
        peer_tb_a_year=kept / _TB,
        peer_copies=copies,
        orderer_cores=machines.orderers_a_channel * order_s,
        orderer_tb_a_year=chain / _TB,
        orderer_copies=machines.orderers_a_channel,
        client_cores=client_s,
        response_cores=load.peaks.runs * records / 86_400 / recorded.response_records_a_cpu_s,
        read_model_tb=devices * load.fields() * model_bytes / _TB,
        lake_raw_tb_a_year=bytes_a_year / _TB,
        lake_tb_a_year=stored / _TB,
        lake_cores=bytes_a_year / YEAR_S / (1 << 20) * recorded.lake_put_cpu_s_a_mib,
        namenode_gib=prices.years * stored / _PACK_BYTES * prices.namenode_bytes_a_file / _GIB,
        index_entries=entries,
        spark_core_hours=_SPARK_CORES * max(0.0, clustering.at(entries)) / 3600,
        spark_gib=entries * _FEATURES * _FEATURE_BYTES * prices.executor_copies / _GIB,
        network_tb_a_year=sent / _TB,
    )


_ROWS_A_QUERY = 175
"""Of the query that was measured."""


def bill(load: Load, prices: Prices, found: Quantities) -> Bill:
    """Multiply quantities with prices."""
    regions, machines = load.regions.count, load.machines

    def count(kind: MachinePrice, cores: float, tb: float, least: int) -> int:
        of_cores = math.ceil(cores / (kind.cores * machines.used_share))
        of_disk = math.ceil(tb * prices.years / (kind.disk_tb * prices.full_share)) if tb else 0
        return max(least, of_cores, of_disk)

    def always(what: str, kind: MachinePrice, number: int) -> Item:
        return Item(what=what, count=number, of=kind.name, yuan_a_year=number * kind.yuan_an_hour * _HOURS)

    peers = count(
        prices.ledger, found.peer_cores, found.peer_copies * found.peer_tb_a_year, regions * found.peer_copies
    )
    orderers = count(
        prices.ledger,
        found.orderer_cores,
        found.orderer_copies * found.orderer_tb_a_year,
        regions * found.orderer_copies,
    )
    organisations = machines.organisations_a_channel
    models = max(
        regions * organisations,
        math.ceil(organisations * found.read_model_tb / (prices.ledger.disk_tb * prices.full_share)),
    )
    servers = count(prices.compute, found.client_cores + found.response_cores, 0.0, regions)
    lake = count(
        prices.lake, found.lake_cores, prices.hdfs_copies * found.lake_tb_a_year, regions * prices.hdfs_copies
    )
    memory = prices.compute.memory_gib * machines.used_share
    namenodes = 2 * max(regions, math.ceil(found.namenode_gib / memory))
    core_hours = found.spark_core_hours * prices.reclusterings_a_year
    gigabytes = 1e3 * found.network_tb_a_year
    return Bill(
        quantities=found,
        items=(
            always("peers", prices.ledger, peers),
            always("orderers", prices.ledger, orderers),
            always("read models", prices.ledger, models),
            always("servers", prices.compute, servers),
            always("DataNodes", prices.lake, lake),
            always("NameNodes", prices.compute, namenodes),
            Item(
                what="Spark",
                count=core_hours,
                of=f"core hours of {prices.compute.name}",
                yuan_a_year=core_hours * prices.compute.yuan_an_hour / prices.compute.cores,
            ),
            Item(
                what="network between regions",
                count=gigabytes,
                of="GB",
                yuan_a_year=gigabytes * prices.network_gb.yuan,
                assumed=prices.network_gb.source is None,
            ),
        ),
    )


def _table(bills: Sequence[Bill]) -> str:
    lines = []
    for one in bills:
        lines += [f"{one.quantities.devices:,.0f} devices, {one.quantities.channels} channels", ""]
        lines += [f"  {name}: {value:,.4g}" for name, value in asdict(one.quantities).items()]
        lines.append("")
        for item in one.items:
            note = " (price assumed)" if item.assumed else ""
            lines.append(
                f"  {item.what}: {item.count:,.0f} {item.of}, {item.yuan_a_year:,.0f} yuan a year{note}"
            )
        lines += [f"  sum: {one.yuan_a_year:,.0f} yuan, {one.yuan_a_device_a_year:,.3f} a device", ""]
    return "\n".join(lines)


def main() -> int:
    """Compute and print; an input that cannot be read ends with its error's exit code."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--devices", type=int, nargs="+", default=list(BILLED))
    parser.add_argument("--load", type=Path, default=LOAD, help="assumptions about devices")
    parser.add_argument("--prices", type=Path, default=PRICES)
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    if any(one < 1 for one in chosen.devices):
        parser.error("want numbers of devices above 0")
    try:
        load, prices = read_load(chosen.load.read_text()), read_prices(chosen.prices.read_text())
        slopes, recorded = Slopes(read_steps(STEPS.read_text())), Recorded.read()
    except ModelError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    bills = [
        bill(load, prices, quantities(load, slopes, recorded, prices, devices)) for devices in chosen.devices
    ]
    if chosen.json:
        found = [{**asdict(one), "yuan_a_year": one.yuan_a_year} for one in bills]
        sys.stdout.write(json.dumps(found, indent=1) + "\n")
    else:
        sys.stdout.write(_table(bills))
    return 0


if __name__ == "__main__":
    sys.exit(main())
