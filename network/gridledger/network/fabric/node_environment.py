"""What Fabric's nodes find in their environment beside their configuration."""

from __future__ import annotations

__all__ = ["NODE_ENVIRONMENT"]

NODE_ENVIRONMENT: dict[str, str] = {
    # What these say at level info is a line or more per message.
    "FABRIC_LOGGING_SPEC": "info:grpc=error:comm.grpc.server=warn:endorser=warn:gossip=warn",
    "FABRIC_LOGGING_FORMAT": "%{time:2006-01-02T15:04:05.000} %{level} [%{module}] %{message}",
    # A node that has little in memory would collect its garbage many times a second: a tenth of its CPU.
    "GOGC": "400",
}
"""Logs readable without a terminal, and short; memory for CPU."""
