"""Demand response after CN115334117A: terminals, their server, and the chain beside the business path.

A record is accepted by a terminal in one SQLite transaction, sent to the server, answered, and anchored by
both sides, each in its own time: `state` has the states and transitions as one table, `terminal` and `server`
the two programs, `chain_module` what both anchor with, `certificate` the proof for a third party.
"""

from __future__ import annotations

from gridledger.response.chain_module import ChainModule, ChainSettings
from gridledger.response.state import Happening, RecordState, Side, next_state

__all__ = [
    "ChainModule",
    "ChainSettings",
    "Happening",
    "RecordState",
    "Side",
    "next_state",
]
