"""A business system: it keeps its data, registers what it shares, deposits roots, and answers for rows.

Source: CN112508707B, [0051], [0061] to [0063], [0101], [0102].
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from types import TracebackType
from typing import Self

from gridledger.client import Connection
from gridledger.exchange.deposits import Deposited, Deposits, DueField
from gridledger.exchange.errors import SourceUnreadable
from gridledger.exchange.field_source import FieldSource
from gridledger.exchange.handoff import until_seen
from gridledger.exchange.leaves import Alteration, PeriodParts, first_alteration, read_period, salt_rows
from gridledger.exchange.party import Party
from gridledger.exchange.period_memory import PeriodMemory
from gridledger.exchange.receivables import Receivables
from gridledger.exchange.registrations import Registrations
from gridledger.exchange.settings import BusinessSettings
from gridledger.exchange.source import Database
from gridledger.exchange.vault import Vault
from gridledger.model.delivery import DeliveredPeriod
from gridledger.model.device import DeviceEntry, ItemResult
from gridledger.model.exchange_refusals import NotActive
from gridledger.model.identifier import DeviceIdentifier, FieldIdentifier, SystemIdentifier
from gridledger.model.period import Day, Period
from gridledger.model.refusals import NotFound
from gridledger.model.states import ApplicationState
from gridledger.model.system import SystemApplication
from gridledger.web import Authorities

__all__ = ["BusinessSystem", "Deposited"]


class BusinessSystem:
    """A business system with its party, database and vault; an async context manager.

    Parameters
    ----------
    settings : BusinessSettings
    party : Party
        Its agent.
    database : Database
    vault : Vault
    receivables : Receivables
        What it delivered and was not paid for yet.

    Notes
    -----
    Made by `open`. What it opened it closes.
    """

    def __init__(
        self,
        settings: BusinessSettings,
        party: Party,
        database: Database,
        vault: Vault,
        receivables: Receivables,
    ) -> None:
        self.settings = settings
        self.party = party
        self.vault = vault
        self.receivables = receivables
        self._database = database
        self.deposits = Deposits(party.ledger, database, vault, self._read)
        self._memory = PeriodMemory()
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
        receivables = Receivables(settings.vault.with_suffix(".receivables.db"))
        return cls(settings, party, database, vault, receivables)

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

    async def renamed(self) -> tuple[SystemIdentifier, ...]:
        """Ask the ledger anew what the system is called: its identifier, then its former ones, newest first.

        For whoever misses something under the identifier that is remembered: a platform may have given
        another prefix since, and what was ordered under the former one is still delivered.
        """
        self._identifier = None
        identifier = await self.identifier()
        former = (await self.party.ledger.system(identifier)).former or ()
        return identifier, *reversed(former)

    async def wait_approved(self, *, deadline_s: float = 10.0) -> SystemIdentifier:
        """Wait until the application is approved, and return the system identifier; see `identifier`."""
        return await until_seen(self.identifier, missing=(NotFound, NotActive), deadline_s=deadline_s)

    async def register_devices(
        self, entries: Sequence[DeviceEntry] | None = None, *, call_key: str | None = None
    ) -> tuple[ItemResult, ...]:
        """Register devices and other objects, 2,000 a call, several calls at once; see `Registrations`.

        Parameters
        ----------
        entries : sequence of DeviceEntry, optional
            Those of the settings by default.
        call_key : str, optional
            Under which the calls happen once; where there are several, each adds `.1`, `.2`, … to it.
        """
        registrations = Registrations(self.party.ledger, await self.identifier(), call_key=call_key)
        return await registrations.devices(entries or self.settings.devices)

    async def register_fields(self, *, call_key: str | None = None) -> tuple[ItemResult, ...]:
        """Register the fields of the settings for each device, up to 2,000 a call; see `register_devices`."""
        registrations = Registrations(self.party.ledger, await self.identifier(), call_key=call_key)
        fields = self.settings.fields.values()
        return await registrations.fields(
            [field.entry(device.own_code) for device in self.settings.devices for field in fields]
        )

    async def deposit(self, *, closed_before: Day | None = None, late: bool = False) -> list[Deposited]:
        """Deposit the roots of all rows that are there, but those that were deposited; see `Deposits.make`.

        Parameters
        ----------
        closed_before : Day, optional
            Only periods whose last day is before it. A period should be over: rows that come later are late.
        late : bool, default False
            Whether rows that came after the deposit of their period are deposited as its supplement.
        """
        system, *_ = await self.renamed()
        fields = [
            DueField(identifier=device.field(name), source=field.source, frequency=field.metadata.frequency)
            for device in self.devices(system)
            for name, field in self.settings.fields.items()
        ]
        return await self.deposits.make(system, fields, closed_before=closed_before, late=late)

    async def read(self, field: FieldIdentifier, period: Period) -> DeliveredPeriod:
        """Read the rows of a field and period as they stand in the database at this moment.

        Raises
        ------
        SourceUnreadable
            The settings have no such field, or the database cannot be read.
        """
        return await asyncio.to_thread(self._read, field, period)

    async def read_parts(
        self, field: FieldIdentifier, period: Period, deposited_as: FieldIdentifier | None = None
    ) -> PeriodParts:
        """Read the rows of a field and period as they stand now, by the deposit that they belong to.

        Parameters
        ----------
        deposited_as : FieldIdentifier, optional
            What the field was called when the period was deposited, by the ledger's word.

        Raises
        ------
        SourceUnreadable
            See `read`.
        """
        return await asyncio.to_thread(self.parts_now, field, period, deposited_as)

    def parts_now(
        self, field: FieldIdentifier, period: Period, deposited_as: FieldIdentifier | None = None
    ) -> PeriodParts:
        """Read as `read_parts` does, but blocking."""
        rows = self._database.rows(self._source_of(field), field.device.own_code, period)
        stamp = self.vault.deposits_stamp()
        name = deposited_as or field
        salts = self.vault.salts
        return self._memory.parts(
            name,
            period,
            rows,
            stamp,
            lambda: self.deposits.parts(salt_rows(rows, salts, name, period)),
        )

    async def first_alteration(self, field: FieldIdentifier, period: Period) -> Alteration | None:
        """Find the first row of a field and period that is not what was deposited; None if all are."""
        try:
            name = (await self.party.ledger.deposit(field, period)).root.field
        except NotFound:
            name = field
        rows = await asyncio.to_thread(self._read, field, period, name)
        kept = await asyncio.to_thread(self.vault.leaves, name, period)
        found = first_alteration(rows, {key: leaf.digest for key, leaf in kept.items()})
        leaf = kept.get(found.row) if found is not None else None
        if found is None or leaf is None:
            return found
        deposits = await asyncio.to_thread(self.vault.deposits, name, period)
        return replace(found, supplement=leaf.supplement, deposited_ms=deposits[leaf.supplement].kept_ms)

    async def check_source(self) -> None:
        """Check rights, tables and columns of the database; see `Database.check`."""
        sources = [field.source for field in self.settings.fields.values()]
        await asyncio.to_thread(self._database.check, sources)

    async def close(self) -> None:
        """Close party, database and vault."""
        try:
            await self.party.close()
        finally:
            self._database.close()
            self.vault.close()
            self.receivables.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    def devices(self, system: SystemIdentifier) -> Sequence[DeviceIdentifier]:
        """Return the identifiers of the settings' devices."""
        return [system.device(device.own_code) for device in self.settings.devices]

    def _read(
        self, field: FieldIdentifier, period: Period, deposited_as: FieldIdentifier | None = None
    ) -> DeliveredPeriod:
        source = self._source_of(field)
        return read_period(self._database, source, self.vault.salts, field, period, deposited_as)

    def _source_of(self, field: FieldIdentifier) -> FieldSource:
        settings = self.settings.fields.get(field.name)
        if settings is None:
            raise SourceUnreadable("the settings have no such field", field=field.name)
        return settings.source
