"""The contract `catalogue`: association catalogues of key devices, and what of them is published.

Source: CN112508707B, [0075] to [0079].
"""

from __future__ import annotations

from dataclasses import replace

from gridledger.chaincode.batch import accepted, check_batch, refused
from gridledger.chaincode.ledger_key import (
    association_key,
    common_identity_key,
    device_key,
    publication_key,
    system_key,
)
from gridledger.chaincode.permission import acting_system
from gridledger.model.catalogue import (
    LEAST_SYSTEMS,
    Association,
    AssociationMember,
    Publication,
    PublicationEntry,
)
from gridledger.model.device import CommonIdentity, DeclaredIdentity, Device, ItemResult
from gridledger.model.events import Event
from gridledger.model.exchange_refusals import NotAKeyDevice, NotPublished
from gridledger.model.identifier import DeviceIdentifier, SystemIdentifier
from gridledger.model.notice import AssociationsDeposited
from gridledger.model.refusals import AccessDenied
from gridledger.model.roles import Role
from gridledger.model.system import SystemKind
from gridledger.shim import Context, Contract, query, transaction

__all__ = ["Catalogue"]

MAX_ASSOCIATIONS = 500
"""Association catalogues a call: with 64 devices each they stay below what one transaction may hold."""


class Catalogue(Contract):
    """Association catalogues of key devices, and what of them is published."""

    name = "catalogue"

    @transaction(roles=(Role.AGGREGATION_SYSTEM,))
    async def deposit_associations(
        self, ctx: Context, root: SystemIdentifier, identities: tuple[DeclaredIdentity, ...]
    ) -> tuple[ItemResult, ...]:
        """Deposit the association catalogues of key devices as their systems have registered them.

        A result per identity; one whose catalogue has not changed is accepted and stays as it is.
        """
        check_batch(identities, limit=MAX_ASSOCIATIONS, what="identities")
        await acting_system(ctx, root, SystemKind.AGGREGATION_SYSTEM)
        rows = await ctx.get_many([common_identity_key(root, identity) for identity in identities])
        present = await ctx.get_many([association_key(root, identity) for identity in identities])
        wanted = list(dict.fromkeys(device for row in rows if row is not None for device in row.devices))
        found = await ctx.get_many([device_key(device) for device in wanted])
        devices = {device.identifier: device for device in found if device is not None}
        now_ms = await ctx.now_ms()
        results: list[ItemResult] = []
        changed: dict[DeclaredIdentity, None] = {}
        for identity, row, earlier in zip(identities, rows, present, strict=True):
            if row is None or len(row.systems()) < LEAST_SYSTEMS:
                error = NotAKeyDevice(f"fewer than {LEAST_SYSTEMS} systems declare {identity}")
                results.append(refused(str(identity), error))
                continue
            results.append(accepted(str(identity)))
            association = _association(root, row, devices, earlier, now_ms)
            if association is not earlier and identity not in changed:
                await ctx.put(association_key(root, identity), association)
                changed[identity] = None
        notice = AssociationsDeposited(root=root, identities=tuple(changed))
        ctx.emit(Event.ASSOCIATION_DEPOSITED, notice)
        return tuple(results)

    @transaction(roles=(Role.AGGREGATION_SYSTEM,))
    async def publish_fields(
        self, ctx: Context, root: SystemIdentifier, entry: PublicationEntry
    ) -> tuple[Publication, ...]:
        """Publish fields of a key device to a data application; what was published before stays."""
        await acting_system(ctx, root, SystemKind.AGGREGATION_SYSTEM)
        application = await ctx.require(system_key(entry.application))
        if application.profile.kind is not SystemKind.DATA_APPLICATION or application.root != root:
            raise AccessDenied(f"{entry.application} is no data application below {root}")
        association = await ctx.require(association_key(root, entry.identity))
        offered = {(member.device.system, name) for member in association.members for name in member.fields}
        missing = [one for one in entry.selectors if (one.system, one.name) not in offered]
        if missing:
            raise NotPublished(tuple(str(one) for one in missing))
        systems = list(dict.fromkeys(one.system for one in entry.selectors))
        rows = await ctx.get_many([publication_key(entry.application, system) for system in systems])
        now_ms = await ctx.now_ms()
        publications: list[Publication] = []
        for system, row in zip(systems, rows, strict=True):
            names = {one.name for one in entry.selectors if one.system == system}
            publication = Publication(
                application=entry.application,
                system=system,
                names=tuple(sorted(names.union(row.names if row else ()))),
                published_ms=now_ms,
            )
            await ctx.put(publication_key(entry.application, system), publication)
            publications.append(publication)
        ctx.emit(Event.FIELDS_PUBLISHED, entry)
        return tuple(publications)

    @query
    async def get_association(
        self, ctx: Context, root: SystemIdentifier, identity: DeclaredIdentity
    ) -> Association:
        """Return the association catalogue of a key device."""
        return await ctx.require(association_key(root, identity))

    @query
    async def get_common_identity(
        self, ctx: Context, root: SystemIdentifier, identity: DeclaredIdentity
    ) -> CommonIdentity:
        """Return the devices that declare a common identity."""
        return await ctx.require(common_identity_key(root, identity))

    @query
    async def get_publication(
        self, ctx: Context, application: SystemIdentifier, system: SystemIdentifier
    ) -> Publication:
        """Return what of a system is published to a data application."""
        return await ctx.require(publication_key(application, system))


def _association(
    root: SystemIdentifier,
    row: CommonIdentity,
    devices: dict[DeviceIdentifier, Device],
    earlier: Association | None,
    now_ms: int,
) -> Association:
    """Return the catalogue of a common identity: `earlier` itself, if nothing has changed."""
    members = tuple(
        AssociationMember(device=device, fields=devices[device].fields)
        for device in row.devices
        if device in devices
    )
    if earlier is None:
        return Association(root=root, identity=row.identity, members=members, revision=1, deposited_ms=now_ms)
    if earlier.members == members:
        return earlier
    return replace(earlier, members=members, revision=earlier.revision + 1, deposited_ms=now_ms)
