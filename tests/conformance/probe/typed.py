"""A chaincode of two contracts that uses everything of the contract layer."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from gridledger.model.events import Event
from gridledger.model.keys import KeyPrefix
from gridledger.model.record import ModelValue, Record, record, value
from gridledger.model.refusals import AlreadyExists, Conflict
from gridledger.model.roles import Role
from gridledger.shim import Context, Contract, ContractChaincode, Key, query, transaction

__all__ = ["Echoes", "Reading", "ReadingPage", "Readings", "Season", "TypedProbe", "WhoCalls"]


class Season(StrEnum):
    """Something with few values."""

    DRY = "dry"
    WET = "wet"


@record("probe-reading/1")
class Reading(Record):
    """A meter's reading."""

    name: str
    value_w: Annotated[int, Field(ge=0)]
    tags: tuple[str, ...] = ()
    season: Season = Season.DRY
    note: str | None = None


@value
class ReadingPage(ModelValue):
    """Some readings and the bookmark of those that follow."""

    readings: tuple[Reading, ...]
    bookmark: str


@value
class WhoCalls(ModelValue):
    """What a contract knows of its caller."""

    msp_id: str
    id: str
    roles: tuple[str, ...]
    common_name: str


def reading_key(*name: str) -> Key[Reading]:
    """Return where a reading stands; without a name, the range of all."""
    return Key(Reading, KeyPrefix.DEVICE, "probe", *name)


class Readings(Contract):
    """Records, events, roles, call keys and time."""

    name = "readings"

    @transaction
    async def put_reading(self, ctx: Context, reading: Reading) -> Reading:
        """Write a reading and tell listeners."""
        await ctx.put(reading_key(reading.name), reading)
        ctx.emit(Event.ROOT_DEPOSITED, reading)
        return reading

    @transaction(once=True)
    async def create_reading(self, ctx: Context, reading: Reading) -> str:
        """Write a reading that is not there yet, once per call key; returns the call key."""
        key = reading_key(reading.name)
        if await ctx.get(key) is not None:
            raise AlreadyExists("reading", reading.name)
        await ctx.put(key, reading)
        return ctx.call_key

    @transaction(once=True)
    async def add_to_reading(self, ctx: Context, name: str, value_w: int) -> int:
        """Add to a reading; done twice it would be wrong."""
        reading = await ctx.require(reading_key(name))
        total_w = reading.value_w + value_w
        await ctx.put(reading_key(name), Reading(name=name, value_w=total_w, tags=reading.tags))
        return total_w

    @transaction(roles=(Role.AUDITOR,))
    async def delete_reading(self, ctx: Context, name: str) -> None:
        """Delete a reading; for auditors."""
        await ctx.delete(reading_key(name))

    @transaction
    async def put_reading_now(self, ctx: Context, name: str) -> int:
        """Write a reading that has the checked time as its value; returns it."""
        now_ms = await ctx.now_ms()
        await ctx.put(reading_key(name), Reading(name=name, value_w=now_ms))
        return now_ms

    @transaction
    async def put_and_refuse(self, ctx: Context, reading: Reading) -> None:
        """Write, then refuse."""
        await ctx.put(reading_key(reading.name), reading)
        raise Conflict("written and refused", name=reading.name)

    @transaction
    async def put_and_crash(self, ctx: Context, reading: Reading) -> int:
        """Write, then divide by zero."""
        await ctx.put(reading_key(reading.name), reading)
        return reading.value_w // 0

    @query
    async def get_reading(self, ctx: Context, name: str) -> Reading:
        """Return a reading."""
        return await ctx.require(reading_key(name))

    @query
    async def get_readings(self, ctx: Context, names: tuple[str, ...]) -> tuple[Reading, ...]:
        """Return the readings that are there, of those named."""
        found = await ctx.get_many([reading_key(name) for name in names])
        return tuple(reading for reading in found if reading is not None)

    @query
    async def list_readings(self, ctx: Context, limit: int = 100) -> tuple[Reading, ...]:
        """Return all readings."""
        return tuple(row.record for row in await ctx.rows(reading_key(), limit=limit))

    @query
    async def page_readings(self, ctx: Context, size: int, bookmark: str = "") -> ReadingPage:
        """Return some readings."""
        page = await ctx.page(reading_key(), size=size, bookmark=bookmark)
        return ReadingPage(readings=tuple(row.record for row in page.rows), bookmark=page.bookmark)

    @query
    async def write_in_query(self, ctx: Context, name: str) -> None:
        """Try what a query must not do."""
        await ctx.put(reading_key(name), Reading(name=name, value_w=0))

    @query
    async def who_calls(self, ctx: Context) -> WhoCalls:
        """Return what the contract knows of its caller."""
        subject = ctx.creator.certificate.subject.rfc4514_string()
        return WhoCalls(
            msp_id=ctx.msp_id, id=ctx.creator.id, roles=tuple(sorted(ctx.roles)), common_name=subject
        )


class Echoes(Contract):
    """Gives arguments back: one function for each form in which they travel."""

    name = "echoes"

    @query
    async def echo_text(self, ctx: Context, text: str) -> str:
        """Return a text."""
        return text

    @query
    async def echo_integer(self, ctx: Context, number: int) -> int:
        """Return an integer."""
        return number

    @query
    async def echo_flag(self, ctx: Context, flag: bool) -> bool:
        """Return a truth value."""
        return flag

    @query
    async def echo_bytes(self, ctx: Context, data: bytes) -> bytes:
        """Return bytes."""
        return data

    @query
    async def echo_season(self, ctx: Context, season: Season) -> Season:
        """Return one of few values."""
        return season

    @query
    async def echo_reading(self, ctx: Context, reading: Reading) -> Reading:
        """Return a record."""
        return reading

    @query
    async def echo_readings(self, ctx: Context, readings: tuple[Reading, ...]) -> tuple[Reading, ...]:
        """Return records."""
        return readings

    @query
    async def echo_numbers(self, ctx: Context, numbers: dict[str, int]) -> dict[str, int]:
        """Return numbers by name."""
        return numbers

    @query
    async def echo_pair(self, ctx: Context, pair: tuple[str, int]) -> tuple[str, int]:
        """Return a text and a number."""
        return pair

    @query
    async def echo_optional(self, ctx: Context, reading: Reading | None = None) -> Reading | None:
        """Return a record or nothing."""
        return reading

    @query
    async def echo_nothing(self, ctx: Context) -> None:
        """Return nothing."""


class TypedProbe(ContractChaincode):
    """`readings` and `echoes`."""

    def __init__(self) -> None:
        super().__init__(Readings(), Echoes(), title="typed probe", version="1.0.0")
