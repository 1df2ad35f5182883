"""A business system: it keeps its data, registers what it shares, deposits roots, and answers for rows.

Source: CN112508707B, [0051], [0061] to [0063], [0101], [0102].
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from gridledger.client import Connection
from gridledger.exchange.errors import SourceUnreadable
from gridledger.exchange.handoff import until_seen
from gridledger.exchange.leaves import Alteration, first_alteration, leaf_digests, read_period
from gridledger.exchange.party import Party
from gridledger.exchange.settings import BusinessSettings
from gridledger.exchange.source import Database
from gridledger.exchange.vault import Vault
from gridledger.model.delivery import DeliveredPeriod
from gridledger.model.device import MAX_BATCH_ITEMS, DeviceEntry, ItemResult
from gridledger.model.exchange_refusals import NotActive
from gridledger.model.identifier import DeviceIdentifier, FieldIdentifier, SystemIdentifier
from gridledger.model.integrity import MAX_DEPOSITS, PeriodRoot
from gridledger.model.period import Period
from gridledger.model.refusals import NotFound
from gridledger.model.states import ApplicationState
from gridledger.model.system import SystemApplication
from gridledger.web import Authorities

__all__ = ["BusinessSystem", "Deposited"]


@dataclass(frozen=True, kw_only=True)
class Deposited:
    """A root that was offered for deposit, and what the contract said."""

    root: PeriodRoot
    result: ItemResult


class BusinessSystem:
    """A business system with its party, database and vault; an async context manager.

    Parameters
    ----------
    settings : BusinessSettings
    party : Party
        Its agent.
    database : Database
    vault : Vault

    Notes
    -----
    Made by `open`. What it opened it closes.
    """

    def __init__(self, settings: BusinessSettings, party: Party, database: Database, vault: Vault) -> None:
        self.settings = settings
        self.party = party
        self.vault = vault
        self._database = database
        self._identifier: SystemIdentifier | None = None

    @classmethod
    def open(cls, settings: BusinessSettings) -> BusinessSystem:
        """Open what the settings name.

        Raises
        ------
        ConfigError
            If a file is missing or wrong.
        """
        authorities = Authorities.from_msp_folders(settings.authorities)
        database = Database(settings.database)
        vault = Vault(settings.vault)
        party = Party.connect(Connection.from_file(settings.connection), authorities)
        return cls(settings, party, database, vault)

    async def apply(self, server: str, *, call_key: str | None = None) -> SystemApplication:
        """Apply for a system identifier; `server` is the origin under which the system's server answers."""
        return await self.party.ledger.register_system(
            self.settings.root, self.settings.profile(server), call_key=call_key
        )

    async def identifier(self) -> SystemIdentifier:
        """Return the system identifier.

        Raises
        ------
        NotFound
            The system has not applied.
        NotActive
            Its application is not approved.
        """
        if self._identifier is None:
            application = await self.party.ledger.application(self.party.key_id)
            if application.state is not ApplicationState.APPROVED or application.system is None:
                raise NotActive(f"the application of {self.settings.name}", application.state.value)
            self._identifier = application.system
        return self._identifier

    async def wait_approved(self, *, deadline_s: float = 10.0) -> SystemIdentifier:
        """Wait until the application is approved, and return the system identifier; see `identifier`."""
        return await until_seen(self.identifier, missing=(NotFound, NotActive), deadline_s=deadline_s)

    async def register_devices(self, *, call_key: str | None = None) -> tuple[ItemResult, ...]:
        """Register the devices of the settings, 2,000 a call.

        Parameters
        ----------
        call_key : str, optional
            Under which the calls happen once; where there are several, each adds `.1`, `.2`, … to it.
        """
        system = await self.identifier()
        results: list[ItemResult] = []
        for part, key in _calls(self.settings.devices, MAX_BATCH_ITEMS, call_key):
            results += await self.party.ledger.register_devices(system, part, call_key=key)
        return tuple(results)

    async def register_fields(self, *, call_key: str | None = None) -> tuple[ItemResult, ...]:
        """Register the fields of the settings for each device, up to 2,000 a call; see `register_devices`."""
        system = await self.identifier()
        fields = self.settings.fields.values()
        results: list[ItemResult] = []
        for part, key in _calls(self.settings.devices, MAX_BATCH_ITEMS // max(len(fields), 1), call_key):
            entries = [field.entry(device.own_code) for device in part for field in fields]
            results += await self.party.ledger.register_fields(system, entries, call_key=key)
        return tuple(results)

    async def deposit(self) -> list[Deposited]:
        """Deposit the roots of all rows that are there, but those whose leaves are kept: they were deposited.

        Raises
        ------
        SourceUnreadable
            The database cannot be read as the settings say.

        Notes
        -----
        A period must be over: rows that come later make it look altered.
        """
        system = await self.identifier()
        found: list[Deposited] = []
        waiting = await asyncio.to_thread(self._not_deposited, system)
        for start in range(0, len(waiting), MAX_DEPOSITS):
            part = await asyncio.to_thread(self._read_all, waiting[start : start + MAX_DEPOSITS])
            roots = [rows.root() for rows in part]
            results = await self.party.ledger.deposit_roots(system, roots)
            kept = [
                (rows.field, rows.period, leaf_digests(rows))
                for rows, result in zip(part, results, strict=True)
                if result.accepted
            ]
            await asyncio.to_thread(self.vault.keep_leaves, kept)
            found += [
                Deposited(root=root, result=result) for root, result in zip(roots, results, strict=True)
            ]
        return found

    async def read(self, field: FieldIdentifier, period: Period) -> DeliveredPeriod:
        """Read the rows of a field and period as they stand in the database at this moment.

        Raises
        ------
        SourceUnreadable
            The settings have no such field, or the database cannot be read.
        """
        return await asyncio.to_thread(self._read, field, period)

    async def first_alteration(self, field: FieldIdentifier, period: Period) -> Alteration | None:
        """Find the first row of a deposit that is not what was deposited; None if all are."""
        rows = await self.read(field, period)
        kept = await asyncio.to_thread(self.vault.leaves, field, period)
        return first_alteration(rows, kept)

    async def close(self) -> None:
        """Close party, database and vault."""
        try:
            await self.party.close()
        finally:
            self._database.close()
            self.vault.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    def devices(self, system: SystemIdentifier) -> Sequence[DeviceIdentifier]:
        """Return the identifiers of the settings' devices."""
        return [system.device(device.own_code) for device in self.settings.devices]

    def _read(self, field: FieldIdentifier, period: Period) -> DeliveredPeriod:
        settings = self.settings.fields.get(field.name)
        if settings is None:
            raise SourceUnreadable("the settings have no such field", field=field.name)
        return read_period(self._database, settings.source, self.vault.salts, field, period)

    def _read_all(self, wanted: Sequence[tuple[FieldIdentifier, Period]]) -> list[DeliveredPeriod]:
        return [self._read(field, period) for field, period in wanted]

    def _not_deposited(self, system: SystemIdentifier) -> list[tuple[FieldIdentifier, Period]]:
        return [
            (field, period) for field, period in self._periods(system) if not self.vault.leaves(field, period)
        ]

    def _periods(self, system: SystemIdentifier) -> Iterable[tuple[FieldIdentifier, Period]]:
        return [
            (device.field(name), period)
            for device in self.devices(system)
            for name, field in self.settings.fields.items()
            for period in self._database.periods(field.source, device.own_code, field.metadata.frequency)
        ]


def _calls(
    devices: Sequence[DeviceEntry], most: int, call_key: str | None
) -> Iterator[tuple[Sequence[DeviceEntry], str | None]]:
    """Part devices into calls with a key each."""
    parts = [devices[start : start + most] for start in range(0, len(devices), most)] or [devices]
    for number, part in enumerate(parts, 1):
        yield part, call_key if call_key is None or len(parts) == 1 else f"{call_key}.{number}"
