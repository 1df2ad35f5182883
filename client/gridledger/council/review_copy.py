"""Copies for review: sealed by HPKE to round keys; a user's request with the first one."""

from __future__ import annotations

import secrets
import time
from collections.abc import Awaitable, Callable, Iterable
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
from gridledger.model.dataset import DatasetIdentifier
from gridledger.model.digest import Digest
from gridledger.model.identifier import SystemIdentifier
from gridledger.model.record import Record
from gridledger.model.refusals import AlreadyExists

__all__ = ["file_request", "now_ms", "open_copy", "seal_copy"]

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
    dataset: DatasetIdentifier | None = None,
    number: int | None = None,
    organisations: Iterable[str],
    clock: Callable[[], int] = now_ms,
) -> ReviewRequest:
    """File a request for review in the newest round, as a system's agent.

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
        The access request that is to be reviewed.
    dataset, number : DatasetIdentifier, int, optional
        The version that is.
    organisations : iterable of str
        Who endorses: that of the super node among them.
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
        As a transaction raises them.
    """
    view = await ledger.round(root, await ledger.newest_round(root))
    to = node or view.round.master
    statement = ReviewStatement(
        root=root,
        round=view.round.number,
        system=system,
        access=access,
        dataset=dataset,
        number=number,
        digest=Digest.of(content),
        made_ms=clock(),
        nonce=secrets.token_urlsafe(16),
    )
    signed = SignedReviewStatement(statement=statement, signature=await sign(statement))
    sealed = seal_copy(content, _key_of(view, to), request=statement.id, node=to)
    tried: set[int] = set()
    for _ in range(_ATTEMPTS):
        free = set(range(view.round.limits.places)) - {one.place for one in view.requests} - tried
        if not free:
            break
        place = secrets.choice(sorted(free))
        try:
            return await ledger.file(signed, to, place, sealed, organisations=list(organisations))
        except AlreadyExists:
            return (await ledger.review(statement.id)).request
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
