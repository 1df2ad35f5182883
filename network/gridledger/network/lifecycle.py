"""A chaincode's way onto the channel, in both worlds: install, approve, commit, and wait until it answers."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from fabric_protos.peer.lifecycle import lifecycle_pb2

from gridledger.client.collection import Collection
from gridledger.client.connection import Connection
from gridledger.client.errors import EndorseError, OutcomeUnknown
from gridledger.client.gateway import Gateway
from gridledger.client.lifecycle import ChaincodeDefinition, Lifecycle
from gridledger.client.peer import Peer
from gridledger.client.policy import EndorsementPolicy
from gridledger.model.errors import ContractError, GatewayError
from gridledger.network.access import connection_of
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
        async with Gateway.connect(self._admin(next(iter(self._organisations)))) as gateway:
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

    async def define(
        self,
        files: ReleaseFiles,
        policy: EndorsementPolicy | None,
        collections: list[Collection],
    ) -> None:
        """Approve a release for every organisation and commit it.

        Raises
        ------
        DeployError
            If a step is refused.
        OutcomeUnknown
            If nobody can say whether the commit stands.
        """
        release = files.release
        definition = ChaincodeDefinition(
            name=files.name,
            version=str(release.sequence),
            sequence=release.sequence,
            policy=policy,
            collections=collections,
        )
        async with AsyncExitStack() as stack:
            lifecycles: dict[str, Lifecycle] = {}
            for organisation in self._organisations:
                gateway = await stack.enter_async_context(Gateway.connect(self._admin(organisation)))
                lifecycles[organisation] = Lifecycle(gateway.network())
            for organisation, msp_id in self._organisations.items():
                package_id = release.package_ids[organisation]
                approval = lifecycles[organisation].approve(definition, msp_id=msp_id, package_id=package_id)
                await _step(files.name, f"approve for {organisation}", approval)
            msp_ids = list(self._organisations.values())
            commit = next(iter(lifecycles.values())).commit(definition, endorsing_organizations=msp_ids)
            await _step(files.name, "commit", commit)

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
        async with Peer.connect(self._admin(organisation)) as peer:
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
        return connection_of(self._description, self._directory, organisation, "admin")


async def _step(chaincode: str, step: str, call: Awaitable[T]) -> T:
    try:
        return await call
    except OutcomeUnknown:
        raise
    except GatewayError as error:
        raise DeployError(chaincode, step=step, reason=error.message) from error
