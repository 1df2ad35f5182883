"""CPU time of a running exchange, by what its processes are."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

from tests.bench.ground import Ground
from tests.bench.machine import cpu_seconds
from tests.integration.exchange import CHAINCODE

from gridledger.exchange.demo.scene import Scene

__all__ = ["ProcessGroups"]


@dataclass(frozen=True, kw_only=True)
class ProcessGroups:
    """Processes that a query keeps busy, by name of their group."""

    pids: Mapping[str, tuple[int, ...]]

    @classmethod
    def of(cls, ground: Ground, scene: Scene) -> ProcessGroups:
        """Find the processes; the application's runs the aggregation system, too, and the benchmark."""
        chaincode = {
            ground.network.chaincode_component(CHAINCODE, one.name) for one in ground.network.organisations
        }
        running = {one.name: one.pid for one in ground.network.status().components if one.pid is not None}
        return cls(
            pids={
                "application": (os.getpid(),),
                "owners": tuple(scene.servers.pids.values()),
                "chaincode": tuple(pid for name, pid in running.items() if name in chaincode),
                "network": tuple(pid for name, pid in running.items() if name not in chaincode),
            }
        )

    def cpu_s(self) -> dict[str, float]:
        """Return the CPU seconds that each group has used so far."""
        return {name: sum(cpu_seconds(pid) for pid in pids) for name, pids in self.pids.items()}
