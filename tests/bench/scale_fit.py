"""Lines through measured points: by relative errors, since sizes span powers of ten."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

__all__ = ["Fit", "Growth", "fit_growth", "fit_shares", "likelier"]


class Growth(StrEnum):
    """How something may grow with the number n of units."""

    LINEAR = "n"
    LOGARITHMIC = "n log n"

    def of(self, units: float) -> float:
        """Return what the slope is multiplied with."""
        return units if self is Growth.LINEAR else units * math.log2(max(units, 2.0))


@dataclass(frozen=True, kw_only=True)
class Fit:
    """`intercept + slope * growth(n)`, and how far measured points lie from it."""

    growth: Growth
    intercept: float
    slope: float
    largest_residual: float
    """Largest distance of a point from the line, as a share of the point."""
    rms_residual: float
    """Root of the mean of the squares of these shares."""

    def at(self, units: float) -> float:
        """Return the line's value."""
        return self.intercept + self.slope * self.growth.of(units)


def fit_growth(units: Sequence[float], values: Sequence[float], growth: Growth = Growth.LINEAR) -> Fit:
    """Fit a line with the least sum of squared relative errors.

    Parameters
    ----------
    units, values : sequences of float
        At least two points of different sizes, all above 0.
    growth : Growth, default LINEAR
        What the slope is multiplied with.

    Raises
    ------
    ValueError
        Fewer points, lengths that differ, or a number that is not above 0.
    """
    _check(units, values)
    if len(set(units)) < 2:
        raise ValueError("want points of two sizes or more")
    rows = [(1.0, growth.of(one)) for one in units]
    (intercept, slope), residuals = _solve(rows, values)
    return Fit(
        growth=growth,
        intercept=intercept,
        slope=slope,
        largest_residual=max(map(abs, residuals)),
        rms_residual=math.sqrt(sum(one * one for one in residuals) / len(residuals)),
    )


def likelier(units: Sequence[float], values: Sequence[float]) -> Fit:
    """Fit both ways to grow and return the one whose points lie nearer; the linear one if both do."""
    linear, other = (fit_growth(units, values, growth) for growth in Growth)
    return other if other.rms_residual < 0.5 * linear.rms_residual else linear


def fit_shares(
    transactions: Sequence[float], items: Sequence[float], values: Sequence[float]
) -> tuple[float, float]:
    """Return what a transaction and an item in it cost: `a * transactions + b * items`, neither below 0.

    Raises
    ------
    ValueError
        No points, lengths that differ, or a number that is not above 0.
    """
    _check(transactions, values)
    _check(items, values)
    (a, b), _ = _solve(list(zip(transactions, items, strict=True)), values)
    if a < 0 or b < 0:
        # All of it is of the one kind that explains more.
        only = [
            (_solve([(one,) for one in kind], values), number)
            for number, kind in enumerate((transactions, items))
        ]
        ((share,), _), number = min(only, key=lambda one: sum(r * r for r in one[0][1]))
        a, b = (share, 0.0) if number == 0 else (0.0, share)
    return a, b


def _check(units: Sequence[float], values: Sequence[float]) -> None:
    if len(units) != len(values) or not units:
        raise ValueError("want as many sizes as values, and one at least")
    if not all(math.isfinite(one) and one > 0 for one in (*units, *values)):
        raise ValueError("want numbers above 0")


def _solve(
    rows: Sequence[tuple[float, ...]], values: Sequence[float]
) -> tuple[tuple[float, ...], list[float]]:
    matrix = np.asarray(rows, dtype=float) / np.asarray(values, dtype=float)[:, None]
    found, *_ = np.linalg.lstsq(matrix, np.ones(len(values)), rcond=None)
    return tuple(map(float, found)), [float(one) for one in matrix @ found - 1.0]
