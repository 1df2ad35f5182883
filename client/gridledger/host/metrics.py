"""What our processes count, by the names under which Prometheus reads it.

Labels take few values, and none that names a person, a device, an account or a key: who reads metrics reads
how much happens, never whose it is.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from importlib.metadata import version
from itertools import accumulate
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

__all__ = [
    "CHAINCODE",
    "FOLLOWED_BLOCK",
    "GATEWAY_RETRIES",
    "GATEWAY_SECONDS",
    "GATEWAY_TRANSACTIONS",
    "HTTP_IN_FLIGHT",
    "HTTP_RECEIVED_BYTES",
    "HTTP_REFUSALS",
    "HTTP_REQUESTS",
    "HTTP_SECONDS",
    "HTTP_SENT_BYTES",
    "LAKE_AGENT_RESULTS",
    "LOG_MESSAGES",
    "READ_MODEL_BLOCK",
    "REGISTRY",
    "TIME_MARK",
    "TIME_MARK_RENEWALS",
    "TransactionTally",
]

REGISTRY: Final = CollectorRegistry()
"""All of this process's metrics, with CPU, memory and open files."""

_SHORT_S: Final = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 30.0)
_LONG_S: Final = (0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0)

ProcessCollector(registry=REGISTRY)

_BUILD: Final = Gauge(
    "gridledger_build_info", "Which release runs: always 1.", ["version"], registry=REGISTRY
)
_BUILD.labels(version("gridledger")).set(1)

HTTP_REQUESTS: Final = Counter(
    "gridledger_http_requests_total",
    "Requests answered, by the template of their path.",
    ["method", "route", "status"],
    registry=REGISTRY,
)
HTTP_REFUSALS: Final = Counter(
    "gridledger_http_refusals_total", "Requests refused, by the error's code.", ["code"], registry=REGISTRY
)
HTTP_SECONDS: Final = Histogram(
    "gridledger_http_request_duration_seconds",
    "From a request's head to its signed reply.",
    ["route"],
    buckets=_SHORT_S,
    registry=REGISTRY,
)
HTTP_IN_FLIGHT: Final = Gauge("gridledger_http_requests_in_flight", "Requests under way.", registry=REGISTRY)
HTTP_RECEIVED_BYTES: Final = Counter(
    "gridledger_http_received_bytes_total", "Bytes of request bodies.", registry=REGISTRY
)
HTTP_SENT_BYTES: Final = Counter(
    "gridledger_http_sent_bytes_total", "Bytes of reply bodies.", registry=REGISTRY
)

GATEWAY_TRANSACTIONS: Final = Counter(
    "gridledger_gateway_transactions_total",
    "Transactions that this process sent, by outcome: committed, refused, failed, unknown.",
    ["outcome"],
    registry=REGISTRY,
)
GATEWAY_RETRIES: Final = Counter(
    "gridledger_gateway_retries_total",
    "Transactions made anew: after a conflict, or where peers endorsed differently.",
    ["reason"],
    registry=REGISTRY,
)
GATEWAY_SECONDS: Final = Histogram(
    "gridledger_gateway_transaction_duration_seconds",
    "From proposal to outcome.",
    buckets=_LONG_S,
    registry=REGISTRY,
)


class TransactionTally(Collector):
    """Transactions that peers had executed, by outcome: answered, refused, failed, cancelled.

    Notes
    -----
    For one thread that counts. The library's own counters lock, and took a tenth of a small transaction's
    processor time.
    """

    def __init__(self) -> None:
        self.running = 0
        """How many are being executed."""
        self._outcomes = dict.fromkeys(("answered", "refused", "failed", "cancelled"), 0)
        self._buckets = [0] * (len(_SHORT_S) + 1)
        self._seconds = 0.0

    def ended(self, outcome: str, seconds: float) -> None:
        """Count a transaction, from its message to its answer."""
        self._outcomes[outcome] += 1
        self._buckets[bisect_left(_SHORT_S, seconds)] += 1
        self._seconds += seconds

    def collect(self) -> Iterable[Metric]:
        """Return the metrics as they stand."""
        name = "gridledger_chaincode_transactions"
        counted = CounterMetricFamily(
            name, "Transactions that a peer had executed, by outcome.", labels=["outcome"]
        )
        for outcome, number in self._outcomes.items():
            counted.add_metric([outcome], number)
        bounds = (*map(floatToGoString, _SHORT_S), "+Inf")
        yield counted
        yield HistogramMetricFamily(
            "gridledger_chaincode_transaction_duration_seconds",
            "From a transaction's message to its answer.",
            buckets=list(zip(bounds, accumulate(self._buckets), strict=True)),
            sum_value=self._seconds,
        )
        yield GaugeMetricFamily(f"{name}_running", "Transactions being executed.", value=self.running)


CHAINCODE: Final = TransactionTally()
REGISTRY.register(CHAINCODE)

FOLLOWED_BLOCK: Final = Gauge(
    "gridledger_followed_block_number",
    "Last block whose events or entries this process has taken.",
    registry=REGISTRY,
)
READ_MODEL_BLOCK: Final = Gauge(
    "gridledger_read_model_block_number", "Last block that the read model holds.", registry=REGISTRY
)
TIME_MARK: Final = Gauge(
    "gridledger_time_mark_timestamp_seconds",
    "The ledger's time mark as this process saw it last, in seconds since 1970.",
    registry=REGISTRY,
)
TIME_MARK_RENEWALS: Final = Counter(
    "gridledger_time_mark_renewals_total",
    "Renewals of the time mark, by outcome: done, failed.",
    ["outcome"],
    registry=REGISTRY,
)
LAKE_AGENT_RESULTS: Final = Counter(
    "gridledger_lake_agent_results_total",
    "What an owner's or custodian's agent did, by outcome: done, refused.",
    ["outcome"],
    registry=REGISTRY,
)
LOG_MESSAGES: Final = Counter(
    "gridledger_log_messages_total", "Lines logged, by level.", ["level"], registry=REGISTRY
)
