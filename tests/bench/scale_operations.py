"""What grows on a ledger, done so many times: registrations, deposits, runs, queries, envelopes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from itertools import count

from tests.bench.edge_ground import edge
from tests.bench.exchange_ground import exchange
from tests.bench.ground import BOTH, Ground
from tests.bench.query_load import TWO_SYSTEMS, Times, ask, query
from tests.bench.scale_footprint import Groups
from tests.bench.scale_meter import Meter
from tests.bench.scale_steps import Operation
from tests.integration.edge.households import HOUSES
from tests.integration.exchange import CHAINCODE, enrol, fund
from tests.integration.small_scene import ROLE, SmallScene, small_scene

from gridledger.client import Gateway
from gridledger.client import Network as Channel
from gridledger.client.time_mark import TimeMarkAgent
from gridledger.edge.sealed_record import publish_address
from gridledger.edge.side_device import sign_envelope
from gridledger.exchange.demo.scene import APPLICATION
from gridledger.exchange.registrations import Registrations
from gridledger.model.device import DeviceEntry, FieldEntry, FieldMetadata
from gridledger.model.digest import Digest
from gridledger.model.identifier import SystemIdentifier
from gridledger.model.integrity import PeriodRoot
from gridledger.model.period import Frequency, Period
from gridledger.model.response import Run, TerminalEntry, TerminalIdentifier, TerminalKind
from gridledger.model.roles import Role
from gridledger.response.ledger import ResponseLedger
from gridledger.response.programs import agent_of

__all__ = ["envelopes", "puts", "queries", "registrations", "runs"]

_ROOT = SystemIdentifier("88.1042")
_PUT = "put"
_TOGETHER = 64
_FEW, _SMALL = 30, 10
"""Transactions of few units, which tell the transaction's share from the unit's."""
_DEPOSITS = 1000
_TERMINALS = 256
_RUN_RECORDS = 96
_RING = 11
_RECORD = b'{"hour": 7, "load_kwh": "0.8511666666666671"}'
_QUERIES = (40, 120, 320)
_AT_ONCE = 40
_NOTES_A_CALL = 200
_ENVELOPES = (68, 204, 544)
_TERMINAL_RUNS = (64, 256, 768)
_SERVER_RUNS = (1024, 4096, 16_384)
_FIELD = "ac_power"


@asynccontextmanager
async def _channels(ground: Ground, chaincode: str = CHAINCODE) -> AsyncIterator[list[Channel]]:
    async with AsyncExitStack() as stack:
        found = []
        for one in ground.network.organisations:
            connection = ground.network.connection(org=one.name, user="user1", chaincode=chaincode)
            gateway = await stack.enter_async_context(Gateway.connect(connection))
            found.append(gateway.network())
        yield found


@asynccontextmanager
async def _contracts(ground: Ground) -> AsyncIterator[None]:
    await asyncio.to_thread(ground.network.deploy, CHAINCODE, "gridledger.chaincode:GridLedger", policy=BOTH)
    agent = await asyncio.to_thread(enrol, ground.network, "org1", "agent", Role.AGENT)
    async with Gateway.connect(agent) as gateway, TimeMarkAgent(gateway.network()):
        contract = gateway.network().contract(CHAINCODE, "ledger")
        async with asyncio.timeout(60):
            while await contract.evaluate("ReadTimeMark") in (b"", b"null"):  # noqa: ASYNC110 (a ledger's)
                await asyncio.sleep(0.1)
        yield


async def puts(ground: Ground) -> Meter:
    """Put single values, one and many at the same time, and have the same call executed only."""
    await asyncio.to_thread(ground.deploy, _PUT, "BareBench")
    async with _channels(ground, _PUT) as channels:
        contract = channels[0].contract(_PUT)
        names: Iterator[str] = (f"key-{number}" for number in count())
        value = "x" * 100

        async def put() -> None:
            await contract.submit("Put", next(names), value)

        async def evaluate() -> None:
            await contract.evaluate("Put", next(names), value)

        await asyncio.gather(*(put() for _ in range(_TOGETHER)))
        meter, groups = Meter(ground, channels), Groups.of(ground, _PUT)
        await meter.idle(groups)
        for operation, call, times, in_flight in (
            (Operation.PUT, put, 64, 1),
            (Operation.PUT, put, 256, 16),
            (Operation.PUT, put, 512, _TOGETHER),
            (Operation.EVALUATE, evaluate, 200, 8),
            (Operation.EVALUATE, evaluate, 600, 8),
        ):
            await meter.step(
                operation, times, [call] * times, groups=groups, chaincode=_PUT, in_flight=in_flight
            )
        return meter


async def registrations(ground: Ground, sizes: Sequence[int]) -> Meter:
    """Register devices, then their fields, then deposit a root a field, up to each size."""
    async with (
        _contracts(ground),
        _channels(ground) as channels,
        small_scene(ground.network, _ROOT, "scale") as small,
    ):
        meter, groups = Meter(ground, channels), Groups.of(ground, CHAINCODE)
        await meter.idle(groups)
        for operation in (Operation.DEVICE, Operation.FIELD, Operation.DEPOSIT):
            few = range(_FEW * _SMALL)
            calls = [
                partial(_register, small, operation, few[at : at + _SMALL])
                for at in range(0, len(few), _SMALL)
            ]
            await meter.step(operation, len(few), calls, groups=groups, chaincode=CHAINCODE, in_flight=8)
            done = 0
            for size in sizes:
                more = range(len(few) + done, len(few) + size)
                calls = [
                    partial(_register, small, operation, more[at : at + _most(operation)])
                    for at in range(0, len(more), _most(operation))
                ]
                await meter.step(operation, len(more), calls, groups=groups, chaincode=CHAINCODE, in_flight=1)
                done = size
        return meter


def _most(operation: Operation) -> int:
    return _DEPOSITS if operation is Operation.DEPOSIT else 2 * _DEPOSITS


def _code(number: int) -> str:
    return f"2050.{number // 10_000:03}.{number // 100 % 100:03}.BLK{number % 100:02}.MTR01"


async def _register(small: SmallScene, operation: Operation, numbers: Sequence[int]) -> None:
    system, ledger = small.systems["one"], small.parties["one"].ledger
    if operation is Operation.DEPOSIT:
        roots = [
            PeriodRoot(
                field=system.device(_code(number)).field(_FIELD),
                period=Period("2018-09"),
                root=Digest.of(_code(number).encode()),
                rows=2976,
            )
            for number in numbers
        ]
        results = await ledger.deposit_roots(system, roots)
    elif operation is Operation.DEVICE:
        entries = [
            DeviceEntry(own_code=_code(number), name=f"Meter {number}", kind="meter") for number in numbers
        ]
        results = await Registrations(ledger, system, in_flight=1).devices(entries)
    else:
        metadata = FieldMetadata(
            title="AC power", unit="kW", data_type="number", frequency=Frequency.MONTH, roles=(ROLE,)
        )
        fields = [
            FieldEntry(own_code=_code(number), name=_FIELD, metadata=metadata, price_milliyuan=1200)
            for number in numbers
        ]
        results = await Registrations(ledger, system, in_flight=1).fields(fields)
    refused = [one for one in results if not one.accepted]
    if refused:
        raise RuntimeError(f"refused: {refused[0]}")


async def runs(ground: Ground) -> Meter:
    """Anchor runs of records: a server those of many terminals together, each terminal its own."""
    async with (
        _contracts(ground),
        _channels(ground) as channels,
        small_scene(ground.network, _ROOT, "scale") as small,
    ):
        connection = await asyncio.to_thread(enrol, ground.network, "org2", "scale-house", Role.TERMINAL)
        system = small.systems["one"]
        names = [TerminalIdentifier(system, f"house-{number}.iot") for number in range(_TERMINALS)]
        ledger = ResponseLedger(small.parties["one"].network)
        gate = asyncio.Semaphore(_TOGETHER)

        async def register(name: TerminalIdentifier) -> None:
            async with gate:
                await ledger.register_terminal(
                    TerminalEntry(
                        identifier=name,
                        kind=TerminalKind.IOT,
                        site=name.name,
                        agent=agent_of(connection),
                    )
                )

        await asyncio.gather(*map(register, names))
        meter, groups = Meter(ground, channels), Groups.of(ground, CHAINCODE)
        await meter.idle(groups)
        server = small.parties["one"].network.contract(CHAINCODE, "response")
        async with Gateway.connect(connection) as gateway:
            terminal = gateway.network().contract(CHAINCODE, "response")
            days = count()

            def day() -> list[Run]:
                first = next(days) * _RUN_RECORDS + 1
                return [_run(name, first) for name in names]

            few = day()
            calls = [partial(server.submit, "AnchorRuns", few[at : at + 8]) for at in range(0, _TERMINALS, 8)]
            kept = {"groups": groups, "chaincode": CHAINCODE}
            await meter.step(Operation.SERVER_RUN, _TERMINALS, calls, in_flight=8, **kept)  # type: ignore[arg-type]
            done = 0
            for size in _SERVER_RUNS:
                calls = [partial(server.submit, "AnchorRuns", day()) for _ in range(done, size, _TERMINALS)]
                await meter.step(Operation.SERVER_RUN, size - done, calls, in_flight=1, **kept)  # type: ignore[arg-type]
                done = size
            done, days = 0, count()
            waiting: list[Run] = []
            for size in _TERMINAL_RUNS:
                while len(waiting) < size - done:
                    waiting += day()
                taken, waiting = waiting[: size - done], waiting[size - done :]
                calls = [partial(terminal.submit, "AnchorRuns", [one]) for one in taken]
                await meter.step(
                    Operation.TERMINAL_RUN,
                    size - done,
                    calls,
                    in_flight=_TOGETHER,
                    **kept,  # type: ignore[arg-type]
                )
                done = size
        return meter


def _run(name: TerminalIdentifier, first: int) -> Run:
    return Run(terminal=name, first=first, count=_RUN_RECORDS, root=Digest.of(f"{name} {first}".encode()))


async def queries(ground: Ground) -> Meter:
    """Query 40 at the same time, each whole: resolved, ordered, fetched with proofs, settled."""
    async with exchange(ground) as scene, _channels(ground) as channels:
        meter = Meter(ground, channels)
        groups = Groups.of(ground, CHAINCODE, servers=tuple(scene.servers.pids.values()))
        await meter.idle(groups)
        device = await scene.scan()
        decided = await scene.cast[APPLICATION].ledger.decide(await ask(scene, TWO_SYSTEMS, device))
        price = sum(one.price_milliyuan for target in decided.targets for one in target.fields)
        wanted = _QUERIES[-1] + _AT_ONCE
        for start in range(0, wanted, _NOTES_A_CALL):
            await fund(scene, *[price] * min(_NOTES_A_CALL, wanted - start))
        await asyncio.gather(*(query(scene, TWO_SYSTEMS, device, Times()) for _ in range(4)))
        done = 0
        for size in _QUERIES:
            times = Times()
            calls = [partial(query, scene, TWO_SYSTEMS, device, times)] * (size - done)
            await meter.step(
                Operation.QUERY,
                size - done,
                calls,
                groups=groups,
                chaincode=CHAINCODE,
                in_flight=_AT_ONCE,
                delays_s=times.whole,
            )
            done = size
        return meter


async def envelopes(ground: Ground) -> Meter:
    """Deposit envelopes with rings of 11 through three storage nodes; signed beforehand."""
    async with edge(ground) as world, _channels(ground) as channels:
        each = -(-_ENVELOPES[-1] // HOUSES)
        await world.open_period(1, keys_each=each, ring_size=_RING)
        await world.enter(1)
        address = publish_address(world.grid_secret.address)
        ledgers = {name: world.ledger(name) for name in world.nodes}
        signed = []
        for house in world.houses * each:
            device = house.device
            assert device is not None
            known = device._known[world.issuer, 1]
            node = world.nodes[house.node].node.id
            offered = sign_envelope(device._wallet, known, _RECORD, address, node=node)
            signed.append((house.node, offered))
        meter, groups = Meter(ground, channels), Groups.of(ground, CHAINCODE)
        await meter.idle(groups)
        done = 0
        for size in _ENVELOPES:
            taken = [signed.pop() for _ in range(size - done)]
            calls = [partial(ledgers[name].deposit_envelope, one.signed) for name, one in taken]
            await meter.step(
                Operation.ENVELOPE,
                size - done,
                calls,
                groups=groups,
                chaincode=CHAINCODE,
                in_flight=_TOGETHER,
            )
            done = size
        return meter
