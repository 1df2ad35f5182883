"""A peer, spoken to directly: what concerns it alone, and what it says about its ledgers."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import grpc.aio
from fabric_protos.common import common_pb2
from fabric_protos.peer import peer_pb2_grpc, proposal_pb2, query_pb2, snapshot_pb2, snapshot_pb2_grpc
from fabric_protos.peer.lifecycle import lifecycle_pb2
from google.protobuf.message import DecodeError

from gridledger.client.block import Block, BlockTransaction
from gridledger.client.chain_info import ChainInfo
from gridledger.client.channel import open_channel
from gridledger.client.connection import Connection
from gridledger.client.errors import EndpointDetail, PeerCallError
from gridledger.client.invocation import new_invocation
from gridledger.client.refusal import raise_refusal
from gridledger.client.signer import Signer
from gridledger.client.signing_identity import SigningIdentity
from gridledger.client.transport import Message, read_rpc_error
from gridledger.model.argument import Argument, encode_argument

__all__ = ["InstalledChaincode", "Peer"]

_TIMEOUT_S = 15.0
# A peer unpacks what it installs and hands it to its builders.
_INSTALL_TIMEOUT_S = 60.0
_NONCE_BYTES = 24


@dataclass(frozen=True, kw_only=True, slots=True)
class InstalledChaincode:
    """A chaincode package on a peer."""

    package_id: str
    """Label and SHA-256 of the package."""

    label: str
    """The package's own label."""


