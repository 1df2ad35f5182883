"""What the conformance suite has to touch, whoever writes it."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

from gridledger.shim import ChaincodeStub

SUITE = Path(__file__).parents[1] / "conformance"

OF_THE_LAYER_ABOVE = {"forbid_writes"}
"""What the contract layer does to a stub; queries that write are refused in test_contracts.py."""


def test_probe_calls_every_function_of_the_stub() -> None:
    text = "".join(path.read_text() for path in sorted(SUITE.glob("test_*.py")))
    called = set(re.findall(r"\bdo\.([a-z_]+)\(", text))
    offered = {name for name, _ in inspect.getmembers(ChaincodeStub) if not name.startswith("_")}

    assert offered - called - OF_THE_LAYER_ABOVE == set()
