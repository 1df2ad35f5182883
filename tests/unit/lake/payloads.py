"""Payloads made by seeded functions."""

from __future__ import annotations

import random

__all__ = ["meter_csv", "noise", "register"]


def noise(size: int, seed: int = 1) -> bytes:
    return random.Random(seed).randbytes(size)


def register(rows: int, *, seed: int = 1, first: int = 1000) -> list[bytes]:
    """Lines of a register of charging stations: place, number of chargers, area."""
    draw = random.Random(seed)
    return [
        b"%d,%.6f,%.6f,%d,%.3f\n"
        % (
            first + row,
            draw.uniform(113, 115),
            draw.uniform(22, 23),
            draw.randint(1, 60),
            draw.uniform(1e5, 3e7),
        )
        for row in range(rows)
    ]


def meter_csv(rows: int, seed: int = 1) -> bytes:
    draw = random.Random(seed)
    lines = [b"time,house,kwh,volt\n"]
    lines += [
        b"%d,%d,%.3f,%.1f\n" % (row // 17, row % 17, draw.expovariate(1), draw.gauss(230, 2))
        for row in range(rows)
    ]
    return b"".join(lines)
