"""CPU of chaincode processes: our shim, the contract layer on it, the official Node shim.

By turns on one network, without TLS between peer and chaincode.

    python -m tests.bench.shim_bench [--world fabric] [--record]
"""

from __future__ import annotations

import asyncio
from statistics import median

from tests.bench.foreign import foreign_chaincode
from tests.bench.ground import BOTH, NODE_FOLDER, Ground, chaincode_ms, options
from tests.bench.load import Load
from tests.bench.report import Report
from tests.nodejs import NodeProgram

from gridledger.network import World

_WARM_UP = 1500
_NAMES = ("our shim", "our shim, contract layer", "Node shim")


async def _run(
    ground: Ground, pids: dict[str, list[int]], transactions: int, rounds: int, in_flight: int
) -> dict[str, list[float]]:
    workspace = ground.folder / "node"
    workspace.mkdir()
    command = NodeProgram(NODE_FOLDER, workspace).command("put_chaincode.mjs")
    connection = ground.network.connection(org="org1", user="user1", chaincode="bare")
    chaincodes = dict(zip(_NAMES, (("bare", None), ("contract", "bench"), ("node", None)), strict=True))
    log = ground.folder / "node-shim.log"
    node = foreign_chaincode(
        ground.network, "node", command, policy=BOTH, probe=("Put", "probe", "1"), log=log
    )
    found: dict[str, list[float]] = {name: [] for name in _NAMES}
    async with node as node_pids:
        pids = {**pids, "Node shim": node_pids}
        for number in range(-1, rounds):
            for name, (chaincode, contract) in chaincodes.items():
                load = Load(
                    connection=connection,
                    chaincode=chaincode,
                    contract=contract,
                    function="Put",
                    transactions=_WARM_UP if number < 0 else transactions,
                    warm_up=0,
                    in_flight=in_flight,
                    prefix=f"r{number}.",
                )
                used = await chaincode_ms(pids[name], load)
                if number >= 0:
                    found[name].append(used)
    return found


def main() -> None:
    """Measure and report."""
    given = options(__doc__ or "", world=World.FABRIC, transactions=1000, rounds=5)
    with Ground.open(given) as ground:
        pids = {
            "our shim": ground.deploy("bare", "BareBench", tls=False),
            "our shim, contract layer": ground.deploy("contract", "ContractBench", tls=False),
        }
        found = asyncio.run(_run(ground, pids, given.transactions, given.rounds, given.in_flight))
        report = Report(
            target="bench-shim",
            title="Shim: chaincode CPU of one put, both organisations, without TLS",
            world=ground.world,
            machine=ground.machine,
            headers=("chaincode", "CPU ms/tx, both organisations", "rounds"),
        )
        for name in _NAMES:
            report.row(name, f"{median(found[name]):.2f}", ", ".join(f"{each:.2f}" for each in found[name]))
        ours, contract, node = (found[name] for name in _NAMES)
        ratios = [one / other for one, other in zip(ours, node, strict=True)]
        report.compare("shim CPU against the Node shim's", median(ratios), "<=", 0.6)
        added = [one - other for one, other in zip(contract, ours, strict=True)]
        report.compare("the contract layer adds, both organisations", median(added), "<=", 0.2, " ms")
        report.note(f"Medians of {given.rounds} rounds of {given.transactions} transactions, by turns.")
        report.finish(record=given.record)


if __name__ == "__main__":
    main()
