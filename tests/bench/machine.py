"""The machine that figures come from, and how long it takes for three things that everybody can repeat."""

from __future__ import annotations

import hashlib
import os
import platform
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

__all__ = ["Machine", "cpu_seconds"]

_SCHEDULED_TIME = 2
"""A process's clock is its negated id and this, as the C library's `clock_getcpuclockid` has it."""
_HASHED_BYTES = 64 << 20


@dataclass(frozen=True, kw_only=True)
class Machine:
    """A machine at the time of a run."""

    processor: str
    cores: int
    load: float
    """Mean number of running processes over the minute before."""
    python: str
    verify_us: float
    """One ECDSA verification over P-256, microseconds."""
    sha256_ms: float
    """SHA-256 of 64 MiB, milliseconds."""
    fsync_ms: float
    """Writing and syncing 4 KiB, milliseconds."""

    @classmethod
    def measure(cls, folder: Path) -> Machine:
        """Measure this machine now.

        Parameters
        ----------
        folder : Path
            Where the run keeps its files: fsync is measured there.
        """
        key = ec.generate_private_key(ec.SECP256R1())
        signature = key.sign(b"message", ec.ECDSA(hashes.SHA256()))
        public = key.public_key()
        block = bytes(_HASHED_BYTES)
        return cls(
            processor=_processor(),
            cores=len(os.sched_getaffinity(0)),
            load=os.getloadavg()[0],
            python=platform.python_version(),
            verify_us=1e6
            * _median(lambda: public.verify(signature, b"message", ec.ECDSA(hashes.SHA256())), 500),
            sha256_ms=1e3 * _median(lambda: hashlib.sha256(block), 3),
            fsync_ms=1e3 * _fsync_seconds(folder),
        )

    def __str__(self) -> str:
        return (
            f"{self.processor}, {self.cores} cores, load {self.load:.1f} before the run, "
            f"Python {self.python}; "
            f"ECDSA P-256 verify {self.verify_us:.0f} us, SHA-256 of 64 MiB {self.sha256_ms:.0f} ms, "
            f"fsync of 4 KiB {self.fsync_ms:.2f} ms"
        )


def cpu_seconds(pid: int) -> float:
    """Return the CPU time that a process has used, all its threads, user and system, to the nanosecond."""
    return time.clock_gettime(~pid << 3 | _SCHEDULED_TIME)


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _median(call: Callable[[], object], times: int) -> float:
    taken = []
    for _ in range(times):
        started = time.perf_counter()
        call()
        taken.append(time.perf_counter() - started)
    return statistics.median(taken)


def _fsync_seconds(folder: Path) -> float:
    with tempfile.TemporaryFile(dir=folder) as file:

        def write() -> None:
            file.write(bytes(4096))
            file.flush()
            os.fsync(file.fileno())

        return _median(write, 50)
