"""The aggregation system: it checks applications, finds key devices, forwards what a verdict lets through.

Source: CN112508707B, [0056] to [0079], [0087] to [0093], [0104].
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from types import TracebackType
from typing import Self

from gridledger.client.chaincode_events import ChaincodeEvent
from gridledger.client.events import Events
from gridledger.exchange.credit_register import CreditRegister
from gridledger.exchange.enterprise_register import EnterpriseRegister
from gridledger.exchange.errors import VerdictMissing
from gridledger.exchange.handoff import until_seen
from gridledger.exchange.messages import ROOTS_PATH
from gridledger.exchange.party import Party
from gridledger.model.bundle import BundleCommitted
from gridledger.model.catalogue import Publication, PublicationEntry
from gridledger.model.credit import CreditStanding
from gridledger.model.device import DeclaredIdentity, ItemResult
from gridledger.model.errors import GridLedgerError, ServiceError
from gridledger.model.events import Event
from gridledger.model.identifier import SystemIdentifier
from gridledger.model.integrity import SignedRoots
from gridledger.model.resolution import Resolution, SignedRequest, TargetSystem
from gridledger.model.signature import verify_signature
from gridledger.model.states import IdentifierState, Outcome
from gridledger.model.system import LEAST_CREDIT, System, SystemApplication, SystemCheck, SystemProfile
from gridledger.web import RemoteFailure, ServiceUnavailable
from gridledger.web.health import HEALTH_PATH, Health

__all__ = ["AggregationSystem"]

VERDICT_DEADLINE_S = 30.0


class AggregationSystem:
    """The aggregation system of a root; an async context manager, within which it forwards.

    Parameters
    ----------
    party : Party
        Its agent; the opener closes it.
    root : SystemIdentifier
        Its root.
    register : EnterpriseRegister, optional
        Where enterprises are looked up; needed for `check`.
    credit_register : CreditRegister, optional
        Where first credit comes from; the enterprise register by default.
    deadline_s : float, default 30
        Seconds that a verdict's event is waited for.
    """

    def __init__(
        self,
        party: Party,
        root: SystemIdentifier,
        *,
        register: EnterpriseRegister | None = None,
        credit_register: CreditRegister | None = None,
        deadline_s: float = VERDICT_DEADLINE_S,
    ) -> None:
        self.party = party
        self.root = root
        self._register = register
        self._credits = credit_register or register
        self._deadline_s = deadline_s
        self._waiting: dict[str, asyncio.Future[Resolution]] = {}
        self._events: Events[ChaincodeEvent] | None = None
        self._listener: asyncio.Task[None] | None = None

    # --- registration

    async def establish(self, profile: SystemProfile) -> System:
        """Establish it under its root, on a ledger that does not have it yet."""
        return await self.party.ledger.establish(self.root, profile)

    async def check(self, application: str) -> SystemApplication:
        """Check an application and deposit what was found.

        Parameters
        ----------
        application : str
            Its id.

        Notes
        -----
        The server is asked for its health: the reply is signed and bound to the question, so it shows that
        the server holds the key of the applying agent now. A server that does not answer is a finding, not
        an error.
        """
        found = await until_seen(lambda: self.party.ledger.application(application))
        enterprise = found.profile.enterprise
        known = credit = None
        if self._register is not None and self._credits is not None:
            known = await self._register.credit(enterprise)
            credit = await self._credits.credit(enterprise)
        check = SystemCheck(
            enterprise_found=known is not None,
            server_answered=await self._answers(found),
            credit=credit or 0,
        )
        return await self.party.ledger.deposit_check(application, check)

    async def _answers(self, application: SystemApplication) -> bool:
        server = application.profile.server
        if server is None:
            return True
        try:
            await self.party.call(
                server, HEALTH_PATH, None, gives=Health, agent=application.agent, method="GET"
            )
        except ServiceError:
            return False
        return True

    async def review_credit(self, system: SystemIdentifier, *, reason: str = "low credit") -> CreditStanding:
        """Count the ratings of a system, and deregister it if its credit is too low then.

        Parameters
        ----------
        system : SystemIdentifier
        reason : str, default "low credit"
            What the ledger says why.
        """
        ledger = self.party.ledger
        for prefix in (system, *((await ledger.system(system)).former or ())):
            bookmark = ""
            while True:
                page = await ledger.ratings(prefix, bookmark)
                if page.ratings:
                    await ledger.fold_ratings(system, page.ratings)
                bookmark = page.bookmark
                if not bookmark:
                    break
        standing = await ledger.credit(system)
        if standing.credit < LEAST_CREDIT and (await ledger.system(system)).state is IdentifierState.ACTIVE:
            await ledger.deregister_system(system, reason)
        return standing

    # --- catalogue

    async def associate(self, identities: Sequence[DeclaredIdentity]) -> tuple[ItemResult, ...]:
        """Deposit the association catalogues of key devices."""
        return await self.party.ledger.deposit_associations(self.root, identities)

    async def publish(self, entry: PublicationEntry) -> tuple[Publication, ...]:
        """Publish fields of a key device to a data application."""
        return await self.party.ledger.publish_fields(self.root, entry)

    # --- resolution

    async def resolve(self, signed: SignedRequest) -> Resolution:
        """Resolve a request and forward what its verdict lets through.

        Parameters
        ----------
        signed : SignedRequest
            As the data application sent it.

        Returns
        -------
        Resolution
            As the verdict's event brought it; its withheld fields are not to be had.

        Raises
        ------
        ContractError
            The contract refuses the request.
        VerdictMissing
            The event did not come before the deadline; nothing is forwarded.
        ServiceUnavailable
            This system does not listen to events: it was not entered.

        Notes
        -----
        One transaction. What is returned comes from the event and from nowhere else.
        """
        if self._listener is None or self._listener.done():
            raise ServiceUnavailable("the aggregation system does not listen to verdicts")
        decided = await self.party.ledger.decide(signed)
        answers = await asyncio.gather(*(self._ask(signed, target) for target in decided.targets))
        loop = asyncio.get_running_loop()
        forwarded = self._waiting.setdefault(decided.id, loop.create_future())
        try:
            await self.party.ledger.resolve(signed, [one for one in answers if one is not None])
            async with asyncio.timeout(self._deadline_s):
                return await forwarded
        except TimeoutError as error:
            raise VerdictMissing(
                f"no verdict within {self._deadline_s:g} s", resolution=decided.id
            ) from error
        finally:
            self._waiting.pop(decided.id, None)

    async def _ask(self, signed: SignedRequest, target: TargetSystem) -> SignedRoots | None:
        """Ask an owner for its actual roots; None if it gives none that count."""
        if all(check.outcome is Outcome.NOT_DEPOSITED for field in target.fields for check in field.checks):
            return None
        owner = await self.party.system(target.system)
        try:
            reply = await self.party.call(
                target.server, ROOTS_PATH, signed, gives=SignedRoots, agent=owner.agent, bundled=True
            )
            _check_answer(signed, owner, reply.value)
        except GridLedgerError:
            # Not lost: the contract records that the owner did not answer, and withholds its fields.
            return None
        return reply.value

    # --- events

    async def __aenter__(self) -> Self:
        self._events = self.party.network.chaincode_events()
        await self._events.start()
        self._listener = asyncio.create_task(self._listen(self._events), name="verdicts")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._events is not None:
            await self._events.close()
        if self._listener is not None:
            with suppress(GridLedgerError):  # every waiting caller got it
                await self._listener

    async def _listen(self, events: Events[ChaincodeEvent]) -> None:
        """Hand the resolution of each verdict to whoever waits for it."""
        try:
            async for event in events:
                if event.name == Event.VERDICT_DEPOSITED:
                    self._forward(event.payload)
                elif event.name == Event.BUNDLE_COMMITTED:
                    for one in BundleCommitted.from_bytes(event.payload).events:
                        if one.name == Event.VERDICT_DEPOSITED:
                            self._forward(one.payload)
        except GridLedgerError as error:
            for waiting in self._waiting.values():
                if not waiting.done():
                    waiting.set_exception(error)
            raise

    def _forward(self, verdict: bytes) -> None:
        """Hand over a verdict's resolution."""
        resolution = Resolution.from_bytes(verdict)
        waiting = self._waiting.get(resolution.id)
        if waiting is not None and not waiting.done():
            waiting.set_result(resolution)


def _check_answer(signed: SignedRequest, owner: System, answer: SignedRoots) -> None:
    """Refuse what the contract would refuse, so that one owner cannot stop the resolution of the others."""
    roots, names = answer.roots, owner.prefixes
    if (
        roots.request != signed.request.id
        or roots.system != owner.identifier
        or any(root.field.system not in names for root in roots.roots)
    ):
        raise RemoteFailure(f"{owner.identifier} signed roots of something else")
    verify_signature(owner.agent.public_key, roots.to_bytes(), answer.signature)
