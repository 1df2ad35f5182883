"""The programs of docs/integrating.md do what the document says, as they stand there."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import sys
from pathlib import Path

import pytest
from tests.conformance.node.caller import NodeCaller
from tests.nodejs import NodeProgram

_DOCUMENT = Path(__file__).resolve().parents[3] / "docs" / "integrating.md"
_RUN_SECONDS = 60


def _program(language: str) -> str:
    """Return the document's first program in a language: it prints what the contracts are."""
    found = re.search(rf"^```{language}\n(.*?)^```$", _DOCUMENT.read_text(), flags=re.DOTALL | re.MULTILINE)
    assert found is not None
    return found[1]


async def _output(*command: str | Path, folder: Path) -> str:
    process = await asyncio.create_subprocess_exec(
        *command, cwd=folder, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    async with asyncio.timeout(_RUN_SECONDS):
        output, errors = await process.communicate()
    assert process.returncode == 0, errors.decode()
    return output.decode()


@pytest.fixture
def connected(node1: NodeCaller, tmp_path: Path) -> Path:
    """Return a folder with the file that `gridledger network connection --json` is written to."""
    (tmp_path / "connection.json").write_text(json.dumps({**node1.connection, "chaincode": "typed"}))
    return tmp_path


async def test_python_program_prints_the_contracts(connected: Path) -> None:
    (connected / "program.py").write_text(_program("python"))
    output = await _output(sys.executable, "program.py", folder=connected)
    assert "readings" in json.loads(output)["contracts"]


async def test_node_program_prints_the_contracts_and_a_refusal(
    node_program: NodeProgram, connected: Path
) -> None:
    (connected / "program.mjs").write_text(_program("js"))
    (connected / "node_modules").symlink_to(node_program.folder / "node_modules")
    node = shutil.which("node")
    assert node is not None
    output = await _output(node, "program.mjs", folder=connected)
    metadata, refusal = output.strip().split("\n", 1)
    assert "readings" in json.loads(metadata)["contracts"]
    assert refusal.startswith("chaincode response ")
    assert "GL-" in refusal
