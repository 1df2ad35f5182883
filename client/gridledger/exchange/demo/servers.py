"""The owners' servers, each a process of its own."""

from __future__ import annotations

import asyncio
import sys
from asyncio.subprocess import Process
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from gridledger.web import ServiceUnavailable

__all__ = ["OwnerServers"]

_START_S: Final = 120.0
_STOP_S: Final = 10.0


class OwnerServers:
    """Starts servers by their configuration files, and stops them by their process ids.

    Parameters
    ----------
    configs : mapping of str to Path
        Name to configuration file.

    Attributes
    ----------
    urls : dict of str to str
        Name to origin, once entered.
    """

    def __init__(self, configs: Mapping[str, Path]) -> None:
        self._configs = configs
        self._processes: dict[str, Process] = {}
        self._logs = ExitStack()
        self.urls: dict[str, str] = {}

    @property
    def pids(self) -> dict[str, int]:
        """Process ids of the servers that run, by name."""
        return {name: process.pid for name, process in self._processes.items()}

    async def __aenter__(self) -> Self:
        try:
            for name, config in self._configs.items():
                self._processes[name] = await self._start(config)
            urls = await asyncio.gather(*(self._ready(name) for name in self._configs))
        except BaseException:
            await self.stop()
            raise
        self.urls = dict(zip(self._configs, urls, strict=True))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def stop(self, *names: str) -> None:
        """Stop servers, all by default and all at once: ask first, then insist."""
        found = [self._processes.pop(name, None) for name in names or tuple(self._processes)]
        await asyncio.gather(*(_stop(one) for one in found if one is not None and one.returncode is None))
        if not self._processes:
            self._logs.close()

    async def _start(self, config: Path) -> Process:
        log = self._logs.enter_context((config.parent / "server.log").open("ab"))
        return await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "gridledger.exchange.serve",
            str(config),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=log,
        )

    async def _ready(self, name: str) -> str:
        """Wait for the line `ready URL`."""
        output = self._processes[name].stdout
        line = b""
        if output is not None:
            try:
                line = await asyncio.wait_for(output.readline(), _START_S)
            except TimeoutError as error:
                raise ServiceUnavailable(f"{name} was not ready in {_START_S:g} s") from error
        word, _, url = line.decode("ascii", errors="replace").strip().partition(" ")
        if word != "ready":
            log = (self._configs[name].parent / "server.log").read_text("utf-8", errors="replace")
            raise ServiceUnavailable(f"{name} did not start: {log[-2000:].strip()}")
        return url


async def _stop(process: Process) -> None:
    process.terminate()
    try:
        await asyncio.wait_for(process.wait(), _STOP_S)
    except TimeoutError:
        process.kill()
        await process.wait()
