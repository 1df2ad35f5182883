"""A book of agreements: which ones cover a query, and which of their queries are still unused.

Queries that run at the same time must not take the same number, so a book hands each out once.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Final

from gridledger.exchange.ledger import ExchangeLedger
from gridledger.model.agreement import AgreedField, Agreement, AgreementTerms, AgreementUse
from gridledger.model.identifier import DeviceIdentifier, FieldIdentifier, SystemIdentifier
from gridledger.model.resolution import Resolution, TargetSystem
from gridledger.model.trade_refusals import AgreementUsedUp, NotAgreed

__all__ = ["AgreementBook", "propose_terms"]

_NONCE_BYTES: Final = 16


class AgreementBook:
    """The agreements of one data application, as one process uses them.

    Parameters
    ----------
    ledger : ExchangeLedger
    application : SystemIdentifier
    now_ms : callable
        Milliseconds since 1970.
    """

    def __init__(
        self, ledger: ExchangeLedger, application: SystemIdentifier, now_ms: Callable[[], int]
    ) -> None:
        self._ledger = ledger
        self._application = application
        self._now_ms = now_ms
        self._known: dict[str, list[Agreement]] = {}
        self._used: dict[str, set[int]] = {}
        self._next: dict[str, int] = {}
        self._systems: dict[SystemIdentifier, tuple[SystemIdentifier, ...]] = {}
        self._devices: dict[DeviceIdentifier, tuple[DeviceIdentifier, ...]] = {}

    async def cover(self, decided: Resolution) -> dict[SystemIdentifier, Agreement]:
        """Return for each target system an agreement that covers its fields.

        Parameters
        ----------
        decided : Resolution
            What the contract would give.

        Raises
        ------
        NotAgreed
            Naming the fields that no agreement covers.
        """
        function = decided.request.function
        found = self._find(decided, self._known.get(function, []))
        if len(found) < len(decided.targets):
            self._known[function] = await self._list(function)
            found = self._find(decided, self._known[function])
        if len(found) < len(decided.targets):
            await self._learn_names([one for one in decided.targets if one.system not in found])
            found = self._find(decided, self._known[function])
        missing = tuple(
            str(field.field)
            for target in decided.targets
            if target.system not in found
            for field in target.fields
        )
        if missing:
            raise NotAgreed(missing, contract="trade")
        return found

    def agreed(self, agreement: Agreement, field: FieldIdentifier) -> AgreedField | None:
        """Return what was agreed of a field, under this name or one that it had before."""
        names = (field, *(one.field(field.name) for one in self._devices.get(field.device, ())))
        found = (agreement.terms.agreed(name) for name in names)
        return next((one for one in found if one is not None), None)

    async def take(self, agreement: Agreement) -> AgreementUse:
        """Hand out an unused query of an agreement.

        Raises
        ------
        AgreementUsedUp
            There is none left.
        """
        used = self._used.get(agreement.id)
        if used is None:
            used = self._used.setdefault(agreement.id, await self._uses(agreement.id))
        number = self._next.get(agreement.id, 1)
        while number in used:
            number += 1
        if number > agreement.queries:
            raise AgreementUsedUp(agreement.id, number, contract="trade")
        used.add(number)
        self._next[agreement.id] = number + 1
        return AgreementUse(agreement=agreement.id, number=number)

    def give_back(self, use: AgreementUse) -> None:
        """Take a query back that was not made."""
        self._used.get(use.agreement, set()).discard(use.number)
        self._next[use.agreement] = min(use.number, self._next.get(use.agreement, 1))

    def forget(self) -> None:
        """Ask the ledger again from now on: agreements may have been ended, queries used by others."""
        self._known.clear()
        self._used.clear()
        self._next.clear()
        self._devices.clear()
        self._systems.clear()

    def _find(self, decided: Resolution, known: list[Agreement]) -> dict[SystemIdentifier, Agreement]:
        now_ms = self._now_ms()
        found: dict[SystemIdentifier, Agreement] = {}
        for target in decided.targets:
            for agreement in known:
                terms = agreement.terms
                if (
                    terms.owner in (target.system, *self._systems.get(target.system, ()))
                    and agreement.ended_ms is None
                    and terms.valid_from_ms <= now_ms < terms.valid_until_ms
                    and all(self.agreed(agreement, field.field) for field in target.fields)
                ):
                    found[target.system] = agreement
                    break
        return found

    async def _learn_names(self, targets: list[TargetSystem]) -> None:
        """Ask what systems and devices without an agreement were called before: agreements follow moves."""
        for target in targets:
            system = await self._ledger.system(target.system)
            self._systems[target.system] = system.former or ()
            for name in dict.fromkeys(field.field.device for field in target.fields):
                self._devices[name] = (await self._ledger.device(name)).former or ()

    async def _list(self, function: str) -> list[Agreement]:
        found: list[Agreement] = []
        bookmark = ""
        while True:
            page = await self._ledger.agreements(self._application, function, bookmark)
            found.extend(page.agreements)
            bookmark = page.bookmark
            if not bookmark:
                return found

    async def _uses(self, agreement: str) -> set[int]:
        found: set[int] = set()
        bookmark = ""
        while True:
            page = await self._ledger.agreement_uses(agreement, bookmark)
            found.update(page.numbers)
            bookmark = page.bookmark
            if not bookmark:
                return found


async def propose_terms(
    ledger: ExchangeLedger,
    application: SystemIdentifier,
    function: str,
    fields: list[FieldIdentifier],
    *,
    valid_from_ms: int,
    valid_until_ms: int,
    limit_queries: int | None = None,
    limit_milliyuan: int | None = None,
    discount_percent: int = 0,
) -> AgreementTerms:
    """Make the terms of an agreement over fields of one owner, at their charging standards.

    Parameters
    ----------
    fields : list of FieldIdentifier
        At least one, all of one owner.
    discount_percent : int, default 0
        Off each price, 0 to 100; what remains is rounded up to the milli-yuan.

    Raises
    ------
    ModelError
        With every problem of the terms.
    NotFound
        A field has no charging standard.
    """
    agreed = []
    for field in fields:
        standard = await ledger.charging_standard(field)
        kept = standard.price_milliyuan * (100 - discount_percent)
        agreed.append(
            AgreedField(field=field, price_milliyuan=-(-kept // 100), standard_version=standard.version)
        )
    return AgreementTerms(
        application=application,
        owner=fields[0].system,
        function=function,
        fields=tuple(agreed),
        valid_from_ms=valid_from_ms,
        valid_until_ms=valid_until_ms,
        limit_queries=limit_queries,
        limit_milliyuan=limit_milliyuan,
        nonce=secrets.token_urlsafe(_NONCE_BYTES),
    )
