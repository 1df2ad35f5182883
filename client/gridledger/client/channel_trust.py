"""What a verifier trusts of a channel: its orderers, how many of them must sign, its peers' organisations.

It is given explicitly, in one of two forms:

- the channel's first block, or a later configuration block, from somebody whom the verifier believes. It
  names each orderer by its certificate; later ones follow from it, since orderers sign their blocks;
- MSP folders of the orderers' and of the peers' organisations. Each orderer organisation counts once.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from fabric_protos.common import common_pb2, configtx_pb2, configuration_pb2
from fabric_protos.orderer import configuration_pb2 as orderer_configuration_pb2
from google.protobuf.message import DecodeError

from gridledger.client.errors import ProofRefused
from gridledger.client.membership import Membership, NodeUnit
from gridledger.crypto.certificate import load_certificate
from gridledger.model.errors import ConfigError

__all__ = ["ChannelTrust", "ConfiguredTrust", "FolderTrust", "quorum_of"]

_APPLICATION: Final = "Application"
_ORDERER: Final = "Orderer"
_MSP: Final = "MSP"
_CONSENTERS: Final = "Orderers"
_CONSENSUS: Final = "ConsensusType"
_RAFT: Final = "etcdraft"


def quorum_of(count: int) -> int:
    """Return how many of `count` orderers decide, if up to a third of them may lie.

    Examples
    --------
    >>> [quorum_of(count) for count in (1, 2, 3, 4, 5, 7, 10)]
    [1, 2, 2, 3, 4, 5, 7]

    Notes
    -----
    Source: SmartBFT's rule, with f = (n - 1) div 3 faulty of n nodes: the least whole number that is not
    below (n + f + 1) / 2.
    """
    faulty = (count - 1) // 3
    return (count + faulty + 2) // 2


class ChannelTrust(ABC):
    """What a verifier trusts of a channel.

    Attributes
    ----------
    peers : mapping of str to Membership
        The organisations whose peers' endorsements count, by MSP.
    quorum : int
        Signatures that a block needs.
    is_raft : bool
        Whether blocks are signed by certificate, by one orderer, instead of by a quorum of numbered ones.
    """

    peers: Mapping[str, Membership]
    quorum: int
    is_raft: bool

    @abstractmethod
    def signer(
        self, identifier: int | None, certificate: x509.Certificate, *, at_ms: int
    ) -> tuple[str, bytes]:
        """Say who signed a block as an orderer.

        Parameters
        ----------
        identifier : int or None
            Its number among the consenters; None where the block names the certificate alone, as with Raft.
        certificate : x509.Certificate
            What the proof says of it.
        at_ms : int
            Milliseconds since 1970 of the block.

        Returns
        -------
        tuple of str and bytes
            What counts once for the quorum, and the public key, a compressed point.

        Raises
        ------
        ProofRefused
            If it is no orderer of the channel.
        """

    @abstractmethod
    def starts_at(self) -> int | None:
        """Return the number of the configuration block that is trusted; None for organisations."""

    @abstractmethod
    def follow(self, number: int, entry: bytes) -> ChannelTrust:
        """Return what is trusted after a configuration block whose signatures hold.

        Raises
        ------
        ProofRefused
            If the entry is no configuration of the channel.
        """

    def require_member(
        self, msp_id: str, certificate: x509.Certificate, unit: NodeUnit | None = None, *, at_ms: int
    ) -> bytes:
        """Check that a certificate is that of a member, such as a peer; return its public key.

        Raises
        ------
        ProofRefused
            If its organisation is not trusted, or does not vouch for it.
        """
        membership = self.peers.get(msp_id)
        if membership is None:
            raise ProofRefused(f"members of {msp_id} are not trusted")
        return membership.require(certificate, unit, at_ms=at_ms)


class FolderTrust(ChannelTrust):
    """Organisations by their MSP folders; an orderer organisation counts once, whatever orderers it has.

    Parameters
    ----------
    orderers, peers : mapping of str to Path
        MSP to folder.
    raft : bool, default False
        Whether the channel is ordered by Raft, which no orderer may lie in: a block has one signature, that
        of any orderer. Otherwise orderers are numbered, and a quorum of the organisations has to sign.

    Raises
    ------
    ConfigError
        If one cannot be read, or there is none of a kind.
    """

    def __init__(
        self, *, orderers: Mapping[str, Path], peers: Mapping[str, Path], raft: bool = False
    ) -> None:
        for name, given in (("orderers", orderers), ("peers", peers)):
            if not given:
                raise ConfigError("no MSP folder is given", key=name, source="trust")
        self._orderers = {one: Membership.from_folder(one, folder) for one, folder in orderers.items()}
        self.peers = {one: Membership.from_folder(one, folder) for one, folder in peers.items()}
        self.quorum = 1 if raft else quorum_of(len(self._orderers))
        self.is_raft = raft

    def signer(
        self, identifier: int | None, certificate: x509.Certificate, *, at_ms: int
    ) -> tuple[str, bytes]:
        """Return the organisation that vouches for the certificate as an orderer's."""
        _require_kind(identifier, is_raft=self.is_raft)
        return _vouched(self._orderers, identifier, certificate, at_ms=at_ms)

    def starts_at(self) -> int | None:
        """Return None: organisations are trusted at every block."""
        return None

    def follow(self, number: int, entry: bytes) -> ChannelTrust:
        """Return the same trust, once the entry is seen to be a configuration."""
        channel, _ = _configuration_of(entry)
        if not channel:
            raise ProofRefused(f"block {number} configures no channel")
        return self


