"""What processes count: names by Prometheus's conventions, labels of few values, nobody named."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from gridledger.host.metrics import REGISTRY
from gridledger.host.metrics_listener import read_address
from gridledger.model.errors import ConfigError
from gridledger.web.access import count_request

ROOT = Path(__file__).parents[3]
NOT_METRICS = re.compile(r"\"[^\"]*\"|\{[^}]*\}|\b(by|on|without)\s*\([^)]*\)")
FUNCTIONS = {"rate", "sum", "max", "min", "histogram_quantile", "time", "m"}
BOARD = ROOT / "docs" / "grafana-board.json"
LABELS = {"version", "method", "route", "status", "code", "outcome", "reason", "level", "le"}
UNITS = ("_seconds", "_bytes", "_total", "_info", "_number", "_in_flight", "_running", "_fds")
FABRIC = {
    # Published in "Metrics Reference" of Hyperledger Fabric 3.1.
    "ledger_blockchain_height",
    "ledger_block_processing_time_bucket",
    "ledger_transaction_count",
    "gossip_state_height",
    "endorser_proposals_received",
    "endorser_successful_proposals",
    "endorser_endorsement_failures",
    "broadcast_processed_count",
    "consensus_BFT_leader_id",
    "consensus_BFT_is_leader",
    "consensus_BFT_cluster_size",
    "consensus_BFT_committed_block_number",
    "consensus_BFT_view_number",
    "process_resident_memory_bytes",
    "process_cpu_seconds_total",
}


def _families() -> dict[str, set[str]]:
    """Return the names that samples and series of our registry have, with their labels."""
    names: dict[str, set[str]] = {}
    for family in REGISTRY.collect():
        suffixes = {"counter": ["_total"], "histogram": ["_bucket", "_count", "_sum"]}.get(family.type, [""])
        for suffix in suffixes:
            names.setdefault(family.name + suffix, set())
        for sample in family.samples:
            names.setdefault(sample.name, set()).update(sample.labels)
    return names


def test_names_and_labels_follow_the_conventions() -> None:
    for family in REGISTRY.collect():
        assert re.fullmatch(r"(gridledger|process)_[a-z][a-z0-9_]*", family.name)
        assert family.documentation
        name = family.name + ("_total" if family.type == "counter" else "")
        assert name.endswith(UNITS), name
    assert {label for labels in _families().values() for label in labels} <= LABELS


def test_what_is_written_is_read_by_prometheus_own_parser() -> None:
    text = generate_latest(REGISTRY).decode()
    read = {family.name for family in text_string_to_metric_families(text)}
    assert "gridledger_http_requests" in read
    assert "gridledger_build" in read or "gridledger_build_info" in read


def test_paths_and_methods_that_callers_make_up_are_no_labels() -> None:
    for number in range(5):
        count_request(
            method=f"M{number}", route="", status=404, code="GL-SRV-000", received=0, sent=1, seconds=0.1
        )
    text = generate_latest(REGISTRY).decode()
    assert 'method="other",route="none"' in text
    assert 'method="M1"' not in text


@pytest.mark.parametrize(
    ("text", "address"),
    [("9464", ("127.0.0.1", 9464)), ("0.0.0.0:1", ("0.0.0.0", 1)), ("[::1]:70", ("::1", 70))],  # noqa: S104
)
def test_address_is_read(text: str, address: tuple[str, int]) -> None:
    assert read_address(text) == address


@pytest.mark.parametrize("text", ["", "host", ":1", "1:", "host:99999", "host:-1", "host:１"])
def test_address_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ConfigError):
        read_address(text)


def test_board_names_only_metrics_that_there_are() -> None:
    board = json.loads(BOARD.read_text())
    queries = [target["expr"] for panel in board["panels"] for target in panel.get("targets", ())]
    assert len(queries) >= 15
    words = {
        word
        for query in queries
        for word in re.findall(
            r"[a-zA-Z_:][a-zA-Z0-9_:]*",
            re.sub(r"\"[^\"]*\"|\{[^}]*\}|\b(by|on|without)\s*\([^)]*\)", " ", query),
        )
    }
    named = {word for word in words if word not in FUNCTIONS and not re.fullmatch(r"[0-9]+m", word)}
    assert named <= set(_families()) | FABRIC, named - set(_families()) - FABRIC
    ours = {name for name in named if name.startswith("gridledger_")}
    assert len(ours) >= 12
    ids = [panel["id"] for panel in board["panels"]]
    assert len(ids) == len(set(ids))
    assert board["schemaVersion"] >= 39
    assert all(panel["datasource"]["uid"] == "${source}" for panel in board["panels"])
