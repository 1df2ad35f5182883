"""A chaincode's way onto the channel, in both worlds: install, approve, commit, and wait until it answers."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from fabric_protos.peer.lifecycle import lifecycle_pb2

from gridledger.client.connection import Connection
from gridledger.client.errors import EndorseError, OutcomeUnknown
from gridledger.client.gateway import Gateway
from gridledger.client.lifecycle import ChaincodeDefinition, Lifecycle
from gridledger.client.peer import Peer
from gridledger.model.errors import ContractError, GatewayError
from gridledger.network.access import connection_of, connections_of
from gridledger.network.attached.channel_members import ChannelMembers
from gridledger.network.blueprint import ADMIN
from gridledger.network.description import NetworkDescription
from gridledger.network.errors import DeployError
from gridledger.network.release import ReleaseFiles

__all__ = ["ChannelLifecycle"]

_LIFECYCLE = "_lifecycle"
_METADATA = "org.hyperledger.fabric:GetMetadata"
_NOT_READY = frozenset({"FAILED_PRECONDITION", "UNAVAILABLE", "DEADLINE_EXCEEDED"})
_POLL_SECONDS = 0.05

T = TypeVar("T")


@dataclass(frozen=True)
class _Call:
    chaincode: str
    function: str
    arguments: Sequence[bytes] = ()
    organisations: Sequence[str] = ()


class ChannelLifecycle:
    """What the organisations' administrators do on peers and channel.

    Parameters
    ----------
    description : NetworkDescription
        The network.
    directory : Path
        Its folder.
    """

    def __init__(self, description: NetworkDescription, directory: Path) -> None:
        self._description = description
        self._directory = directory
        self._organisations = {
            material.name: material.msp_id for material in description.peer_material(directory)
        }

    async def committed_sequence(self, name: str) -> int:
        """Return the sequence of a chaincode's definition, 0 if it has none.

        Raises
        ------
        EvaluateError
            If the channel does not answer.
        """
        async with Gateway.connect(self._first_admin()) as gateway:
            committed = await Lifecycle(gateway.network()).committed()
        return committed[name].sequence if name in committed else 0

    async def install(self, files: ReleaseFiles) -> None:
        """Install a release's packages where they are missing.

        Parameters
        ----------
        files : ReleaseFiles
            The release.

        Raises
        ------
        PeerCallError
            If a peer refuses or does not answer.
        """
        await asyncio.gather(*(self._install(files, organisation) for organisation in files.release.ports))

    async def approve(self, files: ReleaseFiles, definition: ChaincodeDefinition) -> None:
        """Approve a release for every organisation of ours.

        Raises
        ------
        DeployError
            If an approval is refused.
        OutcomeUnknown
            If nobody can say whether an approval stands.
        """
        for organisation, msp_id in self._organisations.items():
            async with Gateway.connect(self._admin(organisation)) as gateway:
                package_id = files.release.package_ids[organisation]
                approval = Lifecycle(gateway.network()).approve(
                    definition, msp_id=msp_id, package_id=package_id
                )
                await _step(files.name, f"approve for {organisation}", approval)

    async def commit(self, definition: ChaincodeDefinition, *, approved: Sequence[str]) -> None:
        """Put a definition into force, endorsed by peers of the organisations that have approved it.

        Raises
        ------
        DeployError
            If it is refused.
        OutcomeUnknown
            If nobody can say whether the commit stands.
        """
        async with Gateway.connect(self._first_admin()) as gateway:
            commit = Lifecycle(gateway.network()).commit(definition, endorsing_organizations=approved)
            await _step(definition.name, "commit", commit)

    @property
    def msp_ids(self) -> list[str]:
        """The MSPs of our organisations."""
        return list(self._organisations.values())

    async def members(self) -> ChannelMembers:
        """Read who belongs to the channel, and how many of them have to approve a definition.

        Raises
        ------
        PeerCallError
            If the peer does not answer.
        """
        channel = self._description.channel
        async with Peer.connect(self._first_admin()) as peer:
            return ChannelMembers.from_block(
                await peer.call("cscc", "GetConfigBlock", channel, channel=channel)
            )

    async def approvals(self, definition: ChaincodeDefinition) -> list[str]:
        """Return the MSPs that have approved exactly this definition, sorted; ours are among them.

        Raises
        ------
        DeployError
            If the peer refuses, such as a sequence that is not the next one.
        """
        async with Gateway.connect(self._first_admin()) as gateway:
            asked = Lifecycle(gateway.network()).readiness(definition)
            answer = await _step(definition.name, "check approvals", asked)
        # Our peers may be a block apart: what ours have approved was committed before this was asked.
        return sorted({msp_id for msp_id, approved in answer.items() if approved} | set(self.msp_ids))

    async def is_ours(self, files: ReleaseFiles) -> bool:
        """Tell whether the definition in force is what our organisations have approved for a release.

        Raises
        ------
        EvaluateError
            If there is none, or the channel does not answer.
        """
        for organisation, msp_id in self._organisations.items():
            async with Gateway.connect(self._admin(organisation)) as gateway:
                lifecycle = Lifecycle(gateway.network())
                found = await lifecycle.definition(files.name)
                if found.sequence != files.release.sequence or not found.approvals.get(msp_id, False):
                    return False
                package_id = await lifecycle.approved_package(files.name, found.sequence)
            if package_id != files.release.package_ids[organisation]:
                return False
        return True

    async def approve_current(self, files: ReleaseFiles, organisation: str) -> None:
        """Approve what is committed for an organisation that has not, with its own package.

        Raises
        ------
        DeployError
            If the step is refused.
        OutcomeUnknown
            If nobody can say whether the approval stands; called again it finds out.
        """
        msp_id = self._organisations[organisation]
        package_id = files.release.package_ids[organisation]
        async with Gateway.connect(self._admin(organisation)) as gateway:
            lifecycle = Lifecycle(gateway.network())
            if not (await lifecycle.definition(files.name)).approvals.get(msp_id, False):
                approval = lifecycle.approve_committed(files.name, msp_id=msp_id, package_id=package_id)
                await _step(files.name, f"approve for {organisation}", approval)

    async def wait_found(self, *, seconds: float) -> None:
        """Wait until every organisation's gateway finds every other organisation's peer.

        Parameters
        ----------
        seconds : float
            The deadline.

        Raises
        ------
        DeployError
            If one does not by then, with what the gateway said last.
        """
        arguments = lifecycle_pb2.QueryChaincodeDefinitionsArgs().SerializeToString()
        call = _Call(_LIFECYCLE, "QueryChaincodeDefinitions", [arguments], list(self._organisations.values()))
        await self._wait_endorsed(call, seconds)

    async def wait_answer(self, name: str, *, seconds: float) -> None:
        """Wait until a chaincode answers through every organisation's gateway.

        Parameters
        ----------
        name : str
            Name of the chaincode.
        seconds : float
            The deadline.

        Raises
        ------
        DeployError
            If it does not answer by then, with what the gateway said last.
        """
        await self._wait_endorsed(_Call(name, _METADATA), seconds)

    async def _install(self, files: ReleaseFiles, organisation: str) -> None:
        package_id = files.release.package_ids[organisation]
        for connection in connections_of(self._description, self._directory, organisation, ADMIN):
            async with Peer.connect(connection) as peer:
                if package_id not in {installed.package_id for installed in await peer.installed()}:
                    await _step(
                        files.name, f"install for {organisation}", peer.install(files.package(organisation))
                    )

    async def _wait_endorsed(self, call: _Call, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        await asyncio.gather(*(self._wait_endorsed_for(name, call, deadline) for name in self._organisations))

    async def _wait_endorsed_for(self, organisation: str, call: _Call, deadline: float) -> None:
        async with Gateway.connect(self._admin(organisation)) as gateway:
            contract = gateway.network().contract(call.chaincode)
            while True:
                # Endorsed, not only evaluated: that needs the other organisations' peers, too.
                proposal = contract.proposal(
                    call.function, *call.arguments, endorsing_organizations=call.organisations
                )
                try:
                    await proposal.endorse()
                except ContractError:
                    return
                except EndorseError as error:
                    if error.grpc_status not in _NOT_READY:
                        # The chaincode itself refused: it need not know this function.
                        return
                    if time.monotonic() >= deadline:
                        step = f"answer to {organisation}"
                        raise DeployError(call.chaincode, step=step, reason=error.message) from error
                else:
                    return
                await asyncio.sleep(_POLL_SECONDS)

    def _admin(self, organisation: str) -> Connection:
        return connection_of(self._description, self._directory, organisation, ADMIN)

    def _first_admin(self) -> Connection:
        return self._admin(next(iter(self._organisations)))


async def _step(chaincode: str, step: str, call: Awaitable[T]) -> T:
    try:
        return await call
    except OutcomeUnknown:
        raise
    except GatewayError as error:
        raise DeployError(chaincode, step=step, reason=error.message) from error
