"""Codes of sealing's errors are no other part's: all of them are imported at once."""

from __future__ import annotations

import importlib

import pytest


@pytest.mark.parametrize(
    "name", ["gridledger.model.signature", "gridledger.client.errors", "gridledger.crypto.errors"]
)
def test_errors_of_all_parts_are_imported_together(name: str) -> None:
    importlib.import_module("gridledger.crypto.errors")
    importlib.import_module(name)
