"""The catalogue's transactions and queries as typed calls."""

from __future__ import annotations

from collections.abc import Sequence

from gridledger.exchange.contract_calls import ContractCalls
from gridledger.model.catalogue import Association, Publication, PublicationEntry
from gridledger.model.device import (
    CommonIdentity,
    DeclaredIdentity,
    ItemResult,
)
from gridledger.model.identifier import SystemIdentifier

__all__ = ["CatalogueCalls"]

_ITEMS = tuple[ItemResult, ...]


class CatalogueCalls(ContractCalls):
    """The catalogue's transactions and queries as typed calls; see `ExchangeLedger`."""

    async def deposit_associations(
        self, root: SystemIdentifier, identities: Sequence[DeclaredIdentity]
    ) -> tuple[ItemResult, ...]:
        """Deposit association catalogues."""
        return await self._submit(_ITEMS, "catalogue", "DepositAssociations", root, list(identities))

    async def publish_fields(
        self, root: SystemIdentifier, entry: PublicationEntry
    ) -> tuple[Publication, ...]:
        """Publish fields to a data application."""
        return await self._submit(tuple[Publication, ...], "catalogue", "PublishFields", root, entry)

    async def association(self, root: SystemIdentifier, identity: DeclaredIdentity) -> Association:
        """Return an association catalogue."""
        return await self._ask(Association, "catalogue", "GetAssociation", root, identity)

    async def common_identity(self, root: SystemIdentifier, identity: DeclaredIdentity) -> CommonIdentity:
        """Return the devices that declare a common identity."""
        return await self._ask(CommonIdentity, "catalogue", "GetCommonIdentity", root, identity)
