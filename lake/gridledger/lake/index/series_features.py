"""Features of load and generation series."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import ClassVar

import numpy as np

from gridledger.lake.index.entry import Entry, Location
from gridledger.lake.index.extractor import Extractor, TableRow, content_of, labels_of, table_rows
from gridledger.lake.index.feature import Feature, FeatureSet
from gridledger.lake.index.points import Floats
from gridledger.lake.version_reader import VersionReader
from gridledger.model.errors import ModelError

__all__ = ["SeriesExtractor", "series_features"]

_HOURS = 24
_SEASON_DAYS = 30
_PARTS_OF_THE_DAY = ((5, "peak-night"), (11, "peak-morning"), (17, "peak-midday"), (22, "peak-evening"))
_MOST_PER_DAY = 24 * 60
_FEATURES = FeatureSet(
    name="series/1",
    features=(
        Feature(name="daily_energy", unit="kWh", decimals=3, one=10.0),
        Feature(name="peak_hour", unit="h", decimals=2, one=4.0),
        Feature(name="load_factor", unit="", decimals=4, one=0.2),
        Feature(name="ramp", unit="", decimals=4, one=0.2),
        Feature(name="seasonality", unit="", decimals=4, one=0.5),
    ),
)


def series_features(days: Floats, *, first_hour: float = 0.0) -> tuple[float, float, float, float, float]:
    """Return what tells one series from another.

    Parameters
    ----------
    days : array of float64, shape (days, samples of a day)
        Energy of each sample, in kWh.
    first_hour : float, default 0
        Hour of the day at which the first sample begins.

    Returns
    -------
    daily_energy : float
        Mean energy of a day, in kWh.
    peak_hour : float
        Hour of the day, middle of the sample, at which the mean day is highest; the first of several.
    load_factor : float
        Mean over peak of the mean day; 0 for a series of nothing.
    ramp : float
        Greatest change from one sample of the mean day to the next, as share of its peak.
    seasonality : float
        Highest less lowest mean of 30 days, as share of the mean; 0 for less than 60 days.

    Examples
    --------
    >>> series_features(np.array([[1.0, 1.0, 4.0, 2.0]]))
    (8.0, 15.0, 0.5, 0.75, 0.0)
    """
    energy = days.sum(axis=1)
    mean_day = days.mean(axis=0)
    peak = float(mean_day.max())
    hour = (first_hour + (int(mean_day.argmax()) + 0.5) * _HOURS / days.shape[1]) % _HOURS
    ramp = float(np.abs(np.diff(mean_day)).max(initial=0.0))
    months = len(days) // _SEASON_DAYS
    mean = float(energy.mean())
    seasonality = 0.0
    if months > 1 and mean:
        monthly = energy[: months * _SEASON_DAYS].reshape(months, _SEASON_DAYS).mean(axis=1)
        seasonality = float(monthly.max() - monthly.min()) / abs(mean)
    if peak <= 0:
        return mean, hour, 0.0, 0.0, seasonality
    return mean, hour, float(mean_day.mean()) / peak, ramp / peak, seasonality


class SeriesExtractor(Extractor):
    """An entry for each stretch of days of a column with equal steps in time."""

    features = _FEATURES
    declares: ClassVar[Mapping[str, str]] = {
        "value": "name of the column",
        "per-day": "samples of a day, 24 by default",
        "days": "days of an entry, 1 by default; 0 for all of them",
        "kwh": "kWh that a value of 1 is, 1 by default",
        "first-hour": "hour of the day at which the first sample begins, 0 by default",
    }
    wants = frozenset({"value"})

    def entries(
        self, reader: VersionReader, dataset: str, version: int, declared: Mapping[str, str]
    ) -> Iterator[Entry | None]:
        column = declared["value"]
        per_day = int(_number(declared, "per-day", _HOURS, least=1, most=_MOST_PER_DAY))
        days = int(_number(declared, "days", 1, least=0, most=100_000))
        scale = _number(declared, "kwh", 1.0, least=1e-9, most=1e9)
        hour = _number(declared, "first-hour", 0.0, least=0, most=_HOURS)
        length = per_day * days
        held: list[TableRow] = []
        for row in table_rows(reader, [column]):
            held.append(row)
            if length and len(held) == length:
                yield self._entry(held, dataset, version, declared, column, per_day, scale, hour)
                held = []
        if not length:
            held = held[: len(held) // per_day * per_day]
            if held:
                yield self._entry(held, dataset, version, declared, column, per_day, scale, hour)
        elif held:
            yield None

    def _entry(
        self,
        held: list[TableRow],
        dataset: str,
        version: int,
        declared: Mapping[str, str],
        column: str,
        per_day: int,
        scale: float,
        hour: float,
    ) -> Entry | None:
        try:
            values = np.array([float(row.cells[column]) for row in held])
        except (KeyError, ValueError):
            return None
        if not np.isfinite(values).all():
            return None
        found = series_features((values * scale).reshape(-1, per_day), first_hour=hour)
        part = next((label for until, label in _PARTS_OF_THE_DAY if found[1] < until), "peak-night")
        return Entry(
            fixed=self.features.fixed(found),
            labels=labels_of(declared, part),
            location=Location(dataset=dataset, version=version, first=held[0].number, count=len(held)),
            content=content_of(row.raw for row in held),
        )


def _number(declared: Mapping[str, str], name: str, default: float, *, least: float, most: float) -> float:
    try:
        number = float(declared.get(name, default))
    except ValueError as error:
        raise ModelError({name: "is no number"}, subject=_FEATURES.name) from error
    if not least <= number <= most:
        raise ModelError({name: f"must be from {least:g} to {most:g}"}, subject=_FEATURES.name)
    return number
