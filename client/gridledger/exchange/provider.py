"""An owner's server: the only way by which content leaves its database.

It answers whoever the ledger says has a right: actual roots to the aggregation system, rows to a data
application whose hold is committed, countersignatures for what it delivered.

Source: CN112508707B, [0094], [0095], [0104].
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable
from contextlib import AbstractAsyncContextManager, nullcontext, suppress
from typing import Any, Final

from gridledger.exchange.access_log import AccessLog
from gridledger.exchange.business_system import BusinessSystem
from gridledger.exchange.delivery_check import check_contract, check_question
from gridledger.exchange.delivery_page import (
    MAX_BUNDLED_ROWS,
    MAX_WHOLE_ROWS,
    CsvPage,
    DeliveryPage,
    PageQuestion,
    take_rows,
)
from gridledger.exchange.errors import DeliveryTooLong
from gridledger.exchange.group_commit import GroupCommit
from gridledger.exchange.handoff import until_seen
from gridledger.exchange.messages import (
    AGREED_ROOTS_PATH,
    COUNTERSIGNATURES_PATH,
    DELIVERIES_PATH,
    DELIVERY_PAGES_CSV_PATH,
    DELIVERY_PAGES_PATH,
    ROOTS_PATH,
    AgreedQuestion,
    DeliveryQuestion,
    OfferedContract,
)
from gridledger.exchange.owned_rows import OwnedRows, kept_of
from gridledger.exchange.party import require_caller
from gridledger.exchange.vault import KeptDelivery
from gridledger.model.delivery import DeliveredPeriod, Delivery
from gridledger.model.errors import CryptoError
from gridledger.model.exchange_refusals import NoHold, SignatureRefused
from gridledger.model.identifier import FieldIdentifier
from gridledger.model.integrity import ActualRoots, SignedRoots
from gridledger.model.paid_line import PaidLine
from gridledger.model.resolution import Resolution, SignedRequest
from gridledger.model.signature import verify_signature
from gridledger.model.states import Outcome
from gridledger.model.trade import CountersignedContract
from gridledger.web import Call, Limits, NotPaid, NotPermitted, RequestMalformed, Service
from gridledger.web.access import log_access
from gridledger.web.replay import ReplayStore

__all__ = ["Provider"]

Clock = Callable[[], float]

_DELIVERED: Final = 1_000
"""Deliveries that wait for their contract; of others the ledger is asked again."""


async def _work() -> None:
    """Find nothing wrong."""


class Provider:
    """The routes of an owner's server.

    Parameters
    ----------
    owner : BusinessSystem
        Whose data it serves; the opener closes it.
    clock : callable, default time.time
        Seconds since 1970.
    log : AccessLog, optional
        Where each request leaves a line before it is answered; the opener closes it.
    """

    def __init__(
        self, owner: BusinessSystem, *, clock: Clock = time.time, log: AccessLog | None = None
    ) -> None:
        self._owner = owner
        self._log = log
        self._ledger = owner.party.ledger
        self._clock = clock
        self._rows = OwnedRows(owner, clock=clock)
        self._deliveries = GroupCommit(self._rows.keep)
        self._receipts = GroupCommit(owner.receivables.keep_receipts)
        self._delivered: dict[str, tuple[PaidLine, KeptDelivery]] = {}

    def service(
        self,
        replay: ReplayStore,
        *,
        limits: Limits | None = None,
        lifespan: Callable[[], AbstractAsyncContextManager[Any]] = nullcontext,
        check: Callable[[], Awaitable[None]] | None = None,
    ) -> Service:
        """Build the service.

        Parameters
        ----------
        replay : ReplayStore
            Where the nonces of requests are kept; a file, so that a restart forgets none.
        limits : Limits, optional
        lifespan, check : callable, optional
            See `Service`.
        """
        party = self._owner.party
        service = Service(
            self._owner.settings.name,
            signer=party.signer,
            authorities=party.authorities,
            replay=replay,
            limits=limits,
            lifespan=lifespan,
            check=check or _work,
            on_access=log_access if self._log is None else self._log.write,
        )
        service.post(ROOTS_PATH, takes=SignedRequest, gives=SignedRoots, bundled=True)(self.sign_roots)
        service.post(AGREED_ROOTS_PATH, takes=AgreedQuestion, gives=SignedRoots, bundled=True)(
            self.sign_agreed_roots
        )
        service.post(DELIVERIES_PATH, takes=DeliveryQuestion, gives=Delivery, bundled=True)(self.deliver)
        service.post(DELIVERY_PAGES_PATH, takes=PageQuestion, gives=DeliveryPage)(self.deliver_page)
        service.post(DELIVERY_PAGES_CSV_PATH, takes=PageQuestion, gives=CsvPage)(self.deliver_csv)
        service.post(
            COUNTERSIGNATURES_PATH, takes=OfferedContract, gives=CountersignedContract, bundled=True
        )(self.countersign)
        return service

    async def sign_roots(self, call: Call[SignedRequest]) -> SignedRoots:
        """Sign the actual roots of a request's fields and periods, as the database has them at this moment.

        The ledger says which these are: the aggregation system is not believed.

        Raises
        ------
        NotPermitted
            The caller is not the aggregation system of this owner's root.
        ContractError
            The ledger refuses the request.
        NoHold
            This owner is no target of it.
        """
        root = await self._owner.party.system(self._owner.settings.root)
        require_caller(call.caller, root.agent, "asking for actual roots")
        return await self._actual_roots(call, call.value, await self._ledger.decide(call.value))

    async def sign_agreed_roots(self, call: Call[AgreedQuestion]) -> SignedRoots:
        """Sign the actual roots for a query under an agreement with this owner.

        Raises
        ------
        NotPermitted
            The caller is not the data application that asks, or the agreement is not between both.
        ContractError
            The ledger refuses the request, or has no such agreement.
        """
        # Both are asked at once, and so travel together.
        _, decided = await asyncio.gather(self._check_agreement(call), self._ledger.decide(call.value.signed))
        return await self._actual_roots(call, call.value.signed, decided)

    async def _check_agreement(self, call: Call[AgreedQuestion]) -> None:
        """Refuse a caller that is not the data application of an agreement with this owner."""
        request = call.value.signed.request
        application, agreement, identifier = await asyncio.gather(
            self._owner.party.system(request.application),
            until_seen(lambda: self._ledger.agreement(call.value.agreement)),
            self._owner.identifier(),
        )
        require_caller(call.caller, application.agent, "asking for actual roots")
        terms = agreement.terms
        if (terms.application, terms.owner) != (request.application, identifier) and not (
            terms.application == request.application and terms.owner in await self._owner.renamed()
        ):
            raise NotPermitted("the agreement is of other parties", agreement=agreement.id)
        if agreement.ended_ms is not None or self._now_ms() >= terms.valid_until_ms:
            raise NotPermitted("the agreement is over", agreement=agreement.id)

    async def _actual_roots(self, call: Call[Any], signed: SignedRequest, decided: Resolution) -> SignedRoots:
        self._note(call, resolution=signed.request.id)
        identifier = await self._owner.identifier()
        target = decided.target(identifier)
        if target is None:
            named = [decided.target(prefix) for prefix in await self._owner.renamed()]
            target = next((one for one in named if one is not None), None)
        wanted = [
            (field.field, check)
            for field in (target.fields if target else ())
            for check in field.checks
            if check.outcome is not Outcome.NOT_DEPOSITED
        ]
        actual = await self._rows.roots(wanted)
        self._note(call, resolution=signed.request.id, fields=[field for field, _ in wanted])
        roots = ActualRoots(
            request=signed.request.id,
            system=identifier if target is None else target.system,
            roots=actual,
            computed_ms=self._now_ms(),
        )
        return SignedRoots(roots=roots, signature=await self._owner.party.sign(roots))

    async def deliver(self, call: Call[DeliveryQuestion]) -> Delivery:
        """Deliver what an order's committed hold pays for, with salts.

        Raises
        ------
        NotPaid
            No hold waits for this owner, or it ends too soon.
        NotPermitted
            The caller is not the data application that ordered.
        SignatureRefused, ContractDiffers
            What it signed is not a request for this delivery, or the context is not what was resolved.
        Undelivered
            The rows are no longer those that the resolution was made on.
        DeliveryTooLong
            It has more than 50,000 rows, or 1,000 in a bundle; see `deliver_page`.
        """
        line = await self._payable_line(call, call.value)
        rows = sum(check.deposited_rows() for field in line.target.forwarded() for check in field.intact())
        limit = MAX_BUNDLED_ROWS if call.is_bundled else MAX_WHOLE_ROWS
        if rows > limit:
            raise DeliveryTooLong("the delivery is read in pages", rows=rows, limit=limit)
        delivery, receivable = await self._rows.delivery(call.value.asked, line)
        await self._deliveries.keep(receivable)
        self._delivered[line.order.id] = line, kept_of(receivable)
        if len(self._delivered) > _DELIVERED:
            del self._delivered[next(iter(self._delivered))]
        self._note_line(call, line, rows)
        return delivery

    async def deliver_page(self, call: Call[PageQuestion]) -> DeliveryPage:
        """Deliver a page of what an order's committed hold pays for; see `deliver` for the errors."""
        question = call.value
        line = await self._payable_line(call, question.question)
        if await asyncio.to_thread(self._owner.vault.delivery, line.order.id) is None:
            # What is signed for is the whole.
            _, receivable = await self._rows.delivery(question.question.asked, line)
            await self._deliveries.keep(receivable)
        left, after = question.rows, question.after
        wanted = [
            (field.field, check)
            for field in line.target.forwarded()
            for check in field.intact()
            if question.holds(check.period)
        ]
        names = [(check.deposited_as or field, check.period) for field, check in wanted]
        if after is not None:
            if (after.field, after.period) not in names:
                raise RequestMalformed("the cursor is not of this delivery")
            wanted = wanted[names.index((after.field, after.period)) :]
        periods: list[DeliveredPeriod] = []
        is_last = True
        for field, check in wanted:
            if not left:
                is_last = False
                break
            deposited = await self._rows.deposited(field, check)
            found, over = take_rows(deposited, after, left)
            periods.extend(found)
            left -= sum(len(one.rows) for one in found)
            if over:
                is_last = False
                break
        page = DeliveryPage(
            order=line.order.id, owner=line.target.system, periods=tuple(periods), is_last=is_last
        )
        self._note_line(call, line, question.rows - left, [one.field for one in periods])
        return page

    async def deliver_csv(self, call: Call[PageQuestion]) -> CsvPage:
        """Deliver a page as CSV; see `deliver_page`."""
        return CsvPage((await self.deliver_page(call)).periods)

    async def _payable_line(self, call: Call[Any], question: DeliveryQuestion) -> PaidLine:
        """Return the line that the caller may have delivered now."""
        self._note(call, order=question.order)
        line = await self._paid_line(question.order)
        require_caller(call.caller, line.agent, "this delivery")
        check_question(question, line)
        self._note_line(call, line, 0)
        left_ms = line.hold.deadline_ms - self._now_ms()
        if left_ms < self._owner.settings.server.margin_s * 1000:
            raise NotPaid("the hold ends too soon to deliver on it", left_ms=left_ms)
        return line

    async def countersign(self, call: Call[OfferedContract]) -> CountersignedContract:
        """Countersign a transaction contract that says what was delivered.

        Raises
        ------
        NotPaid
            No hold waits for this owner.
        NotPermitted
            The caller is not the data application that ordered.
        SignatureRefused, ContractDiffers
            Its signature does not hold, or the contract says something else.
        """
        contract = call.value.contract
        self._note(
            call,
            order=contract.order,
            resolution=contract.resolution,
            fields=contract.fields,
            rows=contract.rows,
        )
        line, kept = self._just_delivered(contract.order) or await self._earlier_delivery(contract.order)
        require_caller(call.caller, line.agent, "this contract")
        try:
            verify_signature(line.agent.public_key, contract.to_bytes(), call.value.signature)
        except CryptoError as error:
            raise SignatureRefused("transaction contract", str(contract.application)) from error
        check_contract(contract, line, kept)
        countersigned = CountersignedContract(
            contract=contract,
            application_signature=call.value.signature,
            owner_signature=await self._owner.party.sign(contract),
        )
        await self._receipts.keep(countersigned)
        return countersigned

    def _just_delivered(self, order: str) -> tuple[PaidLine, KeptDelivery] | None:
        """Return a delivery that was not countersigned yet, if its hold stands by its deadline.

        The ledger was asked at the delivery, and before the deadline a hold ends by its owner's own
        countersignature only: one more for the same delivery pays nothing twice.
        """
        found = self._delivered.pop(order, None)
        return found if found is not None and self._now_ms() < found[0].hold.deadline_ms else None

    async def _earlier_delivery(self, order: str) -> tuple[PaidLine, KeptDelivery | None]:
        return await self._paid_line(order), await asyncio.to_thread(self._owner.vault.delivery, order)

    async def _paid_line(self, order: str) -> PaidLine:
        owner = await self._owner.identifier()
        try:
            return await until_seen(lambda: self._ledger.paid_line(order, owner))
        except NoHold as error:
            for prefix in await self._owner.renamed():
                with suppress(NoHold):
                    return await self._ledger.paid_line(order, prefix)
            raise NotPaid("no committed hold waits for this owner", order=order) from error

    def _note_line(
        self, call: Call[Any], line: PaidLine, rows: int, fields: Iterable[FieldIdentifier] | None = None
    ) -> None:
        forwarded = [field.field for field in line.target.forwarded()] if fields is None else fields
        self._note(call, order=line.order.id, resolution=line.order.resolution, fields=forwarded, rows=rows)

    def _note(
        self,
        call: Call[Any],
        *,
        order: str = "",
        resolution: str = "",
        fields: Iterable[FieldIdentifier] = (),
        rows: int = 0,
    ) -> None:
        if self._log is not None:
            self._log.note(
                call.request_id,
                caller=call.caller.subject,
                order=order,
                resolution=resolution,
                fields=fields,
                rows=rows,
            )

    def _now_ms(self) -> int:
        return int(self._clock() * 1000)
