"""A load that tries again what was refused before anything was ordered, as while a peer restarts."""

from __future__ import annotations

import asyncio
import io
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.conformance.probe.steps import do, encode_steps
from tests.faults.load import Load

from gridledger.cli.main import run
from gridledger.cli.output import Output
from gridledger.client import EndorseError
from gridledger.model.errors import GatewayError
from gridledger.network import Network

__all__ = ["PatientLoad", "command", "level"]

SECONDS = 240.0


@dataclass
class PatientLoad(Load):
    """Calls again whatever was not endorsed; all other errors count as failed."""

    repeated: list[str] = field(default_factory=list)
    """Keys whose endorsement was asked for more than once."""

    async def _work(self, stopped: asyncio.Event) -> None:
        while not stopped.is_set():
            key = f"{self.name}{next(self._numbers):06}"
            try:
                async with asyncio.timeout(SECONDS):
                    await self._call(key)
            except GatewayError as error:
                self.failed[key] = error
                continue
            async with self._progress:
                self.committed.append(key)
                self._progress.notify_all()

    async def _call(self, key: str) -> None:
        while True:
            try:
                await self.contract.submit("Run", encode_steps([do.put_state(key, key.encode())]))
            except EndorseError:
                # Nothing was ordered: the same call again is no second one.
                self.repeated.append(key)
                await asyncio.sleep(0.2)
            else:
                return


async def command(network: Network, *words: object, code: int = 0) -> Any:
    """Run a command on a network in a thread, and return what it says as JSON."""
    stream, errors = io.StringIO(), io.StringIO()
    arguments = [str(word) for word in (*words, "--dir", network.directory, "--json")]
    ended = await asyncio.to_thread(run, arguments, Output(stream=stream, errors=errors))
    assert ended == code, errors.getvalue()
    return json.loads((errors if code else stream).getvalue())


async def level(network: Network) -> None:
    """Wait until the peers have the same last block."""
    async with asyncio.timeout(SECONDS):
        while not (await asyncio.to_thread(network.status)).agreed:  # noqa: ASYNC110 - nothing tells it
            await asyncio.sleep(0.2)


def copy_of(file: Path, name: str) -> Path:
    """Return a copy of a file beside it."""
    made = file.with_name(name)
    made.write_bytes(file.read_bytes())
    return made
