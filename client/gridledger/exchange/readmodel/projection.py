"""What each record of the ledger becomes in the read model.

The model is made of the records that transactions write, not of what their events say: events name counts
where a batch registers thousands of fields, and a chaincode may get new ones. So whatever a transaction
changes is taken as it stands on the ledger afterwards, whichever function changed it."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from gridledger.client.write_set import KeyWrite
from gridledger.exchange.readmodel.dataset_index import DatasetIndex
from gridledger.exchange.readmodel.earlier import EarlierRecords, RecordTable
from gridledger.exchange.readmodel.index import Index
from gridledger.exchange.readmodel.journal import Journal
from gridledger.exchange.readmodel.ledger_block import LedgerBlock, LedgerTransaction
from gridledger.exchange.readmodel.register import Register
from gridledger.exchange.readmodel.use import Use
from gridledger.model.catalogue import Publication
from gridledger.model.dataset import Dataset, DatasetVersion
from gridledger.model.device import ChargingStandard, Device, RegisteredField
from gridledger.model.errors import ModelError
from gridledger.model.keys import KeyPrefix
from gridledger.model.own_code import escape_own_code
from gridledger.model.resolution import Resolution
from gridledger.model.sharing import PlatformMembership, SharingPolicy
from gridledger.model.system import ApplicationUser, System, SystemApplication
from gridledger.model.trade import Order, Settlement

__all__ = ["Projection"]

_TABLES: Final[Mapping[str, RecordTable]] = {
    KeyPrefix.DEVICE: RecordTable.DEVICE,
    KeyPrefix.FIELD: RecordTable.FIELD,
    KeyPrefix.CHARGING_STANDARD: RecordTable.STANDARD,
}
_logger = logging.getLogger(__name__)


class Projection:
    """Writes the rows of one block.

    Parameters
    ----------
    connection : sqlite3.Connection
        Within a transaction of the model.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._index = Index(connection)
        self._datasets = datasets = DatasetIndex(connection)
        self._journal = Journal(connection)
        self._earlier = EarlierRecords(connection)
        self._register = register = Register(connection, self._journal, self._index, self._earlier)
        use = Use(connection)
        self._takers: dict[str, Callable[[LedgerTransaction, tuple[str, ...], bytes], None]] = {
            KeyPrefix.SYSTEM: lambda one, _, data: self._system(one, System.from_bytes(data)),
            KeyPrefix.APPLICATION: lambda one, _, data: register.application(
                one, SystemApplication.from_bytes(data)
            ),
            KeyPrefix.USER: lambda one, _, data: register.user(one, ApplicationUser.from_bytes(data)),
            KeyPrefix.DEVICE: lambda one, _, data: register.device(one, Device.from_bytes(data)),
            KeyPrefix.FIELD: lambda one, _, data: register.field(one, RegisteredField.from_bytes(data)),
            KeyPrefix.CHARGING_STANDARD: lambda one, _, data: register.standard(
                one, ChargingStandard.from_bytes(data)
            ),
            KeyPrefix.PUBLICATION: lambda _, __, data: register.publication(Publication.from_bytes(data)),
            KeyPrefix.RESOLUTION: lambda one, _, data: use.resolution(one, Resolution.from_bytes(data)),
            KeyPrefix.ORDER: lambda _, __, data: use.order(Order.from_bytes(data)),
            KeyPrefix.SETTLEMENT: lambda _, parts, data: use.settlement(
                parts[0], parts[1], Settlement.from_bytes(data)
            ),
        }
        self._takers |= {
            KeyPrefix.DATASET: lambda _, __, data: datasets.dataset(Dataset.from_bytes(data)),
            KeyPrefix.DATASET_VERSION: lambda _, __, data: datasets.version(DatasetVersion.from_bytes(data)),
            KeyPrefix.SHARING_POLICY: lambda _, __, data: datasets.policy(SharingPolicy.from_bytes(data)),
            KeyPrefix.PLATFORM_MEMBERSHIP: lambda _, __, data: datasets.membership(
                PlatformMembership.from_bytes(data)
            ),
        }
        self._removers: dict[str, Callable[[LedgerTransaction, tuple[str, ...]], None]] = {
            KeyPrefix.PUBLICATION: lambda _, parts: register.remove_publication(*parts),
            KeyPrefix.DEVICE: register.remove_device,
            KeyPrefix.FIELD: register.remove_field,
            KeyPrefix.USER: register.remove_user,
        }

    def take(self, block: LedgerBlock) -> None:
        """Write the rows of a block.

        Notes
        -----
        A record that cannot be read (of a newer chaincode) is logged, entered in the table `unread`, and left
        out; the rest of its block is taken.
        """
        self._read_ahead(block)
        for transaction in block.transactions:
            for write in transaction.writes:
                self._take(transaction, write)
        self._journal.write()
        self._index.write()
        self._datasets.write()

    def _read_ahead(self, block: LedgerBlock) -> None:
        """Read at once what the model has of what the block writes."""
        wanted: dict[RecordTable, list[str]] = {table: [] for table in RecordTable}
        for transaction in block.transactions:
            for write in transaction.writes:
                prefix, *parts = write.parts
                if prefix in _TABLES and len(parts) > 1:
                    wanted[_TABLES[prefix]].append(_identifier(parts))
        for table, identifiers in wanted.items():
            self._earlier.read_ahead(table, identifiers)

    def _take(self, transaction: LedgerTransaction, write: KeyWrite) -> None:
        prefix, *parts = write.parts
        try:
            if write.value is not None:
                if prefix in self._takers:
                    self._takers[prefix](transaction, tuple(parts), write.value)
            elif prefix in self._removers:
                self._removers[prefix](transaction, tuple(parts))
        except ModelError as error:
            self._leave_out(transaction, write, error)

    def _system(self, transaction: LedgerTransaction, system: System) -> None:
        self._register.system(transaction, system)
        self._datasets.system_changed(str(system.identifier))

    def _leave_out(self, transaction: LedgerTransaction, write: KeyWrite, error: ModelError) -> None:
        key = " ".join(write.parts)
        _logger.warning("block %d: %s is left out: %s", transaction.block, key, error.message)
        self._connection.execute(
            "INSERT INTO unread (block, tx_id, key, problem) VALUES (?, ?, ?, ?)",
            (transaction.block, transaction.tx_id, key, error.message),
        )


def _identifier(parts: Sequence[str]) -> str:
    """Return the identifier that a key's parts are of; for a key that is none's, what finds nothing."""
    system, own_code, *name = parts
    try:
        return "#".join((f"{system}/{escape_own_code(own_code)}", *name))
    except ModelError:
        return ""
