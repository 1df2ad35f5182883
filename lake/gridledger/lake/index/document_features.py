"""Features of documents: what they are labelled with, and their length."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Mapping
from typing import ClassVar

from gridledger.lake.index.entry import Entry, Location
from gridledger.lake.index.extractor import Extractor, labels_of
from gridledger.lake.index.feature import Feature, FeatureSet
from gridledger.lake.version_reader import VersionReader

__all__ = ["DocumentExtractor", "label_features"]

_AXES = 8


def label_features(labels: tuple[str, ...]) -> tuple[float, ...]:
    """Return a direction for a set of labels: those that share labels point alike.

    Notes
    -----
    Each label adds 1 or -1 along one of 8 axes, both chosen by its SHA-256; the sum is given length 1.

    References
    ----------
    K. Weinberger et al., Feature hashing for large scale multitask learning, ICML 2009.

    Examples
    --------
    >>> label_features(("contract",)) == label_features(("contract",))
    True
    """
    sums = [0.0] * _AXES
    for label in labels:
        digest = hashlib.sha256(label.encode()).digest()
        sums[digest[0] % _AXES] += 1.0 if digest[1] & 1 else -1.0
    length = math.sqrt(sum(one * one for one in sums))
    return tuple(one / length for one in sums) if length else tuple(sums)


class DocumentExtractor(Extractor):
    """One entry for a whole payload of any format."""

    features = FeatureSet(
        name="document/1",
        features=(
            *(Feature(name=f"labels_{axis}", unit="", decimals=6, one=1.0) for axis in range(_AXES)),
            Feature(name="length", unit="log10 bytes", decimals=3, one=4.0),
        ),
    )
    declares: ClassVar[Mapping[str, str]] = {"labels": "words that are said of all, joined by commas"}

    def entries(
        self, reader: VersionReader, dataset: str, version: int, declared: Mapping[str, str]
    ) -> Iterator[Entry | None]:
        labels = labels_of(declared, dataset, reader.manifest.format.value)
        yield Entry(
            fixed=self.features.fixed((*label_features(labels), math.log10(1 + reader.size))),
            labels=labels,
            location=Location(dataset=dataset, version=version),
            content=reader.manifest.sha256.raw,
        )
