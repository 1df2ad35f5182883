"""The functions of `trade` for agreements.

Source: CN112508707B, [0098], [0099].
"""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

from pydantic import StringConstraints

from gridledger.chaincode.agreeing import check_terms
from gridledger.chaincode.ledger_key import (
    agreement_key,
    agreement_mark_key,
    agreement_uses_of,
    agreements_of,
    system_key,
)
from gridledger.chaincode.permission import require_agent
from gridledger.model.agreement import Agreement, AgreementId, AgreementMark, SignedAgreement
from gridledger.model.errors import CryptoError
from gridledger.model.events import Event
from gridledger.model.exchange_refusals import NotTheAgent, SignatureRefused
from gridledger.model.identifier import SystemIdentifier
from gridledger.model.page import AgreementPage, UsePage
from gridledger.model.refusals import AccessDenied, AlreadyExists
from gridledger.model.roles import Role
from gridledger.model.signature import verify_signature
from gridledger.model.system import System, SystemKind
from gridledger.model.trade_refusals import AgreementOver
from gridledger.shim import Context, Contract, query, transaction

__all__ = ["AgreementTransactions"]

PAGE_SIZE = 100
"""Agreements a page: some 200 KB with ten fields each."""

USES_PAGE_SIZE = 1000

FunctionOrAll = Annotated[str, StringConstraints(pattern=r"^([a-z][a-z0-9\-]{0,31})?$")]


class AgreementTransactions(Contract):
    """Agreements of data applications with owners."""

    @transaction(roles=(Role.BUSINESS_SYSTEM, Role.DATA_APPLICATION))
    async def conclude_agreement(self, ctx: Context, signed: SignedAgreement) -> Agreement:
        """Conclude an agreement that both agents signed; either may call it."""
        terms = signed.terms
        if await ctx.get(agreement_key(terms.id)) is not None:
            raise AlreadyExists("agreement", terms.id)
        application = await ctx.require(system_key(terms.application))
        owner = await ctx.require(system_key(terms.owner))
        _check_kind(application, SystemKind.DATA_APPLICATION)
        _check_kind(owner, SystemKind.BUSINESS_SYSTEM)
        if application.root != owner.root:
            raise AccessDenied(f"{owner.identifier} does not stand below {application.root}")
        _require_one(ctx, application, owner)
        _check_signature(signed, signed.application_signature, application)
        _check_signature(signed, signed.owner_signature or b"", owner)
        await check_terms(ctx, terms)
        agreement = Agreement(
            id=terms.id, signed=signed, queries=terms.queries(), concluded_ms=await ctx.now_ms()
        )
        await ctx.put(agreement_key(agreement.id), agreement)
        for party, other in ((terms.application, terms.owner), (terms.owner, terms.application)):
            mark = AgreementMark(other=other, valid_until_ms=terms.valid_until_ms)
            await ctx.put(agreement_mark_key(party, terms.function, agreement.id), mark)
        ctx.emit(Event.AGREEMENT_CONCLUDED, agreement)
        return agreement

    @transaction(roles=(Role.BUSINESS_SYSTEM, Role.DATA_APPLICATION))
    async def end_agreement(self, ctx: Context, agreement_id: AgreementId) -> Agreement:
        """End an agreement early, as one of its parties; orders that were placed under it stand."""
        agreement = await ctx.require(agreement_key(agreement_id))
        if agreement.ended_ms is not None:
            raise AgreementOver(agreement_id, "was ended before")
        application = await ctx.require(system_key(agreement.terms.application))
        owner = await ctx.require(system_key(agreement.terms.owner))
        party = _require_one(ctx, application, owner)
        ended = replace(agreement, ended_ms=await ctx.now_ms(), ended_by=party.identifier)
        await ctx.put(agreement_key(agreement_id), ended)
        ctx.emit(Event.AGREEMENT_ENDED, ended)
        return ended

    @query(bundled=True)
    async def get_agreement(self, ctx: Context, agreement_id: AgreementId) -> Agreement:
        """Return an agreement."""
        return await ctx.require(agreement_key(agreement_id))

    @query
    async def list_agreements(
        self, ctx: Context, party: SystemIdentifier, function: FunctionOrAll, bookmark: str
    ) -> AgreementPage:
        """Return a page of the agreements of an application or owner, for one function or for all."""
        page = await ctx.page(agreements_of(party, function), size=PAGE_SIZE, bookmark=bookmark)
        found = await ctx.get_many([agreement_key(row.key.parts[-1]) for row in page.rows])
        agreements = tuple(one for one in found if one is not None)
        return AgreementPage(agreements=agreements, bookmark=page.bookmark)

    @query
    async def list_uses(self, ctx: Context, agreement_id: AgreementId, bookmark: str) -> UsePage:
        """Return a page of the numbers of an agreement's queries that were made."""
        page = await ctx.page(agreement_uses_of(agreement_id), size=USES_PAGE_SIZE, bookmark=bookmark)
        numbers = tuple(int(row.key.parts[-1]) for row in page.rows)
        return UsePage(numbers=numbers, bookmark=page.bookmark)


def _check_kind(system: System, kind: SystemKind) -> None:
    if system.profile.kind is not kind:
        raise AccessDenied(f"{system.identifier} is no {kind.value}")


def _require_one(ctx: Context, application: System, owner: System) -> System:
    """Return the party that calls; refuse anybody else."""
    try:
        require_agent(ctx, application)
    except NotTheAgent:
        require_agent(ctx, owner)
        return owner
    return application


def _check_signature(signed: SignedAgreement, signature: bytes, signer: System) -> None:
    try:
        verify_signature(signer.agent.public_key, signed.terms.to_bytes(), signature)
    except CryptoError as error:
        raise SignatureRefused("agreement", str(signer.identifier)) from error
