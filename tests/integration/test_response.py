"""Demand response on a network: terminals and server by commands, anchors, a proof verified offline."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from tests.integration.commands import Commands
from tests.integration.exchange import CHAINCODE, authorities, enrol
from tests.integration.openadr_vens import take_part_by_3_0, take_part_by_3_1
from tests.integration.small_scene import SmallScene, small_scene

from gridledger.client.channel_trust import ConfiguredTrust
from gridledger.client.errors import ProofRefused
from gridledger.exchange.demo.configuration import write_connection
from gridledger.model.fieldtype import write_base64url as base64
from gridledger.model.identifier import SystemIdentifier
from gridledger.model.record_proof import RecordProof
from gridledger.model.response import AnchorSide, TerminalIdentifier
from gridledger.model.roles import Role
from gridledger.network import Network
from gridledger.response.certificate import verify_record
from gridledger.response.ledger import ResponseLedger
from gridledger.response.run_export import RunExport

HOUR_MS = 3_600_000
HOUSES = ("house-1", "house-2")
VEN_SITES = ("house-3", "house-4")


@dataclass
class Site:
    """A server's and some terminals' folders."""

    folder: Path
    small: SmallScene
    commands: Commands
    system: SystemIdentifier
    server: Path
    terminals: dict[str, Path] = field(default_factory=dict)

    def identifier(self, name: str) -> TerminalIdentifier:
        return TerminalIdentifier(self.system, name)

    def write(self, name: str, kind: str, server: str, *, records: int) -> None:
        """Write a terminal's configuration; its identity is enrolled."""
        text = f"""
terminal = "{self.identifier(name)}"
kind = "{kind}"
database = "terminal.db"
server = "{server}"
[runs]
records = {records}
[chain]
pause_s = 0.1
{_network(self.small.network)}"""
        (self.terminals[name] / "terminal.toml").write_text(text)


def _network(network: Network) -> str:
    trusted = ", ".join(f'{msp_id} = "{folder}"' for msp_id, folder in authorities(network).items())
    return f'[network]\nconnection = "connection.json"\nauthorities = {{ {trusted} }}\n'


@pytest.fixture(scope="session")
async def site(exchange_network: Network, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Site]:
    folder = tmp_path_factory.mktemp("response")
    async with small_scene(exchange_network, SystemIdentifier("88.9542"), "response") as small:
        server = folder / "server"
        server.mkdir()
        write_connection(
            server / "connection.json",
            exchange_network.connection(org="org1", user=small.users["one"], chaincode=CHAINCODE),
        )
        (server / "server.toml").write_text(
            f"""
system = "{small.systems["one"]}"
database = "server.db"
[chain]
pause_s = 0.1
[demand]
window = 4
excess_percent = 20
[openadr]
share_per_mille = 100
{_network(exchange_network)}"""
        )
        commands = Commands(exchange_network)
        site = Site(folder, small, commands, small.systems["one"], server / "server.toml")
        for house in HOUSES:
            for kind in ("iot", "user"):
                name = f"{house}.{kind}"
                site.terminals[name] = folder / name
                site.terminals[name].mkdir()
                connection = await asyncio.to_thread(
                    enrol, exchange_network, "org2", f"response-{name}", Role.TERMINAL
                )
                write_connection(site.terminals[name] / "connection.json", connection)
                words = ("--kind", kind, "--site", house, "--config", site.server)
                file = site.terminals[name] / "connection.json"
                await commands("response", "register", site.identifier(name), "--connection", file, *words)
        yield site


@asynccontextmanager
async def serving(config: Path) -> AsyncIterator[str]:
    """Serve by `gridledger response server`."""
    program = Path(sys.executable).with_name("gridledger")
    process: Process = await asyncio.create_subprocess_exec(
        program, "response", "server", "--config", config, stdout=PIPE
    )
    try:
        assert process.stdout is not None
        line = await asyncio.wait_for(process.stdout.readline(), 120)
        assert line.startswith(b"ready "), line
        yield line.decode().split()[1]
    finally:
        process.terminate()
        assert await asyncio.wait_for(process.wait(), 120) == 0


