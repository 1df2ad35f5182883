"""The server of demand response: a business module, a database and a chain module."""

from __future__ import annotations

from gridledger.response.server.business import BusinessSettings, ServerBusiness
from gridledger.response.server.demand import DemandRule, Load, PeakRule
from gridledger.response.server.register import DemandRegister
from gridledger.response.server.store import ServerStore

__all__ = [
    "BusinessSettings",
    "DemandRegister",
    "DemandRule",
    "Load",
    "PeakRule",
    "ServerBusiness",
    "ServerStore",
]
