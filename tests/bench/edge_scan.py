"""100,000 one-time keys, 100 of them one's own, scanned with view tags by two processes."""

from __future__ import annotations

import argparse
import multiprocessing
import os
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from tests.bench.report import Report

from gridledger.crypto.cryptonote.signing import generate_keys
from gridledger.crypto.cryptonote.stealth import OneTimeKey, Sent, SpendSecret, ViewSecret
from gridledger.crypto.secret_key import SecretKey

__all__ = ["add_rows"]

_KEYS = 100_000
_OWN = 100
_CORES = 2
_PART = 2_500


def add_rows(report: Report, given: argparse.Namespace, folder: Path) -> None:
    """Scan once and add what was found."""
    device = SpendSecret.generate()
    keys = _keys(device)
    parts = [keys[at : at + _PART] for at in range(0, len(keys), _PART)]
    view = (device.view.reveal().reveal(), device.address.spend_key)
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(_CORES, mp_context=context) as pool:
        list(pool.map(_scan, [view] * _CORES, [keys[:_PART]] * _CORES))  # processes start and import
        started = time.perf_counter()
        answers = list(pool.map(_scan, [view] * len(parts), parts))
        clock = time.perf_counter() - started
    if sum(found for found, _ in answers) != _OWN:
        raise RuntimeError("the scan did not find the device's own keys")
    cpu = sum(seconds for _, seconds in answers)
    a_second = _CORES * _KEYS / cpu
    report.row(
        f"scan of {_KEYS:,} envelopes with view tags",
        f"{a_second:,.0f}/s on {_CORES} cores by CPU",
        f"{_KEYS / clock:,.0f}/s by the clock, beside what else ran",
    )
    report.compare(f"scan, by CPU of {_CORES} processes", a_second, ">=", 10_000, "/s")
    report.note(
        f"Scan: {1e6 * cpu / _KEYS:.0f} us of CPU an envelope; {_OWN} of them the device's own, all found."
    )


def _keys(device: SpendSecret) -> list[OneTimeKey]:
    """Return the keys: to those of others no secret goes, which a scan cannot see."""
    drawn = [generate_keys()[0] for _ in range(_KEYS - _OWN)]
    tags = os.urandom(len(drawn))
    keys = [
        OneTimeKey(
            public_key=drawn[-1 - number], sender_key=drawn[number], view_tag=tags[number : number + 1]
        )
        for number in range(len(drawn))
    ]
    for number in range(_OWN):
        keys.insert(number * (_KEYS // _OWN), Sent.to(device.address).key)
    return keys


def _scan(view: tuple[bytes, bytes], keys: list[OneTimeKey]) -> tuple[int, float]:
    """Return how many are the device's, and the CPU seconds it took."""
    secret, spend_key = view
    gateway = ViewSecret(SecretKey(secret), spend_key)
    started = time.process_time()
    found = sum(1 for _ in gateway.scan(keys))
    return found, time.process_time() - started
