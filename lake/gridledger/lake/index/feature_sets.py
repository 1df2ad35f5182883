"""The types of data that this release has features for."""

from __future__ import annotations

from typing import Final

from gridledger.lake.index.document_features import DocumentExtractor
from gridledger.lake.index.extractor import Extractor
from gridledger.lake.index.feature import FeatureSet
from gridledger.lake.index.series_features import SeriesExtractor
from gridledger.lake.index.station_features import StationExtractor
from gridledger.model.errors import ModelError

__all__ = ["EXTRACTORS", "extractor", "feature_set"]

EXTRACTORS: Final[dict[str, Extractor]] = {
    one.features.name: one for one in (SeriesExtractor(), StationExtractor(), DocumentExtractor())
}
"""By name and version of their features."""


def extractor(name: str) -> Extractor:
    """Return the extractor of a feature set; raises ModelError for an unknown one."""
    found = EXTRACTORS.get(name)
    if found is None:
        raise ModelError({"features": f"want one of {', '.join(EXTRACTORS)}"}, subject=name)
    return found


def feature_set(name: str) -> FeatureSet:
    """Return a feature set by name and version; raises ModelError for an unknown one."""
    return extractor(name).features
