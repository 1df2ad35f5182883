"""The time mark agent, run in the background of a synchronous program."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import Self

from gridledger.client import time_mark as asynchronous
from gridledger.client.sync.face import Face, awaited, plain
from gridledger.client.sync.network import Network
from gridledger.model.errors import GridLedgerError
from gridledger.model.time_mark import RENEWAL_PERIOD_S, TimeMark

__all__ = ["TimeMarkAgent"]


class TimeMarkAgent(Face[asynchronous.TimeMarkAgent]):
    """See `gridledger.client.TimeMarkAgent`; `on_failure` is called on the background thread."""

    def __init__(
        self,
        network: Network,
        chaincode: str | None = None,
        *,
        period: float = RENEWAL_PERIOD_S,
        on_failure: Callable[[GridLedgerError], None] | None = None,
    ) -> None:
        super().__init__(
            asynchronous.TimeMarkAgent(network.asynchronous, chaincode, period=period, on_failure=on_failure)
        )

    @property
    def last_mark(self) -> TimeMark | None:
        """The time mark as the agent saw it last; none before the first renewal."""
        return self.asynchronous.last_mark

    @property
    def failures(self) -> int:
        """How many renewals have failed since one succeeded."""
        return self.asynchronous.failures

    renew = awaited(asynchronous.TimeMarkAgent.renew)
    wait_marked = awaited(asynchronous.TimeMarkAgent.wait_marked)
    run = awaited(asynchronous.TimeMarkAgent.run)
    start = plain(asynchronous.TimeMarkAgent.start)
    stop = awaited(asynchronous.TimeMarkAgent.stop)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
