"""Keys that know the record below them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

from gridledger.model.keys import KeyPrefix
from gridledger.model.record import Record
from gridledger.shim.composite_key import create_composite_key

__all__ = ["Key"]

R_co = TypeVar("R_co", bound=Record, covariant=True)


@dataclass(frozen=True, slots=True, init=False)
class Key(Generic[R_co]):
    """A composite key and the class of the record that stands there.

    Parameters
    ----------
    record_type : type of Record
        What `Context.get` reads.
    prefix : KeyPrefix
        Object type.
    *parts : str
        From the most to the least significant; fewer parts than the records have name a range.

    Examples
    --------
    >>> from gridledger.model.time_mark import TimeMark
    >>> Key(TimeMark, KeyPrefix.TIME_MARK).to_text()
    '\\x00time-mark\\x00'
    """

    record_type: type[R_co]
    prefix: KeyPrefix
    parts: tuple[str, ...]

    def __init__(self, record_type: type[R_co], prefix: KeyPrefix, *parts: str) -> None:
        object.__setattr__(self, "record_type", record_type)
        object.__setattr__(self, "prefix", prefix)
        object.__setattr__(self, "parts", parts)

    def __str__(self) -> str:
        return " ".join((self.prefix, *self.parts))

    def to_text(self) -> str:
        """Return the ledger's key.

        Raises
        ------
        ModelError
            If a part holds U+0000 or U+10FFFF.
        """
        return create_composite_key(self.prefix, self.parts)
