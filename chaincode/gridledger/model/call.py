"""What stands under a call key: the row that makes a call happen once."""

from __future__ import annotations

from typing import Annotated

from pydantic import StringConstraints

from gridledger.model.record import Record, record
from gridledger.model.states import CallState

__all__ = ["Call", "CallKey"]

CallKey = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]{1,64}$")]
"""A call key, chosen by the caller and unique within its MSP; random is best."""


@record("call/1")
class Call(Record):
    """A call that was done or cancelled under a call key; the first ordered wins."""

    state: CallState
    """Done or cancelled; nothing stands there before."""

    tx_id: str
    """Transaction that did or cancelled it."""

    function: str
    """What was called, `contract:Function`; for a cancelled call the canceller."""
