"""The chaincode of docs/integrating.md, as it stands there."""

from __future__ import annotations

import asyncio
import re
import textwrap
from pathlib import Path

from gridledger.client import Gateway
from gridledger.network import Network

TEXT = (Path(__file__).parents[2] / "docs/integrating.md").read_text()


async def test_chaincode_of_the_document_greets(network: Network, tmp_path: Path) -> None:
    shown = re.search(r"^    from gridledger\.shim.*?\n(?=^In `greeter)", TEXT, re.MULTILINE | re.DOTALL)
    assert shown is not None
    (tmp_path / "greeter.py").write_text(textwrap.dedent(shown[0]))
    await asyncio.to_thread(network.deploy, "greeter", "greeter:GreeterChaincode", python_path=[tmp_path])
    async with Gateway.connect(network.connection(org="org1", user="user1")) as gateway:
        contract = gateway.network("energy").contract("greeter", "greeter")
        assert await contract.submit("Greet", "owner") == b"hello owner"
        assert await contract.evaluate("Last") == b"owner"
