"""What an owner's claim must show: that it was asked, and what it says to have delivered."""

from __future__ import annotations

from gridledger.model.claim import ClaimEvidence
from gridledger.model.digest import Digest
from gridledger.model.errors import CryptoError
from gridledger.model.exchange_refusals import ContractDiffers, SignatureRefused
from gridledger.model.resolution import Resolution
from gridledger.model.signature import verify_signature
from gridledger.model.system import System
from gridledger.model.time_mark import MAX_DISTANCE_MS
from gridledger.model.trade import Order

__all__ = ["check_evidence"]


def check_evidence(
    evidence: ClaimEvidence,
    order: Order,
    resolution: Resolution,
    application: System,
    owner: System,
    now_ms: int,
) -> None:
    """Refuse evidence that is not of this order, in its time, or not signed by its parties.

    Raises
    ------
    ContractDiffers
        Naming what does not agree.
    SignatureRefused
        A signature does not hold.
    """
    request, statement = evidence.asked.request, evidence.statement
    earliest, latest = order.placed_ms - MAX_DISTANCE_MS, order.deadline_ms + MAX_DISTANCE_MS
    expected = {
        "the request's order": (request.order, request.resolution) == (order.id, order.resolution),
        "the parties": (request.application, request.owner) == (order.application, owner.identifier),
        "the statement's request": statement.request == Digest.of(request.to_bytes()),
        "the number of rows": statement.rows == resolution.intact_rows(owner.identifier),
        "the time": earliest <= request.asked_ms <= latest
        and earliest <= statement.delivered_ms <= min(latest, now_ms + MAX_DISTANCE_MS),
    }
    differing = [what for what, holds in expected.items() if not holds]
    if differing:
        raise ContractDiffers(f"not as ordered: {', '.join(differing)}")
    for what, record, signature, signer in (
        ("delivery request", request, evidence.asked.signature, application),
        ("delivery statement", statement, evidence.signature, owner),
    ):
        try:
            verify_signature(signer.agent.public_key, record.to_bytes(), signature)
        except CryptoError as error:
            raise SignatureRefused(what, str(signer.identifier)) from error