class ConfiguredTrust(ChannelTrust):
    """A channel's configuration, by which each orderer is named.

    Parameters
    ----------
    number : int
        Number of its block.
    entry : bytes
        The block's one ``common.Envelope``.

    Raises
    ------
    ProofRefused
        If it is no configuration of a channel that SmartBFT, Raft or devnet order.

    Notes
    -----
    With SmartBFT each orderer is named, and a quorum has to sign. With Raft a block has one signature, of any
    orderer of the orderers' organisations: whoever trusts it trusts each of them.
    """

    def __init__(self, number: int, entry: bytes) -> None:
        self._number = number
        self.channel, root = _configuration_of(entry)
        application, ordering = root.groups[_APPLICATION], root.groups[_ORDERER]
        self.peers = _memberships(application)
        self._orderers = orderers = _memberships(ordering)
        self.is_raft = _is_raft(ordering)
        self.quorum = 1
        self._consenters: dict[int, tuple[Membership, bytes]] = {}
        if self.is_raft:
            return
        try:
            mapping = configuration_pb2.Orderers.FromString(ordering.values[_CONSENTERS].value)
            self._consenters = {
                int(one.id): (orderers[one.msp_id], _der_of(one.identity))
                for one in mapping.consenter_mapping
            }
        except (DecodeError, KeyError, ValueError) as error:
            raise ProofRefused("the configuration's orderers cannot be read") from error
        if not self._consenters or len(self._consenters) != len(mapping.consenter_mapping):
            raise ProofRefused("the configuration does not number its orderers")
        self.quorum = quorum_of(len(self._consenters))

    @classmethod
    def from_block(cls, data: bytes) -> ConfiguredTrust:
        """Read the file of a configuration block: a ``common.Block``, as Fabric's tools write it.

        Raises
        ------
        ProofRefused
            If it is none.
        """
        try:
            block = common_pb2.Block.FromString(data)
        except DecodeError as error:
            raise ProofRefused("the trusted file is no block") from error
        if len(block.data.data) != 1:
            raise ProofRefused("the trusted block is no configuration block")
        return cls(block.header.number, block.data.data[0])

    def signer(
        self, identifier: int | None, certificate: x509.Certificate, *, at_ms: int
    ) -> tuple[str, bytes]:
        """Return the consenter of that number, if the certificate is its own; with Raft any orderer."""
        _require_kind(identifier, is_raft=self.is_raft)
        if identifier is None:
            return _vouched(self._orderers, identifier, certificate, at_ms=at_ms)
        consenter = self._consenters.get(identifier)
        if consenter is None:
            raise ProofRefused(f"the channel has no orderer {identifier}")
        membership, der = consenter
        if certificate.public_bytes(Encoding.DER) != der:
            raise ProofRefused(f"the certificate is not that of orderer {identifier}")
        return str(identifier), membership.require(certificate, NodeUnit.ORDERER, at_ms=at_ms)

    def certificate(self, identifier: int) -> bytes:
        """Return the DER certificate of a consenter; ProofRefused if there is none of the number."""
        consenter = self._consenters.get(identifier)
        if consenter is None:
            raise ProofRefused(f"the channel has no orderer {identifier}")
        return consenter[1]

    def starts_at(self) -> int | None:
        """Return the number of the configuration's block."""
        return self._number

    def follow(self, number: int, entry: bytes) -> ConfiguredTrust:
        """Return the trust in the orderers and organisations that the next configuration names."""
        if number <= self._number:
            raise ProofRefused(f"configuration block {number} is not after {self._number}")
        following = ConfiguredTrust(number, entry)
        if following.channel != self.channel:
            raise ProofRefused(f"configuration block {number} is of another channel")
        return following


def _configuration_of(entry: bytes) -> tuple[str, configtx_pb2.ConfigGroup]:
    """Return channel and configuration of an envelope."""
    try:
        payload = common_pb2.Payload.FromString(common_pb2.Envelope.FromString(entry).payload)
        header = common_pb2.ChannelHeader.FromString(payload.header.channel_header)
        if header.type != common_pb2.HeaderType.CONFIG:
            raise ProofRefused("a block that should be a configuration is none")
        root = configtx_pb2.ConfigEnvelope.FromString(payload.data).config.channel_group
    except DecodeError as error:
        raise ProofRefused("a configuration cannot be read") from error
    return str(header.channel_id), root


def _is_raft(ordering: configtx_pb2.ConfigGroup) -> bool:
    try:
        found = orderer_configuration_pb2.ConsensusType.FromString(ordering.values[_CONSENSUS].value)
    except DecodeError as error:
        raise ProofRefused("the configuration's consensus cannot be read") from error
    return str(found.type) == _RAFT


def _require_kind(identifier: int | None, *, is_raft: bool) -> None:
    """Refuse the other kind of signature: one of them is enough with Raft alone."""
    if is_raft is not (identifier is None):
        raise ProofRefused(
            "the channel does not number its orderers" if is_raft else "want an orderer's number"
        )


def _vouched(
    orderers: Mapping[str, Membership],
    identifier: int | None,
    certificate: x509.Certificate,
    *,
    at_ms: int,
) -> tuple[str, bytes]:
    for msp_id, membership in orderers.items():
        try:
            return msp_id, membership.require(certificate, NodeUnit.ORDERER, at_ms=at_ms)
        except ProofRefused:
            continue
    named = "the orderer" if identifier is None else f"orderer {identifier}"
    raise ProofRefused(f"no trusted organisation vouches for {named}")


def _memberships(group: configtx_pb2.ConfigGroup) -> dict[str, Membership]:
    found = [Membership.from_config(one.values[_MSP].value) for one in group.groups.values()]
    return {one.msp_id: one for one in found}


def _der_of(pem: bytes) -> bytes:
    return load_certificate(pem).public_bytes(Encoding.DER)
