"""The demo's scene on a network of the tests, after its opening acts, and a way to ask once more."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

from tests.worlds import attached_channel

from gridledger.client import Connection, Deadlines, Gateway, sync
from gridledger.exchange.demo import opening, sharing
from gridledger.exchange.demo.made import USER, USER_ROLE
from gridledger.exchange.demo.scene import APPLICATION, Scene
from gridledger.exchange.demo.trading import FIRST, LAST
from gridledger.exchange.purse import Purse
from gridledger.model.identifier import SystemIdentifier
from gridledger.model.resolution import SignedRequest
from gridledger.model.roles import CertificateAttribute, Role, write_roles
from gridledger.model.trade import MoneyKey
from gridledger.network import Network

__all__ = [
    "CHAINCODE",
    "CHAINCODE_VARIABLE",
    "PATIENT",
    "authorities",
    "deployed",
    "enrol",
    "fund",
    "opened_scene",
    "signed_request",
]

CHAINCODE = "gridledger" if attached_channel() is None else f"gridledger-{os.urandom(4).hex()}"
"""A root is founded once: on a network that outlives the tests, each run has a ledger of its own."""
CHAINCODE_VARIABLE = "GRIDLEDGER_CHAINCODE"
"""Tells commands the name."""
PATIENT = Deadlines(evaluate=60, endorse=60, submit=30, commit_status=120)
"""On a machine that others load, or whose host takes its processors away, a query may take many seconds."""

OPENING = (*opening.ACTS, *sharing.ACTS)


def enrol(
    network: Network, organisation: str, user: str, role: Role, *, chaincode: str = CHAINCODE
) -> Connection:
    """Make an identity, unless there is one of the name."""
    if user not in network.organisation(organisation).users():
        attributes = {CertificateAttribute.ROLE.value: write_roles([role])}
        network.enrol(org=organisation, user=user, attributes=attributes)
    return network.connection(org=organisation, user=user, chaincode=chaincode)


@asynccontextmanager
async def deployed(network: Network) -> AsyncIterator[None]:
    """Deploy the contracts on a network, and keep its time mark fresh."""
    await asyncio.to_thread(network.deploy, CHAINCODE, "gridledger.chaincode:GridLedger")
    connection = await asyncio.to_thread(enrol, network, "org1", "agent", Role.AGENT)
    with ExitStack() as stack:
        await asyncio.to_thread(_keep_marked, connection, stack)
        try:
            await _until_marked(network)
            yield
        finally:
            await asyncio.to_thread(stack.close)


def _keep_marked(connection: Connection, stack: ExitStack) -> None:
    """Renew the mark on a thread of its own: while a test starts Spark, the loop stands still for minutes."""
    gateway = stack.enter_context(sync.Gateway.connect(connection, deadlines=PATIENT))
    stack.enter_context(sync.TimeMarkAgent(gateway.network()))


async def _until_marked(network: Network) -> None:
    """Wait until each organisation's peer has a time mark."""
    for organisation in network.organisations:
        connection = network.connection(org=organisation.name, user="user1", chaincode=CHAINCODE)
        async with asyncio.timeout(120), Gateway.connect(connection, deadlines=PATIENT) as gateway:
            contract = gateway.network().contract(CHAINCODE, "ledger")
            while await contract.evaluate("ReadTimeMark") in (b"", b"null"):  # noqa: ASYNC110 (a ledger's)
                await asyncio.sleep(0.1)


def authorities(network: Network) -> Mapping[str, Path]:
    return network.authorities


@asynccontextmanager
async def opened_scene(
    network: Network,
    folder: Path,
    *,
    modules: int = 0,
    postgresql: bool = False,
    chaincode: str = CHAINCODE,
) -> AsyncIterator[Scene]:
    """Give the scene with everything registered, published, ruled and deposited."""

    def make(organisation: str, user: str, role: Role) -> Connection:
        return enrol(network, organisation, user, role, chaincode=chaincode)

    async with Scene.set_up(
        folder, make, authorities(network), modules=modules, postgresql=postgresql
    ) as scene:
        for act in OPENING:
            await scene.cast.even()
            await act(scene)
        yield scene


async def signed_request(scene: Scene, **changes: Any) -> SignedRequest:
    """Make the worker's request, or a changed one."""
    asked: dict[str, Any] = {
        "user": USER,
        "user_role": USER_ROLE,
        "function": opening.FUNCTION,
        "purpose": "work order 1",
        "device": await scene.scan(),
        "first": FIRST,
        "last": LAST,
    }
    return await scene.application.request(**{**asked, **changes})


async def fund(scene: Scene, *amounts_milliyuan: int) -> tuple[MoneyKey, ...]:
    """Pay money in, and return the new notes."""
    account: SystemIdentifier = scene.systems[APPLICATION]
    purse = Purse(scene.cast[APPLICATION].ledger, account)
    before = {note.key for note in await purse.notes()}
    await scene.cast["administrator"].ledger.pay_in(account, amounts_milliyuan)
    await scene.cast.even()
    return tuple(note.key for note in await purse.notes() if note.key not in before)
