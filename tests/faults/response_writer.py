"""A terminal and a server with their chain modules in a process of its own, to be killed at any moment."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import random
import secrets
import signal
from collections.abc import Callable, Coroutine
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from tests.unit.response.boundaries import keep_s, provoke, work
from tests.unit.response.fakes import FakeLedger, lost, reading, unknown
from tests.unit.response.world import ERRORS, World

from gridledger.response.record_store import Moment
from gridledger.response.state import Happening, Side

__all__ = ["KeptLedger", "ResponseVictim", "ResponseWriter"]

_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(["tests.unit.response.boundaries"])
_INVALID = "!"
"""Before the id of a transaction that stands in the chain as invalid."""


class ResponseWriter:
    """Accepts records and lets all modules work, until it is killed; tells of each number accepted."""

    def __init__(self, folder: Path, seed: int) -> None:
        self._start(_work, folder, seed)

    def _start(self, target: Callable[..., None], *arguments: object) -> None:
        self._told, telling = _CONTEXT.Pipe(duplex=False)
        self._process: Any = _CONTEXT.Process(target=target, args=(telling, *arguments))
        self._process.start()
        telling.close()

    def wait(self, seconds: float = 60.0) -> None:
        """Wait until it works."""
        assert self._told.poll(seconds), "the writer does not begin"

    def kill(self) -> list[int]:
        """End it by SIGKILL; return the numbers that it told."""
        self._process.kill()
        self._process.join(60)
        return self._rest()

    def _rest(self) -> list[int]:
        told: list[int] = []
        while self._told.poll():
            try:
                told.append(self._told.recv())
            except EOFError:
                break
        return told


class ResponseVictim(ResponseWriter):
    """Works as a writer does, and kills itself by SIGKILL at a boundary between two steps."""

    def __init__(
        self, folder: Path, side: Side, happening: Happening, moment: Moment, *, records: int
    ) -> None:
        self._start(_work_up_to, folder, (side, happening, moment), records)

    def meet(self, seconds: float = 300.0) -> list[int]:
        """Wait until it is dead; return the numbers that it told."""
        self._process.join(seconds)
        assert self._process.exitcode == -signal.SIGKILL, self._process.exitcode
        return self._rest()


class KeptLedger(FakeLedger):
    """A ledger whose commits outlive the process: what is committed is written before it is answered."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._file = folder / "ledger.jsonl"
        for line in self._lines():
            if line.startswith(_INVALID):
                self.invalid.add(line.removeprefix(_INVALID))
            else:
                _finish(super().settle(line.encode()))
        # An envelope of an earlier process may still come, under its number.
        self.made = secrets.randbits(48)

    def _lines(self) -> list[str]:
        """Return what was committed; a last line that is torn was not answered."""
        text = self._file.read_text() if self._file.exists() else ""
        return text.split("\n")[:-1]

    async def settle(self, envelope: bytes) -> int:
        committed, invalid = len(self.committed), set(self.invalid)
        try:
            return await super().settle(envelope)
        finally:
            # Also where the commit's answer is lost.
            if len(self.committed) > committed:
                self._keep(envelope.decode())
            for tx_id in self.invalid - invalid:
                self._keep(_INVALID + tx_id)

    def _keep(self, line: str) -> None:
        with self._file.open("a") as file:
            file.write(line + "\n")


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


def _work_up_to(
    telling: Connection, folder: Path, boundary: tuple[Side, Happening, Moment], records: int
) -> None:
    _, happening, _ = boundary
    world = World(folder, records=records, keep_s=keep_s(happening))
    world.use(KeptLedger(folder))
    provoke(world, happening)

    def die() -> None:
        for number in world.accepted:
            telling.send(number)
        os.kill(os.getpid(), signal.SIGKILL)

    world.kill = die  # type: ignore[method-assign]
    world.kill_at = boundary
    asyncio.run(work(world, 14))
