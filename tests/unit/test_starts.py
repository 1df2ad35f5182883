"""What processes load before they do anything; what a start does not need costs every command and server."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

_REPORT = """
import json, sys
from gridledger.model.record import ModelValue, Record
built = [one.__name__ for one in ModelValue.__subclasses__() + Record.__subclasses__()
         if "__pydantic_validator__" in vars(one)]
print(json.dumps([sorted(sys.modules), built]))
"""
_COMMANDS = {"click", "rich"}
_CLIENTS = {"httpx", "requests", "yaml"}
_DATABASES = {"sqlalchemy", "psycopg", "numpy", "pyarrow", "pandas", "pyspark"}
_IMAGES = {"PIL", "segno", "zxingcpp"}
_TESTS = {"hypothesis", "pytest"}


def started(program: str) -> tuple[set[str], list[str]]:
    """Run a program in a process of its own; return its modules and the classes whose readers it built."""
    answer = subprocess.run(
        [sys.executable, "-c", program + _REPORT], capture_output=True, text=True, check=True, timeout=100
    )
    modules, built = json.loads(answer.stdout.splitlines()[-1])
    return set(modules), built


@pytest.mark.parametrize(
    ("program", "unwanted"),
    [
        pytest.param(
            "import gridledger.exchange.serve",
            {
                *_CLIENTS,
                *_IMAGES,
                *_TESTS,
                *(_DATABASES - {"sqlalchemy"}),
                "rich",
                "gridledger.chaincode",
                "gridledger.exchange.aggregation_system",
                "gridledger.exchange.data_application",
                "gridledger.exchange.demo",
                "gridledger.exchange.readmodel",
                "gridledger.network",
            },
            id="owner",
        ),
        pytest.param(
            "import gridledger.shim.__main__, gridledger.chaincode; gridledger.chaincode.GridLedger()",
            {*_CLIENTS, *_IMAGES, *_TESTS, *_DATABASES, *_COMMANDS, "gridledger.client"},
            id="chaincode",
        ),
        pytest.param(
            "import gridledger.network.devnet.__main__",
            {"httpx", *_IMAGES, *_TESTS, *_DATABASES, *_COMMANDS, "gridledger.chaincode"},
            id="devnet",
        ),
        pytest.param(
            "import gridledger.cli.council_round_cmd",
            {
                "httpx",
                *_IMAGES,
                *_TESTS,
                *(_DATABASES - {"sqlalchemy"}),
                "numba",
                "gridledger.chaincode",
                "gridledger.lake",
            },
            id="super-node",
        ),
    ],
)
def test_server_starts_without_what_it_does_not_need(program: str, unwanted: set[str]) -> None:
    modules, built = started(program)
    assert modules & unwanted == set()
    assert built == []


@pytest.mark.parametrize("option", ["--version", "--help"])
def test_command_line_starts_without_any_command(option: str) -> None:
    program = f"""
import sys
from gridledger.cli.main import run
assert run([{option!r}]) == 0
before = set(sys.modules)
"""
    answer = subprocess.run(
        [sys.executable, "-c", program + "import json; print(json.dumps(sorted(before)))"],
        capture_output=True,
        text=True,
        check=True,
        timeout=100,
    )
    modules = set(json.loads(answer.stdout.splitlines()[-1]))
    assert modules & {*_CLIENTS, *_DATABASES, *_IMAGES, *_TESTS, "cryptography", "grpc", "pydantic"} == set()
    ours = {name for name in modules if name.startswith("gridledger.") and name.count(".") == 1}
    assert ours == {"gridledger.cli"}
