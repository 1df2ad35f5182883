"""Figures of other benchmarks, read from docs/BENCHMARKS.md: what is measured once is not measured again."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from gridledger.model.errors import ModelError

__all__ = ["Recorded", "Run"]

_DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "BENCHMARKS.md"
_NUMBER = r"([\d,]+(?:\.\d+)?)"
_MIB = 1 << 20
_SET_MIB = 768
_RANDOM_MIB = 256
"""Of the set, what cannot be compressed, beside its copy and as much of meters' readings."""
_QUERY_ROUNDS = rf"^\| 40 at once: [^|]+\| {_NUMBER} \| {_NUMBER} \| {_NUMBER} \|"


@dataclass(frozen=True, kw_only=True)
class Run:
    """A run that a simulation is compared with."""

    name: str
    in_flight: int
    rate: float
    p50_ms: float | None = None
    p95_ms: float | None = None
    load: float | None = None
    """Of the machine before the run, where that is recorded."""
    cores: float | None = None
    """Cores that its processes had on the mean, where that is."""


@dataclass(frozen=True, kw_only=True)
class Recorded:
    """What is used of them."""

    lake_put_cpu_s_a_mib: float
    """Of the client and HDFS, compressed."""
    lake_stored_share: float
    """Of meters' readings: bytes in the store a byte of text, without copies."""
    spark_s: tuple[tuple[float, float], ...]
    """Entries, and seconds on two cores for a clustering of them."""
    response_records_a_cpu_s: float
    """Of a server on PostgreSQL."""
    client: Run
    queries: Run
    orders: Run
    envelopes: Run

    @classmethod
    def read(cls, text: str | None = None) -> Recorded:
        """Read the document.

        Parameters
        ----------
        text : str, optional
            Its text; the file by default.

        Raises
        ------
        ModelError
            If a figure is not there.
        """
        found = _Document(_DOCUMENT.read_text() if text is None else text)
        stored = found.cells(
            "bench-lake", rf"^\| put, compressed \| {_NUMBER} \| {_NUMBER} \| {_NUMBER} \| {_NUMBER} \|"
        )
        rows = sorted(found.all("bench-queries", _QUERY_ROUNDS), key=lambda row: row[2])
        p50, p95, rate = rows[len(rows) // 2]
        (orders,) = found.cells(
            "bench-payments", rf"^\| orders, a note each \| 200 \| 0 \| 0 \| {_NUMBER} \|"
        )
        envelopes = found.cells("bench-edge-deposits", rf"^\| envelope deposit \| {_NUMBER} \| {_NUMBER} \|")
        client = found.cells(
            "bench-client", rf"^\| gridledger \| {_NUMBER} \| {_NUMBER} \| {_NUMBER} \| {_NUMBER} \|"
        )
        return cls(
            lake_put_cpu_s_a_mib=(stored[1] + stored[2]) / _SET_MIB,
            lake_stored_share=(stored[3] / _MIB - _RANDOM_MIB) / _RANDOM_MIB,
            spark_s=tuple(
                (entries * 1e6, found.cells("bench-index", rf"^\| {entries}M x 16, [^|]+\| {_NUMBER} ")[0])
                for entries in (1, 4)
            ),
            response_records_a_cpu_s=found.cells(
                "bench-response", rf"^\| server, PostgreSQL[^|]+\| {_NUMBER} records/s \| {_NUMBER} records/s"
            )[1],
            client=Run(
                name="puts, bench-client", in_flight=64, rate=client[0], p50_ms=client[2], p95_ms=client[3],
                load=found.load("bench-client"),
            ),
            queries=Run(
                name="queries, bench-queries", in_flight=40, rate=rate, p50_ms=p50, p95_ms=p95,
                load=found.load("bench-queries"),
            ),
            orders=Run(
                name="orders, bench-payments", in_flight=200, rate=orders, load=found.load("bench-payments")
            ),
            envelopes=Run(
                name="envelopes, bench-edge-deposits", in_flight=64, rate=envelopes[0], p50_ms=envelopes[1],
                load=found.load("bench-edge-deposits"),
            ),
        )  # fmt: skip


class _Document:
    def __init__(self, text: str) -> None:
        sections = re.split(r"^(?=## )", text, flags=re.MULTILINE)[1:]
        named = ((re.search(r"^`make ([a-z-]+)`", one, flags=re.MULTILINE), one) for one in sections)
        self._sections = {found[1]: one for found, one in named if found is not None}

    def cells(self, target: str, pattern: str) -> tuple[float, ...]:
        return self.all(target, pattern)[0]

    def all(self, target: str, pattern: str) -> list[tuple[float, ...]]:
        found = re.findall(pattern, self._sections.get(target, ""), flags=re.MULTILINE)
        if not found:
            raise ModelError({target: "lacks a figure"}, subject="docs/BENCHMARKS.md")
        rows = [(one,) if isinstance(one, str) else one for one in found]
        return [tuple(float(cell.replace(",", "")) for cell in row) for row in rows]

    def load(self, target: str) -> float:
        return self.cells(target, r", load (\d+\.\d) before the run")[0]
