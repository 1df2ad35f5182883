"""Running chaincode for one organisation: which one, where it is, and calls from one to another."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from typing import Final, TypeAlias

from fabric_protos.peer import chaincode_event_pb2, chaincode_pb2, chaincode_shim_pb2, proposal_response_pb2
from google.protobuf.message import DecodeError

from gridledger.network.devnet.chaincode_stream import ChaincodeStream
from gridledger.network.devnet.channel import WRITERS, Channel
from gridledger.network.devnet.definition import NAMESPACES, field_key
from gridledger.network.devnet.errors import DevnetError, Malformed, Refused
from gridledger.network.devnet.installed import InstalledPackage
from gridledger.network.devnet.organisation import Organisation
from gridledger.network.devnet.proposal import Proposal
from gridledger.network.devnet.shim_request import ShimRequests
from gridledger.network.devnet.simulator import SYSTEM_CHAINCODES, Simulator
from gridledger.network.devnet.snapshot import Snapshot
from gridledger.network.devnet.state import Version
from gridledger.network.devnet.system_chaincode import SystemCall, SystemChaincode
from gridledger.network.devnet.transaction_context import TransactionContext

__all__ = ["Execution"]

_Message: TypeAlias = chaincode_shim_pb2.ChaincodeMessage
_Type = _Message.Type
_COMPLETED: Final[int] = _Type.COMPLETED
_ERROR: Final[int] = _Type.ERROR
_INIT: Final[int] = _Type.INIT
_TRANSACTION: Final[int] = _Type.TRANSACTION
_INITIALIZED = "\0\U0010ffffinitialized"
_SYSTEM_VERSION = "syscc"


class Execution:
    """The chaincodes of one organisation.

    Parameters
    ----------
    organisation : Organisation
        Whose peer runs them.
    channel : Channel
        Who may call them.
    system : mapping of str to SystemChaincode
        Those that run in the peer.
    """

    def __init__(
        self, organisation: Organisation, channel: Channel, system: Mapping[str, SystemChaincode]
    ) -> None:
        self._organisation = organisation
        self._channel = channel
        self._system = system
        self._requests = ShimRequests(channel)
        self._streams: dict[str, ChaincodeStream] = {}

    def connect(self, package: InstalledPackage) -> ChaincodeStream:
        """Return the stream to a package's chaincode, begun if it is new."""
        stream = self._streams.get(package.package_id)
        if stream is None or stream.ended:
            stream = ChaincodeStream(package.package_id, package.address, self._requests, self._call)
            self._streams[package.package_id] = stream
            stream.start()
        return stream

    def retire_unused(self, snapshot: Snapshot, names: Iterable[str]) -> None:
        """Let go of packages that no committed chaincode uses any more.

        Parameters
        ----------
        snapshot : Snapshot
            The definitions.
        names : iterable of str
            The committed chaincodes.
        """
        local = (self._organisation.chaincode(snapshot, name) for name in names)
        used = {chaincode.package.package_id for chaincode in local if chaincode and chaincode.package}
        for package_id, stream in self._streams.items():
            if package_id not in used:
                stream.retire()

    async def close(self) -> None:
        """Hang up on every chaincode."""
        await asyncio.gather(*(stream.close() for stream in self._streams.values()))
        self._streams.clear()

    def version(self, name: str, simulator: Simulator | None, channel_id: str) -> str:
        """Return a chaincode's version and record that the transaction relies on its definition.

        Raises
        ------
        Refused
            If this organisation cannot run it.
        """
        if name in SYSTEM_CHAINCODES:
            return _SYSTEM_VERSION
        if simulator is None:
            raise Refused("invalid channel-less operation")
        simulator.read_lifecycle(*_sequence_read(simulator, name, self._organisation))
        definition, _ = self._organisation.runnable(simulator.snapshot, name, channel_id)
        return definition.version

    async def execute(
        self, proposal: Proposal, simulator: Simulator | None
    ) -> tuple[proposal_response_pb2.Response, chaincode_event_pb2.ChaincodeEvent | None]:
        """Run a proposal and return the chaincode's response and event.

        Raises
        ------
        Refused
            If the chaincode could not be run to its end; the message is the peer's.
        """
        name = proposal.chaincode
        failed = f"error in simulation: failed to execute transaction {proposal.transaction_id}: "
        try:
            message = await self._run(proposal, simulator, name, proposal.input)
        except DevnetError as error:
            raise Refused(f"{failed}{error.message}") from error
        if message.type == _ERROR:
            text = message.payload.decode(errors="replace")
            raise Refused(f"error in simulation: transaction returned with failure: {text}")
        try:
            response = proposal_response_pb2.Response.FromString(message.payload)
        except DecodeError as error:
            raise Refused(
                "error in simulation: failed to unmarshal response for transaction "
                f"{proposal.transaction_id}: {error}"
            ) from error
        event = None
        if message.HasField("chaincode_event"):
            event = message.chaincode_event
            event.chaincode_id, event.tx_id = name, proposal.transaction_id
        return response, event

    async def _run(
        self,
        proposal: Proposal,
        simulator: Simulator | None,
        name: str,
        arguments: chaincode_pb2.ChaincodeInput,
    ) -> _Message:
        if name in SYSTEM_CHAINCODES:
            return await self._run_system(proposal, simulator, name, arguments)
        if simulator is None:
            raise Refused("invalid invocation: invalid channel-less operation")
        try:
            simulator.read_lifecycle(*_sequence_read(simulator, name, self._organisation))
            definition, package = self._organisation.runnable(simulator.snapshot, name, proposal.channel_id)
        except Refused as refusal:
            raise Refused(
                f"invalid invocation: [channel {proposal.channel_id}] failed to get chaincode container info "
                f"for {name}: "
                f"{refusal.message}"
            ) from refusal
        is_init = _check_init(
            simulator, name, definition.version, arguments, required=definition.init_required
        )
        context = TransactionContext(
            namespace=name,
            proposal=proposal,
            simulator=simulator,
            is_init=is_init,
            completed=asyncio.get_running_loop().create_future(),
        )
        kind = _INIT if is_init else _TRANSACTION
        return await self.connect(package).execute(
            context, proposal.message(kind, arguments.SerializeToString())
        )

    async def _run_system(
        self,
        proposal: Proposal,
        simulator: Simulator | None,
        name: str,
        arguments: chaincode_pb2.ChaincodeInput,
    ) -> _Message:
        chaincode = self._system.get(name)
        if chaincode is None:
            raise Refused(f"system chaincode {name} is not there in the embedded network")
        response = await chaincode.invoke(
            SystemCall(
                arguments=list(arguments.args),
                channel_id=proposal.channel_id,
                chaincode=proposal.chaincode,
                signed=proposal.signed_data,
                simulator=simulator,
            )
        )
        return _Message(
            type=_COMPLETED,
            payload=response.SerializeToString(),
            txid=proposal.transaction_id,
            channel_id=proposal.channel_id,
        )

    async def _call(self, context: TransactionContext, payload: bytes) -> _Message:
        """Answer a chaincode's call of another: same channel, same transaction, same simulation."""
        try:
            spec = chaincode_pb2.ChaincodeSpec.FromString(payload)
        except DecodeError as error:
            raise Malformed(f"unmarshal failed: {error}") from error
        target, _, channel_id = spec.chaincode_id.name.partition("/")
        name = target.partition(":")[0]
        if channel_id and channel_id != context.proposal.channel_id:
            raise Refused(f"failed to find ledger for channel: {channel_id}")
        if name not in SYSTEM_CHAINCODES:
            self._channel.check_access(WRITERS, context.proposal.signed_data)
        try:
            return await self._run(context.proposal, context.simulator, name, spec.input)
        except DevnetError as error:
            raise Refused(f"execute failed: {error.message}") from error


def _sequence_read(simulator: Simulator, name: str, organisation: Organisation) -> tuple[str, Version | None]:
    """Return the lifecycle's key that changes with a chaincode's definition, at its version."""
    local = organisation.chaincode(simulator.snapshot, name)
    if local is None:
        return field_key(NAMESPACES, name, "Sequence"), None
    return local.definition.sequence_read


def _check_init(
    simulator: Simulator, name: str, version: str, arguments: chaincode_pb2.ChaincodeInput, *, required: bool
) -> bool:
    """Tell whether a call is the init call; refuse a first call that is not, and a second one that is."""
    needed = required and simulator.get(name, _INITIALIZED) != version.encode()
    if arguments.is_init:
        if not required:
            raise Refused(
                f"invalid invocation: chaincode '{name}' does not require initialization but called as init"
            )
        if not needed:
            raise Refused(f"invalid invocation: chaincode '{name}' is already initialized but called as init")
        simulator.put(name, _INITIALIZED, version.encode())
        return True
    if needed:
        raise Refused(
            f"invalid invocation: chaincode '{name}' has not been initialized for this version, must call as "
            "init first"
        )
    return False
