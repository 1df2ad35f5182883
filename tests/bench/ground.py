"""What benchmarks share: their options, a network of their own, the deployed chaincodes' processes."""

from __future__ import annotations

import argparse
import os
import re
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.bench.load import Load
from tests.bench.machine import Machine, cpu_seconds

from gridledger.network import Network, World

__all__ = ["BOTH", "NODE_FOLDER", "Ground", "chaincode_ms", "options"]

_ROOT = Path(__file__).resolve().parents[2]
NODE_FOLDER = Path(__file__).parent / "node"
BOTH = "AND('Org1MSP.peer','Org2MSP.peer')"
_MODULE = "tests.bench.chaincode"


def options(
    description: str,
    *,
    world: World,
    transactions: int,
    rounds: int,
    in_flight: int = 64,
    parts: Sequence[str] = (),
) -> argparse.Namespace:
    """Read the command line; from here on a terminated benchmark stops what it started.

    One with `parts` may be told to run some of them.
    """
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--world", choices=[each.value for each in World], default=world.value)
    parser.add_argument("--bin", type=Path, default=os.environ.get("GRIDLEDGER_FABRIC_BIN"))
    parser.add_argument("--transactions", type=int, default=transactions, help="of each kind in each round")
    parser.add_argument("--rounds", type=int, default=rounds)
    parser.add_argument("--in-flight", type=int, default=in_flight)
    parser.add_argument("--record", action="store_true", help="write the section of docs/BENCHMARKS.md")
    if parts:
        parser.add_argument("--parts", nargs="+", choices=parts, default=list(parts))
    return parser.parse_args()


@dataclass(frozen=True, kw_only=True)
class Ground:
    """A running network and the machine it runs on."""

    network: Network
    machine: Machine
    folder: Path

    @classmethod
    @contextmanager
    def open(cls, given: argparse.Namespace, *, waiting_orderers: int = 0) -> Iterator[Ground]:
        """Start a network in a temporary folder; stop it and remove the folder at the end."""
        with tempfile.TemporaryDirectory(prefix="gridledger-bench-") as name:
            folder = Path(name)
            machine = Machine.measure(folder)
            world = World(given.world)
            network = Network.create(
                folder / "network",
                world=world,
                binaries=given.bin if world is World.FABRIC else None,
                waiting_orderers=waiting_orderers,
            )
            try:
                network.up()
                yield cls(network=network, machine=machine, folder=folder)
            finally:
                network.down()

    @property
    def world(self) -> str:
        """The world for people: `devnet` or `Fabric v3.1.5, 4 SmartBFT orderers, 2 peers`."""
        description = self.network.description
        if description.world is World.DEVNET:
            return f"devnet, {len(description.organisations)} organisations"
        answer = subprocess.run(
            [Path(description.binaries or "") / "peer", "version"],
            capture_output=True,
            text=True,
            check=True,
            timeout=30,
        )
        version = re.search(r"^\s*Version: (\S+)", answer.stdout, flags=re.MULTILINE)
        orderers = sum(not one.is_waiting for one in description.orderers)
        peers = len(description.organisations)
        return f"Fabric {version[1] if version else '?'}, {orderers} SmartBFT orderers, {peers} peers, TLS"

    def deploy(self, name: str, kind: str, *, tls: bool = True) -> list[int]:
        """Deploy one of `chaincode.py`'s, endorsed by both; return its processes' pids."""
        self.network.deploy(name, f"{_MODULE}:{kind}", policy=BOTH, python_path=[_ROOT], tls=tls)
        wanted = {
            self.network.chaincode_component(name, organisation.name)
            for organisation in self.network.organisations
        }
        pids = {each.name: each.pid for each in self.network.status().components if each.name in wanted}
        return [pid for pid in pids.values() if pid is not None]


async def chaincode_ms(pids: Sequence[int], load: Load) -> float:
    """Run a load without warm-up; return the CPU that these processes used for one transaction, milliseconds.

    Raises
    ------
    RuntimeError
        If more than one of a hundred transactions failed. Fewer do not tilt the figure: a gateway that finds
        no peer for a moment, on a busy machine, has not asked the chaincode.
    """
    before = sum(cpu_seconds(pid) for pid in pids)
    measured = await load.run()
    used = sum(cpu_seconds(pid) for pid in pids) - before
    if len(measured.failed) * 100 > load.transactions:
        raise RuntimeError(f"{len(measured.failed)} transactions failed: {measured.failed[0]}")
    return 1e3 * used / measured.transactions
