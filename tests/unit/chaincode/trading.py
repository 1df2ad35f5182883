"""What tests of the contract `trade` share: balances, orders, agreements, claims."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tests.unit.chaincode.scene import PRICES, ROOT, TOTAL, Scene

from gridledger.model.agreement import (
    AgreedField,
    AgreedOrderEntry,
    Agreement,
    AgreementTerms,
    AgreementUse,
    SignedAgreement,
)
from gridledger.model.claim import (
    ClaimEvidence,
    DeliveryRequest,
    DeliveryStatement,
    SignedDeliveryRequest,
)
from gridledger.model.digest import Digest
from gridledger.model.trade import Order

__all__ = ["agree", "agreed_entry", "at", "balance", "claim_evidence", "placed", "terms"]

_YEAR_MS = 365 * 24 * 3600 * 1000


async def balance(scene: Scene, name: str) -> dict[str, list[int]]:
    """Return the amounts of a system's notes and delta rows; `root` is the platform."""
    account = ROOT if name == "root" else scene.systems[name]
    notes = await scene.application.ask("trade:ListNotes", account, "")
    deltas = await scene.application.ask("trade:ListDeltas", account, "")
    return {
        "notes": sorted(one.amount_milliyuan for one in notes.money),
        "deltas": sorted(one.amount_milliyuan for one in deltas.money),
    }


async def at(scene: Scene, time_ms: int) -> None:
    """Let it be another time, by the ledger's mark."""
    scene.peer.time_ms = time_ms
    await scene.agent.submit("ledger:RenewTimeMark")


async def placed(scene: Scene, hold_ms: int = 60_000) -> Order:
    """Resolve and order with a note that just suffices."""
    return await scene.order(await scene.resolve(), await scene.pay_in(TOTAL), hold_ms)


def terms(scene: Scene, owner: str, *, discount: int = 0, only: str = "", **changes: Any) -> AgreementTerms:
    """Make terms for all fields of an owner, or one, at the charging standards less a discount."""
    scene.made += 1
    values: dict[str, Any] = {
        "application": scene.systems["lifecycle"],
        "owner": scene.systems[owner],
        "function": "maintenance",
        "fields": tuple(
            AgreedField(field=field, price_milliyuan=PRICES[field.name] - discount, standard_version=1)
            for field in scene.fields()[owner]
            if field.name == only or not only or owner != "monitoring"
        ),
        "valid_from_ms": scene.peer.time_ms - 1_000,
        "valid_until_ms": scene.peer.time_ms + _YEAR_MS,
        "limit_queries": 1_000,
        "nonce": f"nonce-of-terms-{scene.made:06}",
    }
    return AgreementTerms(**{**values, **changes})


async def agree(scene: Scene, **changes: Any) -> list[Agreement]:
    """Conclude an agreement with each owner; see `terms`."""
    agreements: list[Agreement] = []
    for owner in scene.owners:
        made = terms(scene, owner, **changes)
        signed = SignedAgreement(
            terms=made,
            application_signature=scene.application.sign(made),
            owner_signature=scene.owners[owner].sign(made),
        )
        agreements.append(await scene.owners[owner].submit("trade:ConcludeAgreement", signed))
    return agreements


async def agreed_entry(
    scene: Scene, agreements: list[Agreement], *, altered: str = "", number: int = 1, **changes: Any
) -> AgreedOrderEntry:
    """Make a query under agreements, with a note of the standards' total."""
    signed = changes.pop("signed", None) or scene.request()
    values: dict[str, Any] = {
        "signed": signed,
        "answers": tuple(scene.answer(owner, signed.request, altered) for owner in scene.owners),
        "uses": tuple(AgreementUse(agreement=one.id, number=number) for one in agreements),
        "most_milliyuan": 2 * TOTAL,
        "hold_ms": 60_000,
    }
    entry = AgreedOrderEntry(**{**values, "notes": (), **changes})
    if "notes" not in changes:
        entry = replace(entry, notes=await scene.pay_in(TOTAL))
    return entry


def claim_evidence(
    scene: Scene,
    order: Order,
    owner: str,
    *,
    asked: dict[str, Any] | None = None,
    stated: dict[str, Any] | None = None,
) -> ClaimEvidence:
    """Make both statements about a delivery, with changes before they are signed."""
    contract = scene.contract(order, owner)
    request = DeliveryRequest(
        order=order.id,
        resolution=order.resolution,
        application=order.application,
        owner=scene.systems[owner],
        asked_ms=scene.peer.time_ms,
        nonce="nonce-of-delivery-01",
    )
    request = replace(request, **(asked or {}))
    statement = DeliveryStatement(
        request=Digest.of(request.to_bytes()),
        order=order.id,
        owner=scene.systems[owner],
        content=contract.content,
        rows=contract.rows,
        delivered_ms=scene.peer.time_ms,
    )
    statement = replace(statement, **(stated or {}))
    return ClaimEvidence(
        asked=SignedDeliveryRequest(request=request, signature=scene.application.sign(request)),
        statement=statement,
        signature=scene.owners[owner].sign(statement),
    )
