"""A change of a channel's configuration, as a file that goes from one administrator to the next.

It holds the configuration that it starts from, the one that it leads to, and signatures. The update, what it
touches and who has to sign are computed from these by whoever reads it: what an administrator is shown is
what is signed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final, Self

from fabric_protos.common import configtx_pb2
from google.protobuf.message import DecodeError
from pydantic import Field

from gridledger.client.signing_identity import SigningIdentity
from gridledger.host.durable_file import write_file
from gridledger.model.digest import Digest
from gridledger.model.errors import ConfigError, ModelError
from gridledger.model.record import ModelValue, value
from gridledger.network.errors import SignaturesMissing
from gridledger.network.ordering.administrator_signature import AdministratorSignature
from gridledger.network.ordering.channel_configuration import (
    APPLICATION,
    MSP,
    ORDERER,
    ChannelConfiguration,
    msp_of,
)
from gridledger.network.ordering.configuration_update import configuration_update

__all__ = ["ConfigurationChange", "Deciders"]

# Messages of the official protos; their package has no type stubs.
Message = Any

_FORM: Final = 1
_KINDS: Final = (APPLICATION, ORDERER)


@dataclass(frozen=True, kw_only=True, slots=True)
class Deciders:
    """Organisations of which enough administrators have to sign."""

    msp_ids: tuple[str, ...]
    """MSPs, sorted."""
    wanted: int
    """How many of them."""


@value
class ConfigurationChange(ModelValue):
    """The way from a channel's configuration to another."""

    form: Annotated[int, Field(ge=_FORM, le=_FORM)] = _FORM
    channel: Annotated[str, Field(pattern=r"^[a-z][a-z0-9.-]{0,248}$")]
    sequence: Annotated[int, Field(ge=0)]
    """Sequence of the configuration that it starts from."""
    configuration: bytes
    """``common.ConfigGroup``: that configuration."""
    wanted: bytes
    """``common.ConfigGroup``: the one that it leads to."""
    signatures: tuple[AdministratorSignature, ...] = ()
    """By MSP."""

    @classmethod
    def make(cls, current: ChannelConfiguration, wanted: Message) -> Self:
        """Make a change that nobody has signed.

        Parameters
        ----------
        current : ChannelConfiguration
            What the channel has now.
        wanted : common.ConfigGroup
            What it is to have; versions in it say nothing.

        Raises
        ------
        ModelError
            If both are the same.
        """
        made = cls(
            channel=current.channel,
            sequence=current.sequence,
            configuration=current.to_bytes(),
            wanted=bytes(wanted.SerializeToString(deterministic=True)),
        )
        made.update()
        return made

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read a change's file.

        Raises
        ------
        ConfigError
            If it cannot be read or is none, or one of its signatures does not hold.
        """
        try:
            read = cls.from_bytes(path.read_bytes())
            read.check_signatures()
        except OSError as error:
            raise ConfigError(f"cannot be read: {error.strerror}", key="change", source=str(path)) from error
        except ModelError as error:
            raise ConfigError(f"is no change: {error}", key="change", source=str(path)) from error
        return read

    def save(self, path: Path) -> None:
        """Write the change's file, in one step."""
        write_file(path, self.to_bytes())

    def update(self) -> bytes:
        """Return the ``common.ConfigUpdate``.

        Raises
        ------
        ModelError
            If one of the configurations cannot be read, or both are the same.
        """
        try:
            return configuration_update(self.channel, *self._groups())
        except ValueError as error:
            raise ModelError({"wanted": str(error)}, subject="ConfigurationChange") from error

    def touched(self) -> tuple[str, ...]:
        """Return the paths of what it adds, removes and writes, such as `+ Application/Org3MSP`, sorted."""
        before, after = self._groups()
        return tuple(sorted(_touched("", before, after), key=lambda line: (line[2:], line)))

    def deciders(self) -> tuple[Deciders, ...]:
        """Return who has to sign: of each, enough.

        Notes
        -----
        Told from what is touched, by the policies that channels of ours have: an organisation's own affairs
        are its administrators', everything else in a group wants a majority of the group's organisations.
        A channel with other policies says so when the change is ordered.
        """
        before, _ = self._groups()
        found: dict[Deciders, None] = {}
        for line in self.touched():
            kind, _, rest = line[2:].partition("/")
            name, _, below = rest.partition("/")
            by_key = {key: _name_of(group) for key, group in before.groups[kind].groups.items()}
            if kind in _KINDS and below and name in by_key:
                found[Deciders(msp_ids=(by_key[name],), wanted=1)] = None
            else:
                kinds = (kind,) if kind in _KINDS else _KINDS
                for each in kinds:
                    members = sorted(_name_of(group) for group in before.groups[each].groups.values())
                    found[Deciders(msp_ids=tuple(members), wanted=len(members) // 2 + 1)] = None
        return tuple(found)

    def is_done(self, current: ChannelConfiguration) -> bool:
        """Tell whether a configuration is the one that this leads to; versions say nothing."""
        _, wanted = self._groups()
        try:
            configuration_update(self.channel, current.root, wanted)
        except ValueError:
            return True
        return False

    async def signed_by(self, administrator: SigningIdentity) -> Self:
        """Return the change with an administrator's signature.

        Raises
        ------
        ConfigError
            If the identity has no signer.
        """
        return self._with([await AdministratorSignature.make(self.update(), administrator)])

    def merged(self, other: ConfigurationChange) -> Self:
        """Return the change with the signatures of another copy, too.

        Raises
        ------
        ModelError
            If the other is another change, or one of its signatures does not hold.
        """
        if self.changed(signatures=()) != other.changed(signatures=()):
            raise ModelError({"": "is another change"}, subject="ConfigurationChange")
        other.check_signatures()
        return self._with(other.signatures)

    def signed_update(self) -> bytes:
        """Return a ``common.ConfigUpdateEnvelope`` of the update with all signatures.

        Raises
        ------
        SignaturesMissing
            If fewer have signed than decide.
        """
        signers = {one.msp_id for one in self.signatures}
        for deciders in self.deciders():
            signed = [one for one in deciders.msp_ids if one in signers]
            if len(signed) < deciders.wanted:
                missing = [one for one in deciders.msp_ids if one not in signers]
                raise SignaturesMissing(wanted=deciders.wanted, signed=signed, missing=missing)
        signatures = [
            configtx_pb2.ConfigSignature(signature_header=one.header, signature=one.signature)
            for one in self.signatures
        ]
        envelope = configtx_pb2.ConfigUpdateEnvelope(config_update=self.update(), signatures=signatures)
        return bytes(envelope.SerializeToString(deterministic=True))

    def check_signatures(self) -> None:
        """Check that each signature is one of the update, by the certificate that it names.

        Raises
        ------
        ModelError
            If one does not hold. Whether its certificate counts is for the orderers to say.
        """
        update = self.update()
        for one in self.signatures:
            if one.update != Digest.of(update) or not one.holds(update):
                raise ModelError({"signatures": f"that of {one.msp_id} does not hold"}, subject="change")

    def _with(self, signatures: Iterable[AdministratorSignature]) -> Self:
        latest = {one.msp_id: one for one in [*self.signatures, *signatures]}
        return self.changed(signatures=tuple(latest[key] for key in sorted(latest)))

    def _groups(self) -> tuple[Message, Message]:
        try:
            return (
                configtx_pb2.ConfigGroup.FromString(self.configuration),
                configtx_pb2.ConfigGroup.FromString(self.wanted),
            )
        except DecodeError as error:
            raise ModelError({"configuration": "cannot be read"}, subject="ConfigurationChange") from error


def _name_of(group: Message) -> str:
    return str(msp_of(group.values[MSP].value).name)


def _touched(path: str, before: Message, after: Message) -> list[str]:
    found: list[str] = []
    if before.mod_policy != after.mod_policy:
        found.append(f"~ {path}mod_policy")
    for members in ("groups", "values", "policies"):
        olds, news = getattr(before, members), getattr(after, members)
        found += [f"+ {path}{name}" for name in news if name not in olds]
        found += [f"- {path}{name}" for name in olds if name not in news]
        for name in sorted(set(olds) & set(news)):
            if members == "groups":
                found += _touched(f"{path}{name}/", olds[name], news[name])
            elif _content(olds[name]) != _content(news[name]):
                found.append(f"~ {path}{name}")
    return found


def _content(leaf: Message) -> bytes:
    copy = type(leaf)()
    copy.CopyFrom(leaf)
    copy.version = 0
    return bytes(copy.SerializeToString(deterministic=True))
