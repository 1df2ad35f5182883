"""How Fabric's nodes write their logs."""

from __future__ import annotations

__all__ = ["LOGGING"]

LOGGING: dict[str, str] = {
    # What these say at level info is a line or more per message.
    "FABRIC_LOGGING_SPEC": "info:grpc=error:comm.grpc.server=warn:endorser=warn:gossip=warn",
    "FABRIC_LOGGING_FORMAT": "%{time:2006-01-02T15:04:05.000} %{level} [%{module}] %{message}",
}
"""Part of each node's environment: readable without a terminal, and short."""
