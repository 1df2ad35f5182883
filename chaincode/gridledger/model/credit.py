"""Credit: what a system starts with, ratings by its counterparties, and what comes of them.

Credit is (10 * first credit + sum of ratings) // (10 + number of ratings): the first credit counts like ten
ratings, so that one alone moves it by less than ten of 100. Below 60 a system may be deregistered.

Source: CN112508707B, [0017], [0066].
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Final

from pydantic import Field

from gridledger.model.identifier import SystemIdentifier
from gridledger.model.record import ModelValue, Record, record, value
from gridledger.model.system import Credit
from gridledger.model.trade import OrderId

__all__ = [
    "FIRST_WEIGHT",
    "MAX_FOLDED",
    "CreditStanding",
    "Rating",
    "RatingDelta",
    "RatingKey",
    "RatingPage",
    "UnpaidRating",
]

FIRST_WEIGHT: Final = 10
"""Ratings that the first credit counts like."""

MAX_FOLDED: Final = 500
"""Ratings that one call folds."""

_Count = Annotated[int, Field(ge=0)]


@value
class RatingKey(ModelValue):
    """Names a rating of a system: who rated it for which order."""

    order: OrderId
    rater: SystemIdentifier


@record("rating/1")
class Rating(Record):
    """What one party of an order's line says of the other; written once."""

    rated: SystemIdentifier
    score: Credit
    """0 to 100."""
    made_ms: int


@record("rating-unpaid/1")
class UnpaidRating(Record):
    """Somebody has rated another one for a line that nobody was paid for: that counts once."""

    order: OrderId


@record("rating-delta/1")
class RatingDelta(Record):
    """A rating that is not counted yet; folding deletes it."""

    score: Credit
    made_ms: int


@value
class RatingPage(ModelValue):
    """Names of the ratings of a system that are not counted yet."""

    ratings: tuple[RatingKey, ...]
    bookmark: str


@record("credit/1")
class CreditStanding(Record):
    """The credit of a system."""

    system: SystemIdentifier
    first: Credit
    """From the credit register, at its registration or the last one again."""
    ratings: _Count
    """Number of ratings that are counted."""
    total: _Count
    """Their sum."""
    credit: Credit
    since_ms: int
    """Its registration, or the last one again: ratings from before count no more."""

    def broken_rules(self) -> Iterable[tuple[str, str]]:
        if self.total > 100 * self.ratings:
            yield "total", "is more than all ratings can be"
        elif self.credit != (FIRST_WEIGHT * self.first + self.total) // (FIRST_WEIGHT + self.ratings):
            yield "credit", "is not what the formula says"

    @classmethod
    def of(
        cls, system: SystemIdentifier, *, first: int, since_ms: int, ratings: int = 0, total: int = 0
    ) -> CreditStanding:
        """Compute the credit.

        Examples
        --------
        >>> CreditStanding.of(SystemIdentifier("88.1042.1"), first=80, since_ms=0, ratings=2, total=20).credit
        68
        """
        return cls(
            system=system,
            first=first,
            ratings=ratings,
            total=total,
            credit=(FIRST_WEIGHT * first + total) // (FIRST_WEIGHT + ratings),
            since_ms=since_ms,
        )
