"""A proposal to change the consenters, as a file that goes from one organisation's administrator to the next.

It holds the configuration that it starts from, the orderers that come, and signatures. Everything else is
computed from these by whoever reads it, so what an administrator is shown is what is signed. For every
addition the way back is signed, too: who adds an orderer that never syncs must be able to remove it at once.
"""

from __future__ import annotations

import functools
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final, Self

from fabric_protos.common import configtx_pb2
from pydantic import Field

from gridledger.client.signing_identity import SigningIdentity
from gridledger.host.durable_file import write_file
from gridledger.model.digest import Digest
from gridledger.model.errors import ConfigError, ModelError
from gridledger.model.record import ModelValue, value
from gridledger.network.consenter_plan import ConsenterChange, ConsenterStep, plan_consenters
from gridledger.network.errors import ConsenterUnknown, SignaturesMissing
from gridledger.network.ordering.administrator_signature import AdministratorSignature
from gridledger.network.ordering.channel_configuration import ChannelConfiguration
from gridledger.network.ordering.orderer_card import Address, OrdererCard

__all__ = ["ConsenterProposal", "ProposedUpdate"]

_FORM: Final = 1


@dataclass(frozen=True, kw_only=True)
class ProposedUpdate:
    """One configuration update of a proposal."""

    step: ConsenterStep
    update: bytes
    """``common.ConfigUpdate``."""
    back: bytes | None
    """The update that undoes it; None for a removal."""
    before: ChannelConfiguration
    after: ChannelConfiguration


