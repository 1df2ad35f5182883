"""Hooks: keyed digests of sampled records, by which blocks that share records are found (LAYOUT.md, 3.4)."""

from __future__ import annotations

import hashlib

import numpy as np
import numpy.typing as npt

from gridledger.lake.frame import BlockKind
from gridledger.lake.records import record_ends, split_records
from gridledger.lake.row import HOOK_BYTES

__all__ = ["hooks_of", "sampling_values"]

_FEWEST = 16
_SPARSENESS = 128
_WORD = 8
_FACTORS = tuple(np.uint64(factor) for factor in (0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9))
_HALF = np.uint64(32)
_LAST, _SECOND, _CHOSEN = np.uint8(167), np.uint8(59), np.uint8(32)


def sampling_values(
    key: bytes, data: bytes, starts: npt.NDArray[np.int64], ends: npt.NDArray[np.int64]
) -> npt.NDArray[np.uint64]:
    """Return the value by which each record is sampled or not.

    Parameters
    ----------
    key : bytes of length 32
        K_hook.
    data : bytes
        A block.
    starts, ends : ndarray of shape (n,)
        Where records begin and end.

    Returns
    -------
    ndarray of shape (n,)
        The same for the same record, wherever it stands.

    Notes
    -----
    It reads 24 bytes of a record, so records that differ elsewhere only have the same value. That costs
    evenness of the sample, nothing else: hooks are digests of whole records.
    """
    lengths = ends - starts
    # Only a short record at the end has no word of its own.
    text = data if len(data) - starts.max(initial=0) >= _WORD else data + bytes(_WORD)
    words = np.ndarray((len(text) - _WORD + 1,), np.dtype("<u8"), text, strides=(1,))
    inner = np.maximum(lengths - _WORD, 0)
    head, middle, tail = words[starts], words[starts + (inner >> 1)], words[starts + inner]
    short = lengths < _WORD
    if short.any():
        bits = np.uint64(64) - lengths.astype(np.uint64) * np.uint64(8)
        mask = np.where(short, np.uint64(0xFFFFFFFFFFFFFFFF) >> np.where(short, bits, 0).astype(np.uint64), 0)
        mask = np.where(short, mask, np.uint64(0xFFFFFFFFFFFFFFFF)).astype(np.uint64)
        head, middle, tail = head & mask, middle & mask, tail & mask
    secret = np.frombuffer(key, "<u8", count=1)[0]
    value = (head ^ secret ^ lengths.astype(np.uint64)) * _FACTORS[0]
    value = (value ^ (value >> _HALF) ^ middle) * _FACTORS[1]
    value = (value ^ (value >> _HALF) ^ tail) * _FACTORS[2]
    mixed: npt.NDArray[np.uint64] = value ^ (value >> _HALF)
    return mixed


def _candidates(key: bytes, data: bytes, ends: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Return which records are sampled first: about one in eight, by two of its last bytes."""
    octets = np.frombuffer(data, np.uint8)
    mixed = octets.take(ends - 2, mode="wrap") * _LAST + octets.take(ends - 4, mode="wrap") * _SECOND
    places = np.flatnonzero(mixed + np.uint8(key[_WORD]) < _CHOSEN)
    chosen: npt.NDArray[np.int64] = places[ends[places] - _starts(ends, places) >= 4]
    return chosen


def _starts(ends: npt.NDArray[np.int64], places: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Return where records begin: where the one before ends."""
    starts = ends[places - 1]
    starts[places == 0] = 0
    return starts


def hooks_of(key: bytes, kind: BlockKind, data: bytes) -> tuple[bytes, int]:
    """Return the hooks of a block, and how many records it has.

    Parameters
    ----------
    key : bytes of length 32
        K_hook.
    kind : BlockKind
        What the block holds.
    data : bytes
        The block.

    Returns
    -------
    hooks : bytes
        8 bytes each; none for a block without records.
    records : int
        Number of records, 0 of a block without.
    """
    if not kind.has_records or not data:
        return b"", 0
    if kind is BlockKind.CELLS:
        records = split_records(kind, data)
        data, ends = b"".join(records), np.cumsum([len(record) for record in records], dtype=np.int64)
    else:
        ends = record_ends(kind, data)
    if not len(ends):
        return b"", 0
    number = len(ends)
    wanted = max(_FEWEST, -(-number // _SPARSENESS))
    # Which record comes before which is the same in every block, whatever else stands in it.
    candidates = _candidates(key, data, ends)
    hooks = _sampled(key, data, ends, candidates, wanted)
    if len(hooks) < wanted and len(candidates) < number:
        others = np.setdiff1d(np.arange(number), candidates, assume_unique=True)
        hooks += _sampled(key, data, ends, others, wanted - len(hooks))
    return b"".join(hooks), number


def _sampled(
    key: bytes, data: bytes, ends: npt.NDArray[np.int64], places: npt.NDArray[np.int64], wanted: int
) -> list[bytes]:
    """Return the hooks of the records that come first among some."""
    if not len(places):
        return []
    values = sampling_values(key, data, _starts(ends, places), ends[places])
    places = places[_smallest(values, wanted)]
    return [
        hashlib.blake2b(data[start:end], key=key, digest_size=HOOK_BYTES).digest()
        for start, end in zip(_starts(ends, places).tolist(), ends[places].tolist(), strict=True)
    ]


def _smallest(values: npt.NDArray[np.uint64], wanted: int) -> npt.NDArray[np.int64]:
    """Return the places of the smallest values in their order, of equal ones the first."""
    # Among a few more than wanted there are enough that differ, mostly.
    few = min(len(values), 4 * wanted)
    smallest = np.sort(np.argpartition(values, few - 1)[:few])
    distinct, places = np.unique(values[smallest], return_index=True)
    if len(distinct) < wanted and few < len(values):
        distinct, places = np.unique(values, return_index=True)
        smallest = np.arange(len(values))
    chosen: npt.NDArray[np.int64] = smallest[places[:wanted]]
    return chosen