def _readings(folder: Path, loads: list[int]) -> Path:
    file = folder / "readings.csv"
    # The last full hours, so that a demand a day after a peak is still to come.
    first = (int(time.time() * 1000) // HOUR_MS - len(loads)) * HOUR_MS
    file.write_text("".join(f"{first + hour * HOUR_MS},3600,{load}\n" for hour, load in enumerate(loads)))
    return file


@pytest.mark.timeout(600)
async def test_records_are_anchored_by_both_sides_and_proven_offline(site: Site) -> None:
    ledger = ResponseLedger(site.small.parties["auditor"].network)
    loads = [1000, 1100, 900, 1000, 3000, 1000, 1000]
    async with serving(site.server) as url:
        for house, records in zip(HOUSES, (1, 4), strict=True):
            name = f"{house}.iot"
            site.write(name, "iot", url, records=records)
            config = ("--config", site.terminals[name] / "terminal.toml")
            readings = _readings(site.terminals[name], loads)
            status = await site.commands("response", "terminal", "--readings", readings, "--once", *config)
            assert status["records"]["chain-success"] == len(loads)
        await _until_agreed(ledger, [site.identifier(f"{house}.iot") for house in HOUSES], len(loads))

        demands = await site.commands("response", "demand", "--derive", "--config", site.server)
        (demand,) = demands
        assert demand["load_wh"] == 6000
        name = f"{HOUSES[0]}.user"
        site.write(name, "user", url, records=1)
        await _answer(site, name)
        await _until_agreed(ledger, [site.identifier(name)], 1)
        await _let_vens_take_part(site, ledger, url)

    picture = ("--plot", site.folder / "report.svg")
    report = await site.commands("response", "report", demand["id"], *picture, "--config", site.server)
    assert (site.folder / "report.svg").read_text().rstrip().endswith("</svg>")
    promised = {row["site"]: row["promised_wh"] for row in report}
    assert promised == {
        HOUSES[0]: demand["reduction_wh"] * 59 // 1000,
        HOUSES[1]: None,
        "house-3": demand["reduction_wh"] // 10,
        "house-4": 250,
    }
    # The only day before is the peak itself; the VEN has sent no loads.
    assert {row["site"]: row["baseline_wh"] for row in report} == dict.fromkeys(HOUSES, 3000) | {
        **dict.fromkeys(VEN_SITES)
    }
    assert {row["actual_wh"] for row in report} == {None}

    await _watch(site.terminals[name] / "terminal.toml")
    block, out = site.folder / "genesis.block", site.folder / "record.json"
    party = ("--dir", site.small.network.directory, "--org", "org1", "--user", site.small.users["auditor"])
    await site.commands("catalogue", "trust", "--out", block, *party)
    config = ("--config", site.terminals[f"{HOUSES[1]}.iot"] / "terminal.toml")
    await site.commands("response", "prove", 6, "--out", out, *config)
    verified = await site.commands("response", "verify", out, "--trust", block)
    assert (verified["state"], verified["number"]) == ("agreement", 6)
    assert '"energy_wh":1000' in verified["data"]
    assert verified["read_by"] == "Org1MSP, Org2MSP"

    of_ven = ("--terminal", site.identifier("ven-3.user"), "--config", site.server)
    await site.commands("response", "prove", 1, "--out", site.folder / "ven.json", *of_ven)
    verified = await site.commands("response", "verify", site.folder / "ven.json", "--trust", block)
    assert (verified["state"], verified["number"]) == ("server-alone", 1)

    trust = ConfiguredTrust.from_block(block.read_bytes())
    _refuse_forged(RecordProof.from_bytes(out.read_bytes()), trust)
    await _prove_without_rows(site, f"{HOUSES[1]}.iot", len(loads), trust)


async def _watch(config: Path) -> None:
    """Look at the live status twice."""
    program = Path(sys.executable).with_name("gridledger")
    watch = ("--watch", "--every", "0.1", "--times", "2", "--json", "--config", config)
    process: Process = await asyncio.create_subprocess_exec(
        program, "response", "status", *watch, stdout=PIPE
    )
    shown, _ = await asyncio.wait_for(process.communicate(), 120)
    assert process.returncode == 0
    assert [json.loads(line)["records"]["chain-success"] for line in shown.splitlines()] == [1, 1]


async def _prove_without_rows(site: Site, name: str, records: int, trust: ConfiguredTrust) -> None:
    """Clean everything: what was exported before is proven all the same, by whoever has the file."""
    config = ("--config", site.terminals[name] / "terminal.toml")
    runs, out = site.folder / "runs", site.folder / "exported.json"
    exported = await site.commands("response", "export", runs, *config)
    assert (exported["runs"], exported["records"]) == (2, records)
    cleaned = await site.commands("response", "clean", "--age", 0, *config)
    assert cleaned == {"deleted": records}
    await site.commands("response", "prove", 6, "--out", out, *config, code=76)

    run = runs / str(site.system) / name / "0000000005.json"
    (site.terminals[name] / "terminal.db").unlink()
    await site.commands("response", "prove", 6, "--run", run, "--out", out, *config)
    verified = verify_record(RecordProof.from_bytes(out.read_bytes()), trust)
    assert (verified.number, verified.state) == (6, "agreement")
    assert RunExport.from_bytes(run.read_bytes()).record(6).data == verified.data

    await site.commands("response", "prove", 4, "--run", run, "--out", out, *config, code=76)
    text = run.read_text()
    run.write_text(text.replace(base64(verified.data), base64(verified.data.replace(b"1000", b"9000"))))
    assert run.read_text() != text
    await site.commands("response", "prove", 6, "--run", run, "--out", out, *config, code=78)


async def _let_vens_take_part(site: Site, ledger: ResponseLedger, url: str) -> None:
    """Let VENs of others answer: the server anchors for them, and the ledger says that it alone did."""
    command = ("response", "ven-add", "--kind", "user", "--config", site.server)
    house = await site.commands(*command, "ven-3", "--site", "house-3")
    building = await site.commands(*command, "ven-4", "--site", "house-4")
    listed = await site.commands("response", "ven-list", "--config", site.server)
    assert listed == [{"client": "ven-3", "site": "house-3"}, {"client": "ven-4", "site": "house-4"}]
    await asyncio.to_thread(take_part_by_3_1, url, house)
    assert await take_part_by_3_0(url, building) == 1
    terminal = site.identifier("ven-3.user")
    async with asyncio.timeout(120):
        while await ledger.head(terminal, AnchorSide.SERVER) < 1:  # noqa: ASYNC110 (a ledger's)
            await asyncio.sleep(0.2)
    (run,) = (await ledger.runs(terminal)).runs
    assert (run.state, run.missing) == ("server-alone", ())
    assert await ledger.head(terminal, AnchorSide.TERMINAL) == 0
    await site.commands("response", "ven-remove", "ven-4", "--config", site.server)


def _refuse_forged(proof: RecordProof, trust: ConfiguredTrust) -> None:
    """Check that no part of a proof can be exchanged."""
    from dataclasses import replace

    other = replace(proof.record, number=proof.record.number - 1)
    for forged in (
        replace(proof, data=b"{}"),
        replace(proof, salt=bytes(16)),
        replace(proof, record=other),
        replace(proof, inclusion=replace(proof.inclusion, index=0)),
        replace(proof, reading=replace(proof.reading, response=proof.reading.response + b"\x00")),
        replace(proof, anchoring=replace(proof.anchoring, previous_hash=bytes(32))),
    ):
        with pytest.raises(ProofRefused):
            verify_record(forged, trust)


async def _answer(site: Site, name: str) -> None:
    """Run a user terminal until its reply is anchored."""
    program = Path(sys.executable).with_name("gridledger")
    config = site.terminals[name] / "terminal.toml"
    process = await asyncio.create_subprocess_exec(program, "response", "terminal", "--config", config)
    try:
        async with asyncio.timeout(120):
            while True:
                status = await site.commands("response", "status", "--config", config)
                if status["records"]["chain-success"]:
                    return
                await asyncio.sleep(0.3)
    finally:
        process.terminate()
        await asyncio.wait_for(process.wait(), 120)


async def _until_agreed(ledger: ResponseLedger, terminals: list[TerminalIdentifier], records: int) -> None:
    """Wait until both sides have anchored all records, and check that they agree in all."""
    async with asyncio.timeout(120):
        for terminal in terminals:
            for side in AnchorSide:
                while await ledger.head(terminal, side) < records:  # noqa: ASYNC110 (a ledger's)
                    await asyncio.sleep(0.2)
            page = await ledger.runs(terminal)
            assert {one.state for one in page.runs} == {"agreement"}
            assert sum(one.by_server.run.count for one in page.runs if one.by_server) == records
