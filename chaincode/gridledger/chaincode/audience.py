"""Publications as they are kept: the same under every prefix of their owner, each with the owner's state.

A page of a search shows what many owners have. A publication therefore says itself what it would take more
keys to read: whether its owner is in force, and what was published under the prefixes that it had before. Who
changes one of these finds an owner's publications by its audience: the applications that something of it is
or was published to.

Source: CN112508707B, [0068], [0079].
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from gridledger.chaincode.ledger_key import audience_key, publication_key
from gridledger.model.catalogue import MAX_AUDIENCE, Audience, Publication
from gridledger.model.identifier import SystemIdentifier
from gridledger.model.refusals import LimitExceeded
from gridledger.model.states import IdentifierState
from gridledger.model.system import System
from gridledger.shim import Context

__all__ = ["carry_publications", "put_publication", "tell_publications"]


async def put_publication(
    ctx: Context,
    owner: System,
    application: SystemIdentifier,
    *,
    names: Iterable[str],
    withdrawn: Iterable[str],
) -> Publication:
    """Write what of an owner is published to an application, and what the owner took back from it.

    Parameters
    ----------
    owner : System
        Under the prefix that it has now.

    Raises
    ------
    LimitExceeded
        It is published to as many applications as an owner may have.
    """
    audience = await ctx.get(audience_key(owner.identifier))
    known = () if audience is None else audience.applications
    if application not in known:
        if len(known) >= MAX_AUDIENCE:
            raise LimitExceeded("applications of an owner", limit=MAX_AUDIENCE, actual=len(known) + 1)
        await ctx.put(audience_key(owner.identifier), Audience(applications=(*known, application)))
    publication = _told(
        Publication(
            application=application,
            system=owner.identifier,
            names=tuple(sorted(names)),
            published_ms=await ctx.now_ms(),
            withdrawn=tuple(sorted(withdrawn)) or None,
        ),
        owner,
    )
    for prefix in owner.prefixes:
        await ctx.put(publication_key(application, prefix), replace(publication, system=prefix))
    return publication


async def tell_publications(ctx: Context, owner: System) -> None:
    """Write whether an owner is in force into its publications, where they say something else."""
    audience = await ctx.get(audience_key(owner.identifier))
    if audience is None:
        return
    keys = [publication_key(one, prefix) for one in audience.applications for prefix in owner.prefixes]
    for key, row in zip(keys, await ctx.get_many(keys), strict=True):
        if row is not None and (told := _told(row, owner)) != row:
            await ctx.put(key, told)


async def carry_publications(ctx: Context, old: SystemIdentifier, new: SystemIdentifier) -> None:
    """Let what is published under a prefix stand under the owner's new one, too."""
    audience = await ctx.get(audience_key(old))
    if audience is None:
        return
    for row in await ctx.get_many([publication_key(one, old) for one in audience.applications]):
        if row is not None:
            await ctx.put(publication_key(row.application, new), replace(row, system=new))
    await ctx.put(audience_key(new), audience)
    await ctx.delete(audience_key(old))


def _told(publication: Publication, owner: System) -> Publication:
    state = None if owner.state is IdentifierState.ACTIVE else owner.state
    return replace(publication, owner_state=state, owner_validity=owner.validity)
