"""Features: what an index compares, as numbers of fixed point."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from gridledger.lake.index.points import Floats, Integers
from gridledger.model.canonical import MAX_INTEGER
from gridledger.model.errors import ModelError

__all__ = ["LARGEST", "Feature", "FeatureSet"]

LARGEST = MAX_INTEGER // 2
"""No feature is larger in its last places: sums and roundings stay within canonical integers."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Feature:
    """One number of an entry.

    Attributes
    ----------
    name : str
        Of lower-case letters, digits and underscores.
    unit : str
        Of its values; empty for a pure number.
    decimals : int
        Places behind the point that are kept.
    one : float, in `unit`
        The difference that counts as 1 where distances are measured, in mean shift and in queries.
    """

    name: str
    unit: str
    decimals: int
    one: float

    @property
    def _scale(self) -> float:
        return 10.0**self.decimals

    @property
    def places(self) -> int:
        """How many last places make a distance of 1."""
        return round(self.one * self._scale)

    def fixed(self, value: float) -> int:
        """Return a value in last places, to the nearest.

        Raises
        ------
        ModelError
            It is not finite, or too large.
        """
        scaled = value * self._scale
        if not math.isfinite(scaled) or abs(scaled) > LARGEST:
            raise ModelError({self.name: "must be finite and within 2^52 last places"}, subject="features")
        return round(scaled)

    def text(self, fixed: int) -> str:
        """Write a value for a person.

        Examples
        --------
        >>> Feature(name="peak_hour", unit="h", decimals=2, one=1.0).text(1850)
        'peak_hour 18.50 h'
        """
        number = f"{fixed / self._scale:.{self.decimals}f}"
        return f"{self.name} {number} {self.unit}".rstrip()


@dataclass(frozen=True, kw_only=True)
class FeatureSet:
    """The features of one type of data, under a name with a version.

    Attributes
    ----------
    name : str
        Such as ``series/1``. Whatever changes what an entry's numbers are is another version.
    features : tuple of Feature
    """

    name: str
    features: tuple[Feature, ...]

    @cached_property
    def places(self) -> Floats:
        """Last places that make a distance of 1, by feature."""
        return np.array([feature.places for feature in self.features], dtype=np.float64)

    @cached_property
    def _scales(self) -> Floats:
        return np.array([10.0**feature.decimals for feature in self.features])

    @property
    def names(self) -> tuple[str, ...]:
        """The features' names."""
        return tuple(feature.name for feature in self.features)

    def fixed(self, values: Sequence[float]) -> tuple[int, ...]:
        """Return values in last places; raises ModelError with all problems."""
        if len(values) != len(self.features):
            raise ModelError(
                {"features": f"want {len(self.features)}: {', '.join(self.names)}"}, subject=self.name
            )
        scaled = np.array(values, np.float64) * self._scales
        if (np.abs(scaled) <= LARGEST).all():
            return tuple(np.rint(scaled).astype(np.int64).tolist())
        problems: dict[str, str] = {}
        for feature, value in zip(self.features, values, strict=True):
            try:
                feature.fixed(value)
            except ModelError as error:
                problems.update(error.problems)
        raise ModelError(problems, subject=self.name)

    def coordinates(self, fixed: Integers) -> Floats:
        """Return where entries stand: last places divided by those of a distance of 1."""
        return np.ascontiguousarray(fixed / self.places)

    def fixed_of(self, coordinates: Floats) -> Integers:
        """Return the last places that coordinates stand for, to the nearest."""
        fixed: Integers = np.rint(coordinates * self.places).astype(np.int64)
        return fixed

    def text(self, fixed: Sequence[int]) -> str:
        """Write an entry's features for a person."""
        pairs = zip(self.features, fixed, strict=True)
        return ", ".join(feature.text(value) for feature, value in pairs)
