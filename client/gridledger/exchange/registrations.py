"""Registration of any number of devices and fields: parted into batches, several of them under way at once.

Source: CN112508707B, [0059], [0063].
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from itertools import count
from typing import Final, TypeVar

from gridledger.exchange.identifier_calls import IdentifierCalls
from gridledger.model.device import MAX_BATCH_ITEMS, DeviceEntry, FieldEntry, ItemResult
from gridledger.model.identifier import SystemIdentifier

__all__ = ["BATCHES_IN_FLIGHT", "Registrations"]

BATCHES_IN_FLIGHT: Final = 2
"""While one batch is ordered and committed, contracts work on the next. More would wait for each other, and
the last of them perhaps longer than a call may take."""

_Entry = TypeVar("_Entry", DeviceEntry, FieldEntry)
_Results = tuple[ItemResult, ...]
_Call = Callable[[], Awaitable[_Results]]


class Registrations:
    """Registers devices and fields of one system.

    Parameters
    ----------
    ledger : IdentifierCalls
        The calls of the system's agent, such as `Party.ledger`.
    system : SystemIdentifier
    call_key : str, optional
        Under which the calls happen once; where there are several, each adds `.1`, `.2`, … to it. With the
        same key and the same entries a registration may be repeated: what was done is not done again.
    in_flight : int, default 2
        Batches under way at once.

    Notes
    -----
    Batches at the same time must not write the same key, or they conflict and are tried again. So a device's
    fields stay in one batch, and devices go batch by batch where two batches declare a common identity, or
    one the label of another device of the system.
    """

    def __init__(
        self,
        ledger: IdentifierCalls,
        system: SystemIdentifier,
        *,
        call_key: str | None = None,
        in_flight: int = BATCHES_IN_FLIGHT,
    ) -> None:
        self._ledger = ledger
        self._system = system
        self._call_key = call_key
        self._in_flight = in_flight

    async def devices(self, entries: Sequence[DeviceEntry]) -> _Results:
        """Register devices and other objects; a result per entry, in their order.

        Raises
        ------
        ContractError, GatewayError
            A call as a whole was refused or failed. Those under way at that moment are waited for, no other
            is begun, and a repeat under the same call key goes on from there.
        """
        parts = [list(range(*bounds)) for bounds in _bounds(len(entries))] or [[]]
        return await self._register(entries, parts, self._ledger.register_devices, self._stand_apart)

    async def fields(self, entries: Sequence[FieldEntry]) -> _Results:
        """Register fields with their charging standards; see `devices`."""
        parts = _by_device(entries) or [[]]
        return await self._register(entries, parts, self._ledger.register_fields, lambda _: True)

    async def _register(
        self,
        entries: Sequence[_Entry],
        parts: list[list[int]],
        register: Callable[..., Awaitable[_Results]],
        apart: Callable[[list[list[_Entry]]], bool],
    ) -> _Results:
        batches = [[entries[place] for place in part] for part in parts]
        calls = [
            self._call(register, batch, number if len(batches) > 1 else None)
            for number, batch in enumerate(batches, 1)
        ]
        done = await _all(calls, self._in_flight if apart(batches) else 1)
        by_place = {
            place: result
            for part, results in zip(parts, done, strict=True)
            for place, result in zip(part, results, strict=True)
        }
        return tuple(by_place[place] for place in range(len(entries)))

    def _stand_apart(self, batches: list[list[DeviceEntry]]) -> bool:
        """Tell whether no two batches declare one common identity, and none the label of another's device."""
        declared = [{identity for entry in batch for identity in entry.identities} for batch in batches]
        different = set().union(*declared)
        labels = (identity.labelled for identity in different)
        if any(label is not None and label.system == self._system for label in labels):
            return False
        return sum(map(len, declared)) == len(different)

    def _call(
        self, register: Callable[..., Awaitable[_Results]], batch: list[_Entry], number: int | None
    ) -> _Call:
        key = self._call_key if self._call_key is None or number is None else f"{self._call_key}.{number}"
        return lambda: register(self._system, batch, call_key=key)


def _bounds(size: int) -> Iterator[tuple[int, int]]:
    for start in range(0, size, MAX_BATCH_ITEMS):
        yield start, min(start + MAX_BATCH_ITEMS, size)


def _by_device(entries: Sequence[FieldEntry]) -> list[list[int]]:
    """Return the places of entries batch by batch, those of a device together."""
    devices: dict[str, list[int]] = {}
    for place, entry in enumerate(entries):
        devices.setdefault(entry.own_code, []).append(place)
    parts: list[list[int]] = []
    for places in devices.values():
        for start, end in _bounds(len(places)):
            some = places[start:end]
            if parts and len(parts[-1]) + len(some) <= MAX_BATCH_ITEMS:
                parts[-1] += some
            else:
                parts.append(some)
    return parts


async def _all(calls: Sequence[_Call], in_flight: int) -> list[_Results]:
    """Make all calls, so many at once; after one that fails begin no other, and raise what it raised."""
    results: list[_Results] = [()] * len(calls)
    numbers = count()
    failed = False

    async def work() -> None:
        nonlocal failed
        while not failed and (number := next(numbers)) < len(calls):
            try:
                results[number] = await calls[number]()
            except BaseException:
                failed = True
                raise

    outcomes = await asyncio.gather(*(work() for _ in range(in_flight)), return_exceptions=True)
    for outcome in outcomes:
        if outcome is not None:
            raise outcome
    return results
