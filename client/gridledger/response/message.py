"""What terminals and their server say to each other: records with their answer, demands.

The data of a record are canonical bytes of a value that its terminal's kind sends: `LoadReading` or `Reply`.

Source: CN115334117A, claims 1 to 4.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Annotated

from pydantic import Field, StringConstraints

from gridledger.model.digest import SALT_BYTES
from gridledger.model.record import ModelValue, Record, record, value
from gridledger.model.response import MAX_RUN, RecordNumber, TerminalIdentifier

__all__ = [
    "MAX_RECORDS",
    "ClosedRun",
    "Demand",
    "DemandPage",
    "DemandReply",
    "LoadReading",
    "RecordsAnswer",
    "RecordsMessage",
    "RefusedNumber",
    "SentRecord",
    "read_load",
]

MAX_RECORDS = 1_000
"""Records of one message: some 300 KB, well within a server's limit for bodies."""

MAX_DATA_BYTES = 512
"""Business data of one record."""

Moment = Annotated[int, Field(ge=0)]
Energy = Annotated[int, Field(ge=0, le=10**12)]
DemandId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]{1,64}$")]


@record("load-reading/1")
class LoadReading(Record):
    """What an IoT terminal measured."""

    start_ms: Moment
    """Start of the interval."""
    length_s: Annotated[int, Field(ge=1, le=86_400)]
    energy_wh: Energy
    """Energy taken from the grid in it."""


@lru_cache(maxsize=16_384)
def read_load(data: bytes) -> LoadReading:
    """Read a load; a server asks twice for each: when it judges, and when it enters it."""
    return LoadReading.from_bytes(data)


@record("demand-reply/1")
class DemandReply(Record):
    """What a user terminal answers to a demand."""

    demand: DemandId
    reduction_wh: Energy
    """By how much the user will reduce its load; 0 declines."""


@value
class SentRecord(ModelValue):
    """A record on its way to the server."""

    number: RecordNumber
    run: RecordNumber
    time_ms: Moment
    salt: Annotated[bytes, Field(min_length=SALT_BYTES, max_length=SALT_BYTES)]
    data: Annotated[bytes, Field(min_length=1, max_length=MAX_DATA_BYTES)]


@value
class ClosedRun(ModelValue):
    """A run that takes no further records."""

    first: RecordNumber
    count: Annotated[int, Field(ge=1, le=MAX_RUN)]


@value
class RecordsMessage(ModelValue):
    """Consecutive records of one terminal, and runs that it has closed since."""

    terminal: TerminalIdentifier
    records: Annotated[tuple[SentRecord, ...], Field(max_length=MAX_RECORDS)] = ()
    closed: Annotated[tuple[ClosedRun, ...], Field(max_length=MAX_RECORDS)] = ()

    def broken_rules(self) -> Iterable[tuple[str, str]]:
        before: SentRecord | None = None
        for one in self.records:
            if before is not None and one.number != before.number + 1:
                yield "records", f"{one.number} does not follow {before.number}"
                return
            begins = one.run == one.number
            goes_on = before is None or one.run == before.run
            if not begins and not (goes_on and one.run < one.number < one.run + MAX_RUN):
                yield "records", f"{one.number} is not of a run from {one.run} on"
                return
            before = one


@value
class RefusedNumber(ModelValue):
    """A record that the server refuses for good."""

    number: RecordNumber
    code: Annotated[str, StringConstraints(max_length=32)]


@value
class RecordsAnswer(ModelValue):
    """What the server has durably, or refused, when it answers."""

    last: Annotated[int, Field(ge=0)]
    """Last record of the terminal that it answered for."""
    refused: tuple[RefusedNumber, ...] = ()
    """Of the message's records; it has all others."""


@record("demand/1")
class Demand(Record):
    """By how much loads are to be reduced, and when; published by the server."""

    id: DemandId
    start_ms: Moment
    length_s: Annotated[int, Field(ge=1, le=86_400)]
    reduction_wh: Energy
    """What all sites together are asked for."""
    load_wh: Energy
    """The load that made it necessary."""
    readings: Annotated[int, Field(ge=1)]
    """Records of IoT terminals that it was derived from."""
    rule: Annotated[str, StringConstraints(max_length=200)]
    """The rule that derived it, with its values."""
    published_ms: Moment


@value
class DemandPage(ModelValue):
    """Demands in the order of their publication."""

    demands: tuple[Demand, ...]
