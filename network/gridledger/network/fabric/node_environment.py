"""What Fabric's nodes find in their environment beside their configuration."""

from __future__ import annotations

import os

__all__ = ["NODE_ENVIRONMENT"]

NODE_ENVIRONMENT: dict[str, str] = {
    # What these say at level info is a line or more per message.
    "FABRIC_LOGGING_SPEC": "info:grpc=error:comm.grpc.server=warn:endorser=warn:gossip=warn",
    "FABRIC_LOGGING_FORMAT": "%{time:2006-01-02T15:04:05.000} %{level} [%{module}] %{message}",
    # A node that has little in memory would collect its garbage many times a second: a tenth of its CPU.
    "GOGC": "400",
    # All nodes share the machine with chaincode and clients. One that may use every core looks for work on
    # them whenever it has none: a quarter of the CPU of a single transaction.
    "GOMAXPROCS": os.environ.get("GOMAXPROCS") or str(max(1, (os.cpu_count() or 1) // 2)),
}
"""Logs readable without a terminal, and short; memory for CPU; half of the cores for a node."""
