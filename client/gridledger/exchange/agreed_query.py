"""A query under agreements: two transactions that wait for each other, order and settlement.

The application itself collects the owners' actual roots; the order's transaction compares them with the
deposits, so altered rows are found before anything is paid.

Source: CN112508707B, [0098], [0099].
"""

from __future__ import annotations

import asyncio
from typing import Final

from gridledger.exchange.agreement_book import AgreementBook
from gridledger.exchange.messages import AGREED_ROOTS_PATH, AgreedQuestion
from gridledger.exchange.party import Party
from gridledger.exchange.placing import pay
from gridledger.exchange.purse import Purse
from gridledger.model.agreement import AgreedOrder, AgreedOrderEntry, Agreement, AgreementUse
from gridledger.model.errors import ContractError, ServiceError
from gridledger.model.exchange_refusals import AmountDiffers
from gridledger.model.fee import FeeKind
from gridledger.model.identifier import SystemIdentifier
from gridledger.model.integrity import SignedRoots
from gridledger.model.refusals import NotFound
from gridledger.model.resolution import Resolution, SignedRequest, TargetSystem
from gridledger.model.states import Outcome
from gridledger.model.trade import MoneyKey
from gridledger.model.trade_refusals import AgreementOver, AgreementUsedUp

__all__ = ["AgreedQueries"]

_ATTEMPTS: Final = 4
"""Numbers that another process used, or a fee that changed: more often in a row is no accident."""


class AgreedQueries:
    """Places orders under agreements for one data application.

    Parameters
    ----------
    party : Party
        The application's agent.
    purse : Purse
    book : AgreementBook
    """

    def __init__(self, party: Party, purse: Purse, book: AgreementBook) -> None:
        self._party = party
        self._purse = purse
        self._book = book
        self._fees: dict[SystemIdentifier, int] = {}

    async def order(self, signed: SignedRequest, *, hold_s: int, call_key: str | None = None) -> AgreedOrder:
        """Collect the owners' actual roots, and order what the contract finds intact.

        Raises
        ------
        NotAgreed
            No agreement covers some field.
        AgreementUsedUp
            There is no query left under one.
        NotesInsufficient
            The notes do not cover the price.
        ContractError
            The request is refused.
        """
        attempts = 0
        decided = await self._party.ledger.decide(signed)
        while True:
            agreements = await self._book.cover(decided)
            uses = [await self._book.take(agreement) for agreement in agreements.values()]
            try:
                agreed = await self._place(signed, decided, agreements, uses, hold_s, call_key)
            except (AgreementUsedUp, AgreementOver, AmountDiffers):
                # Used or ended elsewhere, or the fee has changed: the ledger says how it stands now.
                attempts += 1
                self._book.forget()
                self._fees.clear()
                if attempts == _ATTEMPTS:
                    raise
            except ContractError:
                for use in uses:
                    self._book.give_back(use)
                raise
            else:
                if agreed.order is None:
                    for use in uses:
                        self._book.give_back(use)
                return agreed

    async def _place(
        self,
        signed: SignedRequest,
        decided: Resolution,
        agreements: dict[SystemIdentifier, Agreement],
        uses: list[AgreementUse],
        hold_s: int,
        call_key: str | None,
    ) -> AgreedOrder:
        answers, fee = await asyncio.gather(
            asyncio.gather(
                *(self._ask(signed, target, agreements[target.system]) for target in decided.targets)
            ),
            self._fee(signed.request.application),
        )
        most = fee + sum(
            agreed.price_milliyuan
            for target in decided.targets
            for field in target.fields
            if (agreed := self._book.agreed(agreements[target.system], field.field)) is not None
        )

        async def place(notes: tuple[MoneyKey, ...]) -> AgreedOrder:
            entry = AgreedOrderEntry(
                signed=signed,
                answers=tuple(one for one in answers if one is not None),
                uses=tuple(uses),
                most_milliyuan=most,
                notes=notes,
                hold_ms=hold_s * 1000,
            )
            return await self._party.ledger.place_agreed_order(entry, call_key=call_key)

        return await pay(self._purse, most, place, lambda agreed: agreed.order)

    async def _ask(
        self, signed: SignedRequest, target: TargetSystem, agreement: Agreement
    ) -> SignedRoots | None:
        """Ask an owner for its actual roots; None where it gives none: its fields are then withheld."""
        if all(check.outcome is Outcome.NOT_DEPOSITED for field in target.fields for check in field.checks):
            return None
        owner = await self._party.system(target.system)
        question = AgreedQuestion(signed=signed, agreement=agreement.id)
        try:
            reply = await self._party.call(
                target.server, AGREED_ROOTS_PATH, question, gives=SignedRoots, agent=owner.agent, bundled=True
            )
        except (ServiceError, ContractError):
            # Not lost: the contract records that the owner did not answer, and withholds its fields.
            return None
        return reply.value

    async def _fee(self, application: SystemIdentifier) -> int:
        root = (await self._party.system(application)).root
        if root not in self._fees:
            try:
                schedule = await self._party.ledger.fee_schedule(root)
            except NotFound:
                self._fees[root] = 0
            else:
                self._fees[root] = schedule.rate(FeeKind.AGREED_QUERY)
        return self._fees[root]
