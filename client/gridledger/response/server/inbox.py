"""Messages on their way into a server's inbox, and out of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gridledger.response.message import RecordsAnswer, RecordsMessage

__all__ = ["Planned", "Waiting"]


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """A message in the inbox."""

    id: int
    message: RecordsMessage
    refused: Mapping[int, str]
    received_ms: int


@dataclass(frozen=True, kw_only=True)
class Planned:
    """A message and what is to be answered to it."""

    message: RecordsMessage
    body: bytes
    fresh: int
    answer: RecordsAnswer

    @property
    def writes(self) -> bool:
        """Whether it brings anything new."""
        return bool(self.fresh or self.message.closed)
