"""Load on a network by one client process: so many transactions, so many of them under way at once.

As a program it reads a request as JSON from standard input and writes what it measured to standard output;
`node/load.mjs` is the same for the official Node client.
"""

from __future__ import annotations

import asyncio
import json
import os
import resource
import statistics
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from gridledger.client import Connection, Contract, Gateway
from gridledger.model.errors import GatewayError

__all__ = ["Load", "Measured"]

_ROOT = Path(__file__).resolve().parents[2]
_RUN_SECONDS = 600.0
_PRINTED = ("endpoint", "tls_root_cert", "tls_host_override", "msp_id", "certificate", "private_key")


@dataclass(frozen=True, kw_only=True)
class Measured:
    """What one client process measured, its warm-up left out."""

    transactions: int
    """Those that succeeded."""
    failed: list[str]
    """What the client said of each that did not."""
    seconds: float
    cpu_seconds: float
    """CPU of the client's process, all threads."""
    p50_ms: float
    p95_ms: float

    @property
    def rate(self) -> float:
        """Transactions a second."""
        return self.transactions / self.seconds

    @property
    def cpu_ms(self) -> float:
        """CPU of the client for one transaction, milliseconds."""
        return 1e3 * self.cpu_seconds / self.transactions


@dataclass(frozen=True, kw_only=True)
class Load:
    """Calls of one function, each with keys of its own: `prefix` and a number, then `value`."""

    connection: Connection
    chaincode: str
    function: str
    contract: str | None = None
    transactions: int = 1000
    warm_up: int = 128
    """Transactions before the measurement: connections, compilers and caches."""
    in_flight: int = 64
    prefix: str
    value: str = "x" * 100
    evaluate: bool = False
    """Evaluate instead of submitting."""

    async def run(self, command: Sequence[str] | None = None) -> Measured:
        """Run it in a process of its own.

        Parameters
        ----------
        command : sequence of str, optional
            The client program; this module by default.

        Raises
        ------
        RuntimeError
            If the program fails, as it does when a transaction does.
        """
        values = {**asdict(self), "connection": {key: self._printed(key) for key in _PRINTED}}
        process = await asyncio.create_subprocess_exec(
            *(command or [sys.executable, "-m", "tests.bench.load"]),
            cwd=_ROOT,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env={**os.environ, "PYTHONWARNINGS": "ignore"},
        )
        try:
            async with asyncio.timeout(_RUN_SECONDS):
                output, _ = await process.communicate(json.dumps(values).encode())
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        if process.returncode != 0:
            raise RuntimeError(f"the client ended with {process.returncode}")
        return Measured(**json.loads(output))

    def _printed(self, key: str) -> str | None:
        value = getattr(self.connection, key)
        return None if value is None else str(value)


async def _take(
    contract: Contract, request: Mapping[str, Any], prefix: str, count: int
) -> tuple[list[float], list[str]]:
    """Send transactions; return how long each took that succeeded, and what was said of the others."""
    numbers = iter(range(count))
    taken: list[float] = []
    failed: list[str] = []
    call = contract.evaluate if request["evaluate"] else contract.submit

    async def work() -> None:
        for number in numbers:
            started = time.perf_counter()
            try:
                await call(request["function"], f"{prefix}{number}", request["value"])
            except GatewayError as error:
                failed.append(f"{type(error).__name__}: {error}")
            else:
                taken.append(time.perf_counter() - started)

    await asyncio.gather(*(work() for _ in range(request["in_flight"])))
    return taken, failed


async def _measure(request: Mapping[str, Any]) -> Measured:
    connection = Connection.from_values(request["connection"])
    async with Gateway.connect(connection) as gateway:
        contract = gateway.network("energy").contract(request["chaincode"], request["contract"])
        await _take(contract, request, f"{request['prefix']}w", request["warm_up"])
        used, started = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
        taken, failed = await _take(contract, request, request["prefix"], request["transactions"])
        seconds, now = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_SELF)
    centiles = statistics.quantiles(taken, n=100)
    return Measured(
        transactions=len(taken),
        failed=failed,
        seconds=seconds,
        cpu_seconds=now.ru_utime - used.ru_utime + now.ru_stime - used.ru_stime,
        p50_ms=1e3 * centiles[49],
        p95_ms=1e3 * centiles[94],
    )


def main() -> None:
    """Read a request, measure, write what was measured."""
    json.dump(asdict(asyncio.run(_measure(json.load(sys.stdin)))), sys.stdout)


if __name__ == "__main__":
    main()
