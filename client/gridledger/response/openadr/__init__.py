"""OpenADR 3 at a server of demand response: existing virtual end nodes (VENs) take part as they are.

A demand is an event, a report of a VEN is records of its terminals: `event` and `report` map them, `vtn` has
the operations, `application` serves them under `/openadr3/3.0.1` and `/openadr3/3.1.0`.
"""

from __future__ import annotations

from gridledger.response.openadr.clients import VenClient, VenClients
from gridledger.response.openadr.edition import Edition
from gridledger.response.openadr.settings import OpenAdrSettings
from gridledger.response.openadr.vtn import Vtn

__all__ = ["Edition", "OpenAdrSettings", "VenClient", "VenClients", "Vtn"]
