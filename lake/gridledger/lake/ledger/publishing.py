"""Putting a version of a lake on the ledger: statement, custody file, proposal."""

from __future__ import annotations

import asyncio

from gridledger.crypto.secret_key import SecretKey
from gridledger.crypto.wrapping import RecipientKey
from gridledger.lake.custody_file import write_custody
from gridledger.lake.ledger.lake_ledger import LakeLedger
from gridledger.lake.ledger.location import Custody, LakeLocation, seal_custody
from gridledger.lake.ledger.owned_lake import OwnedLake
from gridledger.lake.paths import custody_path
from gridledger.model.dataset import DatasetHead, DatasetIdentifier, DatasetVersion, VersionStatement
from gridledger.model.errors import ContractError
from gridledger.model.lake_refusals import VersionOutOfTurn
from gridledger.model.period import Day
from gridledger.model.refusals import NotFound

__all__ = ["publish_version"]


async def publish_version(
    ledger: LakeLedger,
    owned: OwnedLake,
    dataset: DatasetIdentifier,
    custodian: str,
    *,
    number: int | None = None,
    unit: str = "",
    days: tuple[Day, Day] | None = None,
) -> DatasetVersion:
    """Propose a version of a lake for a custodian to check.

    Parameters
    ----------
    ledger : LakeLedger
        As the dataset's owner.
    owned : OwnedLake
    dataset : DatasetIdentifier
        Registered; its name is the dataset's in the lake.
    custodian : str
        Identifier of an approved custodian of the owner's root.
    number : int, optional
        The version in the lake; the newest by default.
    unit : str
        What its values are measured in.
    days : tuple of two Day, optional
        The first and last day that it is about.

    Returns
    -------
    DatasetVersion
        Proposed: it counts once the custodian's receipt is deposited.

    Raises
    ------
    PayloadNotFound
        The lake has no such version.
    VersionOutOfTurn, KeyOutdated, NotTheCustodian, AlreadyExists
        What the contract refuses.
    """
    owner = await ledger.system(dataset.system)
    recipient = RecipientKey((await ledger.custodian(owner.root, custodian)).entry.sealing_key)
    chosen, key, manifest = await asyncio.to_thread(owned.read, dataset.name, number)
    head = await _newest(ledger, dataset)
    if head is not None and chosen <= head.number:
        raise VersionOutOfTurn(str(dataset), head.number)
    custody_key = SecretKey.generate()
    path = custody_path(key.dataset, chosen)
    await asyncio.to_thread(write_custody, owned.lake.store, path, manifest.blocks, custody_key)
    try:
        custody = Custody(location=LakeLocation(store=owned.address, path=path), key=custody_key)
        statement = VersionStatement(
            dataset=dataset,
            number=chosen,
            previous=head.statement if head else None,
            root=manifest.root,
            content=manifest.content,
            blocks=len(manifest.blocks),
            size_bytes=manifest.size,
            records=manifest.records,
            unit=unit,
            first=days[0] if days else None,
            last=days[1] if days else None,
            epoch=key.epoch,
            location=owned.folder(dataset.name).of_version(chosen).seal(key, chosen),
            custodian=custodian,
            custody=seal_custody(custody, recipient, dataset=dataset, number=chosen, root=manifest.root),
        )
        return await ledger.propose_version(statement)
    except ContractError:
        # After any other error the proposal may have been ordered, and its custodian wants the file.
        await asyncio.to_thread(owned.lake.store.delete, path)
        raise


async def _newest(ledger: LakeLedger, dataset: DatasetIdentifier) -> DatasetHead | None:
    try:
        return await ledger.head(dataset)
    except NotFound:
        return None
