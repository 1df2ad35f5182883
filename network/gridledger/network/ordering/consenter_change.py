"""Carries out a proposal: one configuration update after the other, each only where the channel goes on.

Every step reads the channel's configuration anew and does what is still to be done, so a change that was cut
off at any moment goes on where the channel stands.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from gridledger.client.block import Block
from gridledger.client.channel_trust import quorum_of
from gridledger.network.consenter_plan import ConsenterChange
from gridledger.network.errors import (
    ConsenterAway,
    ConsenterNotSynced,
    ConsentersMoved,
    ConsentersStop,
    OrdererCallError,
    UpdateRefused,
)
from gridledger.network.ordering.change_report import ChangeEvent, StepReport
from gridledger.network.ordering.channel_configuration import ChannelConfiguration, signers_of
from gridledger.network.ordering.consenter_journal import ChangeState, ConsenterJournal
from gridledger.network.ordering.consenter_proposal import ConsenterProposal, ProposedUpdate
from gridledger.network.ordering.orderer_card import OrdererCard
from gridledger.network.ordering.ordering_channel import OrderingChannel

__all__ = ["ConsenterRunner", "OrdererKeeper"]

_LAG_BLOCKS: Final = 20
"""So far a consenter may be behind and count as running: all are asked while blocks come."""

_PATIENCE_SECONDS: Final = 10.0
"""So long an orderer that took an update is waited for before another is asked: leaders change meanwhile."""

_BACK_SECONDS: Final = 180.0
"""So long at least the way back is tried: until it is gone all others have to sign."""

_NOTICE_SECONDS: Final = 0.7
"""So long an added one may take to notice: one that finds nothing new asks only every ten seconds."""

_RECENT_BLOCKS: Final = 12
"""A block carries a quorum of signatures: who never is among the first in so many is not with the others."""

_IDLE_SECONDS: Final = 1.0

_LAST_BLOCK_SECONDS: Final = 5.0
"""So long a removed consenter may take to write the block that removes it."""


class OrdererKeeper(Protocol):
    """Looks after the orderers that are within reach; the others' operators do it for theirs."""

    async def prepare(self, card: OrdererCard, configuration: ChannelConfiguration) -> None:
        """Start an orderer that is to be added, and let it follow the channel."""
        ...

    async def hasten(self, address: str) -> None:
        """Make an orderer that was added, and has not noticed or does not run, look at once."""
        ...

    async def release(self, address: str) -> None:
        """Let an orderer that was removed know of it."""
        ...


