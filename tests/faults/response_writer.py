"""A terminal and a server with their chain modules in a process of its own, to be killed at any moment."""

from __future__ import annotations

import asyncio
import multiprocessing
import random
import secrets
from collections.abc import Coroutine
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from tests.unit.response.fakes import FakeLedger, lost, reading, unknown
from tests.unit.response.world import ERRORS, World

__all__ = ["ResponseWriter"]

_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(["tests.unit.response.world"])


class ResponseWriter:
    """Accepts records and lets all modules work, until it is killed; tells of each number accepted."""

    def __init__(self, folder: Path, seed: int) -> None:
        self._told, telling = _CONTEXT.Pipe(duplex=False)
        self._process: Any = _CONTEXT.Process(target=_work, args=(telling, folder, seed))
        self._process.start()
        telling.close()

    def wait(self, seconds: float = 60.0) -> None:
        """Wait until it works."""
        assert self._told.poll(seconds), "the writer does not begin"

    def kill(self) -> list[int]:
        """End it by SIGKILL; return the numbers that it told."""
        self._process.kill()
        self._process.join(60)
        told: list[int] = []
        while self._told.poll():
            try:
                told.append(self._told.recv())
            except EOFError:
                break
        return told


class KeptLedger(FakeLedger):
    """A ledger whose commits outlive the process: what is committed is written before it is answered."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._file = folder / "ledger.jsonl"
        for line in self._lines():
            _finish(super().settle(line.encode()))
        # An envelope of an earlier process may still come, under its number.
        self.made = secrets.randbits(48)

    def _lines(self) -> list[str]:
        """Return what was committed; a last line that is torn was not answered."""
        text = self._file.read_text() if self._file.exists() else ""
        return text.split("\n")[:-1]

    async def settle(self, envelope: bytes) -> int:
        before = len(self.committed)
        try:
            return await super().settle(envelope)
        finally:
            # Also where the commit's answer is lost.
            if len(self.committed) > before:
                with self._file.open("ab") as file:
                    file.write(envelope + b"\n")


def _finish(work: Coroutine[Any, Any, Any]) -> None:
    """Run what never waits."""
    try:
        work.send(None)
    except StopIteration:
        return
    raise RuntimeError("it waits")


def _work(telling: Connection, folder: Path, seed: int) -> None:
    chance = random.Random(seed)
    world = World(folder)
    ledger = KeptLedger(folder)
    world.use(ledger)

    def fault(step: str) -> None:
        if chance.random() < 0.1:
            raise lost() if step in {"request", "answer"} else unknown()

    world.link.fault = ledger.fault = fault

    async def forever() -> None:
        while True:
            telling.send(world.terminal.accept(reading(chance.randint(1, 10**6))))
            try:
                await world.once()
            except ERRORS:
                continue

    asyncio.run(forever())
