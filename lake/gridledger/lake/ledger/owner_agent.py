"""The owner's agent: hands over what the contract admits, seals anew what somebody lost the right to."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from functools import partial
from typing import Final

from gridledger.client import Checkpoint
from gridledger.crypto.dataset_key import DatasetKey
from gridledger.crypto.errors import KeyMalformed
from gridledger.crypto.wrapping import RecipientKey
from gridledger.lake.errors import LakeError
from gridledger.lake.ledger.follower import EventFollower, patiently
from gridledger.lake.ledger.lake_ledger import LakeLedger
from gridledger.lake.ledger.location import hand_over
from gridledger.lake.ledger.owned_lake import OwnedLake
from gridledger.lake.paths import custody_path
from gridledger.model.council_review import ReviewRequest, ReviewState
from gridledger.model.dataset import DatasetIdentifier, DatasetVersion
from gridledger.model.device import ItemResult
from gridledger.model.errors import ContractError
from gridledger.model.events import Event
from gridledger.model.identifier import SystemIdentifier
from gridledger.model.lake_page import Access, AccessPage
from gridledger.model.lake_refusals import AccessOver, KeyOutdated, NotReviewed
from gridledger.model.sharing import MAX_GRANTS, AccessDecision, Grant, GrantEntry

__all__ = ["OwnerAgent"]

_RUN_OUT: Final = "has run out"
_EXPIRY_INTERVAL_S: Final = 60.0
"""How often grants are looked through for those that have run out: a right lasts days."""


class OwnerAgent(EventFollower):
    """Acts for the owner of datasets as access is decided and revoked.

    Parameters
    ----------
    ledger : LakeLedger
        As the owner's agent.
    owner : SystemIdentifier
        Whose datasets it answers for.
    owned : OwnedLake
    all_versions : bool, default False
        Whether a revocation seals every version anew, not only the newest.
    checkpoint : Checkpoint, optional
    on_result, clock : callable, optional
        See `EventFollower`.
    """

    def __init__(
        self,
        ledger: LakeLedger,
        owner: SystemIdentifier,
        owned: OwnedLake,
        *,
        all_versions: bool = False,
        checkpoint: Checkpoint | None = None,
        on_result: Callable[[ItemResult], None] | None = None,
        clock: Callable[[], int] | None = None,
    ) -> None:
        super().__init__(ledger, checkpoint, on_result, clock)
        self._owner = owner
        self._owned = owned
        self._all_versions = all_versions

    async def run(self) -> None:
        """Follow the chain until cancelled; look for grants that have run out now and then."""
        tasks = {asyncio.create_task(super().run()), asyncio.create_task(self._expire_for_ever())}
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def handle(self, name: str, payload: bytes) -> tuple[ItemResult, ...]:
        """Grant what was admitted, and reviewed where its policy wants that; seal anew after a revocation;
        clear away what a custodian has read.
        """
        if name == Event.ACCESS_DECIDED:
            return await self._granted_now(AccessDecision.from_bytes(payload))
        if name == Event.REVIEW_DECIDED:
            request = ReviewRequest.from_bytes(payload)
            access = request.signed.statement.access
            if access is not None and request.state is ReviewState.APPROVED:
                return await self._granted_now((await self._ledger.access(access)).decision)
        elif name == Event.ACCESS_REVOKED:
            datasets = {access.decision.request.dataset for access in AccessPage.from_bytes(payload).accesses}
            results: list[ItemResult] = []
            for dataset in sorted(filter(self._is_ours, datasets)):
                results += await self._report(f"seal anew {dataset}", partial(self.reseal, dataset))
            return tuple(results)
        elif name == Event.VERSION_STORED:
            statement = DatasetVersion.from_bytes(payload).statement
            if self._is_ours(statement.dataset):
                await asyncio.to_thread(self._clear, statement.dataset, statement.number)
        return ()

    async def grant(self, dataset: DatasetIdentifier, requests: Sequence[str]) -> tuple[Grant, ...]:
        """Hand key and location over for requests that hold none yet; what was granted stays as it is.

        Requests that were refused or revoked, have run out, or wait for the council, are left out.

        Raises
        ------
        AccessOver, NotReviewed
            All of them were, have, or do.
        PayloadNotFound
            The lake has no such dataset.
        """
        accesses = [await self._ledger.access(request) for request in requests]
        waiting = [one for one in accesses if one.grant is None]
        while True:
            key = await self._key(dataset)
            try:
                return await self._deposit(dataset, key, waiting)
            except KeyOutdated:
                # Somebody lost the right since: the others get the next key.
                await self.reseal(dataset)

    async def revoke(
        self, dataset: DatasetIdentifier, requests: Sequence[str], reason: str
    ) -> tuple[Grant, ...]:
        """Take rights back, and seal the dataset anew at once."""
        revoked = await self._ledger.revoke_access(dataset, requests, reason)
        await self.reseal(dataset)
        return revoked

    async def reseal(self, dataset: DatasetIdentifier) -> tuple[Grant, ...]:
        """Seal a dataset with a key that nobody has who lost the right, and hand it to everybody else.

        Notes
        -----
        May be repeated: a key that is late enough stays, and who has it gets nothing.
        """
        least = (await self._ledger.head(dataset)).least_epoch
        key = await self._key(dataset)
        while key.epoch < least:
            key = await asyncio.to_thread(
                self._owned.lake.rotate, dataset.name, all_versions=self._all_versions
            )
        now_ms = self._now_ms()
        behind = [
            access
            async for access in self._granted(dataset)
            if access.grant is not None
            and access.grant.sealed is not None
            and access.grant.sealed.epoch < key.epoch
            and access.grant.holds(now_ms)
        ]
        return await self._deposit(dataset, key, behind)

    async def expire(self) -> tuple[Grant, ...]:
        """Revoke what has run out, so that its key is out of date; what follows comes by event."""
        revoked: list[Grant] = []
        async for dataset in self._datasets():
            now_ms = self._now_ms()
            over = [
                access.decision.id
                async for access in self._granted(dataset)
                if access.grant is not None and access.grant.valid_until_ms <= now_ms
            ]
            for start in range(0, len(over), MAX_GRANTS):
                batch = over[start : start + MAX_GRANTS]
                try:
                    revoked += await self._ledger.revoke_access(dataset, batch, _RUN_OUT)
                except AccessOver:
                    continue  # The owner revoked one meanwhile: the rest comes with the next look.
        return tuple(revoked)

    async def _deposit(
        self, dataset: DatasetIdentifier, key: DatasetKey, accesses: Sequence[Access]
    ) -> tuple[Grant, ...]:
        folder = self._owned.folder(dataset.name)
        entries: list[GrantEntry] = []
        deposited: list[Grant] = []
        for access in accesses:
            decision = access.decision
            try:
                recipient = RecipientKey(decision.request.recipient)
            except KeyMalformed as error:
                await self._ledger.revoke_access(dataset, (decision.id,), error.message)
                continue
            sealed = hand_over(decision, recipient, key, folder)
            entries.append(GrantEntry(request=decision.id, sealed=sealed))
        for start in range(0, len(entries), MAX_GRANTS):
            deposited += await self._deposit_batch(dataset, entries[start : start + MAX_GRANTS])
        return tuple(deposited)

    async def _granted_now(self, decision: AccessDecision) -> tuple[ItemResult, ...]:
        """Grant an admitted request; one that waits for the council is reported, and granted later."""
        if not self._is_ours(decision.request.dataset) or not decision.is_admitted:
            return ()
        granting = partial(self.grant, decision.request.dataset, (decision.id,))
        return await self._report(f"grant {decision.id}", granting)

    async def _deposit_batch(
        self, dataset: DatasetIdentifier, entries: Sequence[GrantEntry]
    ) -> tuple[Grant, ...]:
        """Deposit grants; those that are over or wait for the council do not stop the others."""
        left = list(entries)
        while True:
            try:
                return await self._ledger.deposit_grants(dataset, left)
            except (AccessOver, NotReviewed) as error:
                refused = error.fields["subject" if isinstance(error, NotReviewed) else "request"]
                rest = [entry for entry in left if entry.request != refused]
                if not rest or len(rest) == len(left):
                    raise
                left = rest

    async def _key(self, dataset: DatasetIdentifier) -> DatasetKey:
        return await patiently(lambda: asyncio.to_thread(self._owned.lake.dataset_key, dataset.name))

    async def _granted(self, dataset: DatasetIdentifier) -> AsyncIterator[Access]:
        bookmark = ""
        while True:
            page = await self._ledger.grants(dataset, bookmark)
            for access in page.accesses:
                yield access
            bookmark = page.bookmark
            if not bookmark:
                return

    async def _datasets(self) -> AsyncIterator[DatasetIdentifier]:
        bookmark = ""
        while True:
            page = await self._ledger.datasets(self._owner, bookmark)
            for dataset in page.datasets:
                yield dataset.entry.identifier
            bookmark = page.bookmark
            if not bookmark:
                return

    async def _expire_for_ever(self) -> None:
        while True:
            await self.expire()
            await asyncio.sleep(_EXPIRY_INTERVAL_S)

    async def _report(
        self, item: str, work: Callable[[], Awaitable[tuple[Grant, ...]]]
    ) -> tuple[ItemResult, ...]:
        """Do something, and say what came of it; a refusal does not stop the agent."""
        try:
            grants = await work()
        except (ContractError, LakeError) as error:
            if error.retriable:
                raise
            return (ItemResult(item=item, code=error.code, message=error.message),)
        return tuple(
            ItemResult(item=item, identifier=f"{grant.application} epoch {grant.sealed.epoch}")
            for grant in grants
            if grant.sealed is not None
        )

    def _clear(self, dataset: DatasetIdentifier, number: int) -> None:
        identifier = self._owned.lake.keys.dataset(dataset.name)
        self._owned.lake.store.delete(custody_path(identifier, number))

    def _is_ours(self, dataset: DatasetIdentifier) -> bool:
        return dataset.system == self._owner