@dataclass(frozen=True, kw_only=True)
class ConsenterRunner:
    """Carries out changes of a channel's consenters.

    Parameters
    ----------
    channel : OrderingChannel
        The channel.
    keeper : OrdererKeeper
        Starts and restarts orderers that are within reach.
    journal : Path
        File of the journal.
    order_seconds : float, default 60
        How long an update may take to be ordered.
    sync_seconds : float, default 120
        How long an added consenter may take until it is up to the others; then it is removed again.
    quorum_seconds : float, default 15
        How long to wait for enough running consenters, and for one that is to be added, before a step is
        refused.
    settle_seconds : float, default 8
        How long to wait before a step until enough consenters sign blocks; then it is made all the same.
    poll_seconds : float, default 0.1
        Pause between looks.
    """

    channel: OrderingChannel
    keeper: OrdererKeeper
    journal: Path
    order_seconds: float = 60.0
    sync_seconds: float = 120.0
    quorum_seconds: float = 15.0
    settle_seconds: float = 8.0
    poll_seconds: float = 0.1

    async def run(
        self, proposal: ConsenterProposal, say: Callable[[StepReport], None] = lambda _: None
    ) -> ConsenterJournal:
        """Carry out a proposal, from where the channel stands.

        Parameters
        ----------
        proposal : ConsenterProposal
            With its signatures.
        say : callable, optional
            Is told each event.

        Returns
        -------
        ConsenterJournal
            Of state DONE.

        Raises
        ------
        SignaturesMissing
            If a step lacks signatures; nothing was done.
        ConsentersMoved
            If the channel's orderers are none that the proposal passes through.
        ConsenterAway
            If nothing listens where an orderer is that is to be added; it was not added, what was done
            before it stays, and the same call goes on.
        ConsentersStop
            If fewer consenters run than would have to sign before or after a step; what was done stays, and
            the same call goes on.
        UpdateRefused
            If no orderer takes an update, or it is not ordered in time.
        ConsenterNotSynced
            If an added consenter does not sync; it was removed again, what was done before it stays.
        """
        known = await self._known(proposal)
        updates = known.proposal.updates()
        for one in updates[known.finished :]:
            for update, deciding in ((one.update, one.before), (one.back, one.after)):
                if update is not None:
                    known.proposal.signed_update(update, deciding)
        known.save(self.journal)
        for number, one in enumerate(updates):
            if number < known.finished:
                continue
            begun = time.monotonic()

            def tell(
                event: ChangeEvent, number: int = number, one: ProposedUpdate = one, begun: float = begun
            ) -> None:
                step = one.step
                say(
                    StepReport(
                        event=event,
                        number=number + 1,
                        steps=len(updates),
                        change=step.change,
                        address=step.address,
                        quorum=step.quorum,
                        seconds=time.monotonic() - begun,
                    )
                )

            known = await self._take(known, one, tell)
            tell(ChangeEvent.FINISHED)
        current = await self.channel.configuration()
        if current.addresses != known.proposal.wanted:
            raise ConsentersMoved("it was changed since", consenters=current.addresses)
        known = known.changed(state=ChangeState.DONE)
        known.save(self.journal)
        return known

    async def _known(self, proposal: ConsenterProposal) -> ConsenterJournal:
        """Return the journal of this proposal: that of a change that was cut off, or a new one.

        A new one takes the place of any other change: it begins where the channel stands, and who was added
        and has not synced counts for nobody.
        """
        known = ConsenterJournal.load(self.journal)
        if known is not None and known.proposal.changed(signatures=()) == proposal.changed(signatures=()):
            if known.state is ChangeState.DONE:
                return known
            if known.state is ChangeState.UNDER_WAY:
                return known.changed(proposal=known.proposal.merged(proposal))
        current = await self.channel.configuration()
        passed = proposal.passed(current)
        if passed is None:
            raise ConsentersMoved("its orderers were changed", consenters=current.addresses)
        # The last update that was ordered is looked after anew: nobody knows whether somebody did.
        return ConsenterJournal(proposal=proposal, finished=max(0, passed - 1))

    async def _take(
        self, known: ConsenterJournal, one: ProposedUpdate, tell: Callable[[ChangeEvent], None]
    ) -> ConsenterJournal:
        current = await self.channel.configuration()
        if known.rolled_back == one.step.address:
            await self._roll_back(known, one)
        is_added = one.step.change is ConsenterChange.ADD
        if current.addresses == one.before.addresses:
            if not current.is_same_ordering(one.before):
                raise ConsentersMoved("its orderers were changed", consenters=current.addresses)
            if is_added:
                card = next(card for card in known.proposal.cards if card.address == one.step.address)
                await self.keeper.prepare(card, current)
                await self._require_answer(one)
            await self._require_quorum(current, one)
            await self._wait_taking_part(current, one)
            signed = known.proposal.signed_update(one.update, one.before)
            await self._order(signed, one.before, one.after, self.order_seconds)
            tell(ChangeEvent.ORDERED)
        elif current.addresses != one.after.addresses:
            raise ConsentersMoved("it has other consenters", consenters=current.addresses)
        if is_added:
            is_synced, height = await self._wait_synced(one)
            if not is_synced:
                known = known.changed(rolled_back=one.step.address)
                known.save(self.journal)
                tell(ChangeEvent.ROLLED_BACK)
                await self._roll_back(known, one, height)
        else:
            await self._release(one.step.address)
        known = known.changed(finished=known.finished + 1)
        known.save(self.journal)
        return known

    async def _require_quorum(self, current: ChannelConfiguration, one: ProposedUpdate) -> None:
        """Wait until enough consenters run for the step; the added one counts for nothing yet."""
        now, then = quorum_of(len(current.addresses)), one.step.quorum
        deadline = time.monotonic() + self.quorum_seconds
        while True:
            running = await self._running(current)
            staying = running - {one.step.address}
            if len(running) >= now and len(staying) >= then:
                return
            if time.monotonic() >= deadline:
                raise ConsentersStop(
                    f"{len(running)} of {len(current.addresses)} consenters run and {now} have to sign; "
                    f"after the step {len(staying)} would, and {then} would have to",
                    consenters=one.step.consenters,
                    quorum=then,
                )
            await asyncio.sleep(self.poll_seconds)

    async def _require_answer(self, one: ProposedUpdate) -> None:
        """Wait until the one to be added listens: from then on all others have to sign until it can."""
        deadline = time.monotonic() + self.quorum_seconds
        while not await self.channel.answers(one.step.address):
            if time.monotonic() >= deadline:
                raise ConsenterAway(one.step.address, seconds=self.quorum_seconds)
            await asyncio.sleep(self.poll_seconds)

    async def _wait_taking_part(self, current: ChannelConfiguration, one: ProposedUpdate) -> None:
        """Wait a little until as many of those who stay sign blocks as will have to after the step.

        Who has just come in has the last block and still runs after the others for a while. A change then
        would let the channel stand still until it has caught up, or until others lead.
        """
        deadline = time.monotonic() + self.settle_seconds
        numbers = {each.number: each.address for each in current.consenters}
        signers: dict[int, frozenset[int]] = {}
        newest, since = -1, time.monotonic()
        while (now := time.monotonic()) < deadline:
            heads = await self._heads(current.addresses)
            address, block = max(heads.items(), key=lambda each: each[1].number)
            if block.number != newest:
                newest, since = block.number, now
            elif now - since >= _IDLE_SECONDS:
                return  # Nobody runs after anybody where no blocks come.
            first = max(current.block + 1, newest - _RECENT_BLOCKS)
            for number in range(first, newest + 1):
                found = None if number in signers else await self.channel.head(address, number)
                if found is not None:
                    signers[number] = signers_of(found)
            recent = {each for number in signers if number >= first for each in signers[number]}
            staying = heads.keys() - {one.step.address}
            if sum(numbers.get(each) in staying for each in recent) >= self._wanted_signers(one):
                return
            await asyncio.sleep(self.poll_seconds)

    @staticmethod
    def _wanted_signers(one: ProposedUpdate) -> int:
        """Return a quorum and one more, as far as there are so many without the one it is about."""
        staying = set(one.before.addresses) - {one.step.address}
        return min(one.step.quorum + 1, len(staying))

    async def _running(self, current: ChannelConfiguration) -> set[str]:
        heads = await self._heads(current.addresses)
        highest = max((block.number for block in heads.values()), default=0)
        return {address for address, block in heads.items() if highest - block.number <= _LAG_BLOCKS}

    async def _heads(self, addresses: tuple[str, ...]) -> dict[str, Block]:
        found = await asyncio.gather(*(self.channel.head(address) for address in addresses))
        return {address: block for address, block in zip(addresses, found, strict=True) if block is not None}

    async def _order(
        self, signed: bytes, before: ChannelConfiguration, after: ChannelConfiguration, seconds: float
    ) -> None:
        """Have an update ordered: by the leader first, since each orderer makes a request of its own."""
        deadline = time.monotonic() + seconds
        reasons: dict[str, str] = {}
        refused: set[str] = set()
        attempt = 0
        while True:
            heads = await self._heads(before.addresses)
            newest = max(heads.values(), key=lambda block: block.number, default=None)
            leader = before.leader(newest) if newest is not None else None
            asked = sorted(heads.keys() - refused, key=lambda one: (one != leader, one))
            if heads and not asked:
                break
            patience = time.monotonic()
            if asked:
                address = asked[attempt % len(asked)]
                attempt += 1
                try:
                    await self.channel.submit(address, signed)
                except OrdererCallError as error:
                    reasons[address] = error.message
                    refused.add(address)
                else:
                    reasons[address] = f"orderer {address}: took it and did not order it in time"
                    patience += _PATIENCE_SECONDS
            while True:
                if (await self.channel.configuration()).addresses == after.addresses:
                    return
                if time.monotonic() >= min(deadline, patience):
                    break
                await asyncio.sleep(self.poll_seconds)
            if time.monotonic() >= deadline:
                break
        raise UpdateRefused(reasons=[*reasons.values()] or ["no orderer answers"])

    async def _wait_synced(self, one: ProposedUpdate) -> tuple[bool, int | None]:
        """Wait until the added one has the others' last block; tell whether it does and how far it came."""
        begun = time.monotonic()
        deadline = begun + self.sync_seconds
        is_hastened = False
        others = tuple(address for address in one.after.addresses if address != one.step.address)
        target: int | None = None
        came: int | None = None
        while True:
            if target is None:
                heads = await self._heads(others)
                target = max((block.number for block in heads.values()), default=None)
            own = await self.channel.head(one.step.address)
            came = came if own is None else own.number + 1
            if own is not None and target is not None and own.number >= target:
                for address in others:
                    same = await self.channel.head(address, own.number)
                    if same is not None:
                        return same.header_hash == own.header_hash, came
            now = time.monotonic()
            if now >= deadline:
                return False, came
            if own is None and not is_hastened and now - begun >= _NOTICE_SECONDS:
                is_hastened = True
                await self.keeper.hasten(one.step.address)
            await asyncio.sleep(self.poll_seconds)

    async def _roll_back(
        self, known: ConsenterJournal, one: ProposedUpdate, height: int | None = None
    ) -> None:
        """Remove an added consenter again, and say so."""
        assert one.back is not None  # noqa: S101 - only additions are rolled back
        current = await self.channel.configuration()
        if current.addresses == one.after.addresses:
            signed = known.proposal.signed_update(one.back, one.after)
            await self._order(signed, one.after, one.before, max(self.order_seconds, _BACK_SECONDS))
        await self._release(one.step.address)
        known.changed(state=ChangeState.ROLLED_BACK).save(self.journal)
        raise ConsenterNotSynced(one.step.address, seconds=self.sync_seconds, height=height)

    async def _release(self, address: str) -> None:
        """Let go one that was removed, once it has the block that says so or does not get it."""
        wanted = (await self.channel.configuration()).block
        deadline = time.monotonic() + _LAST_BLOCK_SECONDS
        while time.monotonic() < deadline:
            newest = await self.channel.head(address)
            if newest is None or newest.number >= wanted:
                break
            await asyncio.sleep(self.poll_seconds)
        await self.keeper.release(address)
