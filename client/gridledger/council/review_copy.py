"""Copies for review: sealed by HPKE to round keys; a user's request with the first one."""

from __future__ import annotations

import secrets
import time
from collections.abc import Awaitable, Callable
from typing import Final

from gridledger.council.review_ledger import ReviewLedger
from gridledger.crypto.wrapping import RecipientKey, RecipientSecret, open_sealed, seal_to
from gridledger.model.council_refusals import ReviewOutOfTurn, RoundOutOfTurn
from gridledger.model.council_review import (
    ReviewRequest,
    ReviewStatement,
    RoundView,
    SignedReviewStatement,
)
from gridledger.model.dataset import DatasetVersion
from gridledger.model.digest import Digest
from gridledger.model.identifier import SystemIdentifier
from gridledger.model.record import Record
from gridledger.model.refusals import AlreadyExists

__all__ = ["bring_to_master", "file_request", "hand_content", "now_ms", "open_copy", "seal_copy"]

_ATTEMPTS: Final = 5
"""Places that are tried: others may take one at the same moment."""


def now_ms() -> int:
    """Return the machine's time, milliseconds since 1970."""
    return time.time_ns() // 1_000_000


def seal_copy(content: bytes, key: bytes, *, request: str, node: str) -> bytes:
    """Seal the content of a request to a super node's round key."""
    return seal_to(content, RecipientKey(key), info=_info(request, node))


def open_copy(sealed: bytes, secret: RecipientSecret, *, request: str, node: str) -> bytes:
    """Open a copy.

    Raises
    ------
    WrappingBroken
        It was sealed to another key, for another request, or its bytes were changed.
    """
    return open_sealed(sealed, secret, info=_info(request, node))


async def file_request(
    ledger: ReviewLedger,
    sign: Callable[[Record], Awaitable[bytes]],
    content: bytes,
    *,
    root: SystemIdentifier,
    system: SystemIdentifier,
    node: str | None = None,
    access: str | None = None,
    version: DatasetVersion | None = None,
    clock: Callable[[], int] = now_ms,
) -> ReviewRequest:
    """File a request for review in the newest round, as a system's agent, and hand its content over.

    Parameters
    ----------
    ledger : ReviewLedger
        The agent's.
    sign : callable
        Signs with the agent's key.
    content : bytes
        What is reviewed.
    root, system : SystemIdentifier
        Below which root, and for whom.
    node : str, optional
        The super node that it goes to, which passes it on; the master by default.
    access : str, optional
        The access request that is to be reviewed, of the system or for a dataset of its own.
    version : DatasetVersion, optional
        The version that is, of a dataset of its own.
    clock : callable, optional
        Milliseconds since 1970; the machine's by default.

    Returns
    -------
    ReviewRequest

    Raises
    ------
    RoundOutOfTurn
        The round has ended, or has no place left.
    ContractError, GatewayError
        As a transaction raises them; once the request is filed, `hand_content` hands its content over again.
    """
    view = await ledger.round(root, await ledger.newest_round(root))
    to = node or view.round.master
    about = None if version is None else version.statement
    statement = ReviewStatement(
        root=root,
        round=view.round.number,
        system=system,
        access=access,
        dataset=about.dataset if about else None,
        number=about.number if about else None,
        proposal=about.digest if about else None,
        digest=Digest.of(content),
        made_ms=clock(),
        nonce=secrets.token_urlsafe(16),
    )
    signed = SignedReviewStatement(statement=statement, signature=await sign(statement))
    filed = await _place(ledger, view, signed, to)
    return await hand_content(ledger, filed, content, view=view)


async def hand_content(
    ledger: ReviewLedger, request: ReviewRequest, content: bytes, *, view: RoundView | None = None
) -> ReviewRequest:
    """Hand the content of a request to the super node that has it; a request that was taken stays as it is.

    Raises
    ------
    RoundOutOfTurn
        The round has ended, or the super node has no key of it.
    ContractError, GatewayError
        As a transaction raises them.
    """
    statement = request.signed.statement
    known = view or await ledger.round(statement.root, statement.round)
    sealed = seal_copy(content, _key_of(known, request.holder), request=statement.id, node=request.holder)
    try:
        await ledger.hand_copy(statement.id, request.holder, sealed)
    except ReviewOutOfTurn:
        # Its user has no authority, and was told so before the content came.
        return (await ledger.review(statement.id)).request
    return request


async def bring_to_master(ledger: ReviewLedger, request: str, content: bytes) -> ReviewRequest:
    """Bring a request to the master of the moment, as its user, past a super node that does not.

    Parameters
    ----------
    ledger : ReviewLedger
        The agent's that filed it.
    request : str
        Id of the request.
    content : bytes
        The content that it was filed with.

    Raises
    ------
    ReviewOutOfTurn
        It was taken, or the master has it.
    RoundOutOfTurn
        The round has ended.
    ContractError, GatewayError
        As a transaction raises them.
    """
    statement = (await ledger.review(request)).request.signed.statement
    view = await ledger.round(statement.root, statement.round)
    master = view.round.master
    sealed = seal_copy(content, _key_of(view, master), request=request, node=master)
    await ledger.hand_copy(request, master, sealed)
    return await ledger.pass_on(request, master)


async def _place(
    ledger: ReviewLedger, view: RoundView, signed: SignedReviewStatement, node: str
) -> ReviewRequest:
    """File a request under a place that is free; others may take one at the same moment."""
    tried: set[int] = set()
    for _ in range(_ATTEMPTS):
        free = set(range(view.round.limits.places)) - {one.place for one in view.requests} - tried
        if not free:
            break
        place = secrets.choice(sorted(free))
        try:
            return await ledger.file(signed, node, place)
        except AlreadyExists:
            return (await ledger.review(signed.statement.id)).request
        except ReviewOutOfTurn:
            tried.add(place)
    raise RoundOutOfTurn(view.round.number, "has no place left")


def _key_of(view: RoundView, node: str) -> bytes:
    for one in view.entries:
        if one.node == node:
            return one.entry.key
    raise RoundOutOfTurn(view.round.number, f"has no key of {node}")


def _info(request: str, node: str) -> bytes:
    return f"gridledger/review-copy {request} {node}".encode()
