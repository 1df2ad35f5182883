"""A line of an order with all that its owner checks before it delivers."""

from __future__ import annotations

from gridledger.model.record import ModelValue, value
from gridledger.model.resolution import Request, TargetSystem
from gridledger.model.system import Agent
from gridledger.model.trade import Hold, Order

__all__ = ["PaidLine"]


@value
class PaidLine(ModelValue):
    """An order's line, its committed hold, and the resolution behind it."""

    order: Order
    hold: Hold
    request: Request
    """Who asked, in which role, for what."""
    agent: Agent
    """Of the data application: who may fetch."""
    target: TargetSystem
    """What is to be delivered: its forwarded fields and periods."""
    signature: bytes | None = None
    """The application's, over the request."""