class Peer:
    """One peer, as one identity; made by `connect`, inside a running event loop.

    Notes
    -----
    Every call waits 15 s by default, `install` 60 s.
    """

    def __init__(
        self, channel: grpc.aio.Channel, signing: SigningIdentity, *, endpoint: str, owns_channel: bool
    ) -> None:
        self._channel = channel
        self._owns_channel = owns_channel
        self._signing = signing
        self._endpoint = endpoint
        self._snapshots = snapshot_pb2_grpc.SnapshotStub(channel)
        self._process_proposal = peer_pb2_grpc.EndorserStub(channel).ProcessProposal

    @classmethod
    def connect(cls, connection: Connection, *, signer: Signer | None = None) -> Peer:
        """Open a channel to a peer.

        Parameters
        ----------
        connection : Connection
            Where to, and as whom.
        signer : Signer, optional
            Who signs; the connection's private key by default.

        Raises
        ------
        ConfigError
            When certificate, key or TLS material cannot be read.
        """
        signing = SigningIdentity.from_connection(connection, signer)
        return cls(open_channel(connection), signing, endpoint=connection.endpoint, owns_channel=True)

    async def process(
        self,
        chaincode: str,
        function: str,
        *arguments: Argument,
        channel: str = "",
        timeout: float = _TIMEOUT_S,
    ) -> Message:
        """Let the peer execute a call and return its ``protos.ProposalResponse``, with its endorsement.

        Parameters
        ----------
        chaincode : str
            Name of the chaincode.
        function : str
            Name of the function.
        *arguments : str, int, bytes, model value, or value of canonical JSON
            The call's arguments.
        channel : str, optional
            Name of the channel; empty for what concerns the peer alone.
        timeout : float, optional
            Seconds.

        Raises
        ------
        ContractError
            When the contract refused.
        PeerCallError
            When the peer refused or did not answer.
        """
        proposal_bytes, tx_id = new_invocation(
            creator=self._signing.creator,
            channel=channel,
            chaincode=chaincode,
            arguments=[function.encode(), *[encode_argument(argument) for argument in arguments]],
        )
        signed = proposal_pb2.SignedProposal(
            proposal_bytes=proposal_bytes,
            signature=await self._signing.sign(hashlib.sha256(proposal_bytes).digest()),
        )
        try:
            answer = await self._process_proposal(signed, timeout=timeout)
        except grpc.aio.AioRpcError as error:
            raise read_rpc_error(PeerCallError, error, tx_id) from error
        if not 200 <= answer.response.status < 400:
            detail = EndpointDetail(address=self._endpoint, msp_id="", message=answer.response.message)
            refused = PeerCallError(
                f"{chaincode}:{function} was refused with status {answer.response.status}",
                tx_id=tx_id,
                grpc_status="OK",
                details=[detail],
                response_status=answer.response.status,
            )
            raise_refusal(refused)
            raise refused
        return answer

    async def call(
        self,
        chaincode: str,
        function: str,
        *arguments: Argument,
        channel: str = "",
        timeout: float = _TIMEOUT_S,
    ) -> bytes:
        """Let the peer execute a call and return its result: `process`, and the response's payload alone."""
        answer = await self.process(chaincode, function, *arguments, channel=channel, timeout=timeout)
        return bytes(answer.response.payload)

    async def join_channel(self, genesis_block: bytes, *, timeout: float = _TIMEOUT_S) -> None:
        """Join a channel.

        Parameters
        ----------
        genesis_block : bytes
            The channel's first block, a ``common.Block``.
        timeout : float, optional
            Seconds.

        Raises
        ------
        PeerCallError
            When the peer refuses, such as one that has joined already.
        """
        await self.call("cscc", "JoinChain", genesis_block, timeout=timeout)

    async def channels(self, *, timeout: float = _TIMEOUT_S) -> list[str]:
        """Return the channels that the peer has joined, sorted; PeerCallError when it does not answer."""
        answer = await self.call("cscc", "GetChannels", timeout=timeout)
        return sorted(one.channel_id for one in _read(query_pb2.ChannelQueryResponse, answer).channels)

    async def chain_info(self, channel: str, *, timeout: float = _TIMEOUT_S) -> ChainInfo:
        """Return how far the copy of a channel goes; PeerCallError when the peer has none."""
        answer = await self.call("qscc", "GetChainInfo", channel, channel=channel, timeout=timeout)
        return ChainInfo.from_bytes(answer)

    async def block(self, channel: str, number: int, *, timeout: float = _TIMEOUT_S) -> Block:
        """Return a block by its number; PeerCallError when the peer does not have it."""
        answer = await self.call(
            "qscc", "GetBlockByNumber", channel, number, channel=channel, timeout=timeout
        )
        return Block.from_bytes(answer)

    async def transaction(self, channel: str, tx_id: str, *, timeout: float = _TIMEOUT_S) -> BlockTransaction:
        """Return an ordered transaction; PeerCallError when there is none of that id."""
        answer = await self.call(
            "qscc", "GetTransactionByID", channel, tx_id, channel=channel, timeout=timeout
        )
        return BlockTransaction.from_bytes(answer)

    async def install(self, package: bytes, *, timeout: float = _INSTALL_TIMEOUT_S) -> InstalledChaincode:
        """Install a chaincode package.

        Parameters
        ----------
        package : bytes
            The gzipped tar file.
        timeout : float, optional
            Seconds.

        Raises
        ------
        PeerCallError
            When the peer refuses, such as one that has the package already.
        """
        request = lifecycle_pb2.InstallChaincodeArgs(chaincode_install_package=package)
        answer = await self.call(
            "_lifecycle", "InstallChaincode", request.SerializeToString(), timeout=timeout
        )
        result = _read(lifecycle_pb2.InstallChaincodeResult, answer)
        return InstalledChaincode(package_id=result.package_id, label=result.label)

    async def installed(self, *, timeout: float = _TIMEOUT_S) -> list[InstalledChaincode]:
        """Return the packages on the peer, sorted by id; PeerCallError when it does not answer."""
        request = lifecycle_pb2.QueryInstalledChaincodesArgs()
        answer = await self.call(
            "_lifecycle", "QueryInstalledChaincodes", request.SerializeToString(), timeout=timeout
        )
        found = _read(lifecycle_pb2.QueryInstalledChaincodesResult, answer).installed_chaincodes
        packages = [InstalledChaincode(package_id=one.package_id, label=one.label) for one in found]
        return sorted(packages, key=lambda one: one.package_id)

    async def request_snapshot(
        self, channel: str, block: int | None = None, *, timeout: float = _TIMEOUT_S
    ) -> None:
        """Have a snapshot taken of the copy of a channel; it is complete some time later.

        Parameters
        ----------
        channel : str
            Name of the channel.
        block : int, optional
            Number of the last block that it is to hold, at least 1: one to come, or the peer's last at
            the moment that it reads the request, which is the default.
        timeout : float, optional
            Seconds.

        Raises
        ------
        PeerCallError
            When the peer refuses, such as a block that is past, a request that it has already, or a caller
            who is no administrator of its organisation.
        """
        # 0 stands for the last block there is.
        request = snapshot_pb2.SnapshotRequest(
            signature_header=self._signature_header(), channel_id=channel, block_number=block or 0
        )
        await self._ask_snapshots(self._snapshots.Generate, request, timeout)

    async def pending_snapshots(self, channel: str, *, timeout: float = _TIMEOUT_S) -> list[int]:
        """Return the blocks that a snapshot is still to be taken at; PeerCallError as `request_snapshot`."""
        query = snapshot_pb2.SnapshotQuery(signature_header=self._signature_header(), channel_id=channel)
        answer = await self._ask_snapshots(self._snapshots.QueryPendings, query, timeout)
        return sorted(answer.block_numbers)

    async def cancel_snapshot(self, channel: str, block: int, *, timeout: float = _TIMEOUT_S) -> None:
        """Take a request for a snapshot back; PeerCallError when there is none, and as `request_snapshot`."""
        request = snapshot_pb2.SnapshotRequest(
            signature_header=self._signature_header(), channel_id=channel, block_number=block
        )
        await self._ask_snapshots(self._snapshots.Cancel, request, timeout)

    async def join_by_snapshot(self, folder: str, *, timeout: float = _TIMEOUT_S) -> None:
        """Join the channel of a snapshot; the peer reads it some time later.

        Parameters
        ----------
        folder : str
            Where it lies, on the peer's machine.
        timeout : float, optional
            Seconds.

        Raises
        ------
        PeerCallError
            When the peer refuses, such as a snapshot that was changed, or a channel that it has.
        """
        await self.call("cscc", "JoinChainBySnapshot", folder, timeout=timeout)

    async def joining_snapshot(self, *, timeout: float = _TIMEOUT_S) -> str | None:
        """Return the folder of the snapshot that the peer is joining by; None if it is not."""
        answer = _read(
            query_pb2.JoinBySnapshotStatus, await self.call("cscc", "JoinBySnapshotStatus", timeout=timeout)
        )
        return str(answer.bootstrapping_snapshot_dir) if answer.in_progress else None

    async def close(self) -> None:
        """Close the channel, if the peer's object opened it."""
        if self._owns_channel:
            await self._channel.close()

    def _signature_header(self) -> Message:
        return common_pb2.SignatureHeader(
            creator=self._signing.creator, nonce=secrets.token_bytes(_NONCE_BYTES)
        )

    async def _ask_snapshots(self, method: Message, request: Message, timeout: float) -> Message:
        content = request.SerializeToString()
        signature = await self._signing.sign(hashlib.sha256(content).digest())
        signed = snapshot_pb2.SignedSnapshotRequest(request=content, signature=signature)
        try:
            return await method(signed, timeout=timeout)
        except grpc.aio.AioRpcError as error:
            raise read_rpc_error(PeerCallError, error, "") from error

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()


def _read(kind: type[Message], data: bytes) -> Message:
    try:
        return kind.FromString(data)
    except DecodeError as error:
        raise PeerCallError(f"answered with something else than {kind.__name__}", grpc_status="OK") from error
