"""The contract `council` as typed calls: rounds, reviews and the deletion of copies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, TypeVar

import gridledger.model.council_refusals
import gridledger.model.exchange_refusals  # noqa: F401 - refusals come back as classes that are imported
from gridledger.client.typed_calls import TypedCalls
from gridledger.model.argument import Argument, decode_argument
from gridledger.model.council_review import (
    Conduct,
    MisbehaviourKind,
    ReviewCopy,
    ReviewProblem,
    ReviewRequest,
    ReviewResponse,
    ReviewVerdict,
    ReviewView,
    RoundView,
    SignedReviewStatement,
)
from gridledger.model.council_round import (
    EntryOfRound,
    ReviewLimits,
    ReviewRules,
    Round,
    RoundEntry,
    RoundHead,
    SignedDeletionReceipt,
)
from gridledger.model.identifier import SystemIdentifier
from gridledger.model.refusals import NotFound

__all__ = ["ReviewLedger"]

T = TypeVar("T")

_COPY: Final = "copy"


class ReviewLedger(TypedCalls):
    """One identity's calls to the contract `council` about rounds and reviews.

    Parameters
    ----------
    network : Network
        The channel.
    chaincode : str, optional
        The chaincode's name; the connection's by default.

    Notes
    -----
    Errors are those of `CouncilLedger`. Sealed copies travel as transient data: such a call is endorsed by
    the organisations that it is told, among them the one into whose private data the copy goes.
    """

    contract_name = "council"

    # --- rounds

    async def set_rules(self, root: SystemIdentifier, limits: ReviewLimits) -> ReviewRules:
        """Set how a root's council reviews, as its platform administrator."""
        return await self._submit(ReviewRules, "SetReviewRules", root, limits)

    async def rules(self, root: SystemIdentifier) -> ReviewRules:
        """Return how a root's council reviews."""
        return await self._ask(ReviewRules, "GetReviewRules", root)

    async def newest_round(self, root: SystemIdentifier) -> int:
        """Return the number of the newest round; 0 where there is none."""
        try:
            return (await self._ask(RoundHead, "GetNewestRound", root)).number
        except NotFound:
            return 0

    async def round(self, root: SystemIdentifier, number: int) -> RoundView:
        """Return a round with its entries, requests and receipts."""
        return await self._ask(RoundView, "GetRound", root, number)

    async def entries(self, root: SystemIdentifier, number: int) -> tuple[RoundEntry, ...]:
        """Return who of the sitting council has entered a round, begun or not."""
        return await self._ask(tuple[RoundEntry, ...], "ListEntries", root, number)

    async def enter(self, root: SystemIdentifier, number: int, node: str, entry: EntryOfRound) -> RoundEntry:
        """Enter a round as a super node."""
        return await self._submit(RoundEntry, "EnterRound", root, number, node, entry)

    async def begin(self, root: SystemIdentifier, number: int, node: str) -> Round:
        """Begin the next round as a super node."""
        return await self._submit(Round, "BeginRound", root, number, node)

    async def replace_master(self, root: SystemIdentifier, number: int, node: str, request: str) -> Round:
        """Replace a master that has not taken a request in time, as a super node."""
        return await self._submit(Round, "ReplaceMaster", root, number, node, request)

    async def end(self, root: SystemIdentifier, number: int, node: str) -> Round:
        """End a round whose requests are all decided, as a super node."""
        return await self._submit(Round, "EndRound", root, number, node)

    async def close(self, root: SystemIdentifier, number: int, node: str) -> Round:
        """Close an ended round with its receipts, as a super node."""
        return await self._submit(Round, "CloseRound", root, number, node)

    # --- requests

    async def file(
        self,
        signed: SignedReviewStatement,
        node: str,
        place: int,
        sealed: bytes,
        *,
        organisations: Sequence[str],
    ) -> ReviewRequest:
        """File a request with a super node, its content sealed to that one's round key."""
        return await self._hand(ReviewRequest, sealed, organisations, "FileRequest", signed, node, place)

    async def pass_on(
        self, request: str, node: str, sealed: bytes, *, organisations: Sequence[str]
    ) -> ReviewRequest:
        """Pass a request on to the master, sealed anew."""
        return await self._hand(ReviewRequest, sealed, organisations, "PassRequest", request, node)

    async def take(self, request: str) -> ReviewRequest:
        """Take a request as the master: it is refused, or its review begins."""
        return await self._submit(ReviewRequest, "TakeRequest", request)

    async def hand_copy(
        self, request: str, node: str, sealed: bytes, *, organisations: Sequence[str]
    ) -> ReviewCopy:
        """Hand a copy to a super node as the master."""
        return await self._hand(ReviewCopy, sealed, organisations, "HandCopy", request, node)

    async def deposit_verdict(
        self, request: str, node: str, problems: Sequence[ReviewProblem]
    ) -> ReviewVerdict:
        """Deposit a super node's verdict; it approves where there are no problems."""
        return await self._submit(ReviewVerdict, "DepositVerdict", request, node, sorted(set(problems)))

    async def decide(self, request: str, node: str) -> ReviewRequest:
        """Decide a request by its verdicts, as a super node."""
        return await self._submit(ReviewRequest, "DecideRequest", request, node)

    async def answer(self, request: str, node: str, analysis: str) -> ReviewResponse:
        """Answer the master as a super node whose verdict differs from others'."""
        return await self._submit(ReviewResponse, "AnswerReview", request, node, analysis)

    async def name(
        self,
        root: SystemIdentifier,
        number: int,
        node: str,
        kind: MisbehaviourKind,
        reason: str,
        *,
        request: str = "",
    ) -> Conduct:
        """Name what a super node did, as the master."""
        return await self._submit(Conduct, "NameMisbehaviour", root, number, node, kind, request, reason)

    async def conduct(self, root: SystemIdentifier, node: str) -> Conduct:
        """Return what a super node was named for so far."""
        return await self._ask(Conduct, "GetConduct", root, node)

    async def review(self, request: str) -> ReviewView:
        """Return a request with everything that super nodes said about it."""
        return await self._ask(ReviewView, "GetReview", request)

    # --- copies

    async def copy(self, request: str, node: str) -> bytes:
        """Return a sealed copy from the caller's organisation's peer; empty where there is none."""
        return await self._contract.evaluate("ReadCopy", request, node)

    async def copy_hash(self, request: str, node: str, *, organisation: str) -> bytes:
        """Return the hash of a sealed copy from an organisation's peer; empty where there is none."""
        return await self._contract.evaluate(
            "ReadCopyHash", request, node, endorsing_organizations=[organisation]
        )

    async def purge(self, root: SystemIdentifier, number: int, node: str) -> Round:
        """Purge a super node's copies of an ended round."""
        return await self._submit(Round, "PurgeCopies", root, number, node)

    async def deposit_receipt(self, signed: SignedDeletionReceipt) -> SignedDeletionReceipt:
        """Deposit a super node's deletion receipt."""
        return await self._submit(SignedDeletionReceipt, "DepositDeletionReceipt", signed)

    async def _hand(
        self, kind: type[T], sealed: bytes, organisations: Sequence[str], function: str, *arguments: Argument
    ) -> T:
        transient: Mapping[str, Argument] = {_COPY: sealed}
        endorsers = sorted(set(organisations))
        result = await self._contract.submit(
            function, *arguments, transient=transient, endorsing_organizations=endorsers
        )
        return decode_argument(kind, result)
