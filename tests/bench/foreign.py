"""A chaincode of another language on a network of ours."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from itertools import islice
from pathlib import Path

from gridledger.client import (
    ChaincodeDefinition,
    EndorseError,
    EndorsementPolicy,
    Gateway,
    Lifecycle,
    Peer,
)
from gridledger.host.ports import LOOPBACK, free_ports, is_listening
from gridledger.network import Network
from gridledger.network.package import ChaincodePackage

__all__ = ["foreign_chaincode"]

_START_SECONDS = 30.0
_ANSWER_SECONDS = 60.0
_POLL_SECONDS = 0.1


@asynccontextmanager
async def foreign_chaincode(
    network: Network,
    name: str,
    command: Sequence[str],
    *,
    policy: str,
    probe: Sequence[str],
    log: Path,
) -> AsyncIterator[list[int]]:
    """Run a chaincode server, a process per organisation, without TLS.

    Parameters
    ----------
    network : Network
        A running network that does not know the name.
    name : str
        Name on the channel.
    command : sequence of str
        The server; it finds CHAINCODE_ID and CHAINCODE_SERVER_ADDRESS in its environment.
    policy : str
        Endorsement policy.
    probe : sequence of str
        Function and arguments that it answers once it is ready.
    log : Path
        Gets what the processes write.

    Yields
    ------
    list of int
        The processes' pids.
    """
    organisations = network.organisations
    ports = list(islice(free_ports(), len(organisations)))
    packages = [ChaincodePackage(label=f"{name}_1", address=f"{LOOPBACK}:{port}") for port in ports]
    async with AsyncExitStack() as stack:
        output = stack.enter_context(log.open("ab"))
        processes = []
        for package in packages:
            environment = {
                **os.environ,
                "CHAINCODE_ID": package.package_id,
                "CHAINCODE_SERVER_ADDRESS": package.address,
            }
            process = await asyncio.create_subprocess_exec(
                *command, env=environment, stdout=output, stderr=output
            )
            processes.append(process)
            stack.push_async_callback(_end, process)
        await _until_listening(ports)
        definition = ChaincodeDefinition(name=name, version="1", sequence=1, policy=EndorsementPolicy(policy))
        gateways = []
        for organisation, package in zip(organisations, packages, strict=True):
            admin = network.connection(org=organisation.name, user="admin")
            async with Peer.connect(admin) as peer:
                await peer.install(package.to_bytes())
            gateway = await stack.enter_async_context(Gateway.connect(admin))
            gateways.append(gateway)
            await Lifecycle(gateway.network(network.channel)).approve(
                definition, msp_id=organisation.msp_id, package_id=package.package_id
            )
        await Lifecycle(gateways[0].network(network.channel)).commit(
            definition, endorsing_organizations=[organisation.msp_id for organisation in organisations]
        )
        for gateway in gateways:
            await _until_answering(gateway, network.channel, name, probe)
        yield [process.pid for process in processes]


async def _until_listening(ports: Sequence[int]) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while not all(is_listening(port) for port in ports):
        if time.monotonic() > deadline:
            raise RuntimeError("the chaincode does not listen; its log has more")
        await asyncio.sleep(_POLL_SECONDS)


async def _until_answering(gateway: Gateway, channel: str, name: str, probe: Sequence[str]) -> None:
    deadline = time.monotonic() + _ANSWER_SECONDS
    function, *arguments = probe
    while True:
        try:
            await gateway.network(channel).contract(name).proposal(function, *arguments).endorse()
        except EndorseError:
            if time.monotonic() > deadline:
                raise
            await asyncio.sleep(_POLL_SECONDS)
        else:
            return


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.terminate()
        try:
            await asyncio.wait_for(process.wait(), 10)
        except TimeoutError:
            process.kill()
            await process.wait()
