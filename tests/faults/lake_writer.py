"""A process that puts payloads into a lake on HDFS, to be killed at any moment."""

from __future__ import annotations

import io
import multiprocessing
import random
from collections.abc import Mapping
from multiprocessing.connection import Connection
from typing import Any

from gridledger.crypto.secret_key import SecretKey
from gridledger.lake import ChunkSizes, Lake, open_store

__all__ = ["OWNER", "PACK_BYTES", "SIZES", "LakeWriter", "payload"]

OWNER = SecretKey(bytes(range(32)))
SIZES = ChunkSizes(minimum=1024, average=4096, maximum=16_384)
PACK_BYTES = 100_000
_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(["tests.faults.lake_writer", "gridledger.lake.hdfs_store"])


def payload(name: str) -> bytes:
    """Return the payload of a name: new bytes, and some that all have."""
    return random.Random(0).randbytes(60_000) + random.Random(name).randbytes(250_000)


class LakeWriter:
    """Puts payloads one after the other, and tells of each when it was acknowledged."""

    def __init__(self, address: str, settings: Mapping[str, str], names: list[str]) -> None:
        self._told, telling = _CONTEXT.Pipe(duplex=False)
        self._process: Any = _CONTEXT.Process(target=_write, args=(telling, address, dict(settings), names))
        self._process.start()
        telling.close()

    def wait_begun(self, seconds: float = 60.0) -> None:
        """Wait until it begins to put."""
        assert self._told.poll(seconds), "the writer does not begin"
        assert self._told.recv() == ""

    def wait(self, seconds: float = 120.0) -> list[str]:
        """Wait until it has put everything."""
        self._process.join(seconds)
        assert self._process.exitcode == 0
        return self._acknowledged()

    def kill(self) -> list[str]:
        """End it as kill -9 does; return what was acknowledged."""
        self._process.kill()
        self._process.join()
        return self._acknowledged()

    def _acknowledged(self) -> list[str]:
        names = []
        try:
            while self._told.poll():
                names.append(self._told.recv())
        except EOFError:
            pass
        self._told.close()
        return [name for name in names if name]


def _write(telling: Connection, address: str, settings: dict[str, str], names: list[str]) -> None:
    with open_store(address, settings=settings) as store:
        lake = Lake.open(store, OWNER, pack_bytes=PACK_BYTES)
        telling.send("")
        for name in names:
            lake.put(name, io.BytesIO(payload(name)))
            telling.send(name)
