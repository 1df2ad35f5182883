"""What a cluster's processes are and what its NameNode says of itself."""

from __future__ import annotations

import http.client
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from gridledger.host.ports import LOOPBACK
from gridledger.model.errors import FieldValue

__all__ = ["DataNodeStatus", "HdfsStatus", "NameNodeState", "ask_namenode"]

_SECONDS = 2.0
_MAX_BYTES = 4 * 1024 * 1024


@dataclass(frozen=True, kw_only=True)
class NameNodeState:
    """What the NameNode says.

    Attributes
    ----------
    is_safe : bool
        Whether it is in safe mode, that is, waits for blocks and takes no writes.
    live : frozenset of int
        Transfer ports of the DataNodes that it heard of within the stale interval.
    under_replicated, missing : int
        Blocks with fewer copies than wanted, and with none.
    capacity_bytes, remaining_bytes : int
        Of all DataNodes.
    """

    is_safe: bool
    live: frozenset[int]
    under_replicated: int
    missing: int
    capacity_bytes: int
    remaining_bytes: int


@dataclass(frozen=True, kw_only=True)
class DataNodeStatus:
    """One DataNode.

    Attributes
    ----------
    name : str
        `datanode1`, …
    pid : int or None
        Its process, None if it does not run.
    is_live : bool
        Whether the NameNode hears of it.
    """

    name: str
    pid: int | None
    is_live: bool


@dataclass(frozen=True, kw_only=True)
class HdfsStatus:
    """A cluster.

    Attributes
    ----------
    url, web_url : str
        For clients: `hdfs://…`, and WebHDFS.
    namenode_pid : int or None
        None if it does not run.
    state : NameNodeState or None
        None if the NameNode does not answer.
    datanodes : tuple of DataNodeStatus
        In the order of their names.
    """

    url: str
    web_url: str
    namenode_pid: int | None
    state: NameNodeState | None
    datanodes: tuple[DataNodeStatus, ...]

    @property
    def is_healthy(self) -> bool:
        """Whether all run, none is missed and every block has its copies."""
        state = self.state
        if state is None or state.is_safe:
            return False
        return state.under_replicated == state.missing == 0 and all(each.is_live for each in self.datanodes)

    def to_value(self) -> dict[str, FieldValue]:
        """Return it as JSON has it."""
        state: dict[str, FieldValue] | None = None
        if self.state is not None:
            state = {key: each for key, each in asdict(self.state).items() if key != "live"}
        return {
            "url": self.url,
            "web_url": self.web_url,
            "healthy": self.is_healthy,
            "namenode_pid": self.namenode_pid,
            "state": state,
            "datanodes": [{"name": one.name, "pid": one.pid, "live": one.is_live} for one in self.datanodes],
        }


def ask_namenode(port: int) -> NameNodeState | None:
    """Ask a NameNode for its state by its metrics over HTTP; None if it does not answer yet."""
    info = _bean(port, "NameNodeInfo")
    state = _bean(port, "FSNamesystem")
    if info is None or state is None:
        return None
    nodes = json.loads(info["LiveNodes"])
    stale_after_s = 3
    return NameNodeState(
        is_safe=bool(info["Safemode"]),
        live=frozenset(
            int(node["xferaddr"].rpartition(":")[2])
            for node in nodes.values()
            if node["lastContact"] <= stale_after_s
        ),
        under_replicated=int(state["UnderReplicatedBlocks"]),
        missing=int(state["MissingBlocks"]),
        capacity_bytes=int(state["CapacityTotal"]),
        remaining_bytes=int(state["CapacityRemaining"]),
    )


def _bean(port: int, name: str) -> Mapping[str, Any] | None:
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=_SECONDS)
    try:
        connection.request("GET", f"/jmx?qry=Hadoop:service=NameNode,name={name}")
        beans = json.loads(connection.getresponse().read(_MAX_BYTES)).get("beans")
    except (OSError, http.client.HTTPException, ValueError):
        return None
    finally:
        connection.close()
    return beans[0] if beans else None
