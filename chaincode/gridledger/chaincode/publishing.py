"""Publication: which fields an application may build rules on, and what it asks owners for.

The aggregation system publishes what of an association catalogue concerns an application. An application asks
an owner for more; the owner grants or refuses, and takes back what it no longer wants to share.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from gridledger.chaincode.audience import put_publication
from gridledger.chaincode.ledger_key import association_key, field_request_key, publication_key, system_key
from gridledger.chaincode.permission import acting_system
from gridledger.chaincode.redirect import follow_system
from gridledger.model.catalogue import Publication, PublicationEntry
from gridledger.model.catalogue_refusals import WithdrawnByOwner
from gridledger.model.exchange_refusals import NotActive, NotPublished
from gridledger.model.identifier import SystemIdentifier
from gridledger.model.refusals import AccessDenied, Conflict
from gridledger.model.rights import FieldRequest, FieldRequestAnswer, FieldRequestEntry, Withdrawal
from gridledger.model.states import IdentifierState
from gridledger.model.system import System, SystemKind
from gridledger.shim import Context

__all__ = ["answer_request", "publish", "request_fields", "withdraw"]


async def publish(ctx: Context, root: SystemIdentifier, entry: PublicationEntry) -> tuple[Publication, ...]:
    """Publish fields of a key device; what was published before stays.

    Returns
    -------
    tuple of Publication
        One for each owner, under the prefix that it has now.

    Raises
    ------
    AccessDenied
        The receiver is no data application below the root.
    NotPublished
        The association catalogue does not have a field.
    WithdrawnByOwner
        The owner has taken a field back from this application.
    LimitExceeded
        An owner's fields are published to as many applications as may be.
    """
    application = await ctx.require(system_key(entry.application))
    if application.profile.kind is not SystemKind.DATA_APPLICATION or application.root != root:
        raise AccessDenied(f"{entry.application} is no data application below {root}")
    association = await ctx.require(association_key(root, entry.identity))
    offered = {(member.device.system, name) for member in association.members for name in member.fields}
    missing = [one for one in entry.selectors if (one.system, one.name) not in offered]
    if missing:
        raise NotPublished(tuple(str(one) for one in missing))
    prefixes = list(dict.fromkeys(one.system for one in entry.selectors))
    await ctx.read_ahead([system_key(prefix) for prefix in prefixes])
    owner_of = {prefix: await follow_system(ctx, prefix) for prefix in prefixes}
    owners = {owner.identifier: owner for owner in owner_of.values()}
    found = await ctx.get_many([publication_key(entry.application, owner) for owner in owners])
    rows = dict(zip(owners, found, strict=True))
    withdrawn = tuple(
        str(one)
        for one in entry.selectors
        if (row := rows[owner_of[one.system].identifier]) is not None and one.name in (row.withdrawn or ())
    )
    if withdrawn:
        raise WithdrawnByOwner(withdrawn)
    publications: list[Publication] = []
    for identifier, owner in owners.items():
        names = {one.name for one in entry.selectors if owner_of[one.system].identifier == identifier}
        publications.append(await _change(ctx, entry.application, owner, rows[identifier], add=names))
    return tuple(publications)


async def request_fields(ctx: Context, entry: FieldRequestEntry) -> FieldRequest:
    """Write an application's request to an owner; the caller acts for the application.

    Raises
    ------
    AccessDenied
        The owner is no business system below the application's root.
    NotActive
        The owner is not active.
    Conflict
        An earlier request to this owner is not answered yet.
    """
    application = await acting_system(ctx, entry.application, SystemKind.DATA_APPLICATION)
    owner = await ctx.require(system_key(entry.system))
    if owner.profile.kind is not SystemKind.BUSINESS_SYSTEM or owner.root != application.root:
        raise AccessDenied(f"{entry.system} is no business system below {application.root}")
    if owner.state is not IdentifierState.ACTIVE:
        raise NotActive(str(entry.system), owner.state.value)
    key = field_request_key(entry.system, entry.application)
    earlier = await ctx.get(key)
    if earlier is not None and earlier.answered_ms is None:
        raise Conflict(f"{entry.system} has not answered the request before")
    request = FieldRequest(
        application=entry.application,
        system=entry.system,
        names=entry.names,
        purpose=entry.purpose,
        requested_ms=await ctx.now_ms(),
    )
    await ctx.put(key, request)
    return request


async def answer_request(ctx: Context, answer: FieldRequestAnswer) -> FieldRequest:
    """Write an owner's answer, and publish what it grants; the caller acts for the owner.

    Raises
    ------
    Conflict
        The request is answered, or the answer grants what was not asked for.
    LimitExceeded
        The owner's fields are published to as many applications as may be.
    """
    owner = await acting_system(ctx, answer.system, SystemKind.BUSINESS_SYSTEM)
    key = field_request_key(answer.system, answer.application)
    request = await ctx.require(key)
    if request.answered_ms is not None:
        raise Conflict("the request is answered")
    surplus = sorted(set(answer.granted).difference(request.names))
    if surplus:
        raise Conflict(f"nobody asked for {', '.join(surplus)}")
    answered = replace(request, granted=answer.granted, reason=answer.reason, answered_ms=await ctx.now_ms())
    await ctx.put(key, answered)
    if answer.granted:
        present = await follow_system(ctx, owner.identifier)
        row = await ctx.get(publication_key(answer.application, present.identifier))
        await _change(ctx, answer.application, present, row, add=answer.granted)
    return answered


async def withdraw(ctx: Context, withdrawal: Withdrawal) -> Publication:
    """Take back fields from an application; the caller acts for the owner.

    Raises
    ------
    NotFound
        Nothing of the owner was ever published to the application.
    NotPublished
        A field is not published to it.
    """
    owner = await acting_system(ctx, withdrawal.system, SystemKind.BUSINESS_SYSTEM)
    present = await follow_system(ctx, owner.identifier)
    row = await ctx.require(publication_key(withdrawal.application, present.identifier))
    missing = tuple(f"{owner.identifier}#{name}" for name in withdrawal.names if name not in row.names)
    if missing:
        raise NotPublished(missing)
    return await _change(ctx, withdrawal.application, present, row, remove=withdrawal.names)


async def _change(
    ctx: Context,
    application: SystemIdentifier,
    owner: System,
    row: Publication | None,
    *,
    add: Iterable[str] = (),
    remove: Iterable[str] = (),
) -> Publication:
    names = set(row.names if row is not None else ()).union(add).difference(remove)
    withdrawn = set((row.withdrawn or ()) if row is not None else ()).union(remove).difference(add)
    return await put_publication(ctx, owner, application, names=names, withdrawn=withdrawn)