@value
class ConsenterProposal(ModelValue):
    """The way from a channel's consenters to others."""

    form: Annotated[int, Field(ge=_FORM, le=_FORM)] = _FORM
    channel: Annotated[str, Field(pattern=r"^[a-z][a-z0-9.-]{0,248}$")]
    sequence: Annotated[int, Field(ge=0)]
    """Sequence of the configuration that it starts from."""
    configuration: bytes
    """``common.ConfigGroup``: that configuration."""
    wanted: tuple[Address, ...]
    """The consenters in the end, sorted."""
    view: Annotated[int, Field(ge=0)] = 0
    """SmartBFT's view when it was made: who leads it follows from the numbers that consenters get."""
    lost: tuple[Address, ...] = ()
    """Those that did not run when it was made, sorted: they leave first."""
    cards: tuple[OrdererCard, ...]
    """The orderers that come, by address."""
    signatures: tuple[AdministratorSignature, ...] = ()
    """By update and MSP."""

    @classmethod
    def make(
        cls,
        current: ChannelConfiguration,
        wanted: Collection[str],
        cards: Mapping[str, OrdererCard],
        *,
        lost: Collection[str] = (),
        view: int = 0,
    ) -> Self:
        """Make a proposal that nobody has signed.

        Parameters
        ----------
        current : ChannelConfiguration
            What the channel has now.
        wanted : collection of str
            Addresses of the consenters in the end.
        cards : mapping of str to OrdererCard
            By address: at least those that come.
        lost : collection of str, default ()
            Addresses of consenters that do not run.
        view : int, default 0
            SmartBFT's view now (`view_of` the newest block), so that no added one has to lead at once.

        Raises
        ------
        ConsenterUnknown
            If one that comes has no card, or nothing describes its organisation.
        ConsentersStop
            If the channel would stop on the way.
        """
        coming = sorted(set(wanted) - set(current.addresses))
        without = [one for one in coming if one not in cards]
        if without:
            raise ConsenterUnknown(without[0], why="there is no card of it")
        made = cls(
            channel=current.channel,
            sequence=current.sequence,
            configuration=current.to_bytes(),
            wanted=tuple(sorted(set(wanted))),
            view=view,
            lost=tuple(sorted(set(lost) & set(current.addresses))),
            cards=tuple(cards[one] for one in coming),
        )
        made.updates()
        return made

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read a proposal's file.

        Raises
        ------
        ConfigError
            If it cannot be read or is none, or one of its signatures does not hold.
        """
        try:
            read = cls.from_bytes(path.read_bytes())
            read.check_signatures()
        except OSError as error:
            raise ConfigError(
                f"cannot be read: {error.strerror}", key="proposal", source=str(path)
            ) from error
        except ModelError as error:
            raise ConfigError(f"is no proposal: {error}", key="proposal", source=str(path)) from error
        return read

    def save(self, path: Path) -> None:
        """Write the proposal's file, in one step."""
        write_file(path, self.to_bytes())

    def updates(self) -> tuple[ProposedUpdate, ...]:
        """Compute the updates, in their order.

        Raises
        ------
        ModelError
            If the configuration is none.
        ConsenterUnknown
            If an orderer that comes has no card, or nothing describes its organisation.
        ConsentersStop
            If the channel would stop on the way.

        Notes
        -----
        Each update names the versions of what it changes; those of a later one are what the earlier ones
        leave, so all can be signed at once. They are void if anybody else changes the orderers meanwhile.
        """
        return _updates(self.changed(signatures=()))

    def passed(self, current: ChannelConfiguration) -> int | None:
        """Return how many of the updates a channel has behind it; None if it never comes where that is.

        Raises
        ------
        ModelError, ConsenterUnknown, ConsentersStop
            As `updates` does.
        """
        updates = self.updates()
        for number, one in enumerate(updates):
            if current.is_same_ordering(one.before):
                return number
        if updates and not current.is_same_ordering(updates[-1].after):
            return None
        return len(updates)

    async def signed_by(self, administrator: SigningIdentity) -> Self:
        """Return the proposal with an administrator's signatures of all its updates and ways back.

        Raises
        ------
        ConfigError
            If the identity has no signer.
        """
        made = [
            await AdministratorSignature.make(one, administrator)
            for step in self.updates()
            for one in (step.update, step.back)
            if one is not None
        ]
        return self._with_signatures(made)

    def merged(self, other: ConsenterProposal) -> Self:
        """Return the proposal with the signatures of another copy, too.

        Raises
        ------
        ModelError
            If the other is another proposal, or one of its signatures does not hold.
        """
        if self.changed(signatures=()) != other.changed(signatures=()):
            raise ModelError({"": "is another proposal"}, subject="ConsenterProposal")
        other.check_signatures()
        return self._with_signatures(other.signatures)

    def signers(self, update: bytes) -> tuple[str, ...]:
        """Return the MSPs whose administrators signed an update, sorted."""
        wanted = Digest.of(update)
        return tuple(sorted({one.msp_id for one in self.signatures if one.update == wanted}))

    def signed_update(self, update: bytes, deciding: ChannelConfiguration) -> bytes:
        """Return a ``common.ConfigUpdateEnvelope`` of an update with all its signatures.

        Parameters
        ----------
        update : bytes
            One of the updates or ways back.
        deciding : ChannelConfiguration
            The configuration that it changes, whose orderers' organisations decide.

        Raises
        ------
        SignaturesMissing
            If fewer of them have signed than a majority.
        """
        entitled = deciding.orderer_organisations
        signed = [one for one in self.signers(update) if one in entitled]
        if len(signed) < deciding.signatures_wanted:
            missing = [one for one in entitled if one not in signed]
            raise SignaturesMissing(wanted=deciding.signatures_wanted, signed=signed, missing=missing)
        wanted = Digest.of(update)
        signatures = [
            configtx_pb2.ConfigSignature(signature_header=one.header, signature=one.signature)
            for one in self.signatures
            if one.update == wanted
        ]
        envelope = configtx_pb2.ConfigUpdateEnvelope(config_update=update, signatures=signatures)
        return bytes(envelope.SerializeToString(deterministic=True))

    def _with_signatures(self, signatures: Iterable[AdministratorSignature]) -> Self:
        latest = {(one.update.raw, one.msp_id): one for one in [*self.signatures, *signatures]}
        return self.changed(signatures=tuple(latest[key] for key in sorted(latest)))

    def check_signatures(self) -> None:
        """Check that each signature is one of an update, by the certificate that it names.

        Raises
        ------
        ModelError
            If one does not hold. Whether its certificate counts is for the orderers to say.
        """
        updates = {Digest.of(one): one for step in self.updates() for one in (step.update, step.back) if one}
        for one in self.signatures:
            if one.update not in updates or not one.holds(updates[one.update]):
                raise ModelError({"signatures": f"that of {one.msp_id} does not hold"}, subject="proposal")


@functools.lru_cache(maxsize=8)
def _updates(unsigned: ConsenterProposal) -> tuple[ProposedUpdate, ...]:
    at = ChannelConfiguration.from_bytes(unsigned.channel, unsigned.sequence, unsigned.configuration)
    cards = {card.address: card for card in unsigned.cards}
    found = []
    for step in plan_consenters(at.addresses, unsigned.wanted, lost=unsigned.lost):
        is_added = step.change is ConsenterChange.ADD
        if is_added and step.address not in cards:
            raise ConsenterUnknown(step.address, why="there is no card of it")
        after = at.added(cards[step.address], view=unsigned.view) if is_added else at.removed(step.address)
        back = after.update_to(after.removed(step.address)) if is_added else None
        found.append(ProposedUpdate(step=step, update=at.update_to(after), back=back, before=at, after=after))
        at = after
    return tuple(found)
