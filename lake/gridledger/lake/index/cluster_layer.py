"""The cluster index layer: of each part, where its runs start and end and what they span (LAYOUT.md, 8.3)."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from gridledger.lake.errors import Malformed
from gridledger.lake.index.runs import Runs
from gridledger.lake.varint import FieldReader, varint

__all__ = ["read_layer", "write_layer"]

_NAME_BYTES = 16
_MOST_DIMENSIONS = 4_096
_NUMBER = np.dtype("<i8")


def write_layer(runs: Mapping[str, Runs], dimensions: int) -> bytes:
    """Write the runs of all parts, by the names of their files."""
    written = [varint(dimensions), varint(len(runs))]
    for name, held in runs.items():
        written += [bytes.fromhex(name), varint(len(held.ends))]
        for numbers in (held.ends, held.low, held.high):
            written.append(np.ascontiguousarray(numbers, dtype=_NUMBER).tobytes())
    return b"".join(written)


def read_layer(data: bytes) -> dict[str, Runs]:
    """Read what `write_layer` wrote.

    Raises
    ------
    Malformed
        Bytes are missing or left over, runs end before they start, or a box is upside down.
    """
    reader = FieldReader(data)
    dimensions = reader.number()
    if not 0 < dimensions <= _MOST_DIMENSIONS:
        raise Malformed(f"{dimensions} dimensions are not between 1 and {_MOST_DIMENSIONS}")
    found: dict[str, Runs] = {}
    for _ in range(reader.count(each=_NAME_BYTES + 1)):
        name = reader.take(_NAME_BYTES).hex()
        number = reader.count(each=_NUMBER.itemsize * (2 * dimensions + 1))
        if not number or name in found:
            raise Malformed("a part has no runs, or stands there twice")

        def numbers(shape: tuple[int, ...]) -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
            taken = reader.take(_NUMBER.itemsize * int(np.prod(shape)))
            return np.frombuffer(taken, _NUMBER).reshape(shape).astype(np.int64)

        runs = Runs(
            ends=numbers((number,)), low=numbers((number, dimensions)), high=numbers((number, dimensions))
        )
        if runs.ends[0] < 1 or (np.diff(runs.ends) < 1).any() or (runs.low > runs.high).any():
            raise Malformed("runs do not follow one another, or a box is upside down")
        found[name] = runs
    reader.end()
    return found
