"""A user's or an IoT terminal: a business module, a local database and a chain module."""

from __future__ import annotations

from gridledger.response.terminal.business import Business
from gridledger.response.terminal.store import RunSettings, TerminalStore

__all__ = ["Business", "RunSettings", "TerminalStore"]
