"""Chaincode definitions, changed by calls that wait for their end."""

from __future__ import annotations

from gridledger.client import lifecycle as asynchronous
from gridledger.client.sync.face import Face, awaited
from gridledger.client.sync.network import Network

__all__ = ["Lifecycle"]


class Lifecycle(Face[asynchronous.Lifecycle]):
    """See `gridledger.client.Lifecycle`."""

    def __init__(self, network: Network) -> None:
        super().__init__(asynchronous.Lifecycle(network.asynchronous))

    approve = awaited(asynchronous.Lifecycle.approve)
    readiness = awaited(asynchronous.Lifecycle.readiness)
    commit = awaited(asynchronous.Lifecycle.commit)
    committed = awaited(asynchronous.Lifecycle.committed)
    definition = awaited(asynchronous.Lifecycle.definition)
    approve_committed = awaited(asynchronous.Lifecycle.approve_committed)
    approved_package = awaited(asynchronous.Lifecycle.approved_package)
