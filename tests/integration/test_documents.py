"""The programs of docs/integrating.md, as they stand there."""

from __future__ import annotations

import asyncio
import re
import sys
import textwrap
from pathlib import Path

from tests.integration.commands import Commands, served
from tests.integration.exchange import enrol

from gridledger.client import Gateway
from gridledger.model.roles import Role
from gridledger.network import Network

TEXT = (Path(__file__).parents[2] / "docs/integrating.md").read_text()


async def test_chaincode_of_the_document_greets(network: Network, tmp_path: Path) -> None:
    shown = re.search(r"^    from gridledger\.shim.*?\n(?=^In `greeter)", TEXT, re.MULTILINE | re.DOTALL)
    assert shown is not None
    (tmp_path / "greeter.py").write_text(textwrap.dedent(shown[0]))
    await asyncio.to_thread(network.deploy, "greeter", "greeter:GreeterChaincode", python_path=[tmp_path])
    async with Gateway.connect(network.connection(org="org1", user="user1")) as gateway:
        contract = gateway.network(network.channel).contract("greeter", "greeter")
        assert await contract.submit("Greet", "owner") == b"hello owner"
        assert await contract.evaluate("Last") == b"owner"


async def test_enterprise_of_the_document_registers(exchange_network: Network, tmp_path: Path) -> None:
    shown = re.search(r"30 lines.*?```python\n(.*?)```", TEXT, re.DOTALL)
    assert shown is not None
    assert len(shown[1].splitlines()) <= 30
    (tmp_path / "enterprise.py").write_text(shown[1])
    users = {
        "document-aggregation": ("org1", Role.AGGREGATION_SYSTEM),
        "document-auditor": ("org1", Role.AUDITOR),
        "document-enterprise": ("org2", Role.BUSINESS_SYSTEM),
    }
    for user, (organisation, role) in users.items():
        await asyncio.to_thread(enrol, exchange_network, organisation, user, role)
    call = Commands(exchange_network)

    def by(user: str) -> tuple[object, ...]:
        return ("--dir", exchange_network.directory, "--org", users[user][0], "--user", user)

    root, folder = "88.7042", tmp_path / "example"
    who = (
        "--name",
        "Aggregation",
        "--enterprise",
        "made",
        "--code",
        "91330700AAAAAAAAA1",
        "--region",
        "Jinhua",
    )
    await call("system", "establish", "--root", root, *who, *by("document-aggregation"))
    written = await call(
        "system", "example", "monitoring", folder, "--root", root, *by("document-enterprise")
    )
    async with served(Path(written["config"])) as server:
        program = await asyncio.create_subprocess_exec(
            sys.executable,
            tmp_path / "enterprise.py",
            written["config"],
            server,
            stdout=asyncio.subprocess.PIPE,
        )
        try:
            assert program.stdout is not None
            line = (await asyncio.wait_for(program.stdout.readline(), 60)).decode().split()
            assert line[0] == "applied"
            register = ("--register", folder / "register.json")
            await call("system", "check", line[1], "--root", root, *register, *by("document-aggregation"))
            await call("audit", "approve", line[1], *by("document-auditor"))
            said, _ = await asyncio.wait_for(program.communicate(), 120)
        finally:
            if program.returncode is None:
                program.kill()
                await program.wait()
    assert program.returncode == 0
    lines = said.decode().splitlines()
    assert lines[0] == f"identifier {root}.1"
    assert re.fullmatch(r"registered [1-9]\d* deposited [1-9]\d*", lines[-1])
    assert [one for one in lines if one.startswith("refused")] == []
