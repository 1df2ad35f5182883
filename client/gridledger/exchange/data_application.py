"""A data application: it asks on behalf of its users, pays, fetches, checks every row, and signs for it.

    application = DataApplication(party, identifier, resolver)
    result = await application.query(
        user="worker-7", user_role="maintenance-worker", function="maintenance",
        purpose="work order 1", device=scanned, first=Day("2018-09-14"), last=Day("2018-09-16"),
    )

A query is three transactions that wait for each other: resolution with verdict, order with holds, contracts
with settlement. The first is the aggregation system's. Under agreements it is two: the order's transaction
decides and compares as well.

Source: CN112508707B, [0083] to [0086], [0094] to [0099].
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable, Sequence
from typing import Protocol

from gridledger.exchange.agreed_query import AgreedQueries
from gridledger.exchange.agreement_book import AgreementBook
from gridledger.exchange.delivery_reader import read_delivery
from gridledger.exchange.errors import NothingForwarded, RowsUnproven
from gridledger.exchange.fetched import Fetched, QueryResult
from gridledger.exchange.handoff import until_seen
from gridledger.exchange.messages import (
    COUNTERSIGNATURES_PATH,
    DeliveryQuestion,
    OfferedContract,
)
from gridledger.exchange.party import Party
from gridledger.exchange.placing import pay
from gridledger.exchange.purse import Purse
from gridledger.model.catalogue import Selector
from gridledger.model.claim import DeliveryRequest, SignedDeliveryRequest
from gridledger.model.delivery import Delivery
from gridledger.model.errors import GridLedgerError
from gridledger.model.identifier import DeviceIdentifier, SystemIdentifier
from gridledger.model.keys import KeyPrefix
from gridledger.model.notice import HoldsReturned, SettledLine
from gridledger.model.period import Day
from gridledger.model.refusals import NotFound
from gridledger.model.resolution import Request, Resolution, SignedRequest, TargetSystem
from gridledger.model.signature import SignatureInvalid, verify_signature
from gridledger.model.trade import (
    CountersignedContract,
    MoneyKey,
    Order,
    OrderEntry,
    OrderLine,
    TransactionContract,
)
from gridledger.web import ServiceUnavailable, Undelivered

__all__ = ["DataApplication", "Fetched", "QueryResult", "Resolver", "check_delivery"]

DEFAULT_HOLD_S = 900
"""Time that owners have to deliver: well above the margin below which their servers refuse (300 s)."""


class Resolver(Protocol):
    """Takes signed requests: the aggregation system."""

    async def resolve(self, signed: SignedRequest) -> Resolution: ...


class DataApplication:
    """A data application.

    Parameters
    ----------
    party : Party
        Its agent; the opener closes it.
    identifier : SystemIdentifier
        Its system identifier, and its account.
    resolver : Resolver, optional
        Where requests go; needed by `query` and `resolve`.
    clock : callable, default time.time
        Seconds since 1970.
    """

    def __init__(
        self,
        party: Party,
        identifier: SystemIdentifier,
        resolver: Resolver | None = None,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.party = party
        self.identifier = identifier
        self.purse = Purse(party.ledger, identifier)
        self.agreements = AgreementBook(party.ledger, identifier, self._now_ms)
        self._agreed = AgreedQueries(party, self.purse, self.agreements)
        self._resolver = resolver
        self._clock = clock

    async def query(
        self,
        *,
        user: str,
        user_role: str,
        function: str,
        purpose: str,
        device: DeviceIdentifier,
        first: Day,
        last: Day,
        wanted: Sequence[Selector] = (),
        hold_s: int = DEFAULT_HOLD_S,
    ) -> QueryResult:
        """Resolve, order, fetch and settle in one call; see `request` for the parameters.

        Raises
        ------
        ContractError
            The request is refused, or the money does not suffice.
        NothingForwarded
            Every field is withheld.
        VerdictMissing
            The aggregation system forwards nothing.
        """
        signed = await self.request(
            user=user,
            user_role=user_role,
            function=function,
            purpose=purpose,
            device=device,
            first=first,
            last=last,
            wanted=wanted,
        )
        resolution = await self.resolve(signed)
        order = await self.order(resolution, hold_s=hold_s)
        fetched = await self.fetch(resolution, order)
        settled = await self.settle(fetched)
        return QueryResult(resolution=resolution, order=order, fetched=fetched, settled=settled)

    async def query_agreed(
        self, signed: SignedRequest, *, hold_s: int = DEFAULT_HOLD_S, call_key: str | None = None
    ) -> QueryResult:
        """Order, fetch and settle a request under agreements; two transactions that wait for each other.

        Raises
        ------
        NotAgreed, AgreementUsedUp
            No agreement covers some field, or none of its queries is left.
        NothingForwarded
            Every field is withheld; the verdict is deposited.
        ContractError
            The request is refused, or the money does not suffice.
        """
        agreed = await self._agreed.order(signed, hold_s=hold_s, call_key=call_key)
        resolution, order = agreed.resolution, agreed.order
        if order is None:
            raise NothingForwarded("every field of the resolution is withheld", resolution=resolution.id)
        fetched = await self.fetch(resolution, order)
        settled = await self.settle(fetched)
        return QueryResult(resolution=resolution, order=order, fetched=fetched, settled=settled)

    async def request(
        self,
        *,
        user: str,
        user_role: str,
        function: str,
        purpose: str,
        device: DeviceIdentifier,
        first: Day,
        last: Day,
        wanted: Sequence[Selector] = (),
    ) -> SignedRequest:
        """Make and sign a request.

        Parameters
        ----------
        user, user_role : str
            A registered user of this application, and the role in which it asks.
        function : str
            The function whose rule says which fields are needed.
        purpose : str
            What for, for the owners.
        device : DeviceIdentifier
            The scanned device.
        first, last : Day
            Both are counted.
        wanted : sequence of Selector, default ()
            Fields of the rule; by default all that the role may see.
        """
        request = Request(
            application=self.identifier,
            user=user,
            user_role=user_role,
            function=function,
            purpose=purpose,
            device=device,
            wanted=tuple(wanted),
            first=first,
            last=last,
            made_ms=self._now_ms(),
            nonce=secrets.token_urlsafe(16),
        )
        return SignedRequest(request=request, signature=await self.party.sign(request))

    async def resolve(self, signed: SignedRequest) -> Resolution:
        """Have a request resolved.

        Raises
        ------
        ServiceUnavailable
            This application was given no resolver.
        ContractError, VerdictMissing
            See `query`.
        """
        if self._resolver is None:
            raise ServiceUnavailable("the data application was given no resolver")
        return await self._resolver.resolve(signed)

    async def order(
        self, resolution: Resolution, *, hold_s: int = DEFAULT_HOLD_S, call_key: str | None = None
    ) -> Order:
        """Order what a resolution forwards; the committed hold is the successful trade.

        Raises
        ------
        NothingForwarded
            Every field is withheld.
        NotesInsufficient
            The notes do not cover the price.
        """
        amount = sum(target.amount_milliyuan() for target in resolution.targets)
        if not any(target.forwarded() for target in resolution.targets):
            raise NothingForwarded("every field of the resolution is withheld", resolution=resolution.id)
        amount += resolution.fee_milliyuan or 0

        ledger = self.party.ledger

        async def place(notes: tuple[MoneyKey, ...]) -> Order:
            entry = OrderEntry(
                application=self.identifier,
                resolution=resolution.id,
                amount_milliyuan=amount,
                notes=notes,
                hold_ms=hold_s * 1000,
            )
            try:
                return await ledger.place_order(entry, call_key=call_key)
            except NotFound as error:
                if error.kind != KeyPrefix.RESOLUTION:
                    raise
                # This organisation's peer is a block behind the one that told of the resolution.
                await until_seen(lambda: ledger.resolution(resolution.id))
                return await ledger.place_order(entry, call_key=call_key)

        return await pay(self.purse, amount, place, lambda order: order)

    async def fetch(self, resolution: Resolution, order: Order) -> tuple[Fetched, ...]:
        """Fetch all lines of an order at the same time; what fails is told in its line."""
        return tuple(
            await asyncio.gather(*(self._fetch_line(resolution, order, line) for line in order.lines))
        )

    async def settle(
        self, fetched: Sequence[Fetched], *, call_key: str | None = None
    ) -> tuple[SettledLine, ...]:
        """Deposit the contracts of what was fetched; the owners are paid with it."""
        contracts = [one.contract for one in fetched if one.contract is not None]
        if not contracts:
            return ()
        return await self.party.ledger.deposit_contracts(contracts, call_key=call_key)

    async def return_holds(self, order: Order, owners: Sequence[SystemIdentifier]) -> HoldsReturned:
        """Take back the money of owners that did not deliver before the deadline."""
        return await self.party.ledger.return_holds(order.id, owners)

    async def ask_for(
        self, resolution: Resolution, order: Order, owner: SystemIdentifier
    ) -> DeliveryQuestion:
        """Make and sign the question for what an order paid for."""
        request = DeliveryRequest(
            order=order.id,
            resolution=resolution.id,
            application=self.identifier,
            owner=owner,
            asked_ms=self._now_ms(),
            nonce=secrets.token_urlsafe(16),
        )
        return DeliveryQuestion(
            order=order.id,
            context=SignedRequest(request=resolution.request, signature=resolution.signature or b""),
            asked=SignedDeliveryRequest(request=request, signature=await self.party.sign(request)),
        )

    async def _fetch_line(self, resolution: Resolution, order: Order, line: OrderLine) -> Fetched:
        target = resolution.target(line.system)
        if target is None:
            error = Undelivered("the resolution does not name the owner", owner=str(line.system))
            return Fetched(owner=line.system, error=error)
        try:
            owner = await self.party.system(line.system)
            question = await self.ask_for(resolution, order, line.system)
            rows = resolution.intact_rows(line.system)
            delivery, evidence = await read_delivery(self.party, owner, target.server, question, rows=rows)
            check_delivery(delivery, order, target)
            offered = await self._offer(resolution, order, line, delivery)
            countersigned = await self.party.call(
                target.server,
                COUNTERSIGNATURES_PATH,
                offered,
                gives=CountersignedContract,
                agent=owner.agent,
                bundled=True,
            )
            contract = countersigned.value
            if contract.contract != offered.contract:
                raise SignatureInvalid("the owner countersigned another contract")
            verify_signature(owner.agent.public_key, contract.contract.to_bytes(), contract.owner_signature)
        except GridLedgerError as error:
            return Fetched(owner=line.system, error=error)
        return Fetched(
            owner=line.system,
            delivery=delivery,
            contract=CountersignedContract(
                contract=offered.contract,
                application_signature=offered.signature,
                owner_signature=contract.owner_signature,
            ),
            evidence=evidence,
        )

    async def _offer(
        self, resolution: Resolution, order: Order, line: OrderLine, delivery: Delivery
    ) -> OfferedContract:
        contract = TransactionContract(
            order=order.id,
            resolution=resolution.id,
            application=self.identifier,
            owner=line.system,
            fields=line.fields,
            first=resolution.request.first,
            last=resolution.request.last,
            rows=delivery.rows(),
            content=delivery.digest(),
            amount_milliyuan=line.amount_milliyuan,
            concluded_ms=self._now_ms(),
        )
        return OfferedContract(contract=contract, signature=await self.party.sign(contract))

    def _now_ms(self) -> int:
        return int(self._clock() * 1000)


def check_delivery(delivery: Delivery, order: Order, target: TargetSystem) -> None:
    """Check that a delivery is of this order, whole, and that every row proves itself against its deposit.

    Raises
    ------
    RowsUnproven
        Naming the first field and period that does not.
    """
    if (delivery.order, delivery.owner) != (order.id, target.system):
        raise RowsUnproven("the delivery is of another order", order=order.id, owner=str(target.system))
    delivered = {(one.field, one.period, one.supplement): one for one in delivery.periods}
    for field in target.forwarded():
        for check in field.intact():
            for number, part in enumerate(check.parts()):
                name = check.deposited_as or field.field
                period = delivered.pop((name, check.period, number), None)
                if period is None or period.root().part() != part:
                    raise RowsUnproven(
                        f"rows of {field.field} for {check.period} do not lead to the deposited root",
                        field=str(field.field),
                        period=str(check.period),
                        supplement=number,
                    )
    if delivered:
        field_id, period_id, _ = next(iter(delivered))
        raise RowsUnproven(
            f"{field_id} for {period_id} was not ordered", field=str(field_id), period=str(period_id)
        )
