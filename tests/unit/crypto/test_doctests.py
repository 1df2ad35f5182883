"""The examples in the docstrings of sealing and key wrapping run."""

from __future__ import annotations

import doctest
import importlib
import pkgutil

import pytest

import gridledger.crypto

MODULES = sorted(
    info.name for info in pkgutil.walk_packages(gridledger.crypto.__path__, "gridledger.crypto.")
)


@pytest.mark.parametrize("name", MODULES)
def test_examples_of_module_run(name: str) -> None:
    failed, _ = doctest.testmod(importlib.import_module(name))
    assert failed == 0
