"""The contract `council` as typed calls: rounds, reviews and the deletion of copies."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from typing import Final

import gridledger.model.council_refusals
import gridledger.model.exchange_refusals  # noqa: F401 - refusals come back as classes that are imported
from gridledger.client import ChaincodeEvent, Events
from gridledger.client.typed_calls import TypedCalls
from gridledger.model.argument import decode_argument
from gridledger.model.council import Candidate
from gridledger.model.council_refusals import ReviewOutOfTurn, RoundOutOfTurn
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
from gridledger.model.dataset import DatasetIdentifier, DatasetVersion
from gridledger.model.digest import Digest
from gridledger.model.identifier import SystemIdentifier
from gridledger.model.refusals import NotFound

__all__ = ["ReviewLedger"]

_COPY: Final = "copy"

_BEHIND_S: Final = (0.05, 0.1, 0.2, 0.4, 0.8)
"""How long another organisation's peer is waited for that has not committed yet what the own one has."""


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
    Errors are those of `CouncilLedger`. Sealed copies travel as transient data to the organisation into whose
    private data they go, which endorses such a call alone; whom else a call needs, the gateway finds out.
    """

    contract_name = "council"

    def events(self) -> Events[ChaincodeEvent]:
        """Return what the contracts tell from now on; to be closed, best by ``async with``."""
        return self.network.chaincode_events(self.chaincode)

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

    async def file(self, signed: SignedReviewStatement, node: str, place: int) -> ReviewRequest:
        """File a request with a super node; its content follows by `hand_copy`."""
        return await self._submit(ReviewRequest, "FileRequest", signed, node, place)

    async def pass_on(self, request: str, node: str) -> ReviewRequest:
        """Pass a request on to the master, which was handed its content."""
        return await self._submit(ReviewRequest, "PassRequest", request, node)

    async def take(self, request: str) -> ReviewRequest:
        """Take a request as the master: it is refused, or its review begins."""
        return await self._submit(ReviewRequest, "TakeRequest", request)

    async def hand_copy(
        self, request: str, node: str, sealed: bytes, *, organisation: str | None = None
    ) -> Digest:
        """Hand a sealed copy to a super node of an organisation, asked of the ledger by default.

        Its peer alone executes that, and may be some blocks behind: what it refuses for that reason it is
        asked again, within two seconds.
        """
        endorser = organisation or await self.organisation_of(node)
        for wait_s in _BEHIND_S:
            try:
                return await self._hand(request, node, sealed, endorser)
            except (NotFound, ReviewOutOfTurn, RoundOutOfTurn):
                await asyncio.sleep(wait_s)
        return await self._hand(request, node, sealed, endorser)

    async def _hand(self, request: str, node: str, sealed: bytes, organisation: str) -> Digest:
        result = await self._contract.submit(
            "HandCopy",
            request,
            node,
            transient={_COPY: sealed},
            endorsing_organizations=[organisation],
        )
        return decode_argument(Digest, result)

    async def record_copies(self, request: str, nodes: Iterable[str]) -> tuple[ReviewCopy, ...]:
        """Say on the ledger to whom copies were handed, as the master."""
        return await self._submit(tuple[ReviewCopy, ...], "RecordCopies", request, sorted(nodes))

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

    async def version(self, dataset: DatasetIdentifier, number: int) -> DatasetVersion:
        """Return the version of a dataset that is to be reviewed, from the contract `lake`."""
        lake = self.network.contract(self.chaincode, "lake")
        return decode_argument(DatasetVersion, await lake.evaluate("GetVersion", dataset, number))

    # --- copies

    async def organisation_of(self, node: str) -> str:
        """Return the MSP of a super node."""
        return (await self._ask(Candidate, "GetCandidate", node)).organisation

    async def copy(self, request: str, node: str, *, organisation: str) -> bytes:
        """Return a sealed copy from the peer of its super node's organisation; empty where there is none."""
        return await self._contract.evaluate(
            "ReadCopy", request, node, endorsing_organizations=[organisation]
        )

    async def copy_hash(self, request: str, node: str, *, organisation: str) -> bytes:
        """Return the hash of a sealed copy from an organisation's peer; empty where there is none."""
        return await self._contract.evaluate(
            "ReadCopyHash", request, node, endorsing_organizations=[organisation]
        )

    async def purge(self, root: SystemIdentifier, number: int, node: str) -> Round:
        """Purge a super node's copies of an ended round."""
        organisation = await self.organisation_of(node)
        result = await self._contract.submit(
            "PurgeCopies", root, number, node, endorsing_organizations=[organisation]
        )
        return decode_argument(Round, result)

    async def deposit_receipt(self, signed: SignedDeletionReceipt) -> SignedDeletionReceipt:
        """Deposit a super node's deletion receipt."""
        return await self._submit(SignedDeletionReceipt, "DepositDeletionReceipt", signed)
