"""The aggregation system's agent for associations: catalogues are deposited as devices and fields arrive.

Source: CN112508707B, [0076]: key devices are found when fields are registered.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gridledger.client import Block, BlockTransaction, Checkpoint, InMemoryCheckpoint, ValidationCode
from gridledger.client.transport import Message
from gridledger.exchange.likeness import alike
from gridledger.exchange.party import Party
from gridledger.model.association import AssociationCandidate
from gridledger.model.device import DeclaredIdentity, Device, ItemResult
from gridledger.model.events import Event
from gridledger.model.identifier import SystemIdentifier
from gridledger.model.notice import DevicesChanged, DevicesRegistered, FieldsChanged, FieldsRegistered
from gridledger.model.refusals import AlreadyExists, NotFound
from gridledger.model.states import CandidateState

__all__ = ["AssociationAgent"]

_BATCH = 500
"""Catalogues a transaction; the contract's limit."""

_REGISTERED: Mapping[str, type[DevicesRegistered | FieldsRegistered]] = {
    Event.DEVICES_REGISTERED: DevicesRegistered,
    Event.FIELDS_REGISTERED: FieldsRegistered,
}


class AssociationAgent:
    """Deposits the association catalogues of a root's key devices as events tell of them.

    Parameters
    ----------
    party : Party
        The agent of the root's aggregation system.
    root : SystemIdentifier
    checkpoint : Checkpoint, optional
        Where it stopped before; a new one begins with the channel's first block.

    Notes
    -----
    Depositing a catalogue twice changes nothing, so an event that comes again does no harm.
    """

    def __init__(self, party: Party, root: SystemIdentifier, checkpoint: Checkpoint | None = None) -> None:
        self._party = party
        self._chaincode = party.network.contract().chaincode
        self._root = root
        self._checkpoint = InMemoryCheckpoint() if checkpoint is None else checkpoint

    async def catch_up(self) -> tuple[ItemResult, ...]:
        """Deposit what the blocks so far tell of; return a result per catalogue."""
        height = (await self._party.network.chain_info()).height
        position = self._checkpoint.position
        if position is not None and position.block_number >= height:
            return ()
        results: list[ItemResult] = []
        blocks = self._party.network.block_events(
            start_block=0, stop_block=height - 1, checkpoint=self._checkpoint
        )
        async with blocks:
            async for block in blocks:
                results.extend(await self._handle(block))
                if block.number == height - 1:
                    break
        return tuple(results)

    async def run(self) -> None:
        """Follow the chain until cancelled.

        Raises
        ------
        EventsError
            When the stream ended and could not be opened again.
        ContractError, GatewayError
            When a catalogue could not be deposited.
        """
        blocks = self._party.network.block_events(start_block=0, checkpoint=self._checkpoint)
        async with blocks:
            async for block in blocks:
                await self._handle(block)

    async def propose(self, systems: Sequence[SystemIdentifier]) -> tuple[AssociationCandidate, ...]:
        """Propose what of several systems' devices is alike, and was not proposed before.

        Notes
        -----
        Reads all devices of the systems, page by page.
        """
        devices = [device for system in systems for device in await self._devices(system)]
        proposed: list[AssociationCandidate] = []
        for entry in alike(devices):
            try:
                candidate = await self._party.ledger.propose_association(self._root, self._root, entry)
            except AlreadyExists:
                continue  # somebody has decided it, or will
            proposed.append(candidate)
        return tuple(proposed)

    async def deposit(self, identities: Sequence[DeclaredIdentity]) -> tuple[ItemResult, ...]:
        """Deposit catalogues, as many transactions as they take."""
        results: list[ItemResult] = []
        for start in range(0, len(identities), _BATCH):
            batch = identities[start : start + _BATCH]
            results.extend(await self._party.ledger.deposit_associations(self._root, batch))
        return tuple(results)

    async def _handle(self, block: Block) -> tuple[ItemResult, ...]:
        found: dict[DeclaredIdentity, None] = {}
        for transaction in block.transactions:
            found.update(dict.fromkeys(self._named_in(transaction)))
            found.update(dict.fromkeys(await self._touched_by(transaction)))
        results = await self.deposit(tuple(found))
        await self._checkpoint.record_block(block.number)
        return results

    def _named_in(self, transaction: BlockTransaction) -> tuple[DeclaredIdentity, ...]:
        """Return the common identities whose catalogues a transaction has changed."""
        event = self._event_of(transaction)
        if event is None:
            return ()
        if event.event_name in _REGISTERED:
            notice = _REGISTERED[event.event_name].from_bytes(event.payload)
            return notice.shared if notice.system.parent == self._root else ()
        if event.event_name == Event.ASSOCIATION_DECIDED:
            candidate = AssociationCandidate.from_bytes(event.payload)
            is_one = candidate.state is CandidateState.CONFIRMED and candidate.root == self._root
            return (candidate.identity,) if is_one else ()
        return ()

    async def _touched_by(self, transaction: BlockTransaction) -> tuple[DeclaredIdentity, ...]:
        """Return the identities of key devices that were changed, such as revoked, or whose fields were."""
        event = self._event_of(transaction)
        notice: FieldsChanged | DevicesChanged
        if event is not None and event.event_name == Event.FIELDS_CHANGED:
            notice = FieldsChanged.from_bytes(event.payload)
            devices = dict.fromkeys(field.device for field in notice.fields)
        elif event is not None and event.event_name == Event.DEVICES_CHANGED:
            notice = DevicesChanged.from_bytes(event.payload)
            devices = dict.fromkeys(notice.devices)
        else:
            return ()
        if notice.system.parent != self._root:
            return ()
        identities: dict[DeclaredIdentity, None] = {}
        for device in devices:
            found = await self._party.ledger.device(device)
            identities.update(dict.fromkeys(found.known_as))
        known = [identity for identity in identities if await self._is_associated(identity)]
        return tuple(known)

    async def _is_associated(self, identity: DeclaredIdentity) -> bool:
        try:
            await self._party.ledger.association(self._root, identity)
        except NotFound:
            return False
        return True

    def _event_of(self, transaction: BlockTransaction) -> Message | None:
        """Return the event of a valid transaction of our chaincode."""
        ours = transaction.chaincode == self._chaincode
        return transaction.event if ours and transaction.validation_code is ValidationCode.VALID else None

    async def _devices(self, system: SystemIdentifier) -> list[Device]:
        found: list[Device] = []
        bookmark = ""
        while True:
            page = await self._party.ledger.devices(system, bookmark)
            found.extend(page.devices)
            bookmark = page.bookmark
            if not bookmark:
                return found
