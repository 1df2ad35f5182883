"""What became of transactions, counted for Prometheus."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from gridledger.client.errors import OutcomeUnknown
from gridledger.host.metrics import GATEWAY_SECONDS, GATEWAY_TRANSACTIONS
from gridledger.model.errors import ContractError, GridLedgerError

__all__ = ["counted_transaction"]


@contextmanager
def counted_transaction() -> Iterator[None]:
    """Count the transaction that the body makes, by its outcome, and how long it took."""
    begun, outcome = time.perf_counter(), "failed"
    try:
        yield
        outcome = "committed"
    except OutcomeUnknown:
        outcome = "unknown"
        raise
    except ContractError:
        outcome = "refused"
        raise
    except GridLedgerError:
        raise
    finally:
        GATEWAY_TRANSACTIONS.labels(outcome).inc()
        GATEWAY_SECONDS.observe(time.perf_counter() - begun)
