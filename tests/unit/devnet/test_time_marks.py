"""Which chaincodes have a time mark that devnet renews."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridledger.network.devnet.time_marks import _declares_mark


def _metadata(contract: str, *transactions: str) -> bytes:
    declared = [{"name": name} for name in transactions]
    return json.dumps({"contracts": {contract: {"name": contract, "transactions": declared}}}).encode()


@pytest.mark.parametrize(
    ("metadata", "expected"),
    [
        (_metadata("ledger", "GetTimeMark", "RenewTimeMark"), True),
        (_metadata("ledger", "GetTimeMark"), False),
        (_metadata("other", "RenewTimeMark"), False),
        (b"", False),
        (b"null", False),
        (b"[]", False),
        (b'{"contracts": []}', False),
        (b'{"contracts": {"ledger": {"transactions": [1]}}}', False),
        (b"\xff", False),
        (b"[" * 100_000, False),
    ],
)
def test_only_declared_marks_are_renewed(metadata: bytes, expected: bool) -> None:
    assert _declares_mark(metadata) is expected


@given(st.binary(max_size=200))
def test_garbage_declares_nothing(metadata: bytes) -> None:
    assert not _declares_mark(metadata)
