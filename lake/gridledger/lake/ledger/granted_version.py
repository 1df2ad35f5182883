"""Opening what was granted: the ledger says whether and what, the grant where and how; both are checked.

async with await open_granted(ledger, request, secret, open_store) as granted:
    granted.reader.read(0, 100)
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Self, TypeAlias

from gridledger.crypto.errors import SealBroken
from gridledger.crypto.wrapping import RecipientSecret
from gridledger.lake.errors import Malformed, NotGranted, PayloadCorrupt
from gridledger.lake.granted import granted_reader
from gridledger.lake.ledger.lake_ledger import LakeLedger
from gridledger.lake.ledger.location import LakeLocation, take_over
from gridledger.lake.store import Store
from gridledger.lake.version_reader import VersionReader
from gridledger.model.dataset import DatasetIdentifier, VersionStatement
from gridledger.model.identifier import SystemIdentifier
from gridledger.model.lake_page import Access
from gridledger.model.sharing import OpenedVersion

__all__ = ["GrantedVersion", "StoreOpener", "find_access", "open_granted"]

StoreOpener: TypeAlias = Callable[[str], Store]
"""Opens the store of an address, as `gridledger.lake.store_address.open_store` does."""


@dataclass(frozen=True, kw_only=True)
class GrantedVersion:
    """A version that was granted, open; a context manager that closes its store."""

    opened: OpenedVersion
    """What the ledger says of it."""
    store: Store
    reader: VersionReader

    def close(self) -> None:
        """Close the store."""
        self.store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await asyncio.to_thread(self.close)


async def open_granted(
    ledger: LakeLedger,
    request: str,
    secret: RecipientSecret,
    open_store: StoreOpener,
    *,
    number: int | None = None,
) -> GrantedVersion:
    """Open a version that an access request was granted, and leave that in the access log.

    Parameters
    ----------
    ledger : LakeLedger
        As the application's agent.
    request : str
        The access request's id; `find_access` finds it.
    secret : RecipientSecret
        Of the key that the request named.
    open_store : callable
        Opens the store that the grant names.
    number : int, optional
        The version; the newest stored one by default.

    Raises
    ------
    AccessOver, NotHandedOver, VersionNotStored, NotFound
        What the contract refuses.
    NotGranted
        The grant does not open with this key, or its key does not open the version: it is of another epoch.
    PayloadNotFound
        The store does not have the version: it was rolled back, or the version is gone.
    PayloadCorrupt
        What lies there is not what the ledger says.
    """
    opened = await ledger.open_version(request, number)
    key, folder = take_over(opened.decision, opened.grant, secret)
    statement = opened.version.statement
    location = folder.of_version(statement.number)
    if statement.epoch == key.epoch:
        try:
            deposited = LakeLocation.open(statement.location, key, statement.number)
        except (SealBroken, Malformed) as error:
            raise NotGranted("the key does not open the version's location", epoch=key.epoch) from error
        if deposited != location:
            raise PayloadCorrupt(location.path, "the grant leads elsewhere than the version on the ledger")
    store = open_store(location.store)
    try:
        reader = await asyncio.to_thread(granted_reader, store, location.path, key, content=statement.content)
        _check_size(reader, location, statement)
    except BaseException:
        store.close()
        raise
    return GrantedVersion(opened=opened, store=store, reader=reader)


def _check_size(reader: VersionReader, location: LakeLocation, statement: VersionStatement) -> None:
    if reader.size != statement.size_bytes:
        raise PayloadCorrupt(
            location.path,
            "the payload has another size than on the ledger",
            expected=str(statement.size_bytes),
            actual=str(reader.size),
        )


async def find_access(
    ledger: LakeLedger, application: SystemIdentifier, dataset: DatasetIdentifier, *, now_ms: int
) -> Access:
    """Return the newest request of an application whose grant holds.

    Parameters
    ----------
    now_ms : int
        Milliseconds since 1970; what counts in the end is the ledger's time at the opening.

    Raises
    ------
    NotGranted
        There is none.
    """
    found: Access | None = None
    bookmark = ""
    while True:
        page = await ledger.accesses_of(application, dataset, bookmark)
        for access in page.accesses:
            if access.grant is not None and access.grant.holds(now_ms):
                found = access
        bookmark = page.bookmark
        if not bookmark:
            break
    if found is None:
        raise NotGranted(f"no grant of {dataset} to {application} holds", dataset=str(dataset))
    return found
