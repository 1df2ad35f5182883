"""The server of demand response: a business module, a database and a chain module."""

from __future__ import annotations

from gridledger.response.server.store import ServerStore

__all__ = ["ServerStore"]
