"""Sharing between storage nodes: what a holder hands over by a contract, and what an asker takes.

Who shares sets a policy; who wants envelopes of a period asks on the ledger; the contract decides; the holder
says what it hands over, hands it over part by part, and the asker's receipt must say the same.

Source: Zeng et al.: data sharing between storage nodes by a contract.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterable
from typing import Final

from gridledger.edge.edge_ledger import EdgeLedger
from gridledger.edge.envelope_store import EnvelopeStore
from gridledger.edge.errors import EnvelopeRefused
from gridledger.edge.messages import SHARES_PATH, EnvelopeBody, ShareAsked, SharePart
from gridledger.exchange.handoff import until_seen
from gridledger.exchange.party import Party, require_caller
from gridledger.model.digest import Digest
from gridledger.model.edge import StorageNode
from gridledger.model.edge_refusals import ShareOver
from gridledger.model.edge_sharing import Share, ShareContent, ShareRequest
from gridledger.model.identifier import SystemIdentifier
from gridledger.model.refusals import AlreadyExists, NotFound
from gridledger.web import Call

__all__ = ["NodeShares", "content_of"]

_PART_BYTES: Final = 8 << 20
"""Envelopes of a part: half of what callers read of a reply, since they travel as text."""


def content_of(digests: Iterable[Digest]) -> ShareContent:
    """Say which envelopes are meant: their number, and the digest of their digests in ascending order."""
    ordered = sorted(digests)
    return ShareContent(count=len(ordered), digest=Digest.of(b"".join(one.raw for one in ordered)))


class NodeShares:
    """A storage node's side of sharing: as the holder and as the asker.

    Parameters
    ----------
    party : Party
        The node's agent.
    ledger : EdgeLedger
    node : StorageNode
        Its registration.
    store : EnvelopeStore
    """

    def __init__(self, party: Party, ledger: EdgeLedger, node: StorageNode, store: EnvelopeStore) -> None:
        self._party = party
        self._ledger = ledger
        self._node = node
        self._store = store
        self._held: dict[str, list[Digest]] = {}

    async def give(self, call: Call[ShareAsked]) -> SharePart:
        """Return the next envelopes of a share, as its holder; the first part deposits the grant.

        Raises
        ------
        ShareOver
            The contract refused the request, or its time is over.
        NotPermitted
            Another node asks than the one that made the request.
        """
        asked = call.value
        share = await until_seen(lambda: self._ledger.share(asked.share))
        request = share.request
        if request.holder != self._node.id:
            raise ShareOver(asked.share, "is for another storage node")
        asker = await self._ledger.node(request.asker)
        require_caller(call.caller, asker.agent, "the share")
        if share.valid_until_ms is None or share.valid_until_ms <= time.time() * 1000:
            raise ShareOver(asked.share, "was refused or has run out")
        held = self._held.get(asked.share)
        if held is None:
            held = self._held[asked.share] = await self._holding(request.issuer, request.period)
        granted = content_of(held)
        if share.granted is None:
            try:
                await self._ledger.grant_share(asked.share, granted)
            except AlreadyExists:
                share = await self._ledger.share(asked.share)
        if share.granted is not None and share.granted != granted:
            raise EnvelopeRefused("what was granted is not what is here any more: ask for a new share")
        return self._part(held, granted, asked.after)

    async def ask(
        self, holder: StorageNode, issuer: SystemIdentifier, period: int, *, purpose: str, wanted_ms: int
    ) -> Share:
        """Ask another storage node for its envelopes of a period; the decision may be a refusal."""
        return await self._ledger.request_share(
            ShareRequest(
                holder=holder.id,
                asker=self._node.id,
                issuer=issuer,
                period=period,
                purpose=purpose,
                wanted_ms=wanted_ms,
                made_ms=int(time.time() * 1000),
                nonce=secrets.token_urlsafe(16),
            )
        )

    async def take(self, holder: StorageNode, share: str) -> Share:
        """Fetch the envelopes of an admitted share, keep them, and deposit the receipt.

        Raises
        ------
        ShareDiffers
            What came is not what was granted.
        EnvelopeRefused
            An envelope that came stands under no deposit of the period, or they are out of their order.
        """
        request = (await until_seen(lambda: self._ledger.share(share))).request
        deposits: dict[Digest, str] = {}
        came: list[Digest] = []
        after = ""
        while True:
            reply = await self._party.call(
                holder.entry.server,
                SHARES_PATH,
                ShareAsked(share=share, after=after),
                gives=SharePart,
                agent=holder.agent,
            )
            part = {body.digest: body.envelope for body in reply.value.envelopes}
            if not part.keys() <= deposits.keys():
                deposits = await self._deposits_of(request, part)
            came += [self._store.keep(part[digest], deposit=deposits[digest]) for digest in part]
            if reply.value.is_last or not reply.value.envelopes:
                break
            if str(came[-1]) <= after:
                raise EnvelopeRefused("the holder gives envelopes out of their order")
            after = str(came[-1])
        received = content_of(came)

        async def sign() -> Share:
            return await self._ledger.deposit_share_receipt(share, received)

        return await until_seen(sign)

    async def _deposits_of(self, request: ShareRequest, wanted: Iterable[Digest]) -> dict[Digest, str]:
        """Return under which deposit each envelope of a period stands, all wanted ones among them."""

        async def read() -> dict[Digest, str]:
            found = await self._deposits(request.issuer, request.period)
            for digest in wanted:
                if digest not in found:
                    raise NotFound("envelope deposit", str(digest))
            return found

        try:
            return await until_seen(read)
        except NotFound as error:
            raise EnvelopeRefused("an envelope came that stands under no deposit of the period") from error

    async def _deposits(self, issuer: SystemIdentifier, period: int) -> dict[Digest, str]:
        found: dict[Digest, str] = {}
        async for at in self._ledger.deposits(issuer, period):
            deposit = await self._ledger.deposit(at.deposit)
            found[deposit.signed.statement.envelope] = at.deposit
        return found

    async def _holding(self, issuer: SystemIdentifier, period: int) -> list[Digest]:
        return self._store.having(await self._deposits(issuer, period))

    def _part(self, held: list[Digest], granted: ShareContent, after: str) -> SharePart:
        left = [digest for digest in held if str(digest) > after]
        envelopes: list[EnvelopeBody] = []
        size = 0
        for digest in left:
            body = self._store.read(digest)
            size += len(body)
            if envelopes and size > _PART_BYTES:
                break
            envelopes.append(EnvelopeBody(envelope=body))
        return SharePart(granted=granted, envelopes=tuple(envelopes), is_last=len(envelopes) == len(left))
