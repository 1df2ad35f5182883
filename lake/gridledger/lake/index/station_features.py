"""Features of stations: where they are and how large."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import ClassVar

from gridledger.lake.index.entry import Entry, Location
from gridledger.lake.index.extractor import Extractor, content_of, labels_of, table_rows
from gridledger.lake.index.feature import Feature, FeatureSet
from gridledger.lake.version_reader import VersionReader
from gridledger.model.errors import ModelError

__all__ = ["StationExtractor", "kilometres"]

_KM_OF_A_DEGREE = math.pi / 180 * 6371.0088
"""On the sphere of the Earth's mean radius (IUGG)."""


def kilometres(longitude: float, latitude: float, *, parallel: float) -> tuple[float, float]:
    """Return a place on a plane, in km east of the prime meridian and north of the equator.

    Parameters
    ----------
    longitude, latitude : float
        In degrees.
    parallel : float
        Latitude at which degrees of longitude are measured, in degrees: that of the region's middle. One for
        all places that are compared; within 100 km of it distances are right to some 2 % at 50 degrees.
    """
    return longitude * _KM_OF_A_DEGREE * math.cos(math.radians(parallel)), latitude * _KM_OF_A_DEGREE


class StationExtractor(Extractor):
    """An entry for each record of a register of stations."""

    features = FeatureSet(
        name="station/1",
        features=(
            Feature(name="east", unit="km", decimals=3, one=1.0),
            Feature(name="north", unit="km", decimals=3, one=1.0),
            Feature(name="size", unit="", decimals=3, one=100.0),
        ),
    )
    declares: ClassVar[Mapping[str, str]] = {
        "longitude": "name of the column, in degrees",
        "latitude": "name of the column, in degrees",
        "parallel": "latitude at which degrees of longitude are measured, in degrees",
        "size": "name of a column that says how large a station is; all are of size 0 without it",
    }
    wants = frozenset({"longitude", "latitude", "parallel"})

    def entries(
        self, reader: VersionReader, dataset: str, version: int, declared: Mapping[str, str]
    ) -> Iterator[Entry | None]:
        longitude, latitude, size = (declared.get(name) for name in ("longitude", "latitude", "size"))
        try:
            parallel = float(declared["parallel"])
        except ValueError as error:
            raise ModelError({"parallel": "is no number"}, subject=self.features.name) from error
        for row in table_rows(reader, [name for name in (longitude, latitude, size) if name]):
            try:
                place = float(row.cells[longitude or ""]), float(row.cells[latitude or ""])
                large = float(row.cells[size]) if size else 0.0
                fixed = self.features.fixed((*kilometres(*place, parallel=parallel), large))
            except (KeyError, ValueError, ModelError):
                yield None
                continue
            yield Entry(
                fixed=fixed,
                labels=labels_of(declared),
                location=Location(dataset=dataset, version=version, first=row.number, count=1),
                content=content_of([row.raw]),
            )
