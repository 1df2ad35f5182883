"""Commands as tests call them: in this process, with their JSON, as one identity or another."""

from __future__ import annotations

import asyncio
import io
import json
import sys
import tempfile
import urllib.request
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from prometheus_client.parser import text_string_to_metric_families

from gridledger.cli.main import run
from gridledger.cli.output import Output
from gridledger.host.logs import KEYS
from gridledger.host.ports import free_ports
from gridledger.model.roles import Role
from gridledger.network import Network

__all__ = ["PATIENCE_S", "Commands", "scraped", "served"]

PATIENCE_S = 300.0
"""Other processes may have the machine."""


class Commands:
    """Calls commands in threads, as one identity or another, and reads their JSON."""

    def __init__(self, network: Network, roles: Mapping[str, tuple[str, Role]] | None = None) -> None:
        self._network = network
        self._roles = roles or {}

    async def __call__(self, *words: object, code: int = 0) -> Any:
        results, errors = io.StringIO(), io.StringIO()
        arguments = [str(word) for word in words] + ["--json"]
        output = Output(stream=results, errors=errors)
        found = await asyncio.to_thread(run, arguments, output)
        assert found == code, errors.getvalue()
        return json.loads(results.getvalue() or errors.getvalue())

    async def by(self, user: str, *words: object, code: int = 0) -> Any:
        organisation, _ = self._roles[user]
        identity = ("--dir", self._network.directory, "--org", organisation, "--user", user)
        return await self(*words, *identity, code=code)

    async def until(self, user: str, *words: object) -> Any:
        """Repeat a query until this organisation's peer has what another's has."""
        organisation, _ = self._roles[user]
        identity = ("--dir", self._network.directory, "--org", organisation, "--user", user, "--json")
        until = asyncio.get_running_loop().time() + PATIENCE_S
        while True:
            results = io.StringIO()
            output = Output(stream=results, errors=io.StringIO())
            arguments = [str(word) for word in (*words, *identity)]
            if await asyncio.to_thread(run, arguments, output) == 0:
                return json.loads(results.getvalue())
            assert asyncio.get_running_loop().time() < until, words
            await asyncio.sleep(0.1)


@asynccontextmanager
async def served(config: Path) -> AsyncIterator[str]:
    """Serve a system by `gridledger provider serve`; every line that it logs is JSON of the fixed keys."""
    program = Path(sys.executable).with_name("gridledger")
    metrics = next(free_ports())
    watched = ("--metrics", str(metrics), "--log-format", "json")
    with tempfile.TemporaryFile() as log:
        process: Process = await asyncio.create_subprocess_exec(
            *(program, "provider", "serve", "--config", config, *watched),
            stdout=asyncio.subprocess.PIPE,
            stderr=log,
        )
        try:
            assert process.stdout is not None
            line = await asyncio.wait_for(process.stdout.readline(), PATIENCE_S)
            assert line.startswith(b"ready "), line
            yield line.decode().split()[1]
            read = await asyncio.to_thread(scraped, metrics)
            assert read["gridledger_build_info"] == 1
        finally:
            process.terminate()
            assert await asyncio.wait_for(process.wait(), PATIENCE_S) == 0
        log.seek(0)
        lines = [json.loads(line) for line in log]
        assert lines
        assert all(tuple(line) == KEYS for line in lines)


def scraped(port: int) -> dict[str, float]:
    """Read a process's metrics as Prometheus does; return the sum of each name's samples."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=60) as answer:
        text = answer.read().decode()
    found: dict[str, float] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            found[sample.name] = found.get(sample.name, 0.0) + sample.value
    return found
