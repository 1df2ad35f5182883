"""The hourly loads of 17 real houses, as records that their meters send."""

from __future__ import annotations

import csv
import gzip
import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

__all__ = ["HOUSES", "hourly_records", "total_kwh"]

HOUSES = 17
_FOLDER = Path(__file__).parents[2] / "data" / "households"
_LOAD = "Equipment Electric Power [kWh]"


def hourly_records(house: int, hours: int) -> Iterator[bytes]:
    """Yield the records of a house, numbered from 1: which hour, and the load as the file has it."""
    with gzip.open(_FOLDER / f"Building_{house}.csv.gz", "rt", encoding="utf-8") as file:
        for hour, row in zip(range(hours), csv.DictReader(file), strict=False):
            yield json.dumps({"hour": hour, "load_kwh": row[_LOAD]}).encode()


def total_kwh(records: list[bytes], hour: int) -> Decimal:
    """Add up the loads of an hour, exactly."""
    read = [json.loads(record) for record in records]
    return sum((Decimal(one["load_kwh"]) for one in read if one["hour"] == hour), Decimal(0))
