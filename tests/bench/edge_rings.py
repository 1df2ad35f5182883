"""Rings of 16 keys, signed and checked on one core: ours beside turtlecoin-crypto, native and JavaScript."""

from __future__ import annotations

import argparse
import asyncio
import os
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

from tests.bench.report import Report
from tests.nodejs import NodeProgram

from gridledger.crypto.cryptonote.hash_to_point import hash_to_ec
from gridledger.crypto.cryptonote.keys import generate_key_image
from gridledger.crypto.cryptonote.ring import check_ring_signature
from gridledger.crypto.cryptonote.signing import generate_keys, generate_ring_signature

__all__ = ["add_rows"]

_PROGRAM = Path(__file__).resolve().parents[1] / "integration/cryptonote"
_RING = 16
_SIGNER = 5
_JS_TIMES = 1
_BUILD_SECONDS = 900
_RUN_SECONDS = 300.0


class _Ring:
    """A ring, and what is signed in it."""

    def __init__(self) -> None:
        pairs = [generate_keys() for _ in range(_RING)]
        self.keys = [public_key for public_key, _ in pairs]
        self.secret_key = pairs[_SIGNER][1]
        self.image = generate_key_image(*pairs[_SIGNER])
        self.prefix_hash = os.urandom(32)
        self.signature = self.sign()

    def sign(self) -> bytes:
        return generate_ring_signature(self.prefix_hash, self.image, self.keys, self.secret_key, _SIGNER)

    def check(self) -> None:
        if not check_ring_signature(self.prefix_hash, self.image, self.keys, self.signature):
            raise RuntimeError("our ring signature does not hold")

    def calls(self, times: int) -> list[list[Any]]:
        """Return the same work for turtlecoin-crypto."""
        shared = [self.prefix_hash.hex(), self.image.hex(), [key.hex() for key in self.keys]]
        sign = ["generate_ring_signature", *shared, self.secret_key.hex(), _SIGNER]
        return [sign] * times + [["check_ring_signature", *shared, self.signature.hex()]] * times


def add_rows(report: Report, given: argparse.Namespace, folder: Path) -> None:
    """Measure by turns, in so many rounds, and add what was found."""
    workspace = folder / "cryptonote"
    workspace.mkdir()
    program = NodeProgram(_PROGRAM, workspace)
    _build((workspace / "node_modules").resolve())
    used: dict[str, list[float]] = {}
    for _ in range(given.rounds):
        ring = _Ring()
        for kept, name in ((True, ""), (False, " cold")):
            used.setdefault(f"sign{name}", []).extend(_ours(ring.sign, given.transactions, kept=kept))
            used.setdefault(f"verify{name}", []).extend(_ours(ring.check, given.transactions, kept=kept))
        for engine, times in (("native", given.transactions), ("js", _JS_TIMES)):
            signed, checked = asyncio.run(_theirs(program, ring, engine, times))
            used.setdefault(f"sign {engine}", []).extend(signed)
            used.setdefault(f"verify {engine}", []).extend(checked)
    ms = {name: 1e3 * median(seconds) for name, seconds in used.items()}
    best = {name: 1e3 * min(seconds) for name, seconds in used.items()}
    for what in ("sign", "verify"):
        native, js = ms[f"{what} native"], ms[f"{what} js"]
        beside = f"turtlecoin-crypto 6.0.4: native {native:.2f} ms, JavaScript {js:.0f} ms"
        for name, points in (("", "points of keys kept"), (" cold", "cold")):
            shown = f"{ms[what + name]:.2f} ms (fastest {best[what + name]:.2f})"
            report.row(f"ring of {_RING}, {what}, {points}", shown, beside)
        report.compare(f"{what}, points of keys kept", ms[what], "<=", 8, " ms")
        report.compare(f"{what}, cold", ms[f"{what} cold"], "<=", 12, " ms")
        report.compare(f"{what} against JavaScript", js / ms[what], ">=", 30)
    report.note(
        f"Rings: medians of {given.rounds} rounds of {given.transactions} by turns; CPU of one thread."
    )


def _ours(call: Callable[[], object], times: int, *, kept: bool) -> list[float]:
    call()
    seconds = []
    for _ in range(times):
        if not kept:
            hash_to_ec.cache_clear()
        started = time.thread_time()
        call()
        seconds.append(time.thread_time() - started)
    return seconds


async def _theirs(
    program: NodeProgram, ring: _Ring, engine: str, times: int
) -> tuple[list[float], list[float]]:
    """Return CPU seconds of its signing and checking; it must find our signature good, and we its own."""
    request = {"engine": engine, "calls": ring.calls(times)}
    answer = await program.run("calls.mjs", request, seconds=_RUN_SECONDS)
    if answer["native"] != (engine == "native"):
        raise RuntimeError(f"turtlecoin-crypto is not {engine}")
    signatures, checked = answer["results"][:times], answer["results"][times:]
    held = [
        check_ring_signature(ring.prefix_hash, ring.image, ring.keys, bytes.fromhex(signature))
        for signature in signatures[:1]
    ]
    if not all(held + checked):
        raise RuntimeError("a ring signature of one does not hold for the other")
    return answer["seconds"][:times], answer["seconds"][times:]


def _build(packages: Path) -> None:
    """Compile the native part, which the tests do without, once for the installed packages."""
    package = packages / "turtlecoin-crypto"
    if (package / "build/Release/turtlecoin-crypto.node").exists():
        return
    command = [shutil.which("npm") or "npm", "run", "install", "--loglevel=error"]
    subprocess.run(command, cwd=package, check=True, capture_output=True, timeout=_BUILD_SECONDS)
