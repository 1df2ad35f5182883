"""Passing sealed envelopes on from a storage node into the lake.

A bundle is the payload of a dataset's version: one line an envelope, in the order of the deposits, each the
canonical JSON of a `passed-envelope/1` record. The lake cuts it on its lines. The contract `edge` keeps which
deposits the version holds; whoever reads the bundle compares every envelope with its deposit's digest.
Envelopes stay sealed to their receivers, beneath the dataset's own seal.

Source: Zeng et al., figure 1: from the edge to the cloud.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from gridledger.edge.edge_ledger import EdgeLedger
from gridledger.edge.envelope_store import EnvelopeStore
from gridledger.edge.errors import EnvelopeUnreadable
from gridledger.model.dataset import DatasetIdentifier
from gridledger.model.digest import Digest
from gridledger.model.edge import MOST_ENVELOPE_BYTES
from gridledger.model.envelope import MAX_PASSED, DepositId, LakePassage, PassageEntry
from gridledger.model.errors import ModelError
from gridledger.model.identifier import SystemIdentifier
from gridledger.model.record import Record, record

__all__ = ["PassedEnvelope", "bundle_period", "check_bundle", "pass_bundle_on", "read_bundle"]


@record("passed-envelope/1")
class PassedEnvelope(Record):
    """An envelope and the deposit that it stands under."""

    deposit: DepositId
    envelope: Annotated[bytes, Field(max_length=MOST_ENVELOPE_BYTES)]


async def bundle_period(
    ledger: EdgeLedger, store: EnvelopeStore, issuer: SystemIdentifier, period: int, *, skip: int = 0
) -> bytes:
    """Write the envelopes of a period that a storage node has, as a payload for the lake.

    Parameters
    ----------
    ledger : EdgeLedger
    store : EnvelopeStore
    issuer : SystemIdentifier
    period : int
    skip : int, default 0
        Deposits that earlier versions hold: the next 500 at most are written.
    """
    lines: list[bytes] = []
    place = 0
    async for at in ledger.deposits(issuer, period):
        place += 1
        if place <= skip:
            continue
        envelope = (await ledger.deposit(at.deposit)).signed.statement.envelope
        if store.has(envelope):
            passed = PassedEnvelope(deposit=at.deposit, envelope=store.read(envelope))
            lines.append(passed.to_bytes() + b"\n")
        if len(lines) == MAX_PASSED:
            break
    return b"".join(lines)


def read_bundle(payload: bytes) -> list[PassedEnvelope]:
    """Read a bundle.

    Raises
    ------
    EnvelopeUnreadable
        It is none.
    """
    try:
        return [PassedEnvelope.from_bytes(line) for line in payload.splitlines()]
    except ModelError as error:
        raise EnvelopeUnreadable(f"the payload is no bundle of envelopes: {error.message}") from error


async def pass_bundle_on(
    ledger: EdgeLedger, dataset: DatasetIdentifier, number: int, payload: bytes
) -> LakePassage:
    """Say on the ledger which envelopes a stored version holds, as the dataset's owner.

    Raises
    ------
    VersionNotStored
        The version has no storage receipt yet.
    """
    deposits = tuple(one.deposit for one in read_bundle(payload))
    return await ledger.pass_on(PassageEntry(dataset=dataset, number=number, deposits=deposits))


async def check_bundle(
    ledger: EdgeLedger, dataset: DatasetIdentifier, number: int, payload: bytes
) -> list[str]:
    """Return the deposits of a version's passage whose envelopes the payload has not, or has changed.

    Parameters
    ----------
    ledger : EdgeLedger
    dataset : DatasetIdentifier
    number : int
    payload : bytes
        As it was read from the lake.
    """
    passage = await ledger.passage(dataset, number)
    found = {one.deposit: Digest.of(one.envelope) for one in read_bundle(payload)}
    return [
        deposit
        for deposit in passage.entry.deposits
        if (await ledger.deposit(deposit)).signed.statement.envelope != found.get(deposit)
    ]
