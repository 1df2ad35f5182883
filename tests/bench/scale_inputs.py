"""The stated inputs of the simulation and the bill: device types, rates, machines, prices."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from tests.bench.scale_steps import Operation

from gridledger.model.errors import ModelError

__all__ = [
    "LOAD",
    "PRICES",
    "Batches",
    "DeviceType",
    "Load",
    "MachinePrice",
    "Price",
    "Prices",
    "read_load",
    "read_prices",
]

_FOLDER = Path(__file__).resolve().parents[2] / "docs" / "scale"
LOAD = _FOLDER / "load.yaml"
PRICES = _FOLDER / "prices.yaml"
_MOST_BYTES = 1 << 16
_MOST_NESTED = 100

Share = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[float, Field(gt=0, lt=1e15, allow_inf_nan=False)]
Amount = Annotated[float, Field(ge=0, lt=1e15, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=1, le=10**6)]
Text = Annotated[str, Field(min_length=1, max_length=2000)]


class _Input(BaseModel):
    model_config: ClassVar[ConfigDict] = ConfigDict(
        extra="forbid", frozen=True, populate_by_name=True, allow_inf_nan=False
    )


class DeviceType(_Input):
    """Devices that do the same."""

    name: Text
    share: Share
    """Of all devices."""
    fields: Count
    readings_a_day: Amount
    """Of each field."""
    bytes_a_reading: Positive
    """As text, before compression."""
    deposits_a_field_a_year: Amount
    terminal_share: Share
    """Of them, how many anchor a run of records a day."""
    envelopes_a_day: Amount
    """Of each, on the mean."""
    reason: Text


class Rates(_Input):
    """What holds for all devices."""

    life_years: Positive
    queries_a_device_a_day: Amount
    cross_region_share: Share
    index_entries_a_device_a_year: Amount
    changed_share: Share
    """Of the devices, how many change a field a year."""
    reason: Text


class Peaks(_Input):
    """The busiest hour against the mean."""

    registrations: Annotated[float, Field(ge=1, le=24)]
    deposits: Annotated[float, Field(ge=1, le=24)]
    runs: Annotated[float, Field(ge=1, le=24)]
    queries: Annotated[float, Field(ge=1, le=24)]
    envelopes: Annotated[float, Field(ge=1, le=24)]
    reason: Text


class Batches(_Input):
    """Units of a transaction."""

    device: Count
    field: Count
    deposit: Count
    server_run: Count = Field(alias="server run")
    terminal_run: Count = Field(alias="terminal run")
    query: Count
    envelope: Count
    reason: Text

    def of(self, operation: Operation) -> int:
        """Return how many units of an operation go together."""
        found: int = getattr(self, operation.value.replace(" ", "_"))
        return found


class Regions(_Input):
    """Where machines stand."""

    count: Count
    federation_transactions_a_day: Amount
    """Of each region, on the channel that all share."""
    within_one_way_ms: Amount
    between_one_way_ms: Amount
    source: Text


class Machines(_Input):
    """What a channel has."""

    peer_cores: Count
    orderer_cores: Count
    endorsers_an_organisation: Count
    organisations_a_channel: Annotated[int, Field(ge=2, le=2)]
    """Of which two endorse: what was measured."""
    orderers_a_channel: Annotated[int, Field(ge=4, le=4)]
    used_share: Annotated[float, Field(gt=0, le=1)]
    """Up to which a resource is planned to be used."""
    reason: Text


class FabricX(_Input):
    """What is published of Fabric-X."""

    writes_a_second: Positive
    """Keys that are written and validated a second."""
    cores: Count
    source: Text


class Load(_Input):
    """Everything that is assumed of devices and machines."""

    schema_: Literal["scale-load/1"] = Field(alias="schema")
    device_types: Annotated[tuple[DeviceType, ...], Field(min_length=1, max_length=100)]
    rates: Rates
    peaks: Peaks
    batches: Batches
    regions: Regions
    machines: Machines
    fabric_x: FabricX

    @model_validator(mode="after")
    def _check_shares(self) -> Load:
        whole = sum(one.share for one in self.device_types)
        if abs(whole - 1) > 1e-9:
            raise ValueError(f"shares of device types come to {whole:g}, not to 1")
        if len({one.name for one in self.device_types}) < len(self.device_types):
            raise ValueError("two device types have one name")
        return self

    def fields(self) -> float:
        """Return the fields of a device, on the mean."""
        return sum(one.share * one.fields for one in self.device_types)


class MachinePrice(_Input):
    """A kind of machine and what an hour of it costs."""

    name: Text
    cores: Count
    memory_gib: Positive
    disk_tb: Amount
    """Of its own disks, in 10^12 bytes."""
    yuan_an_hour: Positive
    source: Text


class Price(_Input):
    """What a unit costs."""

    yuan: Amount
    source: Text | None = None
    """Where it is published; none: an assumption, to be replaced."""


class Prices(_Input):
    """What machines and networks cost."""

    schema_: Literal["scale-prices/1"] = Field(alias="schema")
    compute: MachinePrice
    """For orderers, servers, storage nodes, Spark."""
    ledger: MachinePrice
    """For peers: with disks that write small pieces fast."""
    lake: MachinePrice
    """For DataNodes: with large disks."""
    network_gb: Price
    """A gigabyte between regions."""
    full_share: Annotated[float, Field(gt=0, le=1)]
    """Up to which disks are planned to be full."""
    hdfs_copies: Annotated[int, Field(ge=1, le=10)]
    years: Annotated[int, Field(ge=1, le=50)]
    """Whose data disks hold."""
    namenode_bytes_a_file: Positive
    """Memory; files of the lake are packs, of a block each."""
    namenode_source: Text
    reclusterings_a_year: Amount
    executor_copies: Positive
    """Memory of Spark's executors against the size of the features."""


I = TypeVar("I", bound=_Input)  # noqa: E741


def read_load(text: str) -> Load:
    """Read the assumptions about devices.

    Raises
    ------
    ModelError
        With all problems, by the place in the file.
    """
    return _read(Load, text)


def read_prices(text: str) -> Prices:
    """Read prices; raises as `read_load` does."""
    return _read(Prices, text)


def _read(kind: type[I], text: str) -> I:
    subject = kind.__name__.lower()
    if len(text) > _MOST_BYTES or text.count("[") + text.count("{") > _MOST_NESTED:
        raise ModelError({"": "is too long or too deep"}, subject=subject)
    try:
        # An alias may stand for itself a billion times over: a file of inputs needs none.
        if any(isinstance(one, yaml.AliasToken) for one in yaml.scan(text, Loader=yaml.SafeLoader)):
            raise ModelError({"": "has an alias"}, subject=subject)
        value: Any = yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise ModelError({"": "is no YAML"}, subject=subject) from error
    try:
        return kind.model_validate(value)
    except ValidationError as error:
        problems = {".".join(map(str, one["loc"])): one["msg"] for one in error.errors()}
        raise ModelError(problems, subject=subject) from error
