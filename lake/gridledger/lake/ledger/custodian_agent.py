"""The custodian's agent: reads every frame of a version that names it, and signs for what it found."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import TypeAlias

from gridledger.client import Checkpoint
from gridledger.crypto.wrapping import RecipientSecret
from gridledger.lake.custody_file import CheckedFrames, check_frames, read_custody
from gridledger.lake.errors import LakeError, NotGranted, PayloadCorrupt
from gridledger.lake.ledger.follower import EventFollower, patiently
from gridledger.lake.ledger.lake_ledger import LakeLedger
from gridledger.lake.ledger.location import open_custody
from gridledger.lake.store import Store
from gridledger.model.council_review import ReviewRequest, ReviewState
from gridledger.model.dataset import DatasetVersion, SignedReceipt, StorageReceipt
from gridledger.model.device import ItemResult
from gridledger.model.errors import ContractError
from gridledger.model.events import Event
from gridledger.model.record import Record

__all__ = ["CustodianAgent", "RecordSigner"]

RecordSigner: TypeAlias = Callable[[Record], Awaitable[bytes]]
"""Signs a record's bytes with the key of an agent's certificate, as `Party.sign` of the exchange does."""


class CustodianAgent(EventFollower):
    """Checks versions that name a custodian, and deposits its receipts.

    Parameters
    ----------
    ledger : LakeLedger
        As the custodian's agent.
    custodian : str
        Its identifier.
    secret : RecipientSecret
        Of the sealing key that it registered.
    sign : RecordSigner
        Signs with its agent's key.
    stores : mapping of str to Store
        By address: only these are read, whatever address an owner names.
    checkpoint : Checkpoint, optional
    on_result, clock : callable, optional
        See `EventFollower`.
    """

    def __init__(
        self,
        ledger: LakeLedger,
        custodian: str,
        secret: RecipientSecret,
        sign: RecordSigner,
        stores: Mapping[str, Store],
        checkpoint: Checkpoint | None = None,
        on_result: Callable[[ItemResult], None] | None = None,
        clock: Callable[[], int] | None = None,
    ) -> None:
        super().__init__(ledger, checkpoint, on_result, clock)
        self._custodian = custodian
        self._secret = secret
        self._sign = sign
        self._stores = stores

    async def handle(self, name: str, payload: bytes) -> tuple[ItemResult, ...]:
        """Check a version that was proposed with this custodian, unless it was stored or proposed anew.

        One that waits for the council is checked again once that has approved it.
        """
        if name == Event.VERSION_PROPOSED:
            proposed = DatasetVersion.from_bytes(payload).statement
            dataset, number, digest = proposed.dataset, proposed.number, proposed.digest
            if proposed.custodian != self._custodian:
                return ()
        elif name == Event.REVIEW_DECIDED:
            request = ReviewRequest.from_bytes(payload)
            about = request.signed.statement
            is_approved = request.state is ReviewState.APPROVED
            if not is_approved or about.dataset is None or about.number is None or about.proposal is None:
                return ()
            dataset, number, digest = about.dataset, about.number, about.proposal
        else:
            return ()
        current = await self._ledger.version(dataset, number)
        statement = current.statement
        if current.is_stored or statement.digest != digest or statement.custodian != self._custodian:
            return ()
        item = f"{dataset} {number}"
        try:
            signed = await patiently(lambda: self.check(current))
            await self._ledger.deposit_receipt(signed)
        except (LakeError, ContractError) as error:
            if error.retriable:
                raise
            return (ItemResult(item=item, code=error.code, message=error.message),)
        return (ItemResult(item=item, identifier=str(statement.root)),)

    async def check(self, version: DatasetVersion) -> SignedReceipt:
        """Read every frame of a version and sign for it.

        Raises
        ------
        NotGranted
            The list of frames is not sealed to this custodian, or lies in a store that it does not keep.
        PayloadCorrupt, PayloadNotFound
            Frames are missing or changed, or are not those of the statement's root.
        LakeUnavailable
            The store does not answer.
        """
        statement = version.statement
        checked = await asyncio.to_thread(self._read, version)
        receipt = StorageReceipt(
            custodian=self._custodian,
            dataset=statement.dataset,
            number=statement.number,
            statement=statement.digest,
            root=checked.root,
            blocks=checked.blocks,
            stored_bytes=checked.stored_bytes,
            checked_ms=self._now_ms(),
        )
        return SignedReceipt(receipt=receipt, signature=await self._sign(receipt))

    def _read(self, version: DatasetVersion) -> CheckedFrames:
        statement = version.statement
        custody = open_custody(statement, self._secret)
        location = custody.location
        store = self._stores.get(location.store)
        if store is None:
            raise NotGranted("the version lies in a store that this custodian does not keep")
        checked = check_frames(store, read_custody(store, location.path, custody.key))
        if (checked.root, checked.blocks) != (statement.root, statement.blocks):
            raise PayloadCorrupt(
                location.path,
                "the frames are not those of the version",
                expected=str(statement.root),
                actual=str(checked.root),
            )
        return checked
