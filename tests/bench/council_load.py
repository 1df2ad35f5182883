"""Calls in flight by one client process until it is told to end, and when each of them committed.

As a program it reads a request as one line of JSON from standard input, calls until that is closed, and
writes what came of it to standard output.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import sys
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gridledger.client import Connection, Deadlines, Gateway
from gridledger.model.errors import GatewayError

__all__ = ["SteadyLoad"]

_ROOT = Path(__file__).resolve().parents[2]
_PRINTED = ("endpoint", "tls_root_cert", "tls_host_override", "msp_id", "certificate", "private_key")
_END_SECONDS = 120.0
_PATIENT = Deadlines(evaluate=30, endorse=30, submit=30, commit_status=90)


@dataclass
class SteadyLoad:
    """What one client process did."""

    committed: list[float] = field(default_factory=list)
    """When each commit was reported, in seconds since 1970, sorted."""
    failed: list[str] = field(default_factory=list)
    """What the client said of each call that failed."""

    @classmethod
    @asynccontextmanager
    async def running(
        cls, connection: Connection, chaincode: str, *, in_flight: int, prefix: str
    ) -> AsyncIterator[SteadyLoad]:
        """Run one while the body does; its results are there afterwards.

        Parameters
        ----------
        connection : Connection
            As whom.
        chaincode : str
            One of `chaincode.py`'s.
        in_flight : int
            Calls under way at once.
        prefix : str
            Beginning of all keys.

        Raises
        ------
        RuntimeError
            If the client's process fails.
        """
        values = {key: getattr(connection, key) for key in _PRINTED}
        request = {
            "connection": {key: None if value is None else str(value) for key, value in values.items()},
            "chaincode": chaincode,
            "in_flight": in_flight,
            "prefix": prefix,
        }
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.bench.council_load"),
            cwd=_ROOT,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env={**os.environ, "PYTHONWARNINGS": "ignore"},
            limit=1 << 28,
        )
        load = cls()
        try:
            assert process.stdin is not None
            process.stdin.write(json.dumps(request).encode() + b"\n")
            await process.stdin.drain()
            yield load
            process.stdin.close()
            assert process.stdout is not None
            answer = json.loads(await asyncio.wait_for(process.stdout.read(), _END_SECONDS))
            load.committed, load.failed = sorted(answer["committed"]), answer["failed"]
            if await asyncio.wait_for(process.wait(), _END_SECONDS) != 0:
                raise RuntimeError("the client failed")
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()

    def rate(self, since: float, until: float) -> float:
        """Return commits a second between two moments."""
        return sum(since <= one < until for one in self.committed) / (until - since)

    def longest_gap(self, since: float, until: float) -> float:
        """Return the longest time without a commit between two moments, seconds."""
        moments = [since, *(one for one in self.committed if since <= one < until), until]
        return max(later - earlier for earlier, later in itertools.pairwise(moments))


async def _call(request: Mapping[str, Any], ended: asyncio.Event) -> dict[str, list[Any]]:
    committed: list[float] = []
    failed: list[str] = []
    connection = Connection.from_values(request["connection"])
    async with Gateway.connect(connection, deadlines=_PATIENT) as gateway:
        contract = gateway.network("energy").contract(request["chaincode"])
        numbers = iter(range(10**9))

        async def work() -> None:
            for number in numbers:
                if ended.is_set():
                    return
                try:
                    await contract.submit("Put", f"{request['prefix']}{number}", "x" * 100)
                except GatewayError as error:
                    failed.append(f"{type(error).__name__}: {error}")
                else:
                    committed.append(time.time())

        await asyncio.gather(*(work() for _ in range(request["in_flight"])))
    return {"committed": committed, "failed": failed}


async def _main() -> None:
    request = json.loads(await asyncio.to_thread(sys.stdin.readline))
    ended = asyncio.Event()
    calls = asyncio.create_task(_call(request, ended))
    await asyncio.to_thread(sys.stdin.read)
    ended.set()
    json.dump(await calls, sys.stdout)


if __name__ == "__main__":
    asyncio.run(_main())
