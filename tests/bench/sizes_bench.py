"""How many bytes a transaction and a block take on the disks of peers and orderers: `make measure-sizes`."""

from __future__ import annotations

import argparse
import asyncio
import json
import tempfile
import time
from pathlib import Path

from tests.conformance.probe.steps import do, encode_steps
from tests.worlds import running_network

from gridledger.client import Contract, Gateway
from gridledger.network import Network, World

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = "tests.conformance.probe.script:ScriptProbe"
BOTH = "AND('Org1MSP.peer','Org2MSP.peer')"
_SETTLE_S = 60.0
_VALUE_BYTES = 256
_PLACES = {
    "peer: blocks": ("peer0.org1", "ledgersData/chains/chains"),
    "peer: index of blocks": ("peer0.org1", "ledgersData/chains/index"),
    "peer: state": ("peer0.org1", "ledgersData/stateLeveldb"),
    "peer: history": ("peer0.org1", "ledgersData/historyLeveldb"),
    "orderer: blocks": ("orderer1", "ledger/chains"),
    "orderer: index of blocks": ("orderer1", "ledger/index"),
    "orderer: consensus": ("orderer1", "consensus"),
}


def sizes(network: Network) -> dict[str, int]:
    """Return the bytes of each place, as the files' lengths."""
    found = {}
    for name, (component, place) in _PLACES.items():
        folder = network.directory / "data" / component / place
        found[name] = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    return found


async def put(contract: Contract, name: str, count: int, in_flight: int) -> None:
    """Write so many keys, each by a transaction of its own."""
    numbers = iter(range(count))

    async def work() -> None:
        for number in numbers:
            steps = [do.put_state(f"{name}{number:08}", b"v" * _VALUE_BYTES)]
            await contract.submit("Run", encode_steps(steps))

    async with asyncio.TaskGroup() as group:
        for _ in range(in_flight):
            group.create_task(work())


async def settled(network: Network) -> int:
    """Wait until peers and orderers have the same blocks, and return how many."""
    deadline = time.monotonic() + _SETTLE_S
    while True:
        status = await asyncio.to_thread(network.status)
        heights = {one.height for one in (*status.peers, *status.orderers)}
        if len(heights) == 1:
            return next(iter(heights)) or 0
        if time.monotonic() >= deadline:
            raise TimeoutError(f"heights differ: {heights}")
        await asyncio.sleep(0.2)


async def measure(network: Network, many: int, single: int) -> dict[str, dict[str, float]]:
    """Return bytes for each transaction and each block, by place.

    One phase has a transaction a block, the other many: two equations for what a transaction and what a
    block costs. LevelDB writes its files anew by and by: its places are rounded by that.
    """
    async with Gateway.connect(network.connection(org="org1", user="user1")) as gateway:
        contract = gateway.network().contract("script")
        await put(contract, "a", 10, 1)
        marks = [(await settled(network), sizes(network))]
        await put(contract, "b", single, 1)
        marks.append((await settled(network), sizes(network)))
        await put(contract, "c", many, 64)
        marks.append((await settled(network), sizes(network)))
    (first, before), (second, between), (third, after) = marks
    found = {}
    for name in _PLACES:
        one, other = between[name] - before[name], after[name] - between[name]
        blocks, more = second - first, third - second
        determinant = single * more - many * blocks
        found[name] = {
            "transaction_bytes": round((one * more - other * blocks) / determinant),
            "block_bytes": round((single * other - many * one) / determinant),
            "all_bytes": after[name],
        }
    found["run"] = {"transactions": single + many, "blocks": third - first, "value_bytes": _VALUE_BYTES}
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--many", type=int, default=2000, help="transactions in large blocks")
    parser.add_argument("--single", type=int, default=100, help="transactions in a block of their own")
    given = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as folder,
        running_network(World.FABRIC, Path(folder) / "net") as network,
    ):
        network.deploy("script", SCRIPT, policy=BOTH, python_path=[ROOT])
        print(json.dumps(asyncio.run(measure(network, given.many, given.single)), indent=2))


if __name__ == "__main__":
    main()
